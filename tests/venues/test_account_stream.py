"""The account's stream: cut, silent, deaf, shuffled; nothing is missed and nothing counts twice."""

from __future__ import annotations

import asyncio
import itertools
import json
from contextlib import aclosing
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from desk.clock import ManualClock
from desk.venue_port import Evidence, OrderRequest, StreamGap, VenueOrder, VenueTrade
from desk.venues import account_stream
from desk.venues.streaming import Gap, Line, Stream
from tests.support.sim import SimVenue, open_sim_venue, until
from trading.orders import OrderState

PAIR = "BTC/USDT"


def market(client_order_id: str, side: str = "buy") -> OrderRequest:
    return OrderRequest(
        client_order_id=client_order_id, pair=PAIR, side=side, order_type="market", quantity=Decimal("0.01")
    )


class Ears:
    """Listens to a venue until closed."""

    def __init__(self, opened: SimVenue) -> None:
        self.heard: list[Evidence] = []
        self._task = asyncio.create_task(self._listen(opened))

    async def _listen(self, opened: SimVenue) -> None:
        async with aclosing(opened.venue.evidence()) as items:  # type: ignore[type-var]
            async for item in items:
                self.heard.append(item)

    @property
    def trades(self) -> set[str]:
        return {one.venue_trade_id for one in self.heard if isinstance(one, VenueTrade)}

    @property
    def gaps(self) -> list[StreamGap]:
        return [one for one in self.heard if isinstance(one, StreamGap)]

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


async def test_a_cut_socket_comes_back_and_says_since_when_something_may_be_missing() -> None:
    async with open_sim_venue() as opened:
        ears = Ears(opened)
        await until(lambda: len(ears.gaps) == 1)
        await opened.venue.place(market("bw-1"))
        await until(lambda: len(ears.trades) == 1)

        opened.sim.house.drop_sockets()
        await until(lambda: len(ears.gaps) == 2)
        await opened.venue.place(market("bw-2"))
        await until(lambda: len(ears.trades) == 2)
        await ears.close()

    assert ears.gaps[0].cause == "connected"
    assert "Connection closed" in ears.gaps[1].cause
    assert ears.gaps[1].since_ms <= min(
        one.traded_at_ms for one in ears.heard[-3:] if isinstance(one, VenueTrade)
    )


async def test_fills_before_their_acknowledgement_and_twice_are_passed_on_as_they_are() -> None:
    async with open_sim_venue() as opened:
        ears = Ears(opened)
        await until(lambda: len(ears.gaps) == 1)
        opened.sim.control.set("fault", {"kind": "ws_shuffle", "count": 4})
        opened.sim.control.set("fault", {"kind": "ws_duplicate", "count": 3})

        for number in range(6):
            await opened.venue.place(market(f"bw-{number}"))
        await until(lambda: len(ears.trades) == 6)
        await ears.close()

    states = [one.state for one in ears.heard if isinstance(one, VenueOrder)]
    assert OrderState.FILLED in states
    assert len([one for one in ears.heard if isinstance(one, VenueTrade)]) >= 6


async def test_a_socket_that_lives_and_says_nothing_is_found_out_by_asking(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(account_stream, "LOOK_S", 0.3)
    monkeypatch.setattr(account_stream, "DEAF_AFTER_MS", 100)
    async with open_sim_venue() as opened:
        ears = Ears(opened)
        await until(lambda: len(ears.gaps) == 1)
        opened.sim.control.set("fault", {"kind": "ws_stall", "seconds": 600})

        await opened.venue.place(market("bw-1"))
        await until(lambda: len(ears.gaps) == 2 and len(ears.trades) == 1)
        await ears.close()

    assert "did not tell of 1 trades" in ears.gaps[1].cause


async def test_a_login_that_is_never_answered_is_given_up_in_its_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(account_stream, "LOGIN_S", 0.05)
    async with open_sim_venue() as opened:
        ears = Ears(opened)
        await until(lambda: len(ears.gaps) == 1)
        ways: list[str] = []

        async def unanswered(client: Any, parameters: Any = None) -> None:
            ways.append("in")
            try:
                await asyncio.Event().wait()
            finally:
                ways.append("out")

        monkeypatch.setattr(type(opened.link.client).__mro__[1], "authenticate", unanswered)
        opened.sim.house.drop_sockets()
        await until(lambda: ways.count("out") >= 1)
        monkeypatch.undo()
        await until(lambda: len(ears.gaps) == 2)
        await ears.close()

    assert ears.gaps[1].cause.startswith("TimeoutError")


@pytest.mark.parametrize("wrong", ["NaN", "1", "Infinity", ""])
async def test_an_event_that_cannot_be_read_ends_the_connection_and_asks_for_what_it_was(wrong: str) -> None:
    async with open_sim_venue() as opened:
        ears = Ears(opened)
        await until(lambda: len(ears.gaps) == 1)
        number = next(iter(opened.sim.house.sockets)).wrap
        event = {
            "e": "executionReport",
            "E": 1795414650242,
            "s": "BTCUSDT",
            "c": "x",
            "S": "BUY",
            "o": "LIMIT",
            "f": "GTC",
            "q": wrong,
            "p": "-1",
            "x": "NEW",
            "X": "NEW",
            "i": 1,
            "l": "0",
            "z": "9",
            "L": "0",
            "T": 1795414650242,
            "t": -1,
            "O": 1795414650242,
            "Z": "0",
        }
        broken = json.dumps({"subscriptionId": number, "event": event})

        opened.sim.house.spread(broken)
        await until(lambda: len(ears.gaps) == 2)
        await ears.close()

    assert "cannot be read" in ears.gaps[1].cause or "in a message" in ears.gaps[1].cause
    assert not [one for one in ears.heard if isinstance(one, VenueOrder)]


@pytest.mark.parametrize(
    "text", ["{", '{"e":', "[]", "null", '{"e":7}', '"text"', "\u0000", '{"subscriptionId":1,"event":[]}']
)
async def test_a_message_that_is_no_message_does_not_end_the_reading(text: str) -> None:
    async with open_sim_venue() as opened:
        ears = Ears(opened)
        await until(lambda: len(ears.gaps) == 1)

        opened.sim.house.spread(text)
        numbers = itertools.count()

        async def is_heard() -> bool:
            # The connection may be replaced meanwhile; the next one hears again.
            await opened.venue.place(market(f"bw-{next(numbers)}"))
            await asyncio.sleep(0.1)
            return bool(ears.trades)

        await until(is_heard, seconds=5)
        await ears.close()


class Script:
    """Connections that a test opens and ends by hand."""

    def __init__(self) -> None:
        self.lines: list[Line[str]] = []
        self.ends: list[asyncio.Event] = []

    async def connect(self, line: Line[str]) -> None:
        end = asyncio.Event()
        self.lines.append(line)
        self.ends.append(end)
        line.ready()
        await end.wait()


async def advanced(clock: ManualClock, seconds: float, step_s: float = 0.25) -> None:
    """Move time on in steps, and let everybody who wakes act."""
    for _ in range(round(seconds / step_s)):
        clock.advance(step_s)
        for _ in range(8):
            await asyncio.sleep(0)


def scripted(script: Script, clock: ManualClock, **more: float) -> tuple[list[str | Gap], asyncio.Task[None]]:
    stream = Stream(script.connect, clock=clock, name="scripted", seed=1, **more)
    heard: list[str | Gap] = []

    async def listen() -> None:
        async with aclosing(stream.items()) as items:
            async for item in items:
                heard.append(item)  # noqa: PERF401 - what was heard so far is looked at before the end

    return heard, asyncio.create_task(listen())


async def ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_silent_connection_is_replaced_within_its_time() -> None:
    clock, script = ManualClock(datetime(2026, 1, 1, tzinfo=UTC)), Script()
    heard, task = scripted(script, clock, stale_s=15.0)
    await advanced(clock, 1)
    script.lines[0].put("one")

    await advanced(clock, 17)
    await ended(task)

    assert len(script.lines) == 2
    causes = [one.cause for one in heard if isinstance(one, Gap)]
    assert causes[0] == "connected"
    assert causes[1].startswith("silent for 15")


async def test_an_old_connection_is_swapped_with_an_overlap_and_without_a_gap() -> None:
    clock, script = ManualClock(datetime(2026, 1, 1, tzinfo=UTC)), Script()
    heard, task = scripted(script, clock, most_age_s=60.0)
    await advanced(clock, 59)
    script.lines[0].put("old")

    await advanced(clock, 2.5)
    script.lines[0].put("both, from the old")
    script.lines[1].put("both, from the new")
    await advanced(clock, 1)
    script.lines[0].put("too late")
    script.lines[1].put("new")
    await advanced(clock, 1)
    await ended(task)

    texts = [one for one in heard if isinstance(one, str)]
    assert texts == ["old", "both, from the old", "both, from the new", "new"]
    assert len([one for one in heard if isinstance(one, Gap)]) == 1


async def test_attempts_are_spread_and_never_further_apart_than_the_cap() -> None:
    clock = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))
    began: list[float] = []

    async def refused(line: Line[str]) -> None:
        began.append(clock.monotonic())
        raise ConnectionError("refused")

    stream = Stream(refused, clock=clock, name="refused", seed=1)
    task = asyncio.ensure_future(anext(stream.items()))
    await advanced(clock, 300)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    waits = [after - before for before, after in itertools.pairwise(began)]
    assert waits[0] < 2
    assert max(waits) <= 45 + 1
    assert len({round(one, 2) for one in waits[-4:]}) > 1
    assert 8 <= len(began) <= 40


async def test_a_reader_that_falls_behind_is_told_of_a_gap_and_not_fed_old_news(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("desk.venues.streaming.MOST_WAITING", 10)
    clock, script = ManualClock(datetime(2026, 1, 1, tzinfo=UTC)), Script()
    heard, task = scripted(script, clock)
    await advanced(clock, 1)

    for number in range(25):
        script.lines[0].put(str(number))
    await advanced(clock, 1)
    await ended(task)

    assert any(isinstance(one, Gap) and one.cause == "the reader fell behind" for one in heard)
    assert heard[-1] == "24"


class NotedClock(ManualClock):
    """A clock that passes by itself and notes how long it was slept on."""

    def __init__(self) -> None:
        super().__init__(datetime(2026, 3, 1, tzinfo=UTC))
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        # Looks at a connection that ends by itself take no time here.
        self.advance(0.0 if seconds == 1.0 else seconds)
        await asyncio.sleep(0)


@pytest.mark.parametrize(("stood_s", "is_patient"), [(5.0, False), (0.0, True)])
async def test_only_a_connection_that_did_not_stand_makes_the_next_one_wait_longer(
    stood_s: float, is_patient: bool
) -> None:
    clock, began = NotedClock(), 0

    async def connect(line: Line[int]) -> None:
        nonlocal began
        began += 1
        clock.advance(0.1)
        # It says nothing after that it listens; a quiet account is an ordinary one.
        line.ready()
        clock.advance(stood_s)

    stream: Stream[int] = Stream(connect, clock=clock, name="quiet", seed=1)
    async with asyncio.timeout(20), aclosing(stream.items()) as items:
        while began < 8:
            await anext(items)

    waits = [one for one in clock.slept if one != 1.0]
    assert (max(waits) > 4.0) is is_patient
