"""Word between processes through a real Redis: told, heard, not echoed, not believed blindly, back after an outage."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
import redis.asyncio
from structlog.testing import capture_logs

from desk.bus import EventBus, Subscription
from desk.clock import SystemClock
from desk.relay import CHANNEL, RedisRelay
from desk.secrets import Secret
from tests.support.services import RedisServer
from trading.events import CandleClosed, Event, Recorded, ServiceStarted

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Process:
    """A bus with a relay, and what it heard of others."""

    def __init__(self, url: str) -> None:
        self.bus = EventBus()
        self.heads: list[tuple[str, int]] = []
        self.woken = 0
        self.bus.when_elsewhere(lambda workspace, head: self.heads.append((workspace, head)))
        self.relay = RedisRelay(Secret(url), self.bus, SystemClock(), self._wake)

    def _wake(self) -> None:
        self.woken += 1


@asynccontextmanager
async def two_processes(url: str) -> AsyncIterator[tuple[Process, Process]]:
    pair = Process(url), Process(url)
    tasks = [asyncio.create_task(one.relay.run()) for one in pair]
    try:
        await until(lambda: all(one.relay.is_connected and one.bus.listeners for one in pair))
        yield pair
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _keep(listener: Subscription, kept: list[Event]) -> None:
    async for one in listener:
        kept.append(one.event if isinstance(one, Recorded) else one)  # noqa: PERF401 - a list would come at the end only


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110 - a test waits for what other tasks do
            await asyncio.sleep(0.005)


def fact(sequence: int) -> Recorded:
    event = ServiceStarted(workspace_id="w1", occurred_at=NOW, role="trade", version="1")
    return Recorded(sequence=sequence, recorded_at=NOW, event=event)


def candle(close: float) -> CandleClosed:
    return CandleClosed(
        workspace_id="",
        occurred_at=NOW,
        pair="BTC/USDT",
        venue="paper",
        timeframe="1h",
        ts_ms=1,
        open=1.0,
        high=3.0,
        low=1.0,
        close=close,
        volume=2.0,
    )


async def test_a_committed_fact_is_heard_of_in_the_other_process_and_not_in_its_own(redis_url: str) -> None:
    async with two_processes(redis_url) as (here, there):
        here.bus.publish([fact(7)])
        await until(lambda: there.heads)

        assert (there.heads, there.woken) == ([("w1", 7)], 1)
        assert (here.heads, here.woken) == ([], 0)


async def test_bars_come_through_once_and_are_not_sent_back(redis_url: str) -> None:
    async with two_processes(redis_url) as (here, there):
        heard: list[Event] = []
        own: list[Event] = []
        listeners = [
            (one.bus.subscribe(None, (CandleClosed,)), kept) for one, kept in ((there, heard), (here, own))
        ]
        tasks = [asyncio.create_task(_keep(*one)) for one in listeners]
        here.bus.publish_market(candle(2.0))
        await until(lambda: heard)
        # Whatever had been sent back would have come before this fact.
        there.bus.publish([fact(1)])
        await until(lambda: here.heads)
        for one, _ in listeners:
            one.close()
        await asyncio.gather(*tasks)

        assert heard == [candle(2.0)]
        assert own == [candle(2.0)]


@pytest.mark.parametrize(
    "said",
    [
        b"not json",
        b"[]",
        b'{"workspace": "w1"}',
        b'{"workspace": "w1", "head": "many"}',
        b'{"market": "order_filled", "payload": {}}',
        b'{"market": "candle_closed", "payload": {"close": "x"}}',
        b'{"market": "no_such_fact", "payload": {}}',
    ],
)
async def test_strange_words_are_noted_and_change_nothing(redis_url: str, said: bytes) -> None:
    async with two_processes(redis_url) as (here, there):
        with capture_logs() as logs:
            async with redis.asyncio.from_url(redis_url) as client:
                await client.publish(CHANNEL, said)
            here.bus.publish([fact(3)])
            await until(lambda: there.heads)

        assert there.heads == [("w1", 3)]
        assert "relay_not_understood" in {one["event"] for one in logs}


async def test_the_relay_comes_back_after_redis_was_away() -> None:
    server = RedisServer(is_own=True)
    try:
        async with two_processes(server.url) as (here, there):
            server.stop()
            await until(lambda: not here.relay.is_connected and not there.relay.is_connected)
            here.bus.publish([fact(1)])
            server.start()
            await until(lambda: here.relay.is_connected and there.relay.is_connected)
            await until(lambda: here.bus.listeners)
            here.bus.publish([fact(2)])
            await until(lambda: ("w1", 2) in there.heads)

            assert there.heads == [("w1", 2)]
    finally:
        server.close()
