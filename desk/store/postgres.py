"""PostgreSQL: a pool whose connections are given back in every case, and terminated when they failed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import asyncpg

from desk.ending import ended
from desk.errors import StoreBusy
from desk.store.connection import Connection, Dialect, Row, encode
from desk.store.postgres_glances import PostgresGlances
from desk.store.postgres_pool import PostgresPool
from desk.store.postgres_wire import AWAY, numbered, translated
from trading.errors import StoreProblem


class PostgresConnection(Connection):
    """A pooled connection, in one transaction."""

    dialect = Dialect.POSTGRES

    def __init__(self, raw: Any, *, is_writing: bool) -> None:
        super().__init__(is_writing=is_writing)
        self.raw = raw

    async def rows(self, sql: str, *values: Any) -> Sequence[Row]:
        """Run a statement and give its rows."""
        self._guard()
        encoded = encode(self.dialect, values)
        with translated():
            found: Sequence[Row] = await self.raw.fetch(numbered(sql), *encoded)
        return found

    async def change(self, sql: str, *values: Any) -> int:
        """Run a statement and give how many rows it changed."""
        self._guard()
        encoded = encode(self.dialect, values)
        with translated():
            status: str = await self.raw.execute(numbered(sql), *encoded)
        changed = status.rsplit(" ", 1)[-1]
        return int(changed) if changed.isdigit() else 0

    async def write(self, sql: str, *values: Any) -> None:
        """Run a statement."""
        await self.change(sql, *values)

    async def write_many(self, sql: str, rows: Iterable[Sequence[Any]], *, are_plain: bool = False) -> None:
        """Run a statement once per row, in one round trip."""
        self._guard()
        encoded = list(rows) if are_plain else [encode(self.dialect, one) for one in rows]
        with translated():
            await self.raw.executemany(numbered(sql), encoded)

    async def copy(self, table: str, columns: Sequence[str], records: Iterable[Sequence[Any]]) -> None:
        """Send many rows by COPY."""
        self._guard()
        with translated():
            await self.raw.copy_records_to_table(table, records=records, columns=columns)


class PostgresDatabase:
    """A pool that heals: a connection whose BEGIN fails is terminated, and the next one is tried."""

    dialect = Dialect.POSTGRES

    def __init__(self, url: str, *, acquire_timeout_s: float, pool_size: int) -> None:
        self._acquire_timeout_s = acquire_timeout_s
        self._pool = PostgresPool(url, size=pool_size, connect_timeout_s=acquire_timeout_s)
        self._glances = PostgresGlances(url, connect_timeout_s=acquire_timeout_s)

    async def glance(self, sql: str, values: Sequence[Any]) -> Sequence[Row]:
        """Run a statement that only reads, once it is its turn."""
        return await self._glances.rows(sql, values)

    @property
    def connections_in_use(self) -> int:
        """How many connections are handed out."""
        return self._pool.lent

    def writing(self) -> AbstractAsyncContextManager[PostgresConnection]:
        """Open a transaction; commit at the end, roll back on any exception."""
        return self._in_transaction("BEGIN")

    def reading(self) -> AbstractAsyncContextManager[PostgresConnection]:
        """Open a read-only snapshot."""
        return self._in_transaction("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")

    @asynccontextmanager
    async def _in_transaction(self, begin: str) -> AsyncIterator[PostgresConnection]:
        raw = await self._begun(begin)
        connection = PostgresConnection(raw, is_writing=begin == "BEGIN")
        try:
            yield connection
            await self._end(raw, "COMMIT")
        except BaseException:
            await self._roll_back(raw)
            raise
        finally:
            connection.finish()
            self._pool.give_back(raw)

    async def _begun(self, begin: str) -> Any:
        """Give a connection on which BEGIN succeeded."""
        try:
            async with asyncio.timeout(self._acquire_timeout_s):
                return await self._pool.begun(begin)
        except TimeoutError as late:
            raise StoreBusy(
                f"No database connection came free within {self._acquire_timeout_s:g} s.",
                hint="The server is away or the pool is too small; it is tried again.",
            ) from late
        except AWAY as error:
            raise StoreProblem(
                f"The database cannot be reached: {error}.", hint="It is tried again."
            ) from error

    async def _end(self, raw: Any, statement: str) -> None:
        running = asyncio.ensure_future(raw.execute(statement))
        try:
            await asyncio.shield(running)
        except asyncio.CancelledError:
            with contextlib.suppress(Exception):
                await running
            raise
        except AWAY as error:
            raise StoreProblem(
                f"The database went away during the commit: {error}.",
                hint="Whether it was done is unknown: read the state before trying again.",
            ) from error
        except asyncpg.PostgresError as error:
            raise StoreProblem(
                f"The database refused the commit: {error}.", hint="Nothing was done."
            ) from error

    async def _roll_back(self, raw: Any) -> None:
        """Roll back, or drop the connection where that cannot be: the server rolls back then."""
        try:
            if raw.is_closed() or not raw.is_in_transaction():
                return
        except asyncpg.InterfaceError:
            return  # The pool has taken the lost connection back already.
        rolling = asyncio.ensure_future(raw.execute("ROLLBACK"))
        try:
            async with asyncio.timeout(self._acquire_timeout_s):
                await asyncio.shield(rolling)
        except asyncio.CancelledError:
            await self._drop(raw, rolling)
            raise
        except (asyncpg.PostgresError, *AWAY):
            await self._drop(raw, rolling)

    async def _drop(self, raw: Any, rolling: asyncio.Future[Any]) -> None:
        with contextlib.suppress(asyncpg.InterfaceError):
            raw.terminate()
        with contextlib.suppress(asyncpg.PostgresError, *AWAY):
            await ended(rolling)

    async def close(self) -> None:
        """Close every connection."""
        await self._glances.close()
        await self._pool.close()
