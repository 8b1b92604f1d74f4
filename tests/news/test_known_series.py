"""Strategies see moods as they were known: a bot at its bar and a backtest over the year, to the last bit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import numpy as np

from desk.clock import from_ms
from desk.news.queries import asset_of
from desk.news.views import FEAR_GREED, IndexReading
from desk.research.runs import Request, run_backtest
from desk.series import OWN_PAIR, SENTIMENT, external_series, offered_series
from desk.store import SqlStore
from strategies.frame import Frame, Input
from strategies.plan import Entry, Plan, Rule
from strategies.rule_strategy import RuleStrategy
from strategies.view_input import FloatArray, ViewInput
from tests.support.markets import walk_candles
from tests.support.records import a_headline
from trading.candles import Candles
from trading.market import MarketView
from trading.signals import Signal

CANDLES = walk_candles(300, seed=5, pair="BTC/USDT")
HOUR = CANDLES.timeframe.ms

#: Bars that a live view holds.
SEEN = 60


class Moods(ViewInput):
    """The mood and the index."""

    outputs = ("mood", "index")

    def columns(self, market: MarketView) -> tuple[FloatArray, ...]:
        return market.external(SENTIMENT.format(pair=market.candles.pair)), market.external(FEAR_GREED)


class Herd(RuleStrategy):
    """Buys when headlines are glad and the index is not."""

    name = "herd"
    title = "Herd"
    idea = "Follow the headlines."
    source = "This test."
    fails_in = "Every regime."
    tags = ("glad",)

    @property
    def series_needed(self) -> tuple[str, ...]:
        return (SENTIMENT.format(pair=OWN_PAIR), FEAR_GREED)

    def inputs(self) -> Mapping[str, Input]:
        return {"news": Moods()}

    def plan(self, frame: Frame) -> Plan:
        mood, index = frame["news.mood"], frame["news.index"]
        glad = (Rule("glad", mood, ">", 0.1), Rule("fearful", index, "<", 50.0))
        return Plan(entries=(Entry(side=1, tag="glad", rules=glad, stop=frame["close"] * 0.9),))


async def furnish(store: SqlStore, candles: Candles, *, until: int, seed: int = 1) -> None:
    """Write headlines and readings at odd moments, up to a bar's close."""
    dice = np.random.default_rng(seed)
    first = int(candles.ts_ms[0])
    last = int(candles.ts_ms[until - 1]) + HOUR
    asset = asset_of(candles.pair)
    async with store.transaction() as tx:
        for at in np.sort(dice.integers(first, int(candles.ts_ms[-1]), 400)).tolist():
            score = float(dice.uniform(-1, 1))
            source = str(dice.choice(["coindesk", "reddit"]))
            if at <= last:
                item = replace(a_headline(0, assets=(asset,), score=score), source=source)
                await tx.news.add(replace(item, known_at=from_ms(at), key=f"{at}:{score}"))
        for day in range(13):
            at = first + day * 24 * HOUR
            if at + HOUR // 3 <= last:
                reading = IndexReading(
                    index=FEAR_GREED,
                    at=from_ms(at),
                    value=40 + day,
                    words="",
                    known_at=from_ms(at + HOUR // 3),
                )
                await tx.news.add_reading(reading)


async def test_a_bot_at_its_bar_and_a_backtest_see_the_same_and_decide_the_same(
    sqlite_store: SqlStore,
) -> None:
    await furnish(sqlite_store, CANDLES, until=300)
    strategy = Herd()

    async with sqlite_store.reading() as tx:
        series = await offered_series(tx, [CANDLES])
        columns = strategy.columns(MarketView(candles=CANDLES, series=series))
        stream = strategy.stream(None)
        lived: list[Signal] = []
        for t in range(300):
            seen = MarketView(candles=CANDLES.rows(max(0, t + 1 - SEEN), t + 1))
            now = await external_series(tx, strategy.series_needed, CANDLES.pair, seen.close_ms)
            lived.append(
                stream.step(
                    int(CANDLES.ts_ms[t]),
                    float(CANDLES.open[t]),
                    float(CANDLES.high[t]),
                    float(CANDLES.low[t]),
                    float(CANDLES.close[t]),
                    float(CANDLES.volume[t]),
                    market=replace(seen, series=now),
                )
            )
            name = SENTIMENT.format(pair=CANDLES.pair)
            # Not nearly: the same bits.
            assert repr(float(now[name].values[-1])) == repr(float(series[name].values[t]))

    assert [one.enter for one in lived] == columns.enter.tolist()
    assert 0 < sum(one.enter for one in lived) < 300


async def test_headlines_that_come_later_change_no_earlier_bar(any_store: SqlStore) -> None:
    await furnish(any_store, CANDLES, until=150)
    async with any_store.reading() as tx:
        before = await offered_series(tx, [CANDLES])

    await furnish(any_store, CANDLES, until=300)
    async with any_store.reading() as tx:
        after = await offered_series(tx, [CANDLES])

    earlier = MarketView(candles=CANDLES.rows(0, 150), series=before)
    later = MarketView(candles=CANDLES.rows(0, 150), series=after)
    for name in (SENTIMENT.format(pair=CANDLES.pair), FEAR_GREED):
        np.testing.assert_array_equal(earlier.external(name), later.external(name))
        assert np.isfinite(earlier.external(name)).any()
    assert len(after[FEAR_GREED].values) > len(before[FEAR_GREED].values)


async def test_a_headline_is_seen_at_the_first_close_after_it_was_known(sqlite_store: SqlStore) -> None:
    close = from_ms(int(CANDLES.ts_ms[20]) + HOUR)
    async with sqlite_store.transaction() as tx:
        for at, score in ((close, 0.9), (close + timedelta(microseconds=1), -0.9)):
            await tx.news.add(replace(a_headline(score=score), known_at=at, key=str(at)))

    async with sqlite_store.reading() as tx:
        series = await offered_series(tx, [CANDLES])
    seen = MarketView(candles=CANDLES, series=series).external(SENTIMENT.format(pair=CANDLES.pair))

    assert np.isnan(seen[:20]).all()
    assert seen[20] == 0.9 / 3
    # The second one, of the other sign, comes a millisecond too late for that close.
    assert abs(seen[21]) < 1e-6
    assert np.isnan(seen[21 + 48 :]).all()


async def test_a_backtest_reads_what_the_house_offers(sqlite_store: SqlStore) -> None:
    await furnish(sqlite_store, CANDLES, until=300)
    async with sqlite_store.reading() as tx:
        series = await offered_series(tx, [CANDLES])
        nothing = await offered_series(tx, [walk_candles(20, pair="SOL/USDT").rows(0, 0)])
        unknown = await external_series(tx, ("moon_phase", "sentiment:ETH/USDT"), "BTC/USDT", CANDLES.ts_ms)
    request = Request(
        strategy="learned_signal",
        parameters={},
        limits={},
        candles=(CANDLES,),
        capital=Decimal(10_000),
        fee=0.001,
        slippage=0.0,
        spread=0.0,
        fill="through",
        can_short=False,
    )

    blind = run_backtest(request)
    # The mood in the place of a forecast: what counts is that it arrives.
    fed = {"forecast:BTC/USDT": series[SENTIMENT.format(pair="BTC/USDT")]}
    seeing = run_backtest(replace(request, series=fed))

    assert nothing == {}
    assert list(unknown) == ["sentiment:ETH/USDT"]
    assert (len(blind.document["trades"]), len(seeing.document["trades"]) > 0) == (0, True)
