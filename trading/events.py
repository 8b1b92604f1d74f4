"""Facts: what happened, frozen, in the past tense. The classes are the topics; there are no topic strings.

Every fact is journalled in the transaction that changes the state, and published after the commit.
`kind` on the wire is the class name in snake case; the codec below is the only one.
"""

from __future__ import annotations

import re
import typing
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache
from types import UnionType
from typing import Any, ClassVar

from trading.errors import InvalidInput
from trading.fills import Liquidity
from trading.orders import OrderState, OrderType, Reason, Side


class Severity(StrEnum):
    """How loud a fact is; alerts and quiet hours go by it."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class Desired(StrEnum):
    """What people want of a bot."""

    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    STOPPED = "STOPPED"


class Condition(StrEnum):
    """How a bot is."""

    IDLE = "IDLE"
    RECONCILING = "RECONCILING"
    READY = "READY"
    DEGRADED = "DEGRADED"
    ERROR = "ERROR"
    STOPPING = "STOPPING"


class TradingState(StrEnum):
    """What an account may do."""

    ACTIVE = "ACTIVE"
    REDUCING = "REDUCING"
    HALTED = "HALTED"


class Phase(StrEnum):
    """Where a bot stands with one pair."""

    IDLE = "IDLE"
    MONITORING = "MONITORING"
    SIGNAL_DETECTED = "SIGNAL_DETECTED"
    POSITION_OPEN = "POSITION_OPEN"
    POSITION_CLOSED = "POSITION_CLOSED"


#: From each phase, where it may go.
PHASES: dict[Phase, frozenset[Phase]] = {
    Phase.IDLE: frozenset({Phase.MONITORING}),
    Phase.MONITORING: frozenset({Phase.SIGNAL_DETECTED, Phase.POSITION_OPEN, Phase.IDLE}),
    Phase.SIGNAL_DETECTED: frozenset({Phase.POSITION_OPEN, Phase.MONITORING, Phase.IDLE}),
    Phase.POSITION_OPEN: frozenset({Phase.POSITION_CLOSED}),
    Phase.POSITION_CLOSED: frozenset({Phase.MONITORING, Phase.IDLE}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A fact about one workspace.

    Attributes:
        occurred_at: when it happened in the market or at the desk, UTC.
        bot_id, pair: what it is about; empty where it is about more than that.
    """

    severity: ClassVar[Severity] = Severity.INFO

    workspace_id: str
    occurred_at: datetime
    account_id: str = ""
    bot_id: str = ""
    pair: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BotCreated(Event):
    """A bot was set up; it trades nothing until it is started."""

    name: str
    strategy: str
    actor: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BotDeleted(Event):
    """A bot was removed; its history stays."""

    name: str
    actor: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BotStateChanged(Event):
    """One of the four axes of a bot's state moved: desired, condition, trading_state or phase."""

    axis: str
    before: str
    after: str
    cause: str
    actor: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BotConfigChanged(Event):
    """A bot has a new immutable configuration version."""

    version: int
    reason: str = ""
    actor: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CandleClosed(Event):
    """A bar closed. Market data: may be conflated for a slow listener, and is not journalled."""

    severity: ClassVar[Severity] = Severity.DEBUG

    venue: str
    timeframe: str
    ts_ms: int
    open: float
    high: float
    low: float
    close: float
    volume: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceMoved(Event):
    """A pair's price between bars. Market data: may be conflated for a slow listener, and is not journalled.

    Attributes:
        venue, source: whose market it is, and who said the price: the venue, or the second source while it is silent.
        bid, ask: None where only a trade is known.
    """

    severity: ClassVar[Severity] = Severity.DEBUG

    venue: str
    source: str
    last: Decimal
    bid: Decimal | None
    ask: Decimal | None
    ts_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalDetected(Event):
    """A strategy wants a position."""

    signal_id: str
    direction: int
    tag: str
    price: Decimal
    score: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalLapsed(Event):
    """A signal ended without an order; `reason` is the first failing check."""

    signal_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryAsked(Event):
    """A semi-automatic bot asks people whether it may enter; unanswered until then it does not."""

    code: str
    signal_id: str
    is_long: bool
    quantity: Decimal
    price: Decimal
    stop: Decimal | None
    targets: tuple[Decimal, ...]
    until: datetime
    tag: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryAnswered(Event):
    """An entry that waited for people was approved, skipped, let lapse, entered or refused."""

    code: str
    signal_id: str
    state: str
    share: Decimal = Decimal(1)
    reason: str = ""
    actor: str = ""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryDenied(Event):
    """A risk check refused an entry; `reason` is the first failing one of trading-rules.md B.4."""

    severity: ClassVar[Severity] = Severity.INFO

    signal_id: str
    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TradingHalted(Event):
    """An account may not open positions until a person resets it."""

    severity: ClassVar[Severity] = Severity.CRITICAL

    reason: str
    drawdown: float | None = None
    actor: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TradingResumed(Event):
    """An account may open positions again."""

    severity: ClassVar[Severity] = Severity.WARNING

    reason: str
    actor: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyLossReached(Event):
    """No entries until the next UTC day."""

    severity: ClassVar[Severity] = Severity.WARNING

    loss: float
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PairLocked(Event):
    """Entries for a pair (or all, with an empty pair) are locked until a time."""

    severity: ClassVar[Severity] = Severity.WARNING

    until: datetime
    reason: str
    actor: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairUnlocked(Event):
    """A lock was released or ran out."""

    reason: str
    actor: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitChanged(Event):
    """A limit of an account was lowered or raised; "off" stands for none."""

    severity: ClassVar[Severity] = Severity.WARNING

    limit: str
    before: str
    after: str
    reason: str
    actor: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaveLabelled(Event):
    """The detector published a wave event."""

    severity: ClassVar[Severity] = Severity.DEBUG

    wave_event: str
    timeframe: str
    degree: int
    pattern: str
    direction: str
    price: float
    bar_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedStalled(Event):
    """Market data stopped coming; entries are blocked."""

    severity: ClassVar[Severity] = Severity.WARNING

    venue: str
    age_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedRecovered(Event):
    """Market data is coming again; resolves FeedStalled."""

    venue: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyFailed(Event):
    """A strategy raised; its bot stopped, the house stays up."""

    severity: ClassVar[Severity] = Severity.CRITICAL

    strategy: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentOpened(Event):
    """Something about a live account that people must look at; open until it is settled.

    Attributes:
        incident: which kind, such as "unresolved" or "difference".
        subject: an order, an asset or a pair.
    """

    severity: ClassVar[Severity] = Severity.CRITICAL

    incident_id: str
    incident: str
    subject: str
    level: Severity
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentClosed(Event):
    """An incident is settled, by evidence or by a person."""

    incident: str
    subject: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountReconciled(Event):
    """An account was compared with its venue.

    Attributes:
        outcome: "agreed", "differs" or "incomplete".
    """

    outcome: str
    fills: int
    adopted: int
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRaised(Event):
    """Something people asked to be told about; deliveries follow from the outbox."""

    alert_id: str
    level: Severity
    title: str
    alert_kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobChanged(Event):
    """A background job moved: queued, running, done, failed, canceled; progress is a ratio."""

    severity: ClassVar[Severity] = Severity.DEBUG

    job_id: str
    job_kind: str
    state: str
    progress: float = 0.0
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DaySummarised(Event):
    """A UTC day of an account ended: what was closed in it, and what the account is worth.

    Attributes:
        day: "2026-11-23".
        pnl: net profit of the positions closed that day; `equity` as of the last bar, None before the first.
    """

    day: str
    trades: int
    wins: int
    pnl: Decimal
    equity: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPromoted(Event):
    """Another version of a learned model speaks from now on; version 0: none of it any more.

    Attributes:
        reason: promoted, retrained or rolled_back.
    """

    model: str
    version: int
    before: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelDrifted(Event):
    """The market is another one than a model learned from, or its forecasts fare worse than they were judged.

    Attributes:
        worst: the feature that moved most.
        moved: share of the features that moved far.
        skill: of the forecasts since the training; None where too few outcomes are known.
    """

    severity: ClassVar[Severity] = Severity.WARNING

    model: str
    version: int
    worst: str
    moved: float
    skill: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportReady(Event):
    """A report of a day, a week or a month was made; its files lie with the job.

    Attributes:
        report: its title; `period`: "day", "week" or "month".
        pnl: closed profit net of costs.
        asked_by: id of the person who asked for it; empty for those of the clock.
    """

    job_id: str
    report: str
    period: str
    trades: int
    wins: int
    pnl: Decimal
    fees: Decimal
    risk_events: int
    asked_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceStarted(Event):
    """A process of the house came up."""

    role: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceStopped(Event):
    """A process of the house went down on request."""

    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRequested(Event):
    """A dangerous command waits for a second person, or for a single owner's delay.

    Attributes:
        code: what people type to approve or reject it.
        until: when it lapses; with a delay, when it happens by itself.
    """

    severity: ClassVar[Severity] = Severity.WARNING

    approval_id: str
    code: str
    command: str
    until: datetime
    is_solo: bool
    actor: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalSettled(Event):
    """A request for approval moved on: APPROVED, REJECTED, EXPIRED, FAILED or DONE."""

    approval_id: str
    code: str
    command: str
    state: str
    detail: str = ""
    actor: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A fact with its place in the journal of its workspace.

    Attributes:
        sequence: counts up per workspace without gaps; the cursor of subscriptions.
        recorded_at: when it was committed, UTC.
    """

    sequence: int
    recorded_at: datetime
    event: Event = field(compare=True)


def kind_of(event: Event | type[Event]) -> str:
    """Give the wire name of a fact, e.g. "order_filled"."""
    name = event.__name__ if isinstance(event, type) else type(event).__name__
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def _all_events(root: type[Event]) -> dict[str, type[Event]]:
    found: dict[str, type[Event]] = {}
    for one in root.__subclasses__():
        found[kind_of(one)] = one
        found.update(_all_events(one))
    return found


#: Every fact by its wire name.
EVENT_TYPES: dict[str, type[Event]] = _all_events(Event)

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
