"""Between rows and the frozen values of `desk.views`: columns by position, types by hint."""

from __future__ import annotations

import typing
from collections.abc import Callable, Mapping
from dataclasses import is_dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum, IntEnum
from types import UnionType
from typing import Any

import orjson
from tortoise import fields
from tortoise.fields.base import Field

from desk.store.connection import Dialect
from desk.store.fields import JsonColumn, MomentColumn, MoneyColumn

#: Turns a stored value into a Python value.
Decoder = Callable[[Any], Any]


def as_json(value: Any) -> str:
    """Give plain values as JSON text: decimals as text, times in UTC, NaN as null."""
    return orjson.dumps(value, default=_json_value, option=orjson.OPT_SERIALIZE_NUMPY).decode()


def canonical_json(value: Any) -> str:
    """Give JSON text that is the same for the same values; what hashes go over."""
    return orjson.dumps(
        value, default=_json_value, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_SORT_KEYS
    ).decode()


def from_json(text: str) -> Any:
    """Read JSON text."""
    return orjson.loads(text)


def moment(value: Any) -> datetime:
    """Read a stored time of either database."""
    return value if isinstance(value, datetime) else datetime.fromisoformat(value).astimezone(UTC)


def _json_value(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, frozenset | set):
        return sorted(value)
    raise TypeError(f"A {type(value).__name__} cannot be stored as JSON.")


def decoder(field: Field[Any], hint: Any, dialect: Dialect) -> Decoder | None:
    """Give what turns a column's stored value into the hinted type; None where it already is that."""
    found = _decoder(field, _without_none(hint), dialect)
    if found is None or not field.null:
        return found
    return lambda value: None if value is None else found(value)


def _decoder(field: Field[Any], hint: Any, dialect: Dialect) -> Decoder | None:
    if isinstance(field, JsonColumn):
        return _json_decoder(hint)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _enum_decoder(hint)
    if dialect is Dialect.POSTGRES:
        return None
    if isinstance(field, MoneyColumn):
        return Decimal
    if isinstance(field, MomentColumn):
        return datetime.fromisoformat
    if isinstance(field, fields.BooleanField):
        return bool
    return None


def _enum_decoder(cls: type[Enum]) -> Decoder:
    members: dict[Any, Enum] = {one.value: one for one in cls}
    if issubclass(cls, IntEnum):
        return lambda value: members[int(value)]
    return members.__getitem__


def _json_decoder(hint: Any) -> Decoder:
    if typing.get_origin(hint) is tuple:
        inner = typing.get_args(hint)[0]
        if inner is Decimal:
            return lambda text: tuple(Decimal(one) for one in orjson.loads(text))
        if isinstance(inner, type) and is_dataclass(inner):
            return _values_decoder(inner)
        return lambda text: tuple(orjson.loads(text))
    return from_json


def _values_decoder(cls: type[Any]) -> Decoder:
    """Read a list of frozen values; their decimals are text in JSON."""
    hints = typing.get_type_hints(cls)
    exact = {name for name, hint in hints.items() if hint is Decimal}

    def decode(text: Any) -> tuple[Any, ...]:
        return tuple(
            cls(**{name: Decimal(value) if name in exact else value for name, value in one.items()})
            for one in orjson.loads(text)
        )

    return decode


def _without_none(hint: Any) -> Any:
    if isinstance(hint, UnionType) or typing.get_origin(hint) is typing.Union:
        return next(one for one in typing.get_args(hint) if one is not type(None))
    return hint
