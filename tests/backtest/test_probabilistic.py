"""Confidence in a Sharpe ratio or a win rate, against trading-rules.md B.5 and B.6."""

from __future__ import annotations

import math

import numpy as np
import pytest

from trading.backtest.probabilistic import (
    days_needed,
    expected_maximum,
    kurtosis,
    probabilistic_sharpe_ratio,
    sharpe_false_pass_rate,
    skewness,
    win_rate_interval,
)
from trading.errors import InvalidInput


@pytest.mark.parametrize(
    ("trials", "bracket"), [(10, 1.574598), (100, 2.530603), (1000, 3.255122), (10000, 3.860665)]
)
def test_expected_maximum_of_trials_matches_the_rules(trials: int, bracket: float) -> None:
    assert expected_maximum(trials) == pytest.approx(bracket, abs=5e-7)


def test_expected_maximum_times_the_spread_is_the_benchmark_of_the_rules() -> None:
    assert 0.05 * expected_maximum(10) == pytest.approx(0.078729915, abs=5e-10)
    assert 0.05 * expected_maximum(100) == pytest.approx(0.126530145, abs=5e-10)
    assert expected_maximum(1) == 0.0


@pytest.mark.parametrize(("days", "rate"), [(7, 0.448), (30, 0.390), (90, 0.313), (365, 0.158)])
def test_a_strategy_without_edge_passes_as_often_as_measured(days: int, rate: float) -> None:
    # The rules give rates measured by simulation, to about three thousandths.
    assert sharpe_false_pass_rate(days) == pytest.approx(rate, abs=0.004)


@pytest.mark.parametrize(("sharpe", "days"), [(1.0, 990), (2.0, 249)])
def test_days_needed_to_tell_a_sharpe_ratio_from_zero(sharpe: float, days: int) -> None:
    assert days_needed(sharpe) == pytest.approx(days, abs=1)


def test_days_needed_is_infinite_without_a_positive_sharpe_ratio() -> None:
    assert days_needed(0.0) == math.inf


@pytest.mark.parametrize(
    ("wins", "trades", "low", "high"), [(9, 20, 0.23, 0.68), (45, 100, 0.35, 0.55), (0, 5, 0.0, 0.52)]
)
def test_win_rate_interval_is_the_exact_one(wins: int, trades: int, low: float, high: float) -> None:
    found = win_rate_interval(wins, trades)

    assert found[0] == pytest.approx(low, abs=0.005)
    assert found[1] == pytest.approx(high, abs=0.005)


def test_win_rate_interval_touches_one_when_all_trades_were_won() -> None:
    assert win_rate_interval(5, 5)[1] == 1.0


def test_impossible_counts_are_refused() -> None:
    with pytest.raises(InvalidInput, match="6 wins of 5"):
        win_rate_interval(6, 5)
    with pytest.raises(InvalidInput, match="0 trials"):
        expected_maximum(0)
    with pytest.raises(InvalidInput, match="1 days"):
        sharpe_false_pass_rate(1)


def test_probabilistic_sharpe_ratio_of_a_normal_sample_grows_with_its_length() -> None:
    short = probabilistic_sharpe_ratio(0.05, 100, skew=0.0, kurt=3.0)
    long = probabilistic_sharpe_ratio(0.05, 1000, skew=0.0, kurt=3.0)

    assert 0.5 < short < long < 1.0


def test_probabilistic_sharpe_ratio_is_undefined_under_extreme_skew() -> None:
    assert math.isnan(probabilistic_sharpe_ratio(1.0, 100, skew=3.0, kurt=3.0))


def test_moments_of_a_symmetric_sample() -> None:
    sample = np.array([-1.0, -1.0, 1.0, 1.0])

    assert skewness(sample) == 0.0
    assert kurtosis(sample) == 1.0
    assert math.isnan(skewness(np.ones(3)))
