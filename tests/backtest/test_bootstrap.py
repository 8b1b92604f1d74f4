"""Stationary bootstrap and Monte-Carlo of trade order."""

from __future__ import annotations

import numpy as np
import pytest

from trading.backtest.bootstrap import (
    BOOTSTRAPPED,
    block_length,
    confidence_intervals,
    stationary_rows,
    trade_order_risk,
)
from trading.backtest.metrics import metrics_from_returns
from trading.errors import InvalidInput

DAILY = np.random.default_rng(2).normal(0.001, 0.02, 400)


def test_the_point_of_each_interval_is_the_metric_itself() -> None:
    found = confidence_intervals(DAILY, draws=200)
    metrics = metrics_from_returns(None, DAILY)

    assert set(found) == set(BOOTSTRAPPED)
    for name, interval in found.items():
        assert interval.point == pytest.approx(metrics[name], rel=1e-12)
        assert interval.low is not None
        assert interval.high is not None
        assert interval.median is not None
        assert interval.low < interval.median < interval.high


def test_the_interval_of_the_sharpe_ratio_has_the_width_of_its_standard_error() -> None:
    sharpe = confidence_intervals(DAILY, draws=2_000)["sharpe"]

    # SE of an annualised Sharpe ratio ≈ √(365 / T) (trading-rules.md B.6).
    assert sharpe.low is not None
    assert sharpe.high is not None
    assert (sharpe.high - sharpe.low) / (2 * 1.96) == pytest.approx(np.sqrt(365 / 400), rel=0.2)


def test_the_same_seed_gives_the_same_interval() -> None:
    assert confidence_intervals(DAILY, draws=100, seed=5) == confidence_intervals(DAILY, draws=100, seed=5)
    assert confidence_intervals(DAILY, draws=100, seed=5) != confidence_intervals(DAILY, draws=100, seed=6)


def test_rows_are_drawn_in_blocks_of_the_asked_mean_length() -> None:
    rows = stationary_rows(500, 40, 8.0, np.random.default_rng(1))

    continues = (np.diff(rows, axis=1) % 500) == 1
    assert rows.min() >= 0
    assert rows.max() < 500
    assert 1 / (1 - continues.mean()) == pytest.approx(8.0, rel=0.1)


def test_a_series_with_memory_is_given_longer_blocks() -> None:
    random = np.random.default_rng(4)
    noise = random.normal(size=2_000)
    memory = np.empty(2_000)
    memory[0] = noise[0]
    for t in range(1, 2_000):
        memory[t] = 0.7 * memory[t - 1] + noise[t]

    assert block_length(noise) < 5.0
    assert block_length(memory) > 3 * block_length(noise)
    assert block_length(np.ones(50)) == 1.0


def test_an_undefined_figure_has_no_interval() -> None:
    found = confidence_intervals(np.full(30, 0.01), draws=100)

    assert found["sharpe"].point is None
    assert found["sharpe"].low is None
    assert found["max_drawdown"].low == 0.0


def test_too_few_returns_and_impossible_settings_are_refused() -> None:
    with pytest.raises(InvalidInput, match="1 daily returns"):
        confidence_intervals(np.ones(1))
    with pytest.raises(InvalidInput, match="confidence 95"):
        confidence_intervals(DAILY, confidence=95)


def test_a_kind_order_of_trades_is_recognised() -> None:
    pnl = np.array([100.0, -90.0] * 30)
    cruel = np.sort(pnl)

    kind = trade_order_risk(pnl, initial=1_000.0, draws=500)
    worst = trade_order_risk(cruel, initial=3_000.0, draws=500)

    assert kind is not None
    assert worst is not None
    assert kind.luck > 0.99
    assert kind.bad < kind.median < kind.observed < 0.0
    assert worst.luck == 0.0
    assert worst.observed == pytest.approx(-0.9)


def test_ruin_and_the_breaker_are_counted() -> None:
    pnl = np.array([60.0, -50.0] * 10)

    poor = trade_order_risk(pnl, initial=60.0, draws=500)
    rich = trade_order_risk(pnl, initial=1e6, draws=500)

    assert poor is not None
    assert rich is not None
    assert 0.3 < poor.ruin_share < 0.9
    assert poor.breaker_share == 1.0
    assert (rich.ruin_share, rich.breaker_share) == (0.0, 0.0)


def test_one_trade_has_no_order() -> None:
    assert trade_order_risk(np.ones(1), initial=100.0) is None
    with pytest.raises(InvalidInput, match="initial equity of 0"):
        trade_order_risk(np.ones(3), initial=0.0)
