"""What every built-in strategy must obey, whatever its idea."""

from __future__ import annotations

from dataclasses import fields, replace
from decimal import Decimal
from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from strategies.bar_driver import TradeView
from strategies.base import ColumnStrategy
from strategies.registry import default_registry
from tests.support.markets import full_market, walk_candles
from trading.market import MarketView
from trading.signals import EntryType, Signal, SignalColumns

NAMES = default_registry().names()
BARS = 1_500

#: Settings with which a random walk of 1,500 bars has entries of every kind.
EAGER: dict[str, dict[str, object]] = {
    "elliott_wave": {"stop_min_ratio": 0.0, "stop_max_ratio": 0.5},
    "trend_following": {"trend_bars": 100},
    "momentum": {"entry": "both", "stop_min_ratio": 0.0, "stop_max_ratio": 0.5},
    "breakout": {"stop_min_ratio": 0.0, "stop_max_ratio": 0.5},
    "grid_trading": {"levels": 3},
    "mean_reversion": {"rsi_low": 40.0, "band_width": 1.5},
    "scalping": {"oversold": 40.0},
    "arbitrage": {"edge_min": 0.0},
}


def strategy_of(name: str) -> ColumnStrategy:
    found = default_registry().get_strategy(name)(**EAGER.get(name, {}))
    assert isinstance(found, ColumnStrategy)
    return found


@cache
def market() -> MarketView:
    return full_market(walk_candles(BARS, seed=21))


@cache
def columns(name: str) -> SignalColumns:
    return strategy_of(name).columns(market())


def assert_same_rows(found: SignalColumns, whole: SignalColumns) -> None:
    for one in fields(SignalColumns):
        if one.name == "tags":
            assert found.tags == whole.tags
            continue
        np.testing.assert_array_equal(
            getattr(found, one.name), getattr(whole, one.name)[: len(found)], err_msg=one.name
        )


@pytest.mark.parametrize("name", NAMES)
def test_it_enters_on_a_random_walk_and_names_every_tag(name: str) -> None:
    found = columns(name)

    assert len(found) == BARS
    assert (found.enter != 0).sum() > 0
    entered = found.enter != 0
    assert (found.tag[entered] >= 0).all()
    assert (found.tag[~entered] == -1).all()
    assert ((found.exit != 0) == (found.exit_tag >= 0)).all()
    for index in {*found.tag[entered].tolist(), *found.exit_tag[found.exit != 0].tolist()}:
        assert found.tag_name(index)


@pytest.mark.parametrize("name", NAMES)
def test_levels_of_an_entry_make_sense(name: str) -> None:
    found, close = columns(name), market().candles.close

    for t in np.flatnonzero(found.enter):
        row = found.row(int(t))
        price = close[t] if row.entry_type is EntryType.MARKET else row.entry_price
        if not np.isnan(row.stop):
            assert row.enter * (price - row.stop) > 0.0
        steps = [price, *(target for target in row.targets if not np.isnan(target))]
        assert all(row.enter * (b - a) > 0.0 for a, b in pairwise(steps)), (t, row)
        assert 0.0 <= sum(row.fractions) <= 1.0 + 1e-9
        if row.grid_levels:
            assert row.stop < row.grid_low < price < row.grid_high


@pytest.mark.parametrize("name", NAMES)
def test_the_future_does_not_change_a_row(name: str) -> None:
    for stop in (1, 37, 430, 1_003):
        assert_same_rows(strategy_of(name).columns(market().until(stop)), columns(name))


@pytest.mark.parametrize("name", NAMES)
def test_a_poisoned_future_does_not_change_a_row(name: str) -> None:
    view, cut = market(), 900
    later = np.arange(BARS) >= cut
    prices = {
        one: np.where(later, getattr(view.candles, one) * 10.0, getattr(view.candles, one))
        for one in ("open", "high", "low", "close")
    }
    poisoned = MarketView(candles=replace(view.candles, **prices), others=view.others, series=view.series)

    found = strategy_of(name).columns(poisoned)

    for one in fields(SignalColumns):
        if one.name != "tags":
            np.testing.assert_array_equal(
                getattr(found, one.name)[:cut], getattr(columns(name), one.name)[:cut]
            )


@pytest.mark.parametrize("name", NAMES)
def test_the_live_stream_gives_the_bits_of_the_columns(name: str) -> None:
    view, history = market(), 700
    # Arbitrage takes whatever else is there: other pairs, other venues.
    needs_view = bool(
        name == "arbitrage" or strategy_of(name).pairs_needed or strategy_of(name).series_needed
    )
    candles = view.candles
    stream = strategy_of(name).stream(view.until(history))

    for t in range(history, 1_000):
        row = stream.step(
            int(candles.ts_ms[t]),
            float(candles.open[t]),
            float(candles.high[t]),
            float(candles.low[t]),
            float(candles.close[t]),
            float(candles.volume[t]),
            market=view.until(t + 1) if needs_view else None,
        )
        assert repr(row) == repr(columns(name).row(t)), t
        if row.enter:
            tag = columns(name).tag_name(row.tag)
            mine = [one for one in stream.explain() if one.name.startswith(f"{tag}.")]
            assert mine
            assert all(one.met for one in mine)


@pytest.mark.parametrize("name", NAMES)
def test_explanations_agree_with_the_columns(name: str) -> None:
    strategy, found = strategy_of(name), columns(name)
    entries = np.flatnonzero(found.enter)
    quiet = np.flatnonzero(found.enter == 0)

    for t in entries[:4]:
        tag = found.tag_name(int(found.tag[t]))
        conditions = strategy.explain(market(), int(t))
        mine = [one for one in conditions if one.name.startswith(f"{tag}.")]
        assert mine
        assert all(one.met for one in mine), [str(one) for one in mine]
    for t in quiet[-2:]:
        groups: dict[str, list[bool]] = {}
        for one in strategy.explain(market(), int(t)):
            groups.setdefault(one.name.split(".")[0], []).append(one.met)
        assert not any(all(groups[tag]) for tag in found.tags if tag in groups and found.exit[t] == 0)


@pytest.mark.parametrize("name", NAMES)
def test_the_four_questions_read_the_last_row(name: str) -> None:
    strategy, found = strategy_of(name), columns(name)
    t = int(np.flatnonzero(found.enter)[0])
    seen = market().until(t + 1)

    row = strategy.signal(seen)

    assert repr(row) == repr(found.row(t))
    assert strategy.validate_signal(seen)
    assert strategy.get_entry_conditions(seen) == strategy.explain(market(), t)
    trade = TradeView(
        side=row.enter,
        entry_price=float(seen.candles.close[-1]),
        stop=row.stop,
        targets=row.targets,
        bars_held=0,
        market=seen,
    )
    beyond_stop = 0.0 if row.enter > 0 else 1e12
    exits = strategy.get_exit_conditions(trade, beyond_stop)
    assert exits[0].name == "stop"
    assert exits[0].met == (not np.isnan(row.stop))
    assert not any(one.met for one in exits if one.name.startswith("target_"))


def test_the_size_is_what_loses_the_risk_amount_at_the_stop() -> None:
    strategy = strategy_of("mean_reversion")

    assert strategy.calculate_position_size(Decimal(100), Decimal(50), Decimal(48)) == Decimal(50)
    assert strategy.calculate_position_size(Decimal(100), Decimal(48), Decimal(50)) == Decimal(50)
    assert strategy.calculate_position_size(Decimal(100), Decimal(50), Decimal(50)) == 0
    assert strategy.calculate_position_size(Decimal(-1), Decimal(50), Decimal(48)) == 0


def test_an_empty_history_gives_no_rows_and_no_signal() -> None:
    empty = MarketView(candles=walk_candles(5).rows(0, 0))

    for name in NAMES:
        assert len(strategy_of(name).columns(empty)) == 0, name
        assert strategy_of(name).signal(empty) == Signal() or np.isnan(strategy_of(name).signal(empty).stop)
