"""A table and the frozen value that its rows become: statements are composed from the model, once."""

from __future__ import annotations

import typing
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import fields as fields_of
from typing import Any, Generic, TypeVar

from tortoise.models import Model

from desk.store.codec import as_json, decoder
from desk.store.connection import Connection, Dialect, Row
from desk.store.fields import JsonColumn
from trading.errors import Conflict

V = TypeVar("V")


class Where:
    """A condition that grows; column names come from our own code only."""

    def __init__(self, **equal: Any) -> None:
        self._parts: list[str] = []
        self.values: list[Any] = []
        for column, value in equal.items():
            self.add(f'"{column}" = ?', value)

    def add(self, condition: str, *values: Any) -> Where:
        """Require one more thing."""
        self._parts.append(condition)
        self.values.extend(values)
        return self

    def one_of(self, column: str, values: Collection[Any]) -> Where:
        """Require a column to be one of some values; none of them matches nothing."""
        marks = ", ".join("?" * len(values))
        return self.add(f'"{column}" IN ({marks})' if values else "1 = 0", *values)

    @property
    def sql(self) -> str:
        """The condition as text, with WHERE."""
        return "WHERE " + " AND ".join(self._parts) if self._parts else ""


class Table(Generic[V]):
    """Rows of a model as frozen values.

    Args:
        model: describes the columns.
        view: the value; its fields that the model has too are the columns read, in order.
        derived: fields of the value that are no columns; whoever reads gives them.
    """

    def __init__(
        self, model: type[Model], view: type[V], *, derived: Mapping[str, Any] | None = None
    ) -> None:
        meta = model._meta
        self.name = meta.db_table
        self._view = view
        self._derived = dict(derived or {})
        hints = typing.get_type_hints(view)
        known = meta.fields_map
        self.columns = tuple(one.name for one in fields_of(view) if one.name in known)  # type: ignore[arg-type]
        missing = {one.name for one in fields_of(view)} - set(self.columns) - set(self._derived)  # type: ignore[arg-type]
        assert not missing, f"{self.name} lacks {missing}"
        self._all = tuple(name for name in known if not known[name].generated)
        self._json = frozenset(name for name in known if isinstance(known[name], JsonColumn))
        self._decoders = {
            dialect: [
                (name, decode)
                for name in self.columns
                if (decode := decoder(known[name], hints[name], dialect)) is not None
            ]
            for dialect in Dialect
        }
        #: The columns as a SELECT lists them.
        self.listed = ", ".join(f'"{name}"' for name in self.columns)

    def value(self, row: Row, dialect: Dialect, **derived: Any) -> V:
        """Turn a row into a value."""
        given: dict[str, Any] = dict(zip(self.columns, row, strict=True))
        for name, decode in self._decoders[dialect]:
            given[name] = decode(given[name])
        if self._derived or derived:
            given |= {**self._derived, **derived}
        return self._view(**given)

    def stored(self, name: str, value: Any) -> Any:
        """Give a column's value as it is stored."""
        return as_json(value) if name in self._json else value

    def select(self, where: Where, *, order: str = "", limit: int | None = None) -> str:
        """Compose a SELECT."""
        parts = ["SELECT", self.listed, "FROM", self.name, where.sql]
        if order:
            parts += ["ORDER BY", order]
        if limit is not None:
            parts += ["LIMIT", str(int(limit))]
        return " ".join(parts)

    async def find(
        self, tx: Connection, where: Where, *, order: str = "", limit: int | None = None
    ) -> list[V]:
        """Give the values that match."""
        rows = await tx.rows(self.select(where, order=order, limit=limit), *where.values)
        return [self.value(row, tx.dialect) for row in rows]

    async def one(self, tx: Connection, where: Where) -> V | None:
        """Give the value that matches, if any."""
        found = await self.find(tx, where, limit=1)
        return found[0] if found else None

    def row_of(self, value: V, extra: Mapping[str, Any]) -> dict[str, Any]:
        """Give the columns of a value, with those that it does not carry itself."""
        row = {name: getattr(value, name) for name in self._all if hasattr(value, name)}
        return {**row, **extra}

    async def insert(self, tx: Connection, value: V, **extra: Any) -> None:
        """Write a new row; a second one under a unique key is refused at the next statement or the commit."""
        await insert(tx, self.name, self.row_of(value, extra), self._json)

    async def insert_new(self, tx: Connection, value: V, **extra: Any) -> bool:
        """Write a new row; False when a unique key already has it. The transaction goes on."""
        return await insert_new(tx, self.name, self.row_of(value, extra), self._json)

    async def put(self, tx: Connection, value: V, *, key: Sequence[str], **extra: Any) -> None:
        """Write a row over the one with the same key."""
        await put(tx, self.name, self.row_of(value, extra), key=key, json=self._json)


def _insert(table: str, columns: Iterable[str]) -> str:
    names = list(columns)
    listed = ", ".join(f'"{name}"' for name in names)
    return " ".join(["INSERT INTO", table, f"({listed})", "VALUES", f"({', '.join('?' * len(names))})"])


def _values(row: Mapping[str, Any], json: Collection[str]) -> list[Any]:
    return [as_json(value) if name in json else value for name, value in row.items()]


async def insert(tx: Connection, table: str, row: Mapping[str, Any], json: Collection[str] = ()) -> None:
    """Write a row; nobody waits for the result."""
    await tx.write(_insert(table, row), *_values(row, json))


async def insert_new(tx: Connection, table: str, row: Mapping[str, Any], json: Collection[str] = ()) -> bool:
    """Write a row unless a unique key already has it; tell which."""
    sql = _insert(table, row) + " ON CONFLICT DO NOTHING"
    return await tx.change(sql, *_values(row, json)) == 1


async def put(
    tx: Connection, table: str, row: Mapping[str, Any], *, key: Sequence[str], json: Collection[str] = ()
) -> None:
    """Write a row over the one with the same key.

    The workspace of the row that is there must be the same: otherwise nothing is written.
    """
    kept = set(key)
    changes = ", ".join(f'"{name}" = excluded."{name}"' for name in row if name not in kept)
    listed = ", ".join(f'"{name}"' for name in key)
    sql = " ".join([_insert(table, row), f"ON CONFLICT ({listed}) DO UPDATE SET", changes])
    if "workspace_id" in row and "workspace_id" not in kept:
        sql += f" WHERE {table}.workspace_id = excluded.workspace_id"
    await tx.write(sql, *_values(row, json))


async def update(
    tx: Connection, table: str, changes: Mapping[str, Any], where: Where, json: Collection[str] = ()
) -> int:
    """Change rows and give how many."""
    listed = ", ".join(f'"{name}" = ?' for name in changes)
    sql = " ".join(["UPDATE", table, "SET", listed, where.sql])
    return await tx.change(sql, *_values(changes, json), *where.values)


async def delete_oldest(tx: Connection, table: str, condition: str, *values: Any, most: int) -> int:
    """Remove rows that match, at most so many, in the order in which they came; give how many."""
    chosen = " ".join(["SELECT id FROM", table, "WHERE", condition, "ORDER BY id LIMIT ?"])
    return await tx.change(" ".join(["DELETE FROM", table, f"WHERE id IN ({chosen})"]), *values, most)


async def must_be_new(tx: Connection, table: Table[V], value: V, what: str, **extra: Any) -> None:
    """Write a row that cannot be there yet.

    Raises:
        Conflict: it is.
    """
    if not await table.insert_new(tx, value, **extra):
        raise Conflict(f"{what} is there already; a new one is allowed.", hint="Choose another name.")
