"""Facts about the house: alerts, jobs, models, reports, approvals, processes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import ClassVar

from trading.events.base import Event, Severity


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
