"""Read models of orders, fills, positions and trades."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from trading.fills import Liquidity
from trading.orders import OrderState, OrderType, Reason, Side


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order with its state and evidence."""

    id: str
    workspace_id: str
    account_id: str
    bot_id: str
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
    signal_id: str
    position_id: str
    is_reduce_only: bool
    attempts: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FillRecord:
    """A booked execution.

    Attributes:
        base_fee: what of the bought asset the venue kept as its fee; None for nothing.
    """

    id: str
    workspace_id: str
    account_id: str
    bot_id: str
    order_id: str
    position_id: str
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
    base_fee: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One take-profit leg."""

    price: Decimal
    quantity: Decimal
    is_filled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """An open or closed position. Unrealised P&L is at `mark_price`."""

    id: str
    workspace_id: str
    account_id: str
    bot_id: str
    pair: str
    is_long: bool
    quantity: Decimal
    entry_quantity: Decimal
    entry_price: Decimal
    mark_price: Decimal
    stop: Decimal | None
    initial_stop: Decimal | None
    legs: tuple[Leg, ...]
    trail_ratio: float | None
    realized_pnl: Decimal
    unrealized_pnl: Decimal
    fees: Decimal
    signal_id: str
    tag: str
    opened_at: datetime
    closed_at: datetime | None
    as_of: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """A finished round trip, net of all costs."""

    id: str
    number: int
    workspace_id: str
    account_id: str
    bot_id: str
    position_id: str
    pair: str
    is_long: bool
    quantity: Decimal
    entry_price: Decimal
    exit_price: Decimal
    pnl: Decimal
    pnl_ratio: float
    fees: Decimal
    reason: Reason
    tag: str
    exit_tag: str
    bars: int
    signal_id: str
    opened_at: datetime
    closed_at: datetime
