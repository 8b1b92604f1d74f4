"""SQLite: one writer and a few readers, each with a thread of its own.

WAL, `synchronous=FULL` (a commit survives power loss), `BEGIN IMMEDIATE`. Writes whose result nobody needs wait and
travel with the next statement or the commit, so that a transaction of ten rows crosses to its thread a few times only.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from desk.errors import StoreBusy
from desk.store.connection import AlreadyThere, Connection, Dialect, Row, encode
from desk.store.sqlite_glances import SqliteGlances
from trading.errors import BreakwaterError, InvariantBroken, StoreProblem

T = TypeVar("T")

#: How long a process that trades waits for another one that writes.
PATIENCE_S = 5.0

#: Read connections kept open.
READERS = 4

#: A waiting statement: its text and either one row of values or many.
_Pending = tuple[str, Any, bool]


class SqliteThread:
    """A connection in its own thread; calls run one after the other.

    Args:
        patience_s: how long SQLite waits for another process that writes.
    """

    def __init__(self, path: Path, *, is_reader: bool, patience_s: float = PATIENCE_S) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sqlite")
        self._path = path
        self._is_reader = is_reader
        self._patience_s = patience_s
        self._connection: sqlite3.Connection | None = None

    async def call(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run work in the thread.

        Raises:
            AlreadyThere: a unique key refused a row.
            InvariantBroken: another constraint or a trigger did.
            StoreProblem: the file cannot be read or written.
        """
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, self._do, work)
        except sqlite3.Error as error:
            raise self.problem(error) from error

    async def call_to_the_end(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run work and see its end, even when the caller is cancelled meanwhile."""
        running = asyncio.ensure_future(self.call(work))
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            with contextlib.suppress(BreakwaterError, AlreadyThere):
                await running
            raise

    def post(self, work: Callable[[sqlite3.Connection], object]) -> None:
        """Run work in the thread after all that was asked before; nobody waits, nobody hears of a failure."""
        self._pool.submit(self._do, work)

    async def close(self) -> None:
        """Close the connection and end the thread."""
        if self._connection is not None:
            await asyncio.get_running_loop().run_in_executor(self._pool, self._connection.close)
            self._connection = None
        self._pool.shutdown(wait=True)

    def connect(self) -> sqlite3.Connection:
        """Open another connection to the same file; it belongs to the caller."""
        connection = sqlite3.connect(
            self._path,
            timeout=self._patience_s,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=512,
        )
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA temp_store=MEMORY")
        if self._is_reader:
            connection.execute("PRAGMA query_only=ON")
        return connection

    def _do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        if self._connection is None:
            self._connection = self.connect()
        return work(self._connection)

    def problem(self, error: sqlite3.Error) -> Exception:
        """Give an error of SQLite as ours."""
        text = str(error)
        if isinstance(error, sqlite3.IntegrityError):
            if "UNIQUE" in text:
                return AlreadyThere(text)
            return InvariantBroken(f"The database refused a row: {text}.")
        if "readonly" in text and self._is_reader:
            return InvariantBroken("Something was written in reading(); open a transaction() to write.")
        if "no such table" in text or "no such column" in text:
            return StoreProblem(
                f"Database '{self._path}' has another schema than this version: {text}.",
                hint="Run the migrations.",
            )
        if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
            return StoreBusy(
                f"Another program wrote to '{self._path}' for longer than {self._patience_s:g} s: {text}.",
                hint="It is tried again; look for a program that holds the file.",
            )
        return StoreProblem(
            f"Database '{self._path}' cannot be used: {text}.",
            hint="Check the folder, its permissions, free space, and that no other program holds the file.",
        )


class SqliteConnection(Connection):
    """The writer or a reader, in one transaction."""

    dialect = Dialect.SQLITE

    def __init__(
        self, thread: SqliteThread, pending: Sequence[_Pending] = (), *, is_writing: bool = False
    ) -> None:
        super().__init__(is_writing=is_writing)
        self._thread = thread
        self._pending: list[_Pending] = list(pending)

    async def rows(self, sql: str, *values: Any) -> Sequence[Row]:
        """Run a statement and give its rows."""
        return (await self._run(sql, values))[0]

    async def change(self, sql: str, *values: Any) -> int:
        """Run a statement and give how many rows it changed."""
        return (await self._run(sql, values))[1]

    async def write(self, sql: str, *values: Any) -> None:
        """Keep a statement for the next crossing."""
        self._guard()
        self._pending.append((sql, encode(self.dialect, values), False))

    async def write_many(self, sql: str, rows: Iterable[Sequence[Any]], *, are_plain: bool = False) -> None:
        """Keep a statement with many rows for the next crossing."""
        self._guard()
        kept = list(rows) if are_plain else [encode(self.dialect, one) for one in rows]
        self._pending.append((sql, kept, True))

    async def commit(self) -> None:
        """Send what waits, then commit."""
        pending, self._pending = self._pending, []

        def work(connection: sqlite3.Connection) -> None:
            _send(connection, pending)
            connection.execute("COMMIT")

        await self._thread.call_to_the_end(work)

    async def rollback(self) -> None:
        """Forget what waits and roll back; nothing to do where SQLite already did."""
        self._pending = []

        def work(connection: sqlite3.Connection) -> None:
            if connection.in_transaction:
                connection.execute("ROLLBACK")

        await self._thread.call_to_the_end(work)

    async def _run(self, sql: str, values: Sequence[Any]) -> tuple[Sequence[Row], int]:
        self._guard()
        encoded = encode(self.dialect, values)
        pending, self._pending = self._pending, []

        def work(connection: sqlite3.Connection) -> tuple[Sequence[Row], int]:
            _send(connection, pending)
            cursor = connection.execute(sql, encoded)
            return cursor.fetchall(), cursor.rowcount

        return await self._thread.call(work)


def _end_snapshot(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        connection.execute("ROLLBACK")


def _send(connection: sqlite3.Connection, pending: Sequence[_Pending]) -> None:
    for sql, values, is_many in pending:
        if is_many:
            connection.executemany(sql, values)
        else:
            connection.execute(sql, values)


class SqliteDatabase:
    """The file: who writes waits for the writer, who reads takes a reader."""

    dialect = Dialect.SQLITE

    def __init__(self, path: Path, *, acquire_timeout_s: float, patience_s: float = PATIENCE_S) -> None:
        self._path = path
        self._acquire_timeout_s = acquire_timeout_s
        self._writer = SqliteThread(path, is_reader=False, patience_s=patience_s)
        self._writing = asyncio.Lock()
        self._idle: list[SqliteThread] = []
        self._readers = asyncio.Semaphore(READERS)
        reader = SqliteThread(path, is_reader=True)
        self._glances = SqliteGlances(connect=reader.connect, problem=reader.problem)

    async def glance(self, sql: str, values: Sequence[Any]) -> Sequence[Row]:
        """Run a statement that only reads, once it is its turn."""
        return await self._glances.rows(sql, values)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[SqliteConnection]:
        """Open a transaction; commit at the end, roll back on any exception.

        It has this process's turn at once, and the file's lock from its first statement on.
        """
        await self._acquire(self._writing)
        try:
            # The lock of the file is taken with the first statement: a crossing less.
            connection = SqliteConnection(self._writer, [("BEGIN IMMEDIATE", (), False)], is_writing=True)
            try:
                yield connection
                await connection.commit()
            except BaseException:
                await connection.rollback()
                raise
            finally:
                connection.finish()
        finally:
            self._writing.release()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[SqliteConnection]:
        """Open a snapshot; it never waits for a writer."""
        await self._acquire(self._readers)
        thread = self._idle.pop() if self._idle else SqliteThread(self._path, is_reader=True)
        try:
            connection = SqliteConnection(thread, [("BEGIN", (), False)])
            try:
                yield connection
            finally:
                connection.finish()
                # Nobody waits: whoever is lent this thread next comes after it in its queue.
                thread.post(_end_snapshot)
        finally:
            self._idle.append(thread)
            self._readers.release()

    async def close(self) -> None:
        """Close every connection."""
        await self._glances.close()
        for thread in (self._writer, *self._idle):
            await thread.close()
        self._idle.clear()

    async def _acquire(self, gate: asyncio.Lock | asyncio.Semaphore) -> None:
        try:
            async with asyncio.timeout(self._acquire_timeout_s):
                await gate.acquire()
        except TimeoutError as late:
            raise StoreBusy(
                f"No connection to '{self._path}' came free within {self._acquire_timeout_s:g} s.",
                hint="A transaction is held open too long, or the disk is slow.",
            ) from late
