"""Jobs: each has its effect once, whatever happens to messages, processes and claims."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from desk.jobs.bell import Bell
from desk.jobs.queueing import new_job, queue
from desk.ports import Store
from desk.views import Filter, Job, JobState, Page
from tests.support.job_house import CLOCK, a_worker, a_workspace, ask, ended, reached, shows_progress
from tests.support.job_kinds import kinds
from trading.errors import Conflict, NotFound
from trading.events import JobChanged
from workers import runner as runner_module

#: Five tries after the first, without waiting.
AT_ONCE = (0, 0, 0, 0, 0)


async def facts(store: Store, job: Job) -> list[str]:
    async with store.reading() as tx:
        recorded = await tx.journal.after(job.workspace_id, 0, kinds=("job_changed",))
    return [
        one.event.state
        for one in recorded
        if isinstance(one.event, JobChanged) and one.event.job_id == job.id
    ]


@pytest.fixture(params=["stub", "redis"])
def broker_url(request: pytest.FixtureRequest) -> str:
    return "" if request.param == "stub" else str(request.getfixturevalue("redis_url"))


async def test_a_rung_job_is_done_with_its_files_and_told(any_store: Store, broker_url: str) -> None:
    workspace_id, bell = await a_workspace(any_store), Bell()

    async with a_worker(any_store, bell=bell, url=broker_url):
        done = await ended(any_store, await ask(any_store, workspace_id, "add", bell, a=2, b=3))

    assert (done.state, done.result, done.tries, done.ratio) == (JobState.DONE, {"total": 5}, 1, 1.0)
    assert await facts(any_store, done) == ["running", "done"]
    async with any_store.reading() as tx:
        (file,) = await tx.jobs.files(workspace_id, [done.id])
        assert (file.name, file.media_type, file.size) == ("total.txt", "text/plain", 1)
        assert await tx.jobs.file(workspace_id, done.id, "total.txt") == b"5"
        assert await tx.jobs.file("another workspace", done.id, "total.txt") is None


async def test_a_job_whose_bell_was_lost_is_found_by_the_sweep(sqlite_store: Store) -> None:
    workspace_id = await a_workspace(sqlite_store)

    async with a_worker(sqlite_store):
        done = await ended(sqlite_store, await ask(sqlite_store, workspace_id, "add", a=1, b=1))

    assert done.result == {"total": 2}


async def test_many_messages_for_one_job_have_one_effect(any_store: Store, tmp_path: Path) -> None:
    workspace_id, bell, trace = await a_workspace(any_store), Bell(), tmp_path / "trace"
    jobs = [await ask(any_store, workspace_id, "note", trace=str(trace)) for _ in range(12)]

    async with a_worker(any_store, bell=bell, hands=2), a_worker(any_store, bell=bell):
        for number, job in enumerate(jobs * 4):
            bell.ring(job.id)
            if number % 5 == 0:
                await asyncio.sleep(0)
        found = [await ended(any_store, job) for job in jobs]

    assert {one.state for one in found} == {JobState.DONE}
    assert Counter(trace.read_text().split()) == Counter(job.id for job in jobs)


async def test_a_refusal_ends_a_job_at_once_and_is_kept_with_its_cause(sqlite_store: Store) -> None:
    workspace_id, bell = await a_workspace(sqlite_store), Bell()

    async with a_worker(sqlite_store, bell=bell):
        found = await ended(sqlite_store, await ask(sqlite_store, workspace_id, "refuse", bell))

    assert (found.state, found.tries) == (JobState.FAILED, 1)
    assert found.error.startswith("The range is empty.")
    async with sqlite_store.reading() as tx:
        (letter,) = await tx.messages.buried(workspace_id, Page())
    assert (letter.source, letter.payload["job_id"]) == ("jobs", found.id)


async def test_a_job_that_fails_is_tried_again_later(sqlite_store: Store) -> None:
    workspace_id, bell = await a_workspace(sqlite_store), Bell()

    async with a_worker(sqlite_store, bell=bell, waits_s=AT_ONCE):
        job = await ask(sqlite_store, workspace_id, "stumble", bell, good_try=3)
        found = await ended(sqlite_store, job)

    assert (found.state, found.tries, found.result) == (JobState.DONE, 3, {"try": 3})


@pytest.mark.parametrize(
    ("kind", "given", "words"),
    [
        ("die", {}, "died"),
        ("gorge", {"bytes": 3 * 1024**3}, "memory"),
        ("stumble", {"good_try": 99}, "RuntimeError"),
    ],
)
async def test_poison_is_given_up_after_six_tries_and_kept(
    sqlite_store: Store, kind: str, given: dict[str, Any], words: str
) -> None:
    workspace_id, bell = await a_workspace(sqlite_store), Bell()

    async with a_worker(sqlite_store, bell=bell, memory_bytes=2 * 1024**3, waits_s=AT_ONCE):
        found = await ended(sqlite_store, await ask(sqlite_store, workspace_id, kind, bell, **given))

    assert (found.state, found.tries) == (JobState.FAILED, 6)
    assert words in found.error
    async with sqlite_store.reading() as tx:
        (letter,) = await tx.messages.buried(workspace_id, Page())
    assert (letter.payload["job_id"], letter.attempts) == (found.id, 6)


async def test_a_job_over_its_time_is_ended_with_its_process(sqlite_store: Store) -> None:
    workspace_id, bell = await a_workspace(sqlite_store), Bell()

    async with a_worker(sqlite_store, bell=bell, known=kinds(time_limit_s=0.5), waits_s=()):
        late = await ended(sqlite_store, await ask(sqlite_store, workspace_id, "linger", bell))
        next_one = await ended(sqlite_store, await ask(sqlite_store, workspace_id, "add", bell, a=1, b=1))

    assert (late.state, next_one.state) == (JobState.FAILED, JobState.DONE)
    assert "longer" in late.error


async def test_what_a_job_prints_is_no_answer(sqlite_store: Store) -> None:
    workspace_id, bell = await a_workspace(sqlite_store), Bell()

    async with a_worker(sqlite_store, bell=bell):
        found = await ended(sqlite_store, await ask(sqlite_store, workspace_id, "chatter", bell))

    assert found.result == {"said": True}


async def test_a_running_job_shows_progress_and_ends_when_asked(
    any_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner_module, "KEEP_S", 0.05)
    workspace_id, bell = await a_workspace(any_store), Bell()

    async with a_worker(any_store, bell=bell):
        job = await ask(any_store, workspace_id, "linger", bell)
        await shows_progress(any_store, job)
        async with any_store.transaction() as tx:
            await tx.jobs.ask_cancel(workspace_id, job.id, CLOCK.now())
        found = await ended(any_store, job)

    assert found.state is JobState.CANCELED
    assert found.progress["seconds"][1] == 600.0


async def test_parts_are_put_together_in_their_order_whoever_did_them(any_store: Store) -> None:
    workspace_id, bell = await a_workspace(any_store), Bell()

    async with a_worker(any_store, bell=bell, hands=2), a_worker(any_store, bell=bell):
        found = await ended(any_store, await ask(any_store, workspace_id, "squares", bell, count=20))

    assert found.result == {"values": [number**2 for number in range(20)]}
    async with any_store.reading() as tx:
        listed = await tx.jobs.page(workspace_id, Filter(), Page())
        parts = await tx.jobs.group(workspace_id, found.id)
    assert [one.id for one in listed] == [found.id]
    assert len(parts) == 20


async def test_a_canceled_job_takes_its_waiting_parts_along(sqlite_store: Store) -> None:
    workspace_id = await a_workspace(sqlite_store)
    head = await ask(sqlite_store, workspace_id, "squares", count=2)
    async with sqlite_store.transaction() as tx:
        part = new_job(workspace_id, "square", title="", input={}, now=CLOCK.now(), group_id=head.id)
        await tx.jobs.add(part)
        await tx.jobs.ask_cancel(workspace_id, head.id, CLOCK.now())

    assert (await ended(sqlite_store, head)).state is JobState.CANCELED
    assert (await ended(sqlite_store, part)).state is JobState.CANCELED
    async with sqlite_store.transaction() as tx:
        with pytest.raises(Conflict, match="canceled already"):
            await tx.jobs.ask_cancel(workspace_id, head.id, CLOCK.now())
        again = await tx.jobs.retry(workspace_id, head.id, CLOCK.now())
        with pytest.raises(NotFound):
            await tx.jobs.retry("another workspace", head.id, CLOCK.now())
    assert (again.state, again.tries) == (JobState.QUEUED, 0)


async def test_a_stopping_worker_gives_its_job_back_without_counting_the_try(sqlite_store: Store) -> None:
    workspace_id, bell = await a_workspace(sqlite_store), Bell()

    async with a_worker(sqlite_store, bell=bell):
        job = await ask(sqlite_store, workspace_id, "linger", bell)
        await reached(sqlite_store, job, JobState.RUNNING)

    found = await reached(sqlite_store, job, JobState.QUEUED)
    assert (found.tries, found.error) == (0, "")


async def test_the_job_of_a_silent_worker_goes_to_another_and_its_late_answer_is_thrown_away(
    any_store: Store,
) -> None:
    workspace_id = await a_workspace(any_store)
    job = await ask(any_store, workspace_id, "add", a=1, b=1)
    now = CLOCK.now()
    async with any_store.transaction() as tx:
        first = await tx.jobs.claim(job.id, "first", now, 10.0)
        assert first is not None
        assert await tx.jobs.claim(job.id, "second", now + timedelta(seconds=9), 10.0) is None
        second = await tx.jobs.claim_next("second", now + timedelta(seconds=11), 10.0)
        assert second is not None

        assert not await tx.jobs.finish(first, JobState.DONE, at=now, result={"total": 0})
        assert not await tx.jobs.put_back(first, due_at=now)
        with pytest.raises(Conflict, match="another worker"):
            await tx.jobs.keep(first, now, 10.0, {})
        assert await tx.jobs.finish(second, JobState.DONE, at=now, result={"total": 2})

    assert (await ended(any_store, job)).result == {"total": 2}
    assert (first.epoch, second.epoch) == (1, 2)


async def test_a_second_job_with_the_same_key_is_not_made(any_store: Store) -> None:
    workspace_id = await a_workspace(any_store)

    async def once() -> tuple[Job, bool]:
        job = new_job(
            workspace_id, "add", title="", input={"a": 1, "b": 1}, now=CLOCK.now(), dedupe_key="daily:1"
        )
        async with any_store.transaction() as tx:
            return await queue(tx, job)

    made = await asyncio.gather(*(once() for _ in range(5)))

    assert len({job.id for job, _ in made}) == 1
    assert sum(is_new for _, is_new in made) == 1
