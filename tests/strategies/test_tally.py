"""A strategy that did nothing says why."""

from __future__ import annotations

import numpy as np
import pytest

from strategies.base import ColumnStrategy
from strategies.registry import default_registry
from strategies.tally import tally_of
from tests.support.candle_files import candles_from, hourly_files
from tests.support.data import shared_data
from tests.support.markets import bridge_candles, walk_candles
from trading.candles import Candles
from trading.market import MarketView


def strategy_of(name: str, **params: object) -> ColumnStrategy:
    found = default_registry().get_strategy(name)(**params)
    assert isinstance(found, ColumnStrategy)
    return found


def real_or_made() -> list[Candles]:
    """Give two pairs of real candles where they are at hand, else two that are made."""
    folder = shared_data()
    if folder is not None:
        return [candles_from(file).rows(0, 3_000) for file in hourly_files(folder)[2:4]]
    return [bridge_candles(3_000, seed=seed) for seed in (1, 2)]


def test_missing_data_are_named_as_the_reason() -> None:
    tally = tally_of(strategy_of("learned_signal"), MarketView(candles=walk_candles(300)))

    assert tally.entries == 0
    assert tally.reason == (
        "forecast_long.forecast_pays_costs was never known in 300 bars: its data are missing or still warming up."
    )


def test_a_condition_that_never_held_is_named_as_the_reason() -> None:
    calm = walk_candles(400, seed=2, volatility=0.0002)

    tally = tally_of(strategy_of("scalping"), MarketView(candles=calm))

    assert tally.reason == "turn_long.move_pays_costs was met at none of 400 bars."


def test_the_one_condition_that_was_missing_is_counted() -> None:
    candles = walk_candles(600, seed=3)
    strategy = strategy_of("mean_reversion", rsi_low=5.0, sides="long")

    tally = tally_of(strategy, MarketView(candles=candles))

    rules = {rule.name.split(".")[1]: rule for rule in tally.rules}
    assert rules["close_outside_band"].met > 0
    assert tally.entries == 0
    assert rules["rsi_extreme"].met == 0
    assert "rsi_extreme" in tally.reason


def test_where_there_were_entries_there_is_nothing_to_explain() -> None:
    tally = tally_of(strategy_of("trend_following"), MarketView(candles=walk_candles(1_000, seed=4)))

    assert tally.entries > 0
    assert tally.reason == ""


def test_no_bars_is_a_reason_too() -> None:
    empty = walk_candles(3).rows(0, 0)

    assert tally_of(strategy_of("breakout"), MarketView(candles=empty)).reason == "There were no bars."


@pytest.mark.parametrize("name", default_registry().names())
def test_every_strategy_runs_over_pairs_and_says_why_where_it_did_nothing(name: str) -> None:
    for candles in real_or_made():
        strategy, view = strategy_of(name), MarketView(candles=candles)

        columns, tally = strategy.columns(view), tally_of(strategy, view)

        assert np.count_nonzero(columns.enter) == tally.entries
        assert bool(tally.reason) == (tally.entries == 0)
