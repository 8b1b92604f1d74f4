"""The correlation rule of trading-rules.md B.4: sign-adjusted, with hysteresis, undefined counts as correlated."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.support.data import shared_data
from trading.candles import Candles
from trading.errors import InvalidInput, NotFound
from trading.risk.correlation import (
    DAY_MS,
    CorrelationRule,
    daily_closes,
    pearson_matrix,
    schedule,
    unknown,
    updated,
)
from trading.timeframes import Timeframe

FloatArray = NDArray[np.float64]


def series(close: FloatArray, *, timeframe: str = "1d", start_ms: int = 0) -> Candles:
    frame = Timeframe.parse(timeframe)
    return Candles(
        ts_ms=start_ms + np.arange(len(close), dtype=np.int64) * frame.ms,
        open=close,
        high=close,
        low=close,
        close=close,
        volume=np.ones(len(close)),
        timeframe=frame,
    )


def mixed(rho: float, *, days: int = 31, seed: int = 3) -> FloatArray:
    """Give two close series whose returns correlate exactly as asked over the whole span."""
    random = np.random.default_rng(seed)
    pair = random.normal(size=(days - 1, 2))
    pair -= pair.mean(axis=0)
    first = pair[:, 0] / np.linalg.norm(pair[:, 0])
    second = pair[:, 1] - (pair[:, 1] @ first) * first
    second /= np.linalg.norm(second)
    returns = 0.05 * np.column_stack([first, rho * first + np.sqrt(1 - rho**2) * second])
    return 100.0 * np.exp(np.vstack([np.zeros(2), np.cumsum(returns, axis=0)]))


@settings(max_examples=40, derandomize=True, deadline=None)
@given(st.integers(0, 10_000), st.integers(3, 40), st.floats(0.0, 0.4))
def test_the_matrix_agrees_with_numpy_pair_by_pair(seed: int, days: int, missing: float) -> None:
    random = np.random.default_rng(seed)
    returns = random.normal(0.01, 0.03, size=(days, 4))
    returns[random.random(returns.shape) < missing] = np.nan

    rho = pearson_matrix(returns, minimum_common=3)

    for i in range(4):
        for j in range(4):
            both = np.isfinite(returns[:, i]) & np.isfinite(returns[:, j])
            if both.sum() < 3:
                assert np.isnan(rho[i, j])
            else:
                expected = np.corrcoef(returns[both, i], returns[both, j])[0, 1]
                assert rho[i, j] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("rho", "is_blocked"), [(0.69, False), (0.71, True), (-0.9, False)])
def test_same_side_positions_are_correlated_above_the_threshold(rho: float, is_blocked: bool) -> None:
    state = updated(unknown(["A", "B"]), mixed(rho))

    assert state.between(("A", 1), ("B", 1)) is is_blocked
    assert state.between(("A", -1), ("B", -1)) is is_blocked


def test_a_long_and_a_short_are_judged_by_minus_rho() -> None:
    apart = updated(unknown(["A", "B"]), mixed(-0.8))

    assert apart.between(("A", 1), ("B", -1))
    assert not apart.between(("A", 1), ("B", 1))


def test_hysteresis_holds_until_below_the_release() -> None:
    blocked = updated(unknown(["A", "B"]), mixed(0.75))

    held = updated(blocked, mixed(0.65))
    released = updated(held, mixed(0.59))
    again = updated(released, mixed(0.65))

    states = [one.between(("A", 1), ("B", 1)) for one in (blocked, held, released, again)]
    assert states == [True, True, False, False]


def test_undefined_counts_as_correlated_and_does_not_stick() -> None:
    young = updated(unknown(["A", "B"]), mixed(0.0, days=15))
    grown = updated(young, mixed(0.65))

    assert young.between(("A", 1), ("B", 1))
    assert young.between(("A", 1), ("B", -1))
    assert not grown.between(("A", 1), ("B", 1))


def test_a_price_that_stands_still_is_undefined_hence_correlated() -> None:
    closes = mixed(0.1)
    closes[:, 1] = 7.0

    state = updated(unknown(["A", "B"]), closes)

    assert np.isnan(state.rho[0, 1])
    assert state.between(("A", 1), ("B", 1))


def test_two_bots_on_one_pair_are_correlated_and_offset_on_opposite_sides() -> None:
    state = updated(unknown(["A", "B"]), mixed(0.0))

    assert state.between(("A", 1), ("A", 1))
    assert not state.between(("A", 1), ("A", -1))
    assert not unknown(["A"]).between(("A", 1), ("A", -1))


def test_an_entry_is_refused_at_the_third_correlated_position() -> None:
    closes = np.column_stack([mixed(0.0)[:, 0] ** power for power in (1.0, 1.1, 0.9, 1.2)])
    state = updated(unknown(["A", "B", "C", "D"]), closes)
    rule = CorrelationRule()

    one = state.correlated_with(("C", 1), [("A", 1)])
    two = state.correlated_with(("C", 1), [("A", 1), ("B", 1)])
    hedged = state.correlated_with(("C", -1), [("A", 1), ("B", 1)])

    assert len(one) < rule.most
    assert len(two) >= rule.most
    assert hedged == ()


def test_the_close_at_midnight_is_that_of_the_last_bar_closed_by_then() -> None:
    candles = series(np.arange(1.0, 73.0), timeframe="1h")

    closes = daily_closes(candles, from_day=0, to_day=4)

    assert np.isnan(closes[0])
    assert closes[1:4].tolist() == [24.0, 48.0, 72.0]
    assert np.isnan(closes[4])


def test_the_schedule_uses_the_past_only() -> None:
    random = np.random.default_rng(1)
    base = 100 * np.exp(np.cumsum(random.normal(0, 0.02, 60)))
    other = 50 * np.exp(np.cumsum(random.normal(0, 0.02, 60)))
    changed = other.copy()
    changed[40:] *= np.exp(np.cumsum(random.normal(0, 0.3, 20)))

    full = schedule({"A": series(base), "B": series(other)})
    poisoned = schedule({"A": series(base), "B": series(changed)})

    np.testing.assert_array_equal(full.rho[:41], poisoned.rho[:41])
    assert not np.array_equal(full.rho[41:], poisoned.rho[41:], equal_nan=True)
    assert full.at(40 * DAY_MS).between(("A", 1), ("B", 1)) == bool(full.same[40, 0, 1])
    assert full.at(-1).between(("A", 1), ("B", 1))


def test_real_coins_move_together() -> None:
    folder = shared_data()
    names = ("BTC-USDT", "ETH-USDT", "LINK-USDT")
    if folder is not None and all(
        (folder / "ohlcv" / f"binance_{name}_1d.csv.gz").is_file() for name in names
    ):
        columns = {
            name: np.genfromtxt(folder / "ohlcv" / f"binance_{name}_1d.csv.gz", delimiter=",", skip_header=1)[
                -180:
            ]
            for name in names
        }
        candles = {name: series(rows[:, 4], start_ms=int(rows[0, 0])) for name, rows in columns.items()}
    else:
        market = np.random.default_rng(5).normal(0, 0.03, 180)
        own = np.random.default_rng(6).normal(0, 0.01, (180, 3))
        candles = {name: series(100 * np.exp(np.cumsum(market + own[:, k]))) for k, name in enumerate(names)}

    found = schedule(candles)

    assert found.rho.shape[1:] == (3, 3)
    assert float(np.nanmedian(found.rho[40:, 0, 1])) > 0.6
    assert found.same[40:, 0, 1].mean() > 0.5


def test_unknown_pairs_and_impossible_rules_are_refused() -> None:
    with pytest.raises(NotFound, match="Did you mean 'BTC'"):
        unknown(["BTC"]).between(("BTX", 1), ("BTC", 1))
    with pytest.raises(InvalidInput, match="released below"):
        CorrelationRule(block_above=0.5)
    with pytest.raises(InvalidInput, match="minimum_common"):
        CorrelationRule(window_days=10)
