"""Live bars: in order, marked where nobody should buy on them, the same to every reader, through every break."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from desk.clock import Clock, ManualClock, SystemClock, to_ms
from desk.feeds.candle_rows import Doubts, bar_of, read_rows, series_of
from desk.feeds.live import LiveFeed
from desk.feeds.pair_lists import PairChoice
from desk.feeds.quotes import Quote
from desk.feeds.venue_market import Ticker, VenueMarket
from desk.ports import Bar, ClosedBars
from desk.venue_port import VenueBusy
from desk.venues.streaming import Gap
from server.sim_exchange.app import SimOptions, running_sim
from tests.support.sim import address_of, until
from trading.candles import QUARANTINED, SYNTHETIC, Candles
from trading.instruments import Instrument
from trading.timeframes import Timeframe

PAIR = "BTC/USDT"
MINUTE = Timeframe.parse("1m")
START = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)
FIRST_MS = MINUTE.floor(to_ms(START))


@dataclass
class ScriptedMarket:
    """A venue whose bars a test writes."""

    clock: Clock
    venue: str = "scripted"
    bars: dict[str, dict[int, Bar]] = field(default_factory=dict)
    listed: list[Ticker] = field(default_factory=list)
    is_down: bool = False
    asked: int = 0
    heard: asyncio.Queue[Bar | Gap] = field(default_factory=asyncio.Queue)
    quoted: asyncio.Queue[Quote | Gap] = field(default_factory=asyncio.Queue)

    def now_ms(self) -> int:
        return to_ms(self.clock.now())

    def trade(self, ts_ms: int, close: float, *, pair: str = PAIR, heard: bool = False) -> Bar:
        bar = Bar(
            pair=pair, ts_ms=ts_ms, open=close, high=close * 1.001, low=close * 0.999, close=close, volume=2.0
        )
        self.bars.setdefault(pair, {})[ts_ms] = bar
        if heard:
            self.heard.put_nowait(bar)
        return bar

    async def instruments(self) -> Mapping[str, Instrument]:
        self._reach()
        return {pair: Instrument(pair=pair) for pair in (PAIR, "ETH/USDT")}

    async def candles(self, pair: str, step: Timeframe, from_ms: int, to_ms: int) -> list[Bar]:
        self._reach()
        self.asked += 1
        known = self.bars.get(pair, {})
        return [known[one] for one in sorted(known) if from_ms <= one < to_ms]

    async def oldest_ms(self, pair: str, step: Timeframe) -> int | None:
        return 0

    async def tickers(self, pairs: Sequence[str] = ()) -> list[Ticker]:
        return list(self.listed)

    async def ticker(self, pair: str) -> Ticker:
        raise VenueBusy("no ticker was written")

    async def closed_bars(self, pairs: Sequence[str], step: Timeframe) -> AsyncIterator[Bar | Gap]:
        while True:
            yield await self.heard.get()

    async def quotes(self, pairs: Sequence[str], traded: Sequence[str]) -> AsyncIterator[Quote | Gap]:
        while True:
            yield await self.quoted.get()

    async def close(self) -> None:
        self.is_down = True

    def _reach(self) -> None:
        if self.is_down:
            raise VenueBusy("connection refused")


class FixedSecond:
    """A second source with one price."""

    name = "second"

    def __init__(self, price: str) -> None:
        self._price = Decimal(price)

    async def price(self, pair: str) -> Decimal | None:
        return self._price

    async def close(self) -> None:
        """Nothing is held open."""


@dataclass
class Reading:
    """A feed that is read in the background."""

    clock: ManualClock
    market: ScriptedMarket
    groups: list[ClosedBars]
    task: asyncio.Task[None]

    async def pass_time(self, seconds: float) -> None:
        for _ in range(round(seconds / 0.1)):
            self.clock.advance(0.1)
            for _ in range(12):
                await asyncio.sleep(0)

    async def close(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    @property
    def times(self) -> list[int]:
        return [one.ts_ms for one in self.groups]


def read(
    feed: LiveFeed,
    clock: ManualClock,
    market: ScriptedMarket,
    pairs: Sequence[str] = (PAIR,),
    after: int | None = None,
) -> Reading:
    groups: list[ClosedBars] = []

    async def listen() -> None:
        async with aclosing(feed.bars(pairs, "1m", after_ms=after)) as bars:  # type: ignore[type-var]
            async for group in bars:
                groups.append(group)  # noqa: PERF401 - looked at before the end

    return Reading(clock, market, groups, asyncio.create_task(listen()))


def opened(second: FixedSecond | None = None) -> tuple[LiveFeed, ManualClock, ScriptedMarket]:
    clock = ManualClock(START)
    market = ScriptedMarket(clock)
    market.trade(FIRST_MS - MINUTE.ms, 100.0)
    feed = LiveFeed(market, clock=clock, choice=PairChoice(named=(PAIR,)), second=second)
    return feed, clock, market


async def test_a_bar_is_given_out_as_soon_as_the_socket_says_that_it_closed() -> None:
    feed, clock, market = opened()
    reading = read(feed, clock, market)
    await reading.pass_time(30)

    market.trade(FIRST_MS, 101.0, heard=True)
    await reading.pass_time(0.5)
    await reading.close()

    assert reading.times == [FIRST_MS]
    assert reading.groups[0].bars[PAIR].flags == 0
    assert market.asked == 0


async def test_a_bar_that_the_socket_did_not_tell_is_asked_for() -> None:
    feed, clock, market = opened()
    reading = read(feed, clock, market)
    await reading.pass_time(30)
    market.trade(FIRST_MS, 101.0)

    await reading.pass_time(3)
    await reading.close()

    assert reading.times == [FIRST_MS]
    assert reading.groups[0].bars[PAIR].close == 101.0
    assert market.asked >= 1


async def test_bars_told_twice_late_or_corrected_are_given_out_once_and_in_order() -> None:
    feed, clock, market = opened()
    reading = read(feed, clock, market)
    await reading.pass_time(30)
    first = market.trade(FIRST_MS, 101.0, heard=True)
    market.heard.put_nowait(first)
    await reading.pass_time(1)
    market.trade(FIRST_MS, 150.0, heard=True)

    await reading.pass_time(59)
    market.trade(FIRST_MS + MINUTE.ms, 102.0, heard=True)
    await reading.pass_time(3)
    await reading.close()

    assert reading.times == [FIRST_MS, FIRST_MS + MINUTE.ms]
    assert [one.bars[PAIR].close for one in reading.groups] == [101.0, 102.0]


async def test_three_missed_bars_come_in_order_and_the_old_ones_are_not_bought_on() -> None:
    feed, clock, market = opened()
    after = FIRST_MS - 5 * MINUTE.ms
    for ago in range(4, 0, -1):
        market.trade(FIRST_MS - ago * MINUTE.ms, 100.0 + ago)

    reading = read(feed, clock, market, after=after)
    await reading.pass_time(1)
    await reading.close()

    assert reading.times == [FIRST_MS - ago * MINUTE.ms for ago in range(4, 0, -1)]
    marked = [bool(one.bars[PAIR].flags & int(QUARANTINED)) for one in reading.groups]
    assert marked == [True, True, True, False]


async def test_a_minute_without_trades_is_a_synthetic_bar_with_the_last_close() -> None:
    feed, clock, market = opened()
    reading = read(feed, clock, market)

    await reading.pass_time(36)
    await reading.close()

    assert reading.times == [FIRST_MS]
    bar = reading.groups[0].bars[PAIR]
    assert (bar.flags, bar.close, bar.volume) == (int(SYNTHETIC), 100.0, 0.0)


async def test_one_late_pair_does_not_hold_up_the_others() -> None:
    feed, clock, market = opened()
    reading = read(feed, clock, market, pairs=(PAIR, "ETH/USDT"))
    await reading.pass_time(30)

    market.trade(FIRST_MS, 101.0, heard=True)
    await reading.pass_time(5)
    await reading.close()

    assert reading.times == [FIRST_MS]
    assert reading.groups[0].missing == ("ETH/USDT",)
    assert set(reading.groups[0].bars) == {PAIR}


async def test_a_venue_that_is_down_gives_nothing_and_catches_up_when_it_is_back() -> None:
    feed, clock, market = opened()
    reading = read(feed, clock, market)
    await reading.pass_time(1)
    market.is_down = True
    await reading.pass_time(180)
    during, trouble = list(reading.times), feed.trouble

    for later in range(4):
        market.trade(FIRST_MS + later * MINUTE.ms, 101.0 + later)
    market.is_down = False
    await reading.pass_time(15)
    await reading.close()

    assert during == []
    assert trouble == "connection refused"
    assert reading.times[:3] == [FIRST_MS + later * MINUTE.ms for later in range(3)]
    assert feed.trouble == ""


async def test_while_the_venue_is_down_the_second_source_guards_positions_on_marked_bars() -> None:
    feed, clock, market = opened(FixedSecond("96.5"))
    reading = read(feed, clock, market)
    await reading.pass_time(30)
    market.trade(FIRST_MS, 100.0, heard=True)
    await reading.pass_time(1)
    market.is_down = True

    await reading.pass_time(65)
    await reading.close()

    guarded = reading.groups[1].bars[PAIR]
    assert reading.times[:2] == [FIRST_MS, FIRST_MS + MINUTE.ms]
    assert (guarded.close, guarded.low, guarded.high) == (96.5, 96.5, 100.0)
    assert guarded.flags & int(QUARANTINED)


async def test_two_readers_get_the_very_same_bars() -> None:
    feed, clock, market = opened()
    one, other = read(feed, clock, market), read(feed, clock, market)
    await one.pass_time(30)
    market.trade(FIRST_MS, 101.0)
    await one.pass_time(3)
    market.trade(FIRST_MS, 177.0)
    await one.pass_time(62)
    await one.close()
    await other.close()

    assert one.groups[:1] == other.groups[:1]


async def test_history_keeps_what_the_store_has_and_tells_of_corrections() -> None:
    feed, _, market = opened()
    for ago in range(5, 0, -1):
        market.trade(FIRST_MS - ago * MINUTE.ms, 100.0)
    given = Bar(
        pair=PAIR, ts_ms=FIRST_MS - 2 * MINUTE.ms, open=99, high=101, low=98, close=100.5, volume=7, flags=2
    )

    async def shelf(pair: str, timeframe: str, from_ms: int, to_ms: int) -> Candles:
        return series_of([given], pair=pair, step=MINUTE, venue="scripted")

    feed.remember(shelf)
    history = await feed.history(PAIR, "1m", before_ms=None, bars=5)

    row = int(np.flatnonzero(history.ts_ms == given.ts_ms)[0])
    assert len(history) == 5
    assert (history.close[row], history.volume[row], history.flags[row]) == (100.5, 7.0, 2)


@pytest.mark.parametrize(
    "row",
    [
        None,
        [],
        [FIRST_MS, "1", "1", "1", "1"],
        [FIRST_MS + 1, "1", "1", "1", "1", "1"],
        [float(FIRST_MS), "1", "1", "1", "1", "1"],
        [True, "1", "1", "1", "1", "1"],
        [FIRST_MS * 1000, "1", "1", "1", "1", "1"],
        [FIRST_MS, "NaN", "1", "1", "1", "1"],
        [FIRST_MS, "1", "inf", "1", "1", "1"],
        [FIRST_MS, "1", "1", "0", "1", "1"],
        [FIRST_MS, "-1", "1", "-1", "1", "1"],
        [FIRST_MS, "2", "1", "1", "1", "1"],
        [FIRST_MS, "1", "1", "1", "1", "-1"],
        [FIRST_MS, None, "1", "1", "1", "1"],
        "klines",
        {"t": FIRST_MS},
    ],
)
def test_a_row_that_breaks_the_laws_of_candles_is_refused_with_its_reason(row: object) -> None:
    found = bar_of(row, pair=PAIR, step=MINUTE, now_ms=FIRST_MS + 10 * MINUTE.ms)

    assert isinstance(found, str)
    assert found


def test_a_forming_bar_is_neither_a_bar_nor_an_error_and_repeats_keep_the_last() -> None:
    rows = [
        [FIRST_MS + MINUTE.ms, "1", "1", "1", "1", "1"],
        [FIRST_MS, "1", "1", "1", "1", "1"],
        [FIRST_MS, "1", "3", "1", "2", "1"],
        [FIRST_MS + 2 * MINUTE.ms, "1", "1", "1", "1", "1"],
    ]

    found = read_rows(rows, pair=PAIR, step=MINUTE, now_ms=FIRST_MS + 2 * MINUTE.ms + 20_000)

    assert [one.ts_ms for one in found.bars] == [FIRST_MS, FIRST_MS + MINUTE.ms]
    assert found.bars[0].close == 2.0
    assert found.refused == ()


def bar(close: float, *, high: float = 0.0, low: float = 0.0) -> Bar:
    return Bar(
        pair=PAIR, ts_ms=FIRST_MS, open=close, high=high or close, low=low or close, close=close, volume=1.0
    )


def test_a_price_ten_times_too_high_is_marked_and_a_confirmed_move_is_believed() -> None:
    doubts = Doubts(close=100.0)

    flags = [doubts.judged(bar(close)).flags for close in (101.0, 1010.0, 102.0, 200.0, 201.0, 202.0)]

    assert flags == [0, int(QUARANTINED), 0, int(QUARANTINED), 0, 0]


def test_a_single_bad_tick_inside_a_bar_marks_it() -> None:
    assert Doubts(close=100.0).judged(bar(100.0, low=10.0)).flags == int(QUARANTINED)
    assert Doubts(close=100.0).judged(bar(100.0, high=1000.0)).flags == int(QUARANTINED)


async def test_bars_of_a_real_socket_are_those_of_the_list_and_go_on_after_it_was_cut() -> None:
    async with running_sim(SimOptions()) as sim:
        market = VenueMarket("binance", address_of(sim), SystemClock())
        feed = LiveFeed(market, clock=SystemClock(), choice=PairChoice(named=(PAIR, "ETH/USDT")))
        groups: list[ClosedBars] = []

        async def listen() -> None:
            async with aclosing(feed.bars((PAIR, "ETH/USDT"), "1s", after_ms=None)) as bars:  # type: ignore[type-var]
                async for group in bars:
                    groups.append(group)  # noqa: PERF401 - looked at before the end

        task = asyncio.create_task(listen())
        await until(lambda: len(groups) >= 3, seconds=30)
        sim.house.drop_sockets()
        seen = len(groups)
        await until(lambda: len(groups) >= seen + 3, seconds=30)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        step = Timeframe.parse("1s")
        listed = await market.candles(PAIR, step, groups[0].ts_ms, groups[-1].ts_ms + 1000)
        await feed.close()

    times = [one.ts_ms for one in groups]
    assert times == list(range(times[0], times[-1] + 1000, 1000))
    assert [one.bars[PAIR].close for one in groups if PAIR in one.bars] == [one.close for one in listed]


async def test_the_filter_of_spreads_goes_by_what_was_told_last_and_not_by_a_list_that_lags() -> None:
    clock = ManualClock(START)
    market = ScriptedMarket(clock)
    market.listed = [
        Ticker(
            pair=PAIR,
            last=Decimal(100),
            bid=Decimal("99.9"),
            ask=Decimal("100.1"),
            quote_volume=Decimal(1_000_000),
            day_range=0.05,
            at_ms=0,
        )
    ]
    feed = LiveFeed(market, clock=clock, choice=PairChoice(top=1, most_spread=0.01))
    before = await feed.offer()
    clock.advance(3_601.0)
    wide = Quote(pair=PAIR, last=Decimal(100), bid=Decimal(97), ask=Decimal(103), at_ms=market.now_ms())
    market.quoted.put_nowait(wide)
    async with aclosing(feed.quotes([PAIR], [])) as items:  # type: ignore[type-var]
        await anext(items)

    after = await feed.offer()
    clock.advance(3_601.0)
    later = await feed.offer()

    assert before.pairs == later.pairs == (PAIR,)
    assert after.pairs == ()
    assert after.left_out == {PAIR: "spread 6.19% is above 1.00%"}


def test_no_order_book_is_followed_so_that_none_can_be_out_of_step() -> None:
    rooms = Path(__file__).resolve().parents[2] / "desk"
    followers = [
        one.name
        for one in rooms.rglob("*.py")
        if re.search(r"watch_order_book|fetch_order_book|depthUpdate", one.read_text(encoding="utf-8"))
    ]

    assert followers == []
