"""Orders, fills and signals."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import strawberry

from api import enums as _enums  # noqa: F401 - registers the enums that annotations name
from api.context import Info
from api.ids import global_id
from api.node import NamedValue, Node, computed, named_values, shaped
from api.portfolio.types import BotRef, bot_of
from desk import views
from trading.fills import Liquidity
from trading.orders import OrderState, OrderType, Reason, Side


@strawberry.type(description="A booked execution.")
class Fill:
    """The only thing that moves positions."""

    id: strawberry.ID
    account_id: strawberry.ID
    bot_id: strawberry.ID
    order_id: strawberry.ID
    position_id: strawberry.ID | None
    pair: str
    venue_trade_id: str
    side: Side
    price: Decimal
    quantity: Decimal
    fee: Decimal
    liquidity: Liquidity
    reason: Reason
    leg: int
    source: str
    filled_at: datetime


@strawberry.type(description="An order with its state and the evidence for it.")
class Order(Node):
    """An order."""

    id: strawberry.ID
    account_id: strawberry.ID
    bot_id: strawberry.ID
    signal_id: strawberry.ID | None
    position_id: strawberry.ID | None
    pair: str
    client_order_id: str
    venue_order_id: str
    side: Side
    order_type: OrderType
    quantity: Decimal
    price: Decimal | None
    stop_price: Decimal | None
    filled_quantity: Decimal
    average_price: Decimal | None
    state: OrderState
    state_reason: str
    evidence: str
    reason: Reason
    leg: int
    binding: str
    is_reduce_only: bool
    attempts: int
    created_at: datetime
    updated_at: datetime
    own_id: strawberry.Private[str]
    own_bot_id: strawberry.Private[str]

    @computed
    def bot(self, info: Info) -> BotRef | None:
        """The bot that wanted it."""
        return bot_of(info, self.own_bot_id)

    @computed
    async def fills(self, info: Info) -> list[Fill]:
        """Its executions, oldest first."""
        return [fill(one) for one in await info.context.load.fills.load(self.own_id)]


@strawberry.type(description="A step in an order's life.")
class OrderEvent:
    """One transition."""

    at: datetime
    before: str
    after: str
    evidence: str
    detail: str


@strawberry.type(description="A named condition: what was found and what is asked.")
class SignalCondition:
    """Read 'value relation threshold'."""

    name: str
    value: float | None
    threshold: float | None
    relation: str
    met: bool


@strawberry.type(description="A risk check in the order in which they are made.")
class RiskCheck:
    """The first that failed decides."""

    name: str
    passed: bool
    detail: str


@strawberry.type(description="A limit's quantity; the smallest binds.")
class SizeLimit:
    """One term of the sizing arithmetic."""

    name: str
    quantity: Decimal | None


@strawberry.type(description="How the size of an entry was found.")
class Sizing:
    """`binding` names the limit that decided."""

    binding: str
    quantity: Decimal | None
    risk: Decimal | None
    limits: list[SizeLimit]


@strawberry.type(description="A signal with why: conditions, sizing arithmetic and risk checks.")
class Signal(Node):
    """What a strategy wanted."""

    id: strawberry.ID
    bot_id: strawberry.ID
    pair: str
    bar_at: datetime
    direction: int
    tag: str
    price: Decimal
    stop: Decimal | None
    targets: list[Decimal]
    score: float
    conditions: list[SignalCondition]
    sizing: Sizing | None
    checks: list[RiskCheck]
    outcome: str
    reason: str
    own_bot_id: strawberry.Private[str]

    @computed
    def bot(self, info: Info) -> BotRef | None:
        """The bot whose strategy it was."""
        return bot_of(info, self.own_bot_id)


def order(view: views.Order) -> Order:
    """Give an order."""
    return shaped(
        Order,
        view,
        id=global_id("Order", view.id),
        account_id=global_id("Account", view.account_id),
        bot_id=global_id("Bot", view.bot_id),
        signal_id=global_id("Signal", view.signal_id) or None,
        position_id=global_id("Position", view.position_id) or None,
        own_id=view.id,
        own_bot_id=view.bot_id,
    )


def fill(view: views.FillRecord) -> Fill:
    """Give an execution."""
    return shaped(
        Fill,
        view,
        id=global_id("Fill", view.id),
        account_id=global_id("Account", view.account_id),
        bot_id=global_id("Bot", view.bot_id),
        order_id=global_id("Order", view.order_id),
        position_id=global_id("Position", view.position_id) or None,
    )


def order_event(row: Mapping[str, Any]) -> OrderEvent:
    """Give a step of an order's life."""
    return OrderEvent(
        at=row["at"],
        before=str(row.get("before") or ""),
        after=str(row.get("after") or ""),
        evidence=str(row.get("evidence") or ""),
        detail=str(row.get("detail") or ""),
    )


def signal(view: views.SignalRecord) -> Signal:
    """Give a signal."""
    return shaped(
        Signal,
        view,
        id=global_id("Signal", view.id),
        bot_id=global_id("Bot", view.bot_id),
        targets=list(view.targets),
        conditions=[
            SignalCondition(
                name=str(one["name"]),
                value=one.get("value"),
                threshold=one.get("threshold"),
                relation=str(one.get("relation", "")),
                met=bool(one.get("met")),
            )
            for one in view.conditions
        ],
        sizing=sizing(view.sizing) if view.sizing else None,
        checks=[
            RiskCheck(
                name=str(one["name"]), passed=bool(one.get("passed")), detail=str(one.get("detail", ""))
            )
            for one in view.checks
        ],
        own_bot_id=view.bot_id,
    )


def sizing(values: Mapping[str, Any]) -> Sizing:
    """Give the sizing arithmetic."""
    limits: Mapping[str, Any] = values.get("limits") or {}
    return Sizing(
        binding=str(values.get("binding", "")),
        quantity=exact(values.get("quantity")),
        risk=exact(values.get("risk")),
        limits=[SizeLimit(name=name, quantity=exact(found)) for name, found in limits.items()],
    )


def exact(found: object) -> Decimal | None:
    """Read a stored number; what is not finite is null."""
    if found is None:
        return None
    value = Decimal(str(found))
    return value if value.is_finite() else None


__all__ = [
    "Fill",
    "NamedValue",
    "Order",
    "OrderEvent",
    "Signal",
    "fill",
    "named_values",
    "order",
    "order_event",
    "signal",
]
