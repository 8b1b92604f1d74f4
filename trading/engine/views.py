"""What the engine shows: bars that go in, fills, intents, positions and the account that come out, as values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import IntEnum
from typing import NamedTuple

from trading.orders import IntentKind, OrderType, Reason, Side


class Bar(NamedTuple):
    """One closed bar of one line's pair; `flags` as in `trading.candles`, `atr` only for the ATR method."""

    ts_ms: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    flags: int = 0
    atr: float = math.nan


#: The bars of one bar time by line index; one line's bar serves all lines of its pair, an absent pair is MISSING.
BarRow = Mapping[int, Bar]


class EventKind(IntEnum):
    """What a venue, or the cashier, reported."""

    FILL = 0
    ACK = 1
    REJECT = 2
    CANCELED = 3
    EXPIRED = 4
    UNKNOWN = 5
    RESOLVED = 6
    EXTERNAL = 7
    FLOW = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineEvent:
    """One piece of evidence for the engine.

    Attributes:
        sequence: counts up per account in the order of journalling; a sequence counts once.
        intent_sequence: the intent that the event is about; 0 where none is.
        lots, price, fee: of a fill; whole steps, quote currency.
        leg: 1…3 for a ladder leg, the cell number for a grid, else 0.
        amount: of a FLOW, quote currency, negative for a withdrawal.
    """

    kind: EventKind
    sequence: int
    line: int = 0
    intent_sequence: int = 0
    side: Side = Side.BUY
    lots: int = 0
    price: float = 0.0
    fee: float = 0.0
    ts_ms: int = 0
    reason: Reason = Reason.ENTRY
    leg: int = 0
    is_maker: bool = False
    amount: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineFill:
    """A fill as the engine books it; `trade_id` is the same when the same bar is replayed."""

    trade_id: str
    line: int
    side: Side
    lots: int
    price: float
    fee: float
    is_maker: bool
    reason: Reason
    leg: int
    intent_sequence: int
    ts_ms: int
    bar: int
    tag: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineIntent:
    """What the engine wants done, or why it refused an entry.

    Attributes:
        denied: the first failing check (trading-rules.md, B.4); empty when it is wanted.
        binding: the limit that decided the size.
        target: the intent that a CANCEL or CLOSE is about.
        price: limit or trigger price, NaN for a market order; `stop`: the entry's protective stop.
        limits: each limit's quantity in base units, by name, of an entry that was sized; infinite = no limit.
    """

    sequence: int
    line: int
    kind: IntentKind
    side: Side
    lots: int
    order_type: OrderType
    price: float
    reason: Reason
    decided_at_ms: int
    valid_until_ms: int
    denied: str = ""
    binding: str = ""
    target: int = 0
    tag: int = -1
    stop: float = math.nan
    limits: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RestingOrder:
    """An order that should rest at the venue for a position.

    Attributes:
        kind: SET_PROTECTION for the stop, REDUCE for a target or grid sale, OPEN for a grid purchase.
        leg: 1…3 for a ladder leg, the cell number for a grid, 0 for the stop.
        revision: grows with every change of the position; a lower one is out of date.
    """

    line: int
    kind: IntentKind
    leg: int
    side: Side
    lots: int
    order_type: OrderType
    price: float
    reason: Reason
    revision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LegView:
    """One leg of a position's ladder."""

    leg: int
    price: float
    quantity: Decimal
    filled: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionView:
    """A line's position, pending entry and locks as they stand."""

    line: int
    bot_id: str
    pair: str
    side: int
    lots: int
    quantity: Decimal
    entry_price: float
    entry_ms: int
    bars_held: int
    mark: float
    stop: float
    stop_reason: Reason | None
    legs: tuple[LegView, ...]
    unrealised: float
    realised: float
    fees: float
    tag: int
    is_closing: bool
    is_grid: bool
    is_paused: bool
    is_frozen: bool
    locked_until_ms: int
    lock_reason: str
    pending_side: int
    pending_lots: int
    pending_price: float
    pending_sequence: int

    @property
    def is_open(self) -> bool:
        """Whether the line holds a position or a running grid."""
        return self.side != 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountView:
    """The account as it stands; amounts in quote currency, ratios negative for losses."""

    account_id: str
    state: str
    is_killed: bool
    is_daily_blocked: bool
    cash: float
    free: float
    equity: float
    peak: float
    drawdown_ratio: float
    day_start: float
    day_ratio: float
    realised: float
    unrealised: float
    fees: float
    flows: float
    open_risk: float
    gross: float
    net: float
    slots_taken: int
    locked_until_ms: int
    lock_reason: str
    now_ms: int
    bars: int
    last_sequence: int
    last_event: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedTrade:
    """A finished round trip as the engine counts it; prices are averages, `pnl` is net of all fees."""

    line: int
    side: int
    lots: int
    entry_ms: int
    exit_ms: int
    entry_price: float
    exit_price: float
    pnl: float
    pnl_ratio: float
    fees: float
    reason: Reason
    tag: int
    exit_tag: int
    mae_ratio: float
    mfe_ratio: float
    binding: str
    bars: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something that happened to the account (line -1) or to a line: a halt, a lock, a lapsed entry."""

    kind: str
    ts_ms: int
    line: int
    reason: str
    value: float
    until_ms: int
