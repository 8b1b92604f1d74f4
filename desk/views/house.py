"""Read models of alerts, jobs, the audit, and the pages that lists come in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from trading.events import Severity


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
class JobsOpen:
    """How many jobs of a kind are in a state that is not ended, and since when the first of them is due."""

    kind: str
    state: JobState
    count: int
    oldest_due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEnd:
    """A job's end, parts of others included: for the metrics of whichever process asks."""

    id: str
    kind: str
    state: JobState
    tries: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime


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
