"""Facts as JSON, and back: `kind` on the wire is the class name in snake case."""

from __future__ import annotations

import typing
from dataclasses import fields
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache
from types import UnionType
from typing import Any

from trading.errors import InvalidInput
from trading.events import accounts, bots, entries, house, market, orders
from trading.events.base import Event, kind_of
from trading.events.market import CandleClosed, PriceMoved

#: The pages of facts, in the order of a trade's life.
_PAGES = (bots, market, entries, orders, accounts, house)

#: Every fact by its wire name.
EVENT_TYPES: dict[str, type[Event]] = {
    kind_of(cls): cls
    for page in _PAGES
    for cls in vars(page).values()
    if isinstance(cls, type) and issubclass(cls, Event) and cls is not Event
}

#: Facts that are market data: conflated for slow listeners, never journalled.
MARKET_DATA: tuple[type[Event], ...] = (CandleClosed, PriceMoved)


def as_payload(event: Event) -> dict[str, Any]:
    """Give a fact as JSON-ready values: decimals and times as strings."""
    return {one.name: _plain(getattr(event, one.name)) for one in fields(event)}


def _plain(value: Any) -> Any:
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return value


def from_payload(kind: str, payload: dict[str, Any]) -> Event:
    """Rebuild a fact; fields that an older version did not write take their defaults.

    Raises:
        InvalidInput: the kind is unknown.
    """
    if kind not in EVENT_TYPES:
        raise InvalidInput(f"Event kind '{kind}' was found; {', '.join(sorted(EVENT_TYPES))} are known.")
    cls = EVENT_TYPES[kind]
    hints = _hints_of(kind)
    known = {one.name for one in fields(cls)}
    return cls(**{name: _typed(hints[name], value) for name, value in payload.items() if name in known})


@cache
def _hints_of(kind: str) -> dict[str, Any]:
    """Resolving annotations costs more than all the rest of reading a fact."""
    return typing.get_type_hints(EVENT_TYPES[kind])


def _typed(hint: Any, value: Any) -> Any:
    options = (
        typing.get_args(hint)
        if isinstance(hint, UnionType) or typing.get_origin(hint) is typing.Union
        else ()
    )
    if options:
        if value is None:
            return None
        hint = next(one for one in options if one is not type(None))
    if typing.get_origin(hint) is tuple:
        inner = typing.get_args(hint)[0]
        return tuple(_typed(inner, one) for one in value)
    if hint is Decimal:
        return Decimal(value)
    if hint is datetime:
        return datetime.fromisoformat(value)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return hint(value)
    return value
