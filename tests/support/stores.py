"""Migrated databases for tests: one template per run, a copy per test."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Coroutine
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import asyncpg

from desk.store import migrate
from tests.support.services import PostgresServer

T = TypeVar("T")

_TEMPLATE = "breakwater_template"


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in a loop of its own."""
    return asyncio.run(coroutine)


class SqliteTemplate:
    """A migrated file; a copy costs a few milliseconds."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "template.sqlite3"
        run(migrate(f"sqlite:{self._file}"))

    def copy(self, target: Path) -> str:
        """Copy the template and give the copy's URL."""
        shutil.copyfile(self._file, target)
        return f"sqlite:{target}"


class PostgresTemplate:
    """A migrated database on a server; copies are made from it."""

    def __init__(self, server: PostgresServer) -> None:
        self.server = server
        self._numbers = count(1)
        self._suffix = str(id(self))
        run(self._execute(f"CREATE DATABASE {self._name}"))
        run(migrate(server.database_url(self._name)))

    @property
    def _name(self) -> str:
        return f"{_TEMPLATE}_{self._suffix}"

    def copy(self) -> str:
        """Create a database from the template and give its URL."""
        name = f"test_{self._suffix}_{next(self._numbers)}"
        run(self._execute(f"CREATE DATABASE {name} TEMPLATE {self._name}"))
        return self.server.database_url(name)

    def drop(self, url: str) -> None:
        """Remove a copy, whoever is still connected."""
        run(self._execute(f"DROP DATABASE IF EXISTS {url.rsplit('/', 1)[1]} WITH (FORCE)"))

    def close(self) -> None:
        """Remove the template."""
        run(self._execute(f"DROP DATABASE IF EXISTS {self._name} WITH (FORCE)"))

    async def _execute(self, sql: str) -> None:
        connection: Any = await asyncpg.connect(self.server.database_url("postgres"), timeout=10)
        try:
            await connection.execute(sql)
        finally:
            await connection.close()
