"""Which migrations there are and which were applied, without loading the machinery that applies them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from desk.store.connection import Connection, Dialect
from trading.errors import StoreProblem

#: The name under which Tortoise records our migrations.
APP = "models"

#: Source tree, or wheel (pyproject.toml maps the folder to that name).
_PACKAGES = ("migrations", "breakwater_migrations")


@cache
def migrations_folder() -> Path:
    """Find the migrations beside the package `desk`, in a source tree or as installed.

    Raises:
        StoreProblem: they are not there.
    """
    root = Path(__file__).resolve().parents[2]
    for name in _PACKAGES:
        if any((root / name).glob("0*.py")):
            return root / name
    raise StoreProblem(
        f"No migrations are beside {root / 'desk'}; one of {', '.join(_PACKAGES)} was expected.",
        hint="Install the package again.",
    )


def known_migrations() -> Sequence[str]:
    """Give the names of the migrations of this version, in order."""
    return sorted(path.stem for path in migrations_folder().glob("0*.py"))


async def applied_migrations(tx: Connection) -> Sequence[str]:
    """Give the names of the migrations that the database has had; none where it is empty."""
    catalogue = (
        "SELECT 1 FROM sqlite_master WHERE name = ?"
        if tx.dialect is Dialect.SQLITE
        else "SELECT 1 FROM pg_catalog.pg_tables WHERE tablename = ?"
    )
    if not await tx.rows(catalogue, "tortoise_migrations"):
        return ()
    rows = await tx.rows("SELECT name FROM tortoise_migrations WHERE app = ?", APP)
    return sorted(str(row[0]) for row in rows)
