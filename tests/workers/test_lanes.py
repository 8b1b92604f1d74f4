"""Lanes and hands: what takes long, fails or dies is in nobody's way."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Literal

import pytest

from desk.jobs.bell import Bell
from desk.jobs.queueing import new_job
from desk.ports import Store
from desk.views import Job, JobState
from tests.support.job_house import CLOCK, a_worker, a_workspace, ask, ended, reached, shows_progress
from tests.support.job_kinds import kinds
from workers import lanes as lanes_module
from workers.hands import HandDied, Hands
from workers.lanes import Lane, lanes_for, moves_on

ADD = "tests.support.job_work:add"
DIE = "tests.support.job_work:die"


def a_job(tries: int) -> Job:
    job = new_job("w", "add", title="", input={}, now=CLOCK.now())
    return replace(job, tries=tries, state=JobState.RUNNING)


async def until(end: asyncio.Event) -> None:
    await end.wait()


async def done(hands: Hands, function: str = ADD) -> int | None:
    """Have a job done; give the process that was there before."""
    hand = await hands.take(function)
    before = hand.pid
    try:
        await hand.work(function, {"a": 1, "b": 1}, lambda *_: None)
    finally:
        await hands.give(hand)
    return before


async def test_short_jobs_are_done_while_long_ones_keep_every_hand(sqlite_store: Store) -> None:
    workspace_id, bell = await a_workspace(sqlite_store), Bell()

    async with a_worker(sqlite_store, bell=bell, hands=1):
        long = await ask(sqlite_store, workspace_id, "linger", bell)
        await reached(sqlite_store, long, JobState.RUNNING)
        for _ in range(3):
            short = await ended(sqlite_store, await ask(sqlite_store, workspace_id, "add", bell, a=1, b=1))
            assert short.state is JobState.DONE
        still = await reached(sqlite_store, long, JobState.RUNNING)

    assert (still.epoch, still.tries) == (1, 1)
    # One that has moved is given back like any other.
    assert (await reached(sqlite_store, long, JobState.QUEUED)).tries == 0


async def test_a_job_that_was_tried_before_keeps_nobody_waiting_at_all(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lanes_module, "PATIENCE_S", 3_600.0)
    workspace_id, bell = await a_workspace(sqlite_store), Bell()
    held = await ask(sqlite_store, workspace_id, "hold")
    async with sqlite_store.transaction() as tx:
        # A worker that died had it, and its claim ran out a second ago.
        assert await tx.jobs.claim(held.id, "dead", CLOCK.now(), -1.0)

    async with a_worker(sqlite_store, bell=bell, hands=1):
        await shows_progress(sqlite_store, held)
        short = await ended(sqlite_store, await ask(sqlite_store, workspace_id, "add", bell, a=1, b=1))
        still = await reached(sqlite_store, held, JobState.RUNNING)

    assert (short.state, still.tries) == (JobState.DONE, 2)


async def test_a_job_that_was_tried_before_moves_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes_module, "PATIENCE_S", 3_600.0)
    onward = asyncio.Semaphore(1)
    lane = Lane(places=asyncio.Semaphore(1), onward=onward)
    end = asyncio.Event()
    doing = asyncio.create_task(until(end))

    assert await moves_on(lane, a_job(tries=2), doing)

    end.set()
    await doing
    assert onward.locked()


class Watched(asyncio.Semaphore):
    """Places that tell when somebody wants one."""

    def __init__(self) -> None:
        super().__init__(1)
        self.wanted = asyncio.Event()

    async def acquire(self) -> Literal[True]:
        self.wanted.set()
        return await super().acquire()


async def test_a_job_that_ends_while_it_waits_for_a_place_takes_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes_module, "PATIENCE_S", 0.0)
    places, end = Watched(), asyncio.Event()
    await places.acquire()
    places.wanted.clear()
    doing = asyncio.create_task(until(end))
    lane = Lane(places=asyncio.Semaphore(1), onward=places)
    moving = asyncio.create_task(moves_on(lane, a_job(tries=1), doing))
    await places.wanted.wait()

    end.set()

    assert not await moving
    places.release()
    assert not places.locked()


async def test_a_long_job_gets_the_next_place_before_more_parts_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes_module, "PATIENCE_S", 0.0)
    places, end = Watched(), asyncio.Event()
    await places.acquire()
    places.wanted.clear()
    doing = asyncio.create_task(until(end))
    lane = Lane(places=asyncio.Semaphore(1), onward=places)
    moving = asyncio.create_task(moves_on(lane, a_job(tries=1), doing))
    await places.wanted.wait()

    places.release()

    assert places.locked(), "a part could have taken the place"
    assert await moving
    end.set()
    await doing


def test_parts_are_done_in_the_places_of_long_jobs_only() -> None:
    quick, parts = lanes_for(kinds().values(), 1)

    assert parts.places is quick.onward
    assert [(quick.takes(one), parts.takes(one)) for one in ("add", "squares", "square")] == [
        (True, False),
        (True, False),
        (False, True),
    ]


async def test_the_death_of_a_hand_costs_the_next_job_no_start() -> None:
    hands = Hands(1, memory_bytes=0)
    try:
        assert await done(hands) is None
        for _ in range(3):
            with pytest.raises(HandDied):
                await done(hands, DIE)
            assert await done(hands) is not None
    finally:
        await hands.end()


async def test_a_worker_without_long_or_broken_jobs_keeps_no_spare() -> None:
    hands = Hands(1, memory_bytes=0)
    try:
        hand = await hands.take(ADD)
        await hand.work(ADD, {"a": 1, "b": 1}, lambda *_: None)
        await hands.give(hand)

        assert [await done(hands) for _ in range(3)] == [hand.pid] * 3
    finally:
        await hands.end()


async def test_hands_that_nobody_needs_any_more_are_ended() -> None:
    hands = Hands(1, memory_bytes=0)
    try:
        lent = [await hands.take(ADD) for _ in range(3)]
        for one in lent:
            await one.work(ADD, {"a": 1, "b": 1}, lambda *_: None)
        for one in lent:
            await hands.give(one)

        assert [one.pid is None for one in lent] == [True, True, False]
    finally:
        await hands.end()
    assert lent[-1].pid is None


async def test_a_spare_that_is_still_starting_ends_with_the_rest() -> None:
    hands = Hands(1, memory_bytes=0)
    hands.keep_spare()
    await asyncio.sleep(0)

    await hands.end()

    assert not [one for one in asyncio.all_tasks() if one.get_name() == "spare hand"]


async def test_a_spare_whose_code_cannot_be_loaded_is_a_hand_all_the_same() -> None:
    hands = Hands(1, memory_bytes=0)
    try:
        hand = await hands.take("no.such.module:add")
        hands.keep_spare()
        spare = await hands.take(ADD)

        assert (await spare.work(ADD, {"a": 1, "b": 2}, lambda *_: None)).values == {"total": 3}
        await hands.give(hand)
    finally:
        await hands.end()
