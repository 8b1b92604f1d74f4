"""Facts of the journal as types, one per event class, generated from the classes themselves."""

from __future__ import annotations

import types
import typing
from dataclasses import fields
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any

import strawberry
from strawberry.scalars import JSON

from api.enums import EventKind
from api.ids import Cursor, global_id, journal_cursor
from api.node import computed
from api.scalars import write_decimal, write_time
from trading.events import EVENT_TYPES, MARKET_DATA, Recorded, Severity, kind_of
from trading.events import Event as Fact

#: Fields that hold an own id, and the type it is of.
_ID_FIELDS = {
    "order_id": "Order",
    "fill_id": "Fill",
    "position_id": "Position",
    "trade_id": "Trade",
    "signal_id": "Signal",
    "alert_id": "Alert",
    "job_id": "Job",
}


@strawberry.interface(description="A fact of the journal, or the first message of a stream.")
class Event:
    """What every fact says."""

    cursor: Cursor = strawberry.field(description="Resume with `after` set to it.")
    sequence: int = strawberry.field(description="Counts up per workspace without gaps.")
    kind: EventKind
    severity: Severity
    occurred_at: datetime = strawberry.field(description="When it happened.")
    recorded_at: datetime = strawberry.field(description="When it was committed.")
    account_id: strawberry.ID | None = None
    bot_id: strawberry.ID | None = None
    pair: str = ""

    @computed
    def payload(self) -> JSON:
        """What this kind of fact says besides, by field name: for clients that log everything."""
        return JSON(
            {_camel(name): _wire_value(getattr(self, name)) for name in _OWN_NAMES.get(type(self), ())}
        )


@strawberry.type(description="The first message of every stream: from here on nothing is missed.")
class Subscribed(Event):
    """Carries the cursor from which the stream goes on."""


_BASE = {one.name for one in fields(Fact)}


def _wire_type(name: str, hint: Any) -> Any:
    if name in _ID_FIELDS:
        return strawberry.ID | None
    if typing.get_origin(hint) is tuple:
        return list[typing.get_args(hint)[0]]  # type: ignore[misc]
    if isinstance(hint, types.UnionType):
        inner = next(one for one in typing.get_args(hint) if one is not type(None))
        return inner | None
    return hint


def _type_of(cls: type[Fact]) -> type[Event]:
    hints = typing.get_type_hints(cls)
    own = [one.name for one in fields(cls) if one.name not in _BASE]
    annotations = {name: _wire_type(name, hints[name]) for name in own}
    body = {"__annotations__": annotations, "__doc__": cls.__doc__, "__module__": __name__}
    made: type[Event] = strawberry.type(
        type(cls.__name__, (Event,), body), description=(cls.__doc__ or "").strip().splitlines()[0]
    )
    return made


#: The GraphQL type of each journalled event class.
EVENT_TYPES_BY_CLASS: dict[type[Fact], type[Event]] = {
    cls: _type_of(cls) for cls in EVENT_TYPES.values() if cls not in MARKET_DATA
}

#: Every type that a stream of events may give.
ALL_EVENT_TYPES: tuple[type[Event], ...] = (Subscribed, *EVENT_TYPES_BY_CLASS.values())

_OWN_FIELDS: dict[type[Fact], tuple[str, ...]] = {
    cls: tuple(one.name for one in fields(cls) if one.name not in _BASE) for cls in EVENT_TYPES_BY_CLASS
}


_OWN_NAMES: dict[type[Event], tuple[str, ...]] = {
    EVENT_TYPES_BY_CLASS[cls]: names for cls, names in _OWN_FIELDS.items()
}


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(one.title() for one in rest)


def _wire_value(value: Any) -> Any:
    if isinstance(value, list):
        return [_wire_value(one) for one in value]
    if isinstance(value, Decimal):
        return write_decimal(value)
    if isinstance(value, datetime):
        return write_time(value)
    return value.name if isinstance(value, Enum) else value


def shown_event(recorded: Recorded) -> Event:
    """Give a fact as its type."""
    fact = recorded.event
    made: Any = EVENT_TYPES_BY_CLASS[type(fact)]
    return typing.cast(
        Event,
        made(
            **_common(recorded),
            **{name: _value(name, getattr(fact, name)) for name in _OWN_FIELDS[type(fact)]},
        ),
    )


def _common(recorded: Recorded) -> dict[str, Any]:
    fact = recorded.event
    return {
        "cursor": journal_cursor(recorded.sequence),
        "sequence": recorded.sequence,
        "kind": EventKind(kind_of(fact)),
        "severity": fact.severity,
        "occurred_at": fact.occurred_at,
        "recorded_at": recorded.recorded_at,
        "account_id": global_id("Account", fact.account_id) or None,
        "bot_id": global_id("Bot", fact.bot_id) or None,
        "pair": fact.pair,
    }


def _value(name: str, value: Any) -> Any:
    if name in _ID_FIELDS:
        return global_id(_ID_FIELDS[name], value) or None
    return list(value) if isinstance(value, tuple) else value


def subscribed(sequence: int, now: datetime) -> Subscribed:
    """Give the first message of a stream."""
    return Subscribed(
        cursor=journal_cursor(sequence),
        sequence=sequence,
        kind=EventKind("subscribed"),
        severity=Severity.DEBUG,
        occurred_at=now,
        recorded_at=now,
    )
