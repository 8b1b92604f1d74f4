"""Facts on the way from a signal to an order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import ClassVar

from trading.events.base import Event, Severity


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
class EntryDenied(Event):
    """A risk check refused an entry; `reason` is the first failing one of trading-rules.md B.4."""

    severity: ClassVar[Severity] = Severity.INFO

    signal_id: str
    reason: str
    detail: str = ""
