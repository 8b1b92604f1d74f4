"""Statements that stand alone: no transaction around them, a connection only while they run.

Most questions of the API are one statement. A transaction for it is three trips to PostgreSQL instead of one, and under
load each trip waits for the event loop to come round again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from desk.store.connection import Connection, Dialect, Row
from desk.store.transaction import Failures
from trading.errors import InvariantBroken, StoreProblem


class GlancingDatabase(Protocol):
    """A database that runs single statements."""

    dialect: Dialect

    async def glance(self, sql: str, values: Sequence[Any]) -> Sequence[Row]:
        """Run a statement that only reads, once it is its turn."""
        ...


class GlanceConnection(Connection):
    """Takes single statements of any task, whenever; each is a snapshot of its own."""

    def __init__(self, database: GlancingDatabase, failures: Failures) -> None:  # it belongs to no task
        self._database = database
        self._failures = failures
        self.is_writing = False
        self.dialect = database.dialect  # type: ignore[misc]  # elsewhere a class knows its dialect

    async def rows(self, sql: str, *values: Any) -> Sequence[Row]:
        """Run a statement and give its rows."""
        try:
            found = await self._database.glance(sql, values)
        except StoreProblem as problem:
            self._failures.record(problem)
            raise
        self._failures.clear()
        return found

    async def change(self, sql: str, *values: Any) -> int:
        """Refuse."""
        raise _refusal()

    async def write(self, sql: str, *values: Any) -> None:
        """Refuse."""
        raise _refusal()

    async def write_many(self, sql: str, rows: Iterable[Sequence[Any]], *, are_plain: bool = False) -> None:
        """Refuse."""
        raise _refusal()


def _refusal() -> InvariantBroken:
    return InvariantBroken("Something was written through a glance; open a transaction() to write.")
