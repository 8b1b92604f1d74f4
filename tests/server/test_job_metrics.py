"""Metrics of jobs: the queue as it stands, and each end counted once, wherever the job was done."""

from __future__ import annotations

from datetime import timedelta

from prometheus_client.parser import text_string_to_metric_families

from desk.clock import ManualClock
from desk.jobs.queueing import new_job
from desk.ports import Store
from desk.store import SqlStore
from desk.views import JobState
from server.metrics import Metrics
from tests.support.records import NOON


async def read(metrics: Metrics, store: Store, clock: ManualClock) -> dict[tuple[str, str], float]:
    """Give the figures of jobs, by name and the labels in one text."""
    page = (await metrics.page(store, clock)).decode()
    return {
        (one.name, " ".join(one.labels.values())): one.value
        for family in text_string_to_metric_families(page)
        for one in family.samples
        if one.name.startswith("breakwater_job")
    }


async def test_the_queue_is_shown_by_kind_with_the_age_of_what_waits_longest(sqlite_store: SqlStore) -> None:
    clock, metrics = ManualClock(NOON), Metrics(version="1")
    async with sqlite_store.transaction() as tx:
        workspace = await tx.workspaces.create("home")
        for kind, minutes in (("backtest", 5), ("backtest", 2), ("news", 1)):
            job = new_job(workspace.id, kind, title="", input={}, now=NOON - timedelta(minutes=minutes))
            await tx.jobs.add(job)
        await tx.jobs.claim_next("me", NOON, 10.0, only=("news",))

    found = await read(metrics, sqlite_store, clock)

    assert found["breakwater_jobs", "backtest queued"] == 2
    assert found["breakwater_jobs", "news running"] == 1
    assert found["breakwater_jobs_oldest_due_seconds", "backtest"] == 300
    assert ("breakwater_jobs_oldest_due_seconds", "news") not in found


async def test_every_end_is_counted_once_with_its_kind_its_tries_and_its_time(sqlite_store: SqlStore) -> None:
    clock, metrics = ManualClock(NOON), Metrics(version="1")
    async with sqlite_store.transaction() as tx:
        workspace = await tx.workspaces.create("home")
    await read(metrics, sqlite_store, clock)
    for state, tries in ((JobState.DONE, 1), (JobState.DONE, 3), (JobState.FAILED, 6)):
        job = new_job(workspace.id, "backtest", title="", input={}, now=clock.now())
        async with sqlite_store.transaction() as tx:
            await tx.jobs.add(job)
            claimed = await tx.jobs.claim(job.id, "me", clock.now(), 10.0)
            assert claimed is not None
            while claimed.tries < tries:
                await tx.jobs.put_back(claimed, due_at=clock.now())
                claimed = await tx.jobs.claim(job.id, "me", clock.now(), 10.0)
                assert claimed is not None
            await tx.jobs.finish(claimed, state, at=clock.now() + timedelta(seconds=20), result={})
        clock.advance(20.0)

    first = await read(metrics, sqlite_store, clock)
    again = await read(metrics, sqlite_store, clock)

    assert first["breakwater_jobs_ended_total", "backtest done"] == 2
    assert first["breakwater_jobs_ended_total", "backtest failed"] == 1
    assert first["breakwater_job_retries_total", "backtest"] == 2 + 5
    assert first["breakwater_job_duration_seconds_count", "backtest"] == 3
    assert first["breakwater_job_duration_seconds_sum", "backtest"] == 60
    assert again == first


async def test_what_ended_before_the_first_look_is_not_counted(sqlite_store: SqlStore) -> None:
    clock, metrics = ManualClock(NOON), Metrics(version="1")
    async with sqlite_store.transaction() as tx:
        workspace = await tx.workspaces.create("home")
        job = new_job(workspace.id, "backtest", title="", input={}, now=NOON)
        await tx.jobs.add(job)
        claimed = await tx.jobs.claim(job.id, "me", NOON, 10.0)
        assert claimed is not None
        await tx.jobs.finish(claimed, JobState.DONE, at=NOON, result={})
    clock.advance(1.0)

    await read(metrics, sqlite_store, clock)
    found = await read(metrics, sqlite_store, clock)

    assert ("breakwater_jobs_ended_total", "backtest done") not in found
