"""Where the database is: a URL, read once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from desk.store.connection import Dialect
from trading.errors import BadSetting


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """A database: a file for SQLite, a URL for PostgreSQL."""

    dialect: Dialect
    path: Path = Path()
    url: str = ""

    @property
    def shown(self) -> str:
        """How people see it: without a password."""
        if self.dialect is Dialect.SQLITE:
            return str(self.path)
        parts = urlsplit(self.url)
        return f"{parts.hostname or 'local socket'}:{parts.port or 5432}{parts.path}"


def locate(url: str) -> Location:
    """Read `sqlite:PATH`, `sqlite://PATH` or `postgres://user@host/name`.

    Raises:
        BadSetting: the URL names no database that we can use.
    """
    scheme, _, rest = url.partition(":")
    if scheme == "sqlite":
        path = rest.removeprefix("//") if rest.startswith("//") else rest
        if path and ":memory:" not in path:
            return Location(dialect=Dialect.SQLITE, path=Path(path).expanduser())
        raise BadSetting(
            f"Database URL '{url}' names no file; sqlite:PATH is allowed.",
            hint="For example sqlite:data/breakwater.sqlite3.",
        )
    if scheme in ("postgres", "postgresql") and rest.startswith("//"):
        return Location(dialect=Dialect.POSTGRES, url=f"postgres:{rest}")
    shown = f"{scheme}:…" if rest else url
    raise BadSetting(
        f"Database URL '{shown}' was given; sqlite:PATH or postgres://user@host:port/name is allowed.",
        hint="Correct the setting.",
    )
