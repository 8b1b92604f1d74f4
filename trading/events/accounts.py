"""Facts about accounts: limits and halts, comparisons with the venue, incidents, days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import ClassVar

from trading.events.base import Event, Severity


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
