"""Performance figures against the worked numbers of trading-rules.md B.5."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading.backtest.drawdowns import drawdowns, under_water
from trading.backtest.metrics import (
    NAMES,
    REASONS,
    Trials,
    metrics_from_returns,
    metrics_from_trades,
    performance,
)
from trading.backtest.monthly import monthly_table
from trading.backtest.returns import DAY_MS, Curve, compounded, curve_of
from trading.backtest.trade_statistics import TradeColumns
from trading.errors import InvalidInput, ShapeMismatch

REFERENCE = np.array([round(0.02 * math.sin(1.7 * i) + 0.001, 6) for i in range(1, 61)])
JAN_1_2024 = 1_704_067_200_000
HOUR_MS = 3_600_000


def test_reference_series_is_the_one_of_the_rules() -> None:
    assert REFERENCE[:5].tolist() == [0.020833, -0.004111, -0.017516, 0.010882, 0.016970]
    assert float(REFERENCE.sum()) == pytest.approx(0.07784, abs=1e-12)
    assert float(REFERENCE.std(ddof=1)) == pytest.approx(0.014377068871, abs=1e-12)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("roi", 0.074339336),
        ("cagr", 0.546834990),
        ("volatility", 0.274673515),
        ("sharpe", 1.723961870),
        ("sortino", 2.671083388),
        ("max_drawdown", -0.024240459),
        ("calmar", 22.558772457),
        ("omega", 1.222952285),
        ("var_95", -0.018442100),
        ("cvar_95", -0.018814333),
        ("sharpe_daily", 0.090236288),
        ("skew", -0.015176),
        ("kurtosis", 1.477003),
        ("psr", 0.755628168),
    ],
)
def test_reference_returns_give_the_reference_figures(name: str, expected: float) -> None:
    digits = 5e-7 if name in ("skew", "kurtosis") else 6e-10

    figure = metrics_from_returns(None, REFERENCE)[name]

    assert figure == pytest.approx(expected, abs=digits)


@pytest.mark.parametrize(("trials", "expected"), [(10, 0.535172491), (100, 0.390332417)])
def test_deflated_sharpe_ratio_falls_with_the_number_of_trials(trials: int, expected: float) -> None:
    metrics = metrics_from_returns(None, REFERENCE, trials=Trials(count=trials, sharpe_daily_sd=0.05))

    assert metrics["dsr"] == pytest.approx(expected, abs=1e-9)


def test_an_hourly_equity_curve_gives_the_figures_of_its_daily_marks() -> None:
    daily = np.concatenate(([1_000.0], 1_000.0 * np.cumprod(1 + REFERENCE)))
    hours = np.arange(60 * 24 + 1)
    hourly = np.interp(hours, np.arange(61) * 24, daily)

    metrics = performance(JAN_1_2024 + hours * HOUR_MS, hourly)

    assert metrics["sharpe"] == pytest.approx(1.723961870, abs=1e-9)
    assert metrics["cagr"] == pytest.approx(0.546834990, abs=1e-9)
    assert metrics["days"] == 60


def test_the_starting_value_counts_in_the_drawdown() -> None:
    metrics = metrics_from_returns(None, [-0.01, -0.02, -0.03])

    assert metrics["max_drawdown"] == pytest.approx(-0.058906, abs=1e-12)
    assert metrics["max_drawdown_days"] == 3.0


def test_idle_days_are_zero_returns() -> None:
    busy = performance([0, DAY_MS, 4 * DAY_MS], [100.0, 110.0, 121.0])

    assert busy["days"] == 4
    assert busy["sharpe_daily"] == pytest.approx(np.mean([0.1, 0, 0, 0.1]) / np.std([0.1, 0, 0, 0.1], ddof=1))


def test_idle_days_missing_from_a_list_of_returns_are_zero_returns() -> None:
    full = metrics_from_returns([DAY_MS, 2 * DAY_MS, 3 * DAY_MS], [0.01, 0.0, -0.02])

    assert metrics_from_returns([DAY_MS, 3 * DAY_MS], [0.01, -0.02]).values == full.values


def test_hourly_returns_are_compounded_to_days() -> None:
    hourly = np.full(48, 0.001)

    metrics = metrics_from_returns(np.arange(1, 49) * HOUR_MS, hourly)

    assert metrics["days"] == 2
    assert metrics["best_day"] == pytest.approx(1.001**24 - 1)


def test_a_partial_day_counts_in_roi_but_not_in_the_daily_figures() -> None:
    metrics = performance(np.arange(0, 37) * HOUR_MS, np.linspace(100.0, 136.0, 37))

    assert metrics["days"] == 1
    assert metrics["roi"] == pytest.approx(0.36)
    assert metrics.reasons["sharpe"] == "too_few_days"


@pytest.mark.parametrize(
    ("returns", "name", "reason"),
    [
        ([], "roi", "no_time"),
        ([], "sharpe", "no_days"),
        ([0.01], "sharpe", "too_few_days"),
        ([0.0] * 10, "sharpe", "no_variance"),
        ([0.0] * 10, "psr", "no_variance"),
        ([0.01] * 10, "sharpe", "no_variance"),
        ([0.01] * 10, "sharpe_robust", "no_variance"),
        ([0.01] * 10, "sortino", "no_losing_days"),
        ([0.01, 0.02], "omega", "no_losing_days"),
        ([0.01, 0.02], "calmar", "no_drawdown"),
        ([0.01, -1.0, 0.5], "cagr", "ruined"),
        ([0.01, -1.0, 0.5], "sharpe", "ruined"),
        ([1e9, 1e9], "cagr", "overflow"),
    ],
)
def test_what_cannot_be_computed_is_none_with_a_reason(returns: list[float], name: str, reason: str) -> None:
    metrics = metrics_from_returns(None, returns)

    assert metrics[name] is None
    assert metrics.reasons[name] == reason


def test_ruin_is_shown_in_roi_and_drawdown() -> None:
    metrics = performance([0, DAY_MS, 2 * DAY_MS], [100.0, -20.0, -20.0])

    assert metrics["roi"] == pytest.approx(-1.2)
    assert metrics["max_drawdown"] == pytest.approx(-1.2)


def test_worked_trades_give_the_worked_figures() -> None:
    metrics = metrics_from_trades([55, -30, -30, 12, 0])

    assert metrics["profit_factor"] == pytest.approx(1.116667, abs=5e-7)
    assert metrics["win_rate"] == pytest.approx(0.40)
    assert metrics["payoff"] == pytest.approx(1.116667, abs=5e-7)
    assert metrics["expectancy"] == pytest.approx(1.4)
    assert metrics["kelly"] == pytest.approx(-0.137313, abs=5e-7)
    assert metrics["kelly_size"] == 0.0
    assert metrics["break_even"] == 1
    assert metrics["profit"] == pytest.approx(7.0)


def test_no_losses_and_no_trades_are_told_apart() -> None:
    assert metrics_from_trades([5.0, 1.0]).reasons["profit_factor"] == "no_losses"
    assert metrics_from_trades([]).reasons["profit_factor"] == "no_trades"
    assert metrics_from_trades([])["trades"] == 0
    assert metrics_from_trades([-1.0]).reasons["payoff"] == "no_wins"
    assert metrics_from_trades([-1.0])["profit_factor"] == 0.0


def test_streaks_count_neighbouring_trades() -> None:
    metrics = metrics_from_trades([1, 1, -1, 0, -1, -1, -1, 2])

    assert (metrics["longest_win_streak"], metrics["longest_loss_streak"]) == (2, 3)


def test_exposure_is_the_union_of_overlapping_trades() -> None:
    trades = TradeColumns.of([1.0, 1.0, 1.0], [0, DAY_MS, 6 * DAY_MS], [2 * DAY_MS, 3 * DAY_MS, 7 * DAY_MS])

    metrics = performance([0, 10 * DAY_MS], [100.0, 103.0], trades=trades)

    assert metrics["exposure"] == pytest.approx(0.4)
    assert metrics["holding_days"] == pytest.approx(5 / 3)


def test_a_deposit_is_no_profit() -> None:
    metrics = performance([0, DAY_MS, 2 * DAY_MS], [100.0, 210.0, 231.0], flows=[(DAY_MS, 100.0)])

    assert metrics["roi"] == pytest.approx(1.1 * 1.1 - 1)
    assert metrics["profit"] == pytest.approx(31.0)


def test_a_withdrawal_is_no_drawdown() -> None:
    metrics = performance([0, DAY_MS, 2 * DAY_MS], [100.0, 50.0, 50.0], flows=[(DAY_MS // 2, -50.0)])

    assert metrics["max_drawdown"] == 0.0
    assert metrics["profit"] == 0.0


def test_every_name_is_always_present_and_every_none_has_a_known_reason() -> None:
    for metrics in (
        metrics_from_returns(None, REFERENCE),
        metrics_from_trades([1.0]),
        performance([0], [100.0]),
        performance([0, 1], [100.0, 0.0], trades=[]),
    ):
        assert set(metrics.values) == set(NAMES)
        missing = {name for name, value in metrics.values.items() if value is None}
        assert missing == set(metrics.reasons)
        assert set(metrics.reasons.values()) <= set(REASONS)


@pytest.mark.parametrize(
    ("times", "values", "message"),
    [
        ([0, 1], [100.0, math.nan], "row 1 is nan"),
        ([0, 0], [100.0, 100.0], "row 1 has time 0"),
        ([0, 1], [0.0, 100.0], "starting equity is 0"),
        ([], [], "empty"),
    ],
)
def test_a_bad_equity_curve_is_refused_with_the_row(
    times: list[int], values: list[float], message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        performance(times, values)


def test_bad_returns_and_trades_are_refused() -> None:
    with pytest.raises(InvalidInput, match="row 1 is inf"):
        metrics_from_returns(None, [0.1, math.inf])
    with pytest.raises(InvalidInput, match="Return row 2 has time"):
        metrics_from_returns([1, 3, 2], [0.1, 0.1, 0.1])
    with pytest.raises(ShapeMismatch):
        metrics_from_returns([1], [0.1, 0.1])
    with pytest.raises(InvalidInput, match="Trade 0"):
        metrics_from_trades([math.nan])


curves = st.lists(st.floats(0.5, 2.0), min_size=2, max_size=60).map(
    lambda steps: Curve(
        start_ms=0,
        start=1.0,
        ts_ms=np.arange(1, len(steps) + 1, dtype=np.int64) * DAY_MS,
        value=np.exp(np.cumsum(np.log(np.asarray(steps, np.float64)))),
    )
)


@settings(max_examples=60, derandomize=True, deadline=None)
@given(curves)
def test_the_list_of_drawdowns_agrees_with_the_deepest_and_the_longest(curve: Curve) -> None:
    metrics = performance(*curve.points())

    found = drawdowns(curve)

    assert metrics["max_drawdown"] == pytest.approx(min((d.depth for d in found), default=0.0), abs=1e-15)
    assert metrics["max_drawdown_days"] == max((d.days for d in found), default=0.0)
    assert metrics["max_drawdown"] == pytest.approx(float(under_water(curve).min()), abs=1e-15)


@settings(max_examples=60, derandomize=True, deadline=None)
@given(st.lists(st.floats(-0.3, 0.3), min_size=3, max_size=80), st.floats(0.1, 1e6))
def test_figures_do_not_depend_on_the_size_of_the_account(returns: list[float], scale: float) -> None:
    curve = compounded(None, returns)

    times, values = curve.points()

    small = performance(times, values)
    large = performance(times, values * scale)

    for name in ("roi", "sharpe", "sortino", "max_drawdown", "omega", "psr", "volatility", "sharpe_robust"):
        first, second = small[name], large[name]
        if first is not None and second is not None and small.reasons.keys() == large.reasons.keys():
            assert second == pytest.approx(first, rel=1e-6, abs=1e-9)


def test_an_open_drawdown_counts_until_now() -> None:
    curve = curve_of([0, DAY_MS, 3 * DAY_MS], [100.0, 90.0, 95.0])

    (only,) = drawdowns(curve)

    assert only.recovered_ms is None
    assert (only.trough_ms, only.days) == (DAY_MS, 3.0)


def test_monthly_table_compounds_to_the_whole() -> None:
    days = np.arange(0, 100)
    values = 100.0 * 1.002**days

    (row,) = monthly_table(curve_of(JAN_1_2024 + days * DAY_MS, values))

    assert row.year == 2024
    assert row.months[0] == pytest.approx(1.002**31 - 1)
    assert row.months[1] == pytest.approx(1.002**29 - 1)
    assert row.months[4:] == (None,) * 8
    assert row.year_return == pytest.approx(1.002**99 - 1)


def test_monthly_table_spans_years_and_opens_no_month_at_its_last_midnight() -> None:
    times = [JAN_1_2024 - 31 * DAY_MS, JAN_1_2024, JAN_1_2024 + 31 * DAY_MS]

    rows = monthly_table(curve_of(times, [100.0, 110.0, 99.0]))

    assert [row.year for row in rows] == [2023, 2024]
    assert rows[0].months[11] == pytest.approx(0.1)
    assert rows[1].months[0] == pytest.approx(-0.1)
    assert rows[1].months[1] is None


def test_robust_sharpe_equals_the_plain_one_without_autocorrelation_and_is_lower_with_it() -> None:
    trending = np.repeat([0.01, -0.005, 0.012, -0.004], 20)

    metrics = metrics_from_returns(None, trending)
    sharpe, robust = metrics["sharpe"], metrics["sharpe_robust"]

    assert sharpe is not None
    assert robust is not None
    assert 0.0 < robust < 0.7 * sharpe
