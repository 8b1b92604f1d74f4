"""Read models: frozen values that leave the store and that every door shows. Times are UTC, money is Decimal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from desk.identity import Role
from trading.events import Condition, Desired, Phase, Severity, TradingState
from trading.fills import Liquidity
from trading.orders import OrderState, OrderType, Reason, Side


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """A group of people with their accounts and bots; nothing crosses its wall."""

    id: str
    name: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Install:
    """This database: its id, and how often it was restored from a backup. Both are part of every order id."""

    id: str
    restore_epoch: int
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A person in a workspace."""

    user_id: str
    workspace_id: str
    name: str
    email: str
    role: Role
    language: str
    time_zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiToken:
    """A token without its secret.

    Attributes:
        prefix: how its secret begins, so that a person knows which one it is.
        scopes: "read" may only read, "adhoc" may send documents that the server does not know.
    """

    id: str
    workspace_id: str
    user_id: str
    label: str
    role: Role
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    prefix: str = ""
    scopes: tuple[str, ...] = ()
    last_used_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedToken:
    """A new token with its secret, which is shown this once."""

    token: ApiToken
    secret: str

    def __repr__(self) -> str:
        return f"IssuedToken(token={self.token!r}, secret='***')"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Money at one venue. `engine` settings are those of trading.engine.config, as JSON."""

    id: str
    workspace_id: str
    name: str
    venue: str
    is_live: bool
    currency: str
    capital: Decimal
    trading_state: TradingState
    state_reason: str
    settings: Mapping[str, Any]
    version: int
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountStatus:
    """An account as of its last closed bar."""

    account_id: str
    as_of: datetime
    cash: Decimal
    equity: Decimal
    peak_equity: Decimal
    day_start_equity: Decimal
    drawdown: float
    day_change: float
    open_positions: int
    max_positions: int
    open_risk: Decimal
    trading_state: TradingState


@dataclass(frozen=True, slots=True, kw_only=True)
class PairPhase:
    """Where a bot stands with one pair, and since when."""

    pair: str
    phase: Phase
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Bot:
    """A strategy with pairs, parameters and an allocation, attached to an account."""

    id: str
    workspace_id: str
    account_id: str
    name: str
    strategy: str
    pairs: tuple[str, ...]
    timeframe: str
    parameters: Mapping[str, Any]
    allocation: float
    desired: Desired
    condition: Condition
    condition_reason: str
    trading_state: TradingState
    phases: tuple[PairPhase, ...]
    resume_at: datetime | None
    last_bar_at: datetime | None
    version: int
    config_version: int
    is_live: bool
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StateChange:
    """A line of a bot's state history; the store gives the id."""

    at: datetime
    bot_id: str
    axis: str
    pair: str
    before: str
    after: str
    cause: str
    actor: str
    id: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigVersion:
    """An immutable configuration of a bot."""

    id: str
    bot_id: str
    version: int
    parameters: Mapping[str, Any]
    author: str
    reason: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesInfo:
    """A stored candle series."""

    venue: str
    pair: str
    timeframe: str
    bars: int
    first: datetime
    last: datetime
    checksum: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalRecord:
    """A signal with why: conditions, sizing arithmetic, risk checks.

    Attributes:
        conditions: [{"name", "value", "threshold", "relation", "met"}].
        sizing: {"binding", "quantity", "risk", "limits": {name: quantity}} or empty when it was not sized.
        checks: [{"name", "passed", "detail"}] in evaluation order.
        outcome: "pending", "entered", "denied" or "lapsed"; `reason` says why not.
    """

    id: str
    workspace_id: str
    bot_id: str
    pair: str
    bar_at: datetime
    direction: int
    tag: str
    price: Decimal
    stop: Decimal | None
    targets: tuple[Decimal, ...]
    score: float
    conditions: tuple[Mapping[str, Any], ...]
    sizing: Mapping[str, Any]
    checks: tuple[Mapping[str, Any], ...]
    outcome: str
    reason: str


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Performance:
    """Profit and loss over a span; undefined numbers are None with a reason.

    `values` uses the metric names of trading.backtest.metrics.
    """

    bot_id: str
    since: datetime | None
    until: datetime
    trades: int
    pnl: Decimal
    fees: Decimal
    equity: Decimal
    values: Mapping[str, float | None]
    reasons: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class EquityPoint:
    """Marked-to-market equity at the close of a bar."""

    at: datetime
    equity: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """Entries are refused for a pair (empty: all) until a time."""

    id: str
    account_id: str
    pair: str
    until: datetime
    reason: str
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PanicReport:
    """What a panic stop set going; positions close when the account's process takes the requests."""

    account_id: str
    account_name: str
    was_halted: bool
    positions_open: int
    positions_closing: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """Something people should know."""

    id: str
    workspace_id: str
    severity: Severity
    kind: str
    params: Mapping[str, Any]
    dedupe_key: str
    bot_id: str
    pair: str
    created_at: datetime
    acknowledged_by: str
    acknowledged_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One alert on its way to one person by one channel."""

    id: str
    workspace_id: str
    alert_id: str
    channel: str
    recipient: str
    status: str
    attempts: int
    next_attempt_at: datetime | None
    sent_at: datetime | None
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A message that could not be handled, with its cause; after a repair it is replayed once, or discarded."""

    id: str
    workspace_id: str
    source: str
    kind: str
    payload: Mapping[str, Any]
    payload_hash: str
    cause: str
    trace_id: str
    attempts: int
    created_at: datetime
    replayed_at: datetime | None
    discarded_at: datetime | None = None
    settled_by: str | None = None


class JobState(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"  # for its parts
    DONE = "done"
    FAILED = "failed"
    CANCELED = "canceled"

    @property
    def is_open(self) -> bool:
        """Whether something may still come of it."""
        return self in {JobState.QUEUED, JobState.RUNNING, JobState.WAITING}


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Work in the background, from the asking to the result.

    Attributes:
        kind: what is done, e.g. backtest, optimization, walk_forward, bias_check.
        title: for people, e.g. "elliott_wave on BTC/USDT 1h".
        input, result: plain values; their form depends on the kind. Files lie beside it.
        progress: named bars, {"trials": [done, total]}.
        error: one sentence, of the last failed try.
        asked_by, channel: person's id and the door; empty for the schedule.
        group_id: the job that this one is a part of; empty for whole jobs.
        dedupe_key: a second job with the same key is not made.
        tries, epoch: claims so far, and the one that may write.
        due_at: not before; cancel_at: when its end was asked for.
    """

    id: str
    workspace_id: str
    kind: str
    title: str
    state: JobState
    input: Mapping[str, Any]
    progress: Mapping[str, Any]
    result: Mapping[str, Any]
    error: str
    asked_by: str
    channel: str
    group_id: str
    dedupe_key: str
    tries: int
    epoch: int
    due_at: datetime
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    cancel_at: datetime | None = None

    @property
    def ratio(self) -> float:
        """How far it is, 0 to 1: the mean of its bars."""
        if self.state is JobState.DONE:
            return 1.0
        parts = [done / total for done, total in self.progress.values() if total]
        return min(1.0, sum(parts) / len(parts)) if parts else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFile:
    """A file that a job left."""

    job_id: str
    name: str
    media_type: str
    size: int
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """A line of the append-only audit, chained by hash."""

    sequence: int
    workspace_id: str
    at: datetime
    actor: str
    channel: str
    action: str
    subject: str
    detail: Mapping[str, Any]
    outcome: str
    previous_hash: str
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Keyset paging: after a sort position, so many rows."""

    first: int = 20
    after: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What rows are wanted; empty fields do not filter."""

    bot_id: str = ""
    account_id: str = ""
    pair: str = ""
    is_open: bool | None = None
    since: datetime | None = None
    until: datetime | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
