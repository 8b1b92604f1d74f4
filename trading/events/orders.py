"""Facts about orders, fills and positions."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from trading.events.base import Event, Severity
from trading.fills import Liquidity
from trading.orders import OrderState, OrderType, Reason, Side


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPlaced(Event):
    """An order intent was committed; nothing was sent before that."""

    order_id: str
    client_order_id: str
    side: Side
    order_type: OrderType
    quantity: Decimal
    price: Decimal | None
    reason: Reason
    binding: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderChanged(Event):
    """An order went from one state to another on evidence."""

    order_id: str
    before: OrderState
    after: OrderState
    evidence: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFilled(Event):
    """An execution happened, whole or in part."""

    order_id: str
    fill_id: str
    side: Side
    price: Decimal
    quantity: Decimal
    fee: Decimal
    liquidity: Liquidity
    reason: Reason
    leg: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionOpened(Event):
    """A position exists."""

    position_id: str
    is_long: bool
    quantity: Decimal
    entry_price: Decimal
    stop: Decimal | None
    targets: tuple[Decimal, ...] = ()
    tag: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionChanged(Event):
    """A position's quantity, stop or targets moved."""

    severity: ClassVar[Severity] = Severity.DEBUG

    position_id: str
    quantity: Decimal
    stop: Decimal | None
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionClosed(Event):
    """A round trip ended; `trade_id` names the finished trade."""

    position_id: str
    trade_id: str
    exit_price: Decimal
    pnl: Decimal
    pnl_ratio: float
    reason: Reason
    exit_tag: str = ""
