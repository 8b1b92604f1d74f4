"""PostgreSQL: a pool whose connections are given back in every case, and terminated when they failed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from desk.ending import ended
from desk.store.connection import Connection, Dialect, Row, encode
from desk.store.postgres_glances import PostgresGlances
from desk.store.postgres_wire import AWAY, SERVER_SETTINGS, STATEMENT_TIMEOUT_S, numbered, translated
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


async def _nothing_to_reset(raw: Any) -> None:
    """Save a round trip per transaction: sessions are never changed, temporary tables go with their commit."""
    assert not raw.is_in_transaction(), "a connection was given back inside a transaction"


class PostgresDatabase:
    """A pool that heals: a connection whose BEGIN fails is terminated, and the next one is tried."""

    dialect = Dialect.POSTGRES

    def __init__(self, url: str, *, acquire_timeout_s: float, pool_size: int) -> None:
        self._url = url
        self._acquire_timeout_s = acquire_timeout_s
        self._pool_size = pool_size
        self._pool: Any = None
        self._opening = asyncio.Lock()
        self._glances = PostgresGlances(url, connect_timeout_s=acquire_timeout_s)

    async def glance(self, sql: str, values: Sequence[Any]) -> Sequence[Row]:
        """Run a statement that only reads, once it is its turn."""
        return await self._glances.rows(sql, values)

    @property
    def connections_in_use(self) -> int:
        """How many connections are handed out."""
        return 0 if self._pool is None else int(self._pool.get_size() - self._pool.get_idle_size())

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[PostgresConnection]:
        """Open a transaction; commit at the end, roll back on any exception."""
        async with self._in_transaction("BEGIN") as connection:
            yield connection

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[PostgresConnection]:
        """Open a read-only snapshot."""
        async with self._in_transaction("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") as connection:
            yield connection

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
            await self._give_back(raw)

    async def _begun(self, begin: str) -> Any:
        """Give a connection on which BEGIN succeeded.

        After a restart of the server every pooled connection is dead; nothing was sent on them, so each one is
        terminated and the next tried, until the time for acquiring is up.
        """
        try:
            async with asyncio.timeout(self._acquire_timeout_s):
                while True:
                    raw = await (await self._opened()).acquire()
                    try:
                        await raw.execute(begin)
                    except BaseException as error:
                        with contextlib.suppress(asyncpg.InterfaceError):
                            raw.terminate()
                        await self._give_back(raw)
                        if not isinstance(error, AWAY):
                            raise
                    else:
                        return raw
        except TimeoutError as late:
            raise StoreProblem(
                f"No database connection came free within {self._acquire_timeout_s:g} s.",
                hint="The server is away or the pool is too small; it is tried again.",
            ) from late
        except AWAY as error:
            raise StoreProblem(
                f"The database cannot be reached: {error}.", hint="It is tried again."
            ) from error

    async def _opened(self) -> Any:
        async with self._opening:
            if self._pool is None:
                self._pool = await asyncpg.create_pool(
                    self._url,
                    # No floor: the pool would try to keep it up in the background while the server is away.
                    min_size=0,
                    max_size=self._pool_size,
                    timeout=self._acquire_timeout_s,
                    command_timeout=STATEMENT_TIMEOUT_S,
                    reset=_nothing_to_reset,
                    server_settings=SERVER_SETTINGS,
                )
            return self._pool

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

    async def _give_back(self, raw: Any) -> None:
        if self._pool is not None:
            # A connection that failed is dropped by the pool; giving it back only frees its slot.
            with contextlib.suppress(*AWAY):
                await asyncio.shield(self._pool.release(raw, timeout=self._acquire_timeout_s))

    async def close(self) -> None:
        """Close every connection."""
        await self._glances.close()
        if self._pool is None:
            return
        try:
            async with asyncio.timeout(5.0):
                await self._pool.close()
        except (TimeoutError, *AWAY):
            self._pool.terminate()
        self._pool = None
