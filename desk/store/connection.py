"""A database connection inside one transaction, the same for SQLite and PostgreSQL.

Statements are written once with `?`; values are encoded here by their Python type. A connection belongs to the task
that opened its transaction and refuses every other one, so no child task can inherit it.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Any, ClassVar

from trading.errors import InvariantBroken

#: A row: values by position, in the order of the selected columns.
Row = Sequence[Any]


class Dialect(StrEnum):
    """Which database speaks."""

    SQLITE = "sqlite"
    POSTGRES = "postgres"


class AlreadyThere(Exception):
    """A unique key refused a row; repositories turn it into their own answer."""


class Connection(ABC):
    """One connection, in one transaction, for one task."""

    dialect: ClassVar[Dialect]

    def __init__(self, *, is_writing: bool) -> None:
        self._owner = asyncio.current_task()
        self._over = False
        self.is_writing = is_writing

    @property
    def row_lock(self) -> str:
        """What a SELECT says when what it reads will be changed: on SQLite the writer is alone anyway."""
        return " FOR UPDATE" if self.is_writing and self.dialect is Dialect.POSTGRES else ""

    @abstractmethod
    async def rows(self, sql: str, *values: Any) -> Sequence[Row]:
        """Run a statement and give its rows."""

    @abstractmethod
    async def change(self, sql: str, *values: Any) -> int:
        """Run a statement and give how many rows it changed."""

    @abstractmethod
    async def write(self, sql: str, *values: Any) -> None:
        """Run a statement whose result nobody needs; it may wait until the next one or the commit."""

    @abstractmethod
    async def write_many(self, sql: str, rows: Iterable[Sequence[Any]], *, are_plain: bool = False) -> None:
        """Run a statement once per row; it may wait until the next one or the commit.

        Args:
            are_plain: the values are finite numbers and text already, so that nothing needs encoding.
        """

    async def row(self, sql: str, *values: Any) -> Row | None:
        """Run a statement and give its first row."""
        found = await self.rows(sql, *values)
        return found[0] if found else None

    def finish(self) -> None:
        """Refuse everything from now on: the transaction is over."""
        self._over = True

    def _guard(self) -> None:
        if self._over:
            raise InvariantBroken(
                "A unit of the store was used after its transaction ended; use it inside the block."
            )
        if asyncio.current_task() is not self._owner:
            raise InvariantBroken(
                "A unit of the store was used by another task than the one that opened it; "
                "open a transaction in each task."
            )


def _number(value: float) -> float:
    if value - value != 0.0:
        raise InvariantBroken(f"{value} was to be stored; a finite number or None is allowed.")
    return value


def _decimal(value: Decimal) -> Decimal:
    if not value.is_finite():
        raise InvariantBroken(f"{value} was to be stored as money; a finite decimal is allowed.")
    return value


def _moment(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise InvariantBroken(f"{value.isoformat()} was to be stored; a time with a time zone is allowed.")
    return value.astimezone(UTC)


def _same(value: Any) -> Any:
    return value


_PLAIN: dict[type, Callable[[Any], Any]] = {
    type(None): _same,
    str: _same,
    int: _same,
    bool: _same,
    bytes: _same,
    float: _number,
    Decimal: _decimal,
    datetime: _moment,
}

_SQLITE: dict[type, Callable[[Any], Any]] = {
    **_PLAIN,
    bool: int,
    Decimal: lambda value: format(_decimal(value), "f"),
    datetime: lambda value: _moment(value).isoformat(timespec="microseconds"),
}

_ENCODERS = {Dialect.SQLITE: _SQLITE, Dialect.POSTGRES: _PLAIN}


def encode(dialect: Dialect, values: Iterable[Any]) -> list[Any]:
    """Give values as the database's driver takes them.

    Raises:
        InvariantBroken: a number is not finite, a time has no zone, or the type cannot be stored.
    """
    encoders = _ENCODERS[dialect]
    encoded = []
    for value in values:
        encoder = encoders.get(type(value))
        encoded.append(encoder(value) if encoder is not None else _encode_other(encoders, value))
    return encoded


def _encode_other(encoders: dict[type, Callable[[Any], Any]], value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    # Subclasses, such as numpy's float64, go in as what they are.
    for kind in (str, float, int, bytes):
        if isinstance(value, kind):
            plain: Any = kind(value)  # type: ignore[arg-type]
            return encoders[kind](plain)
    if isinstance(value, Decimal | datetime):
        return encoders[Decimal if isinstance(value, Decimal) else datetime](value)
    raise InvariantBroken(
        f"A {type(value).__name__} was to be stored; text, bytes, numbers, Decimal, times and None are allowed."
    )
