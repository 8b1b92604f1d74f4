"""Feeds: a replay goes on where it stopped; the simulated exchange is the same market for everybody."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desk.clock import ManualClock, SystemClock
from desk.feeds.instruments import instrument_for
from desk.feeds.pacing import Pace
from desk.feeds.replay import ReplayFeed
from desk.feeds.simulated import EPOCH_MS, HISTORY_DAYS, SimulatedFeed
from desk.ports import ClosedBars, Feed
from tests.desk.desk_house import NOON, market
from trading.candles import SYNTHETIC, Candles, check
from trading.errors import InvalidInput, NotFound

DAY_MS = 86_400_000


def simulated(seed: int = 7, days: int | None = None) -> SimulatedFeed:
    return SimulatedFeed(clock=SystemClock(), seed=seed, bars_per_s=0.0, days=days)


async def some(feed: Feed, pairs: list[str], count: int, after_ms: int | None = None) -> list[ClosedBars]:
    found: list[ClosedBars] = []
    async for group in feed.bars(pairs, "15m", after_ms=after_ms):
        found.append(group)
        if len(found) == count:
            break
    return found


def replayed(series: list[Candles]) -> ReplayFeed:
    return ReplayFeed(series, clock=SystemClock())


async def test_a_replay_gives_every_bar_once_and_goes_on_after_the_last_one() -> None:
    series = market(bars=40)
    pairs = ["BTC/USDT", "ETH/USDT"]

    whole = await some(replayed(series), pairs, 100)
    first = await some(replayed(series), pairs, 15)
    rest = await some(replayed(series), pairs, 100, after_ms=first[-1].ts_ms)

    assert first + rest == whole
    assert [one.ts_ms for one in whole] == series[0].ts_ms.tolist()
    assert whole[3].bars["ETH/USDT"].close == series[1].close[3]


async def test_a_hole_in_a_file_is_played_as_synthetic_bars_and_a_late_pair_is_named() -> None:
    first, second = market(bars=40)
    holed = Candles(
        **{
            name: np.delete(getattr(first, name), slice(10, 13))
            for name in ("ts_ms", "open", "high", "low", "close", "volume", "flags")
        },
        timeframe=first.timeframe,
        pair=first.pair,
        venue=first.venue,
    )
    late = second.rows(5, 40)

    groups = await some(replayed([holed, late]), ["BTC/USDT", "ETH/USDT"], 100)

    assert len(groups) == 40
    assert [one.bars["BTC/USDT"].flags for one in groups[9:14]] == [0, *[int(SYNTHETIC)] * 3, 0]
    assert groups[10].bars["BTC/USDT"].close == first.close[9]
    assert groups[4].missing == ("ETH/USDT",)
    assert groups[5].missing == ()


async def test_history_ends_before_the_bars_that_are_played() -> None:
    series = market(bars=40)
    start = int(series[0].ts_ms[25])
    feed = ReplayFeed(series, clock=SystemClock(), live_from_ms=start)

    history = await feed.history("BTC/USDT", "15m", before_ms=None, bars=10)
    [first] = await some(feed, ["BTC/USDT"], 1)

    assert len(history) == 10
    assert int(history.ts_ms[-1]) + 900_000 == first.ts_ms == start
    assert len(await replayed(series).history("BTC/USDT", "15m", before_ms=None, bars=10)) == 0


async def test_a_pair_that_is_not_there_is_answered_with_the_nearest() -> None:
    with pytest.raises(NotFound, match="Did you mean 'BTC/USDT'"):
        await replayed(market(bars=10)).instrument("BTC/USDC")
    with pytest.raises(NotFound, match="SOL/USDT"):
        await simulated().instrument("SOLL/USDT")
    with pytest.raises(InvalidInput, match="twice"):
        replayed([*market(bars=10), *market(bars=10)])
    with pytest.raises(InvalidInput, match="whole minutes"):
        await simulated().history("BTC/USDT", "30s", before_ms=None, bars=10)


async def test_the_simulated_exchange_shows_everybody_the_same_market() -> None:
    pairs = ["BTC/USDT", "SOL/USDT"]

    whole = await some(simulated(), pairs, 120)
    late = await some(simulated(), pairs, 40, after_ms=whole[79].ts_ms)
    alone = await some(simulated(), ["SOL/USDT"], 120)

    assert late == whole[80:]
    assert [one.bars["SOL/USDT"] for one in alone] == [one.bars["SOL/USDT"] for one in whole]
    other = await some(simulated(seed=8), pairs, 120)
    assert other[0].bars != whole[0].bars
    assert simulated(seed=8).venue != simulated().venue


async def test_history_leads_without_a_gap_into_the_first_simulated_bar() -> None:
    feed = simulated()

    history = await feed.history("ETH/USDT", "15m", before_ms=None, bars=300)
    [first] = await some(feed, ["ETH/USDT"], 1)

    check(history)
    assert len(history) == 300
    assert int(history.ts_ms[-1]) + 900_000 == first.ts_ms == EPOCH_MS + HISTORY_DAYS * DAY_MS
    assert first.bars["ETH/USDT"].open == history.close[-1]


@settings(max_examples=10, derandomize=True, deadline=None)
@given(start=st.integers(0, 40), length=st.integers(1, 60))
def test_longer_bars_are_made_of_the_same_minutes(start: int, length: int) -> None:
    feed = simulated()
    from_ms = EPOCH_MS + start * 3_600_000

    hours = feed.candles("BTC/USDT", "1h", from_ms, from_ms + length * 3_600_000)
    minutes = feed.candles("BTC/USDT", "1m", from_ms, from_ms + length * 3_600_000)

    assert len(hours) == length
    assert hours.high.max() == minutes.high.max()
    assert hours.close[-1] == minutes.close[-1]
    assert hours.open[0] == minutes.open[0]


def test_simulated_prices_look_like_a_market() -> None:
    feed = simulated()
    span = (EPOCH_MS, EPOCH_MS + 60 * DAY_MS)
    btc, eth = (feed.candles(pair, "15m", *span) for pair in ("BTC/USDT", "ETH/USDT"))
    moves = np.diff(np.log(btc.close))
    others = np.diff(np.log(eth.close))

    check(btc)
    yearly = moves.std() * np.sqrt(365 * 96)
    kurtosis = ((moves - moves.mean()) ** 4).mean() / moves.var() ** 2
    clustering = np.corrcoef(np.abs(moves[1:]), np.abs(moves[:-1]))[0, 1]
    assert 0.3 < yearly < 1.5
    assert kurtosis > 4.0
    assert clustering > 0.15
    assert 0.3 < np.corrcoef(moves, others)[0, 1] < 0.9


async def test_bars_come_at_their_speed_counted_from_the_first() -> None:
    clock = ManualClock(NOON)
    pace = Pace(clock, 10.0)
    waits: list[float] = []

    async def remember(seconds: float) -> None:
        waits.append(seconds)
        clock.advance(seconds)

    clock.sleep = remember  # type: ignore[method-assign]
    for _ in range(20):
        await pace.wait()

    assert clock.monotonic() == pytest.approx(2.0)
    assert max(waits) == pytest.approx(0.1)


@settings(max_examples=60, derandomize=True, deadline=None)
@given(price=st.floats(1e-6, 1e6))
def test_tick_and_step_fit_every_price(price: float) -> None:
    found = instrument_for("A/B", price)

    assert float(found.tick) <= price * 1e-4 or price > 1e5
    assert float(found.step) * price <= 1.0 or float(found.step) == 1.0
    assert found.step <= 1
