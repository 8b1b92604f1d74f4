"""A worker for tests of jobs: what is asked, who does it, and what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from desk.bus import EventBus
from desk.clock import SystemClock
from desk.jobs.bell import Bell
from desk.jobs.queueing import new_job, queue
from desk.ports import Store
from desk.views import Job, JobState
from tests.support.job_kinds import kinds
from workers.kinds import Bench, Kind
from workers.middleware import WAITS_S
from workers.queue import Workers

CLOCK = SystemClock()


class NoFeed:
    """These jobs need no market."""


async def a_workspace(store: Store) -> str:
    """Give a fresh workspace."""
    async with store.transaction() as tx:
        return (await tx.workspaces.create("home")).id


async def ask(store: Store, workspace_id: str, kind: str, bell: Bell | None = None, **given: Any) -> Job:
    """Queue a job, and ring where there is a bell."""
    job = new_job(workspace_id, kind, title=kind, input=given, now=CLOCK.now())
    async with store.transaction() as tx:
        await queue(tx, job)
    if bell is not None:
        bell.ring(job.id)
    return job


@asynccontextmanager
async def a_worker(
    store: Store,
    *,
    bell: Bell | None = None,
    url: str = "",
    hands: int = 1,
    known: Mapping[str, Kind] | None = None,
    memory_bytes: int = 0,
    waits_s: Sequence[float] = WAITS_S,
) -> AsyncIterator[Workers]:
    """Do jobs while the block runs."""
    workers = Workers(
        store,
        EventBus(),
        CLOCK,
        bell=bell,
        bench=Bench(feed=NoFeed()),  # type: ignore[arg-type]
        url=url,
        hands=hands,
        known=dict(known or kinds()),
        memory_bytes=memory_bytes,
        waits_s=waits_s,
    )
    await workers.start()
    try:
        yield workers
    finally:
        await workers.stop()


async def ended(store: Store, job: Job, *, within_s: float = 60.0, every_s: float = 0.02) -> Job:
    """Wait for a job's end, however it ends.

    Raises:
        TimeoutError: it did not end within the limit.
    """
    return await _seen(store, job, frozenset(one for one in JobState if not one.is_open), within_s, every_s)


async def reached(store: Store, job: Job, state: JobState, *, within_s: float = 60.0) -> Job:
    """Wait until a job is in a state.

    Raises:
        TimeoutError: it was not within the limit.
    """
    return await _seen(store, job, frozenset({state}), within_s, 0.02)


async def shows_progress(store: Store, job: Job) -> Job:
    """Wait until a running job tells how far it is.

    Raises:
        TimeoutError: it did not within a minute.
    """
    async with asyncio.timeout(60.0):
        while True:
            found = await reached(store, job, JobState.RUNNING)
            if found.progress:
                return found
            await asyncio.sleep(0.02)


async def _seen(store: Store, job: Job, states: frozenset[JobState], within_s: float, every_s: float) -> Job:
    async with asyncio.timeout(within_s):
        while True:
            async with store.reading() as tx:
                found = await tx.jobs.by_id(job.workspace_id, job.id)
            assert found is not None, "the job is gone"
            if found.state in states:
                return found
            await asyncio.sleep(every_s)
