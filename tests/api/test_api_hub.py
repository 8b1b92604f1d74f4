"""The hub of subscriptions when what it stands on fails: nobody waits for ever, and nothing is left behind."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from api.events.hub import JournalHub
from desk.bus import EventBus
from desk.clock import SystemClock
from desk.ports import Store
from trading.errors import StoreProblem

HOME = "w1"


class Journal:
    """A journal that can be told to fail."""

    def __init__(self) -> None:
        self.answers = asyncio.Event()
        self.answers.set()
        self.head_problem: Exception | None = None
        self.after_problem: Exception | None = None

    async def head(self, workspace_id: str) -> int:
        await self.answers.wait()
        if self.head_problem:
            raise self.head_problem
        return 7

    async def heads(self) -> dict[str, int]:
        return {HOME: 7}

    async def after(self, workspace_id: str, sequence: int, *, limit: int) -> list[Any]:
        if self.after_problem:
            raise self.after_problem
        return []


class Hub(JournalHub):
    """A hub over it."""

    def __init__(self) -> None:
        self.journal = Journal()
        self.bus = EventBus()
        store = SimpleNamespace(glance=SimpleNamespace(journal=self.journal))
        super().__init__(cast(Store, store), self.bus, SystemClock())


async def test_a_follower_that_breaks_ends_its_readers_and_the_next_reader_gets_another() -> None:
    hub = Hub()
    reader = hub.read(HOME, None)
    first = await anext(reader)
    waiting = asyncio.ensure_future(anext(reader, None))
    await asyncio.sleep(0)
    hub.journal.after_problem = ValueError("a row that nobody can read")

    hub.bus.hear_of(HOME, 8)
    async with asyncio.timeout(10):
        ended_with = await waiting
    hub.journal.after_problem = None
    again = hub.read(HOME, None)
    second = await anext(again)
    await again.aclose()

    assert (first, ended_with, second) == ((7, []), None, (7, []))
    assert hub.bus.listeners == 0
    await hub.close()


async def test_a_store_that_is_away_leaves_no_listener_behind() -> None:
    hub = Hub()
    hub.journal.head_problem = StoreProblem("away")
    for _ in range(3):
        with pytest.raises(StoreProblem):
            await anext(hub.read(HOME, None))

    assert hub.bus.listeners == 0


async def test_a_reader_that_is_cancelled_as_it_begins_leaves_nothing_behind() -> None:
    hub = Hub()
    hub.journal.answers.clear()
    beginning = asyncio.ensure_future(anext(hub.read(HOME, None)))
    while not hub.bus.listeners:  # noqa: ASYNC110 - the bus tells nobody who comes
        await asyncio.sleep(0)

    beginning.cancel()
    await asyncio.wait([beginning])

    assert beginning.cancelled()
    assert hub.bus.listeners == 0
    await hub.close()
