"""The real store on a database in memory, without threads: every repository, every statement, no disk.

For histories by the thousand. It passes the store's own contract because it is the store; only the file is missing.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from desk.clock import Clock
from desk.store import SqlStore
from desk.store.connection import Dialect, Row
from desk.store.location import Location
from desk.store.sqlite import SqliteConnection, SqliteThread
from desk.store.transaction import Failures, Transactions

T = TypeVar("T")


class _Inline(SqliteThread):
    """A connection whose calls run where they are made."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._path = Path(":memory:")
        self._is_reader = False
        self._patience_s = 0.0
        self._connection = connection

    async def call(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run work at once."""
        assert self._connection is not None
        try:
            return work(self._connection)
        except sqlite3.Error as error:
            raise self.problem(error) from error

    async def call_to_the_end(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run work at once."""
        return await self.call(work)

    async def close(self) -> None:
        """Forget everything."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class MemoryDatabase:
    """One connection for everybody; a reader waits for the writer."""

    dialect = Dialect.SQLITE

    def __init__(self, template: Path) -> None:
        memory = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        with sqlite3.connect(template) as source:
            source.backup(memory)
        source.close()
        self._thread = _Inline(memory)
        self._gate = asyncio.Lock()

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[SqliteConnection]:
        """Open a transaction."""
        async with self._gate:
            connection = SqliteConnection(self._thread, is_writing=True)
            try:
                await self._thread.call(lambda one: one.execute("BEGIN IMMEDIATE"))
                yield connection
                await connection.commit()
            except BaseException:
                await connection.rollback()
                raise
            finally:
                connection.finish()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[SqliteConnection]:
        """Read; writes are refused by the tests of the real thing."""
        async with self._gate:
            connection = SqliteConnection(self._thread)
            try:
                yield connection
            finally:
                connection.finish()

    async def glance(self, sql: str, values: Sequence[Any]) -> Sequence[Row]:
        """Run a statement; like a reader, it waits for the writer."""
        async with self.reading() as connection:
            return await connection.rows(sql, *values)

    async def close(self) -> None:
        """Forget everything."""
        await self._thread.close()


def memory_store(template: Path, clock: Clock) -> SqlStore:
    """Give a store in memory with the schema of a migrated file."""
    return SqlStore(
        Transactions(MemoryDatabase(template), Failures(clock, None)),
        Location(dialect=Dialect.SQLITE, path=Path("memory")),
        clock,
    )
