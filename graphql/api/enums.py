"""The desk's closed sets as GraphQL enums; values may be added, so treat an unknown one as UNKNOWN."""

from __future__ import annotations

import enum

import strawberry

from desk.identity import Role
from desk.money import MoneyKind
from trading.events import (
    EVENT_TYPES,
    MARKET_DATA,
    Condition,
    Desired,
    Phase,
    Severity,
    TradingState,
    kind_of,
)
from trading.fills import Liquidity
from trading.orders import OrderState, OrderType, Reason, Side

strawberry.enum(Desired, description="What people want of a bot.")
strawberry.enum(Condition, description="How a bot is.")
strawberry.enum(TradingState, description="What an account may do.")
strawberry.enum(Phase, description="Where a bot stands with one pair.")
strawberry.enum(Severity, description="How loud a fact is.")
strawberry.enum(Side, description="Direction of an order.")
strawberry.enum(OrderType, description="How an order meets the market.")
strawberry.enum(OrderState, description="Durable states of an order.")
strawberry.enum(Reason, description="Why an order exists or a position changed.")
strawberry.enum(Liquidity, description="Whether a fill took or made liquidity.")
strawberry.enum(
    MoneyKind, description="Whose money is traded: paper, a venue's test environment, or real money."
)
strawberry.enum(Role, description="Roles, lowest first; each may do what those below it may.")

_JOURNALLED = sorted(kind for kind, cls in EVENT_TYPES.items() if cls not in MARKET_DATA)

#: Kinds of facts in the journal, and SUBSCRIBED for the first message of a subscription.
EventKind = enum.Enum(  # type: ignore[misc]
    "EventKind", {"SUBSCRIBED": "subscribed", **{kind.upper(): kind for kind in _JOURNALLED}}
)
strawberry.enum(
    EventKind, description="Kinds of facts in the journal; SUBSCRIBED is the first message of a stream."
)


def event_kind(cls: type) -> EventKind:
    """Give the kind of a fact's class."""
    return EventKind(kind_of(cls))
