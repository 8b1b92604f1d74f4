"""Columns that several parameter sets share are computed once in a sweep, and only there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from strategies.frame import IndicatorInput, frame_of
from strategies.trend_following import TrendFollowing
from trading.backtest.bias_audits import random_walk
from trading.market import MarketView, Series
from trading.remember import Columns, Memory, remembered, remembering

MARKET = MarketView(candles=random_walk(400, seed=2, steps_per_bar=4))


class Counted(IndicatorInput):
    """An indicator that counts how often it was computed."""

    runs = 0

    def columns(self, market: MarketView) -> Columns:
        Counted.runs += 1
        return super().columns(market)


@pytest.fixture(autouse=True)
def _from_zero() -> None:
    Counted.runs = 0


def test_the_same_indicator_of_the_same_candles_is_computed_once_inside_a_memory() -> None:
    with remembering(Memory()):
        first = frame_of(MARKET, {"a": Counted("sma:20")})["a"]
        again = frame_of(MarketView(candles=MARKET.candles), {"b": Counted("sma:20")})["b"]
        other = frame_of(MARKET, {"a": Counted("sma:21")})["a"]

    assert Counted.runs == 2
    assert first is again
    assert not np.array_equal(first, other, equal_nan=True)


def test_outside_of_a_memory_nothing_is_kept() -> None:
    for _ in range(2):
        frame_of(MARKET, {"a": Counted("sma:20")})

    assert Counted.runs == 2


def test_other_candles_other_pairs_and_other_series_are_told_apart() -> None:
    copied = replace(MARKET.candles)
    series = {"fear": Series(available_ms=np.array([0]), values=np.array([1.0]))}

    with remembering(Memory()):
        for market in (
            MARKET,
            MarketView(candles=copied),
            MarketView(candles=MARKET.candles, others={"B/C": copied}),
            MarketView(candles=MARKET.candles, series=series),
        ):
            frame_of(market, {"a": Counted("sma:20")})

    assert Counted.runs == 4


def test_a_source_that_cannot_be_told_apart_is_computed_anew() -> None:
    class Odd:
        def __init__(self) -> None:
            self.settings = [1, 2]

    runs: list[int] = []

    def compute() -> Columns:
        runs.append(1)
        return (np.zeros(3),)

    with remembering(Memory()):
        remembered(Odd(), MARKET, compute)
        remembered(Odd(), MARKET, compute)

    assert len(runs) == 2


def test_a_full_memory_forgets_what_was_used_longest_ago() -> None:
    memory = Memory(most_bytes=2 * 400 * 8)

    with remembering(memory):
        for spec in ("sma:5", "sma:6", "sma:5", "sma:7", "sma:5", "sma:6"):
            frame_of(MARKET, {"a": Counted(spec)})

    # 5, 6 and 7 are computed; 6 was forgotten for 7 while 5 stayed in use, and is computed once more.
    assert Counted.runs == 4


def test_a_strategy_says_the_same_with_and_without_a_memory() -> None:
    plain = TrendFollowing().columns(MARKET)

    with remembering(Memory()):
        TrendFollowing(fast_bars=10).columns(MARKET)
        shared = TrendFollowing().columns(MARKET)

    for name in ("enter", "exit", "stop", "targets", "trail_ratio", "score", "tag"):
        np.testing.assert_array_equal(getattr(plain, name), getattr(shared, name))
