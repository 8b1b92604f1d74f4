"""The one way into a transaction, and what to do when the database stays away.

Laws (order-path.md, section 3, law 11): no context variable carries a connection, so nothing leaks into tasks; a
failed BEGIN frees its slot; the wait for a connection is capped; ten failures in thirty seconds end the process.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Protocol

import structlog

from desk.clock import Clock
from desk.store.connection import Connection, Dialect, Row
from trading.errors import InvariantBroken, StoreProblem

log = structlog.get_logger(__name__)

#: So many failures…
FAILURE_LIMIT = 10
#: …within this time are fatal.
FAILURE_WINDOW_S = 30.0


class Database(Protocol):
    """Where connections come from."""

    dialect: Dialect

    def writing(self) -> AbstractAsyncContextManager[Connection]: ...
    def reading(self) -> AbstractAsyncContextManager[Connection]: ...
    async def glance(self, sql: str, values: Sequence[Any]) -> Sequence[Row]: ...
    async def close(self) -> None: ...


class Failures:
    """Counts failures in a row; tells whoever ends the process when there were too many."""

    def __init__(self, clock: Clock, on_fatal: Callable[[StoreProblem], None] | None) -> None:
        self._clock = clock
        self._on_fatal = on_fatal
        self._times: deque[float] = deque(maxlen=FAILURE_LIMIT)
        self._is_fatal = False

    @property
    def in_a_row(self) -> int:
        """How many came since the last success, at most the limit."""
        return len(self._times)

    def record(self, problem: StoreProblem) -> None:
        """Count a failure."""
        now = self._clock.monotonic()
        self._times.append(now)
        log.warning("store_failed", failures=len(self._times), problem=problem.message)
        if self._is_fatal or len(self._times) < FAILURE_LIMIT:
            return
        if now - self._times[0] <= FAILURE_WINDOW_S:
            self._is_fatal = True
            log.critical("store_fatal", failures=FAILURE_LIMIT, window_s=FAILURE_WINDOW_S)
            if self._on_fatal is not None:
                self._on_fatal(problem)

    def clear(self) -> None:
        """Forget them: the database answered."""
        self._times.clear()
        self._is_fatal = False


class Transactions:
    """Opens transactions and snapshots on a database."""

    def __init__(self, database: Database, failures: Failures) -> None:
        self.database = database
        self.failures = failures
        self._writing: set[asyncio.Task[object]] = set()
        #: Counted before the writer goes on, so that nobody who sees it done can read what was before.
        self.commits = 0

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """Commit at the end of the block, roll back on any exception.

        Raises:
            StoreProblem: no connection in time, or the database is away.
            InvariantBroken: this task already has a transaction open.
        """
        task = asyncio.current_task()
        assert task is not None
        if task in self._writing:
            raise InvariantBroken(
                "A transaction was opened inside another one; hand the open unit down instead."
            )
        self._writing.add(task)
        try:
            async with self._counted(self.database.writing()) as connection:
                yield connection
        finally:
            # Also after a failure: a commit whose answer was lost may have happened.
            self.commits += 1
            self._writing.discard(task)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Connection]:
        """Give a snapshot that refuses writes."""
        async with self._counted(self.database.reading()) as connection:
            yield connection

    @asynccontextmanager
    async def _counted(self, opening: AbstractAsyncContextManager[Connection]) -> AsyncIterator[Connection]:
        try:
            async with opening as connection:
                yield connection
        except StoreProblem as problem:
            self.failures.record(problem)
            raise
        self.failures.clear()
