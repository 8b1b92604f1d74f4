"""Where the journal, alerts, messages, jobs, the audit, leases and keys are kept."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from desk.venue_port import OrderRequest as OrderRequest
from desk.venue_port import Placement as Placement
from desk.venue_port import Venue as Venue
from desk.views import (
    Alert,
    AuditEntry,
    DeadLetter,
    Delivery,
    Filter,
    Job,
    JobEnd,
    JobFile,
    JobsOpen,
    JobState,
    Page,
)
from trading.events import Event, Recorded


class Journal(Protocol):
    """The event log: facts with gapless sequence numbers per workspace."""

    async def append(
        self, workspace_id: str, events: Sequence[Event], at: datetime
    ) -> tuple[Recorded, ...]: ...
    async def after(
        self, workspace_id: str, sequence: int, *, limit: int = 500, kinds: Sequence[str] = ()
    ) -> Sequence[Recorded]: ...
    async def head(self, workspace_id: str) -> int: ...
    async def heads(self) -> Mapping[str, int]:
        """Give the last sequence of every workspace in one statement."""
        ...

    async def oldest(self, workspace_id: str) -> int: ...
    async def forget(self, before: datetime, *, most: int) -> int:
        """Retire facts recorded before a time, from the oldest on and without a hole; the newest one stays."""
        ...


class Alerts(Protocol):
    """Alerts, their deliveries, and the outbox that carries them. Written in the transaction of the fact."""

    async def add(self, alert: Alert, deliveries: Sequence[Delivery]) -> bool:
        """Write alert, deliveries and outbox rows; False when its dedupe key is already there."""
        ...

    async def page(self, workspace_id: str, wanted: Filter, page: Page) -> Sequence[Alert]: ...
    async def by_id(self, workspace_id: str, alert_id: str) -> Alert | None: ...
    async def add_delivery(self, delivery: Delivery) -> None:
        """Write a delivery that is not on its way yet: it waits for its time."""
        ...

    async def delivery(self, workspace_id: str, delivery_id: str) -> Delivery | None: ...
    async def deliveries(self, workspace_id: str, alert_ids: Sequence[str]) -> Sequence[Delivery]: ...
    async def acknowledge(self, workspace_id: str, alert_id: str, by: str, at: datetime) -> bool: ...
    async def due(self, channel: str, now: datetime, *, limit: int = 50) -> Sequence[tuple[Delivery, Alert]]:
        """Claimable deliveries, oldest first, in order per recipient."""
        ...

    async def mark_sending(self, delivery_id: str, now: datetime) -> bool: ...
    async def mark_sent(self, delivery_id: str, at: datetime) -> None: ...
    async def mark_failed(
        self, delivery_id: str, error: str, retry_at: datetime | None, *, is_doubtful: bool = False
    ) -> None: ...
    async def pending(self) -> tuple[int, datetime | None]:
        """Outbox depth and age: how many deliveries wait, and since when the oldest does."""
        ...


class Messages(Protocol):
    """Messages that come in: handled once, and buried with their cause where they cannot be handled."""

    async def first_time(self, workspace_id: str, source: str, message_id: str, at: datetime) -> bool:
        """Tell whether a message is new, and remember it in this transaction."""
        ...

    async def bury(self, letter: DeadLetter) -> None: ...
    async def buried(
        self, workspace_id: str, page: Page, *, is_open: bool | None = None
    ) -> Sequence[DeadLetter]: ...
    async def letter(self, workspace_id: str, letter_id: str) -> DeadLetter | None: ...
    async def mark_replayed(self, workspace_id: str, letter_id: str, at: datetime, *, by: str) -> bool:
        """Claim a buried message for its replay; False when there is none or it was settled before."""
        ...

    async def mark_discarded(self, workspace_id: str, letter_id: str, at: datetime, *, by: str) -> bool:
        """Settle a buried message without a replay; False when there is none or it was settled before."""
        ...

    async def forget(self, before: datetime, *, most: int) -> int:
        """Remove what was received, and letters that were settled, before a time; a letter that waits stays."""
        ...


class Jobs(Protocol):
    """Background jobs: the queue of record. Whoever claims a job may write to it until somebody else does."""

    async def add(self, job: Job) -> bool:
        """Queue a job; False when its dedupe key was used before."""
        ...

    async def by_id(self, workspace_id: str, job_id: str) -> Job | None: ...
    async def by_key(self, workspace_id: str, dedupe_key: str) -> Job | None: ...
    async def page(self, workspace_id: str, wanted: Filter, page: Page) -> Sequence[Job]: ...
    async def group(self, workspace_id: str, group_id: str) -> Sequence[Job]: ...
    async def claim(self, job_id: str, holder: str, now: datetime, lease_s: float) -> Job | None: ...
    async def claim_next(
        self,
        holder: str,
        now: datetime,
        lease_s: float,
        *,
        only: Collection[str] = (),
        but: Collection[str] = (),
    ) -> Job | None: ...
    async def kind_of(self, job_id: str) -> str: ...
    async def keep(
        self, job: Job, now: datetime, lease_s: float, progress: Mapping[str, Any]
    ) -> datetime | None:
        """Renew a claim and show progress; give when a cancel was asked for."""
        ...

    async def finish(
        self,
        job: Job,
        state: JobState,
        *,
        at: datetime,
        result: Mapping[str, Any] | None = None,
        error: str = "",
    ) -> bool:
        """End a job for good; False when its claim went to somebody else."""
        ...

    async def put_back(self, job: Job, *, due_at: datetime, error: str = "", counts: bool = True) -> bool: ...
    async def wait_for_parts(self, job: Job, progress: Mapping[str, Any]) -> bool: ...
    async def part_ended(self, workspace_id: str, group_id: str, now: datetime) -> int: ...
    async def ask_cancel(self, workspace_id: str, job_id: str, now: datetime) -> Job: ...
    async def retry(self, workspace_id: str, job_id: str, now: datetime) -> Job: ...
    async def is_anything_due(
        self, now: datetime, *, only: Collection[str] = (), but: Collection[str] = ()
    ) -> bool: ...
    async def counts(self) -> Mapping[str, int]: ...
    async def open_by_kind(self) -> Sequence[JobsOpen]: ...
    async def ended_after(self, at: datetime, job_id: str, *, most: int) -> Sequence[JobEnd]:
        """Give jobs that ended after a position, oldest first; the position of one is its end and its id."""
        ...

    async def forget(self, before: datetime, *, most: int) -> int:
        """Remove jobs that ended before a time with their parts and files, at most so many; give how many."""
        ...

    async def add_file(
        self, workspace_id: str, job_id: str, *, name: str, media_type: str, data: bytes, at: datetime
    ) -> None: ...
    async def files(self, workspace_id: str, job_ids: Sequence[str]) -> Sequence[JobFile]: ...
    async def file(self, workspace_id: str, job_id: str, name: str) -> bytes | None: ...


class Audit(Protocol):
    """The append-only audit, chained by hash per workspace."""

    async def append(
        self,
        workspace_id: str,
        *,
        at: datetime,
        actor: str,
        channel: str,
        action: str,
        subject: str,
        detail: Mapping[str, Any],
        outcome: str,
    ) -> AuditEntry: ...
    async def page(self, workspace_id: str, page: Page) -> Sequence[AuditEntry]: ...
    async def head(self, workspace_id: str) -> tuple[int, str]:
        """Sequence and hash of the last line; (0, "") before the first."""
        ...

    async def hashes(self, workspace_id: str, sequences: Collection[int]) -> Mapping[int, str]:
        """Hashes of lines by their sequence; those that are not there are left out."""
        ...

    async def first_bad(self, workspace_id: str) -> int | None:
        """Sequence of the first line whose hash does not follow; None when the chain holds."""
        ...


class Leases(Protocol):
    """Who owns what: one holder per name, with an epoch that counts up at each change of hands."""

    async def take(self, name: str, holder: str, now: datetime, ttl_s: float) -> int | None:
        """Take or renew; give the epoch, or None when somebody else holds it."""
        ...

    async def release(self, name: str, holder: str) -> None: ...
    async def holder(self, name: str, now: datetime) -> tuple[str, int] | None: ...


class Keys(Protocol):
    """One-time things: idempotency answers and confirmation tokens."""

    async def stored_answer(self, workspace_id: str, key: str) -> tuple[str, Mapping[str, Any]] | None:
        """Give (input hash, stored answer) of an idempotency key."""
        ...

    async def store_answer(
        self, workspace_id: str, key: str, input_hash: str, answer: Mapping[str, Any], at: datetime
    ) -> bool: ...
    async def add_confirmation(
        self,
        workspace_id: str,
        token_hash: str,
        *,
        user_id: str,
        channel: str,
        command_hash: str,
        expires_at: datetime,
    ) -> None: ...
    async def take_confirmation(
        self,
        workspace_id: str,
        token_hash: str,
        *,
        user_id: str,
        channel: str,
        command_hash: str,
        now: datetime,
    ) -> str:
        """Use a token once: "ok", "used", "expired", "foreign" or "unknown"; only "ok" consumes it."""
        ...

    async def forget(self, before: datetime, *, most: int) -> int:
        """Remove answers given before a time, and confirmations that ran out before it; give how many."""
        ...
