"""Writing a job into the queue, in the transaction of whatever asked for it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from desk.identity import new_id
from desk.ports import Unit
from desk.views import Job, JobState
from trading.events import JobChanged


def new_job(
    workspace_id: str,
    kind: str,
    *,
    title: str,
    input: Mapping[str, Any],
    now: datetime,
    asked_by: str = "",
    channel: str = "",
    group_id: str = "",
    dedupe_key: str = "",
    due_at: datetime | None = None,
) -> Job:
    """Give a job that waits for its first try; without a dedupe key it is the only one of its kind."""
    own_id = new_id()
    return Job(
        id=own_id,
        workspace_id=workspace_id,
        kind=kind,
        title=title,
        state=JobState.QUEUED,
        input=input,
        progress={},
        result={},
        error="",
        asked_by=asked_by,
        channel=channel,
        group_id=group_id,
        dedupe_key=dedupe_key or own_id,
        tries=0,
        epoch=0,
        due_at=due_at or now,
        created_at=now,
    )


async def queue(tx: Unit, job: Job) -> tuple[Job, bool]:
    """Queue a job; give it, or the one that has its dedupe key, and whether it is new."""
    if await tx.jobs.add(job):
        return job, True
    known = await tx.jobs.by_key(job.workspace_id, job.dedupe_key)
    assert known is not None, "its key was refused a moment ago"
    return known, False


def changed(job: Job, now: datetime, *, state: JobState | None = None, detail: str = "") -> JobChanged:
    """Give the fact that a job moved."""
    return JobChanged(
        workspace_id=job.workspace_id,
        occurred_at=now,
        job_id=job.id,
        job_kind=job.kind,
        state=state or job.state,
        progress=1.0 if state is JobState.DONE else job.ratio,
        detail=detail or job.title,
    )
