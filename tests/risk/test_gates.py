"""The go-live gate and the continuous thresholds of trading-rules.md B.6."""

from __future__ import annotations

import numpy as np
import pytest

from trading.backtest.metrics import Metrics, performance
from trading.backtest.returns import DAY_MS
from trading.backtest.trade_statistics import TradeColumns
from trading.errors import InvalidInput
from trading.risk.gates import Gate, GateReport, GateThresholds, false_pass_rate, go_live_gate, watch


def paper_run(
    pnl: list[float], *, days: int = 10
) -> tuple[Metrics, np.ndarray[tuple[int], np.dtype[np.float64]]]:
    """Book trades evenly over the days of a paper account of 1,000."""
    booked = np.asarray(pnl, np.float64)
    when = np.linspace(0.01, days - 0.01, len(booked)) * DAY_MS
    marks = np.array([1_000.0 + booked[when <= day * DAY_MS].sum() for day in range(days + 1)])
    metrics = performance(np.arange(days + 1) * DAY_MS, marks, trades=TradeColumns.of(booked))
    return metrics, booked


GOOD = [4.0, -2.0, 3.0, 5.0, -1.0, 2.0] * 6


def judge(pnl: list[float], *, days: int = 10, on_paper: float | None = None) -> GateReport:
    metrics, booked = paper_run(pnl, days=days)
    return go_live_gate(
        metrics,
        days_on_paper=days if on_paper is None else on_paper,
        trade_pnl=booked,
        initial=1_000.0,
    )


def test_a_good_run_passes_and_shows_the_doubt_beside_it() -> None:
    report = judge(GOOD)

    assert report.has_passed
    assert report.failures == ()
    assert report.psr is not None
    assert 0.9 < report.psr <= 1.0
    assert report.sharpe_false_pass_rate == pytest.approx(0.436, abs=0.01)
    assert report.sharpe_standard_error == pytest.approx(6.04, abs=0.01)
    assert report.false_pass_rate is not None
    assert 0.0 < report.false_pass_rate < 0.3
    assert report.win_rate_interval is not None
    assert report.win_rate_interval[0] < 24 / 36 < report.win_rate_interval[1]


def test_six_days_are_not_seven() -> None:
    report = judge(GOOD, on_paper=6.99)

    assert not report.has_passed
    assert [line.gate for line in report.failures] == [Gate.DAYS]
    assert report.failures[0].reason == "6.99 is below 7."


def test_twenty_nine_trades_are_not_thirty() -> None:
    assert [line.gate for line in judge(GOOD[:29]).failures] == [Gate.TRADES]


def test_a_sharpe_ratio_of_exactly_one_fails_the_gate_but_not_the_watch() -> None:
    metrics, booked = paper_run(GOOD)
    exact = Metrics(values={**metrics.values, "sharpe": 1.0}, reasons=metrics.reasons)

    report = go_live_gate(exact, days_on_paper=10, trade_pnl=booked, initial=1_000.0)
    watched = watch(exact, days_running=10, before=frozenset())

    assert [line.gate for line in report.failures] == [Gate.SHARPE]
    assert report.failures[0].needed == "> 1"
    assert watched.below == frozenset()


def test_a_win_rate_of_exactly_45_percent_passes_its_line() -> None:
    report = judge([10.0] * 9 + [-1.0] * 11 + [10.0] * 9 + [-1.0] * 11)

    (line,) = (line for line in report.lines if line.gate is Gate.WIN_RATE)
    assert line.value == 0.45
    assert line.has_passed


def test_no_losses_pass_only_with_enough_trades() -> None:
    few = judge([1.0, 2.0] * 10)
    many = judge([1.0, 2.0] * 15)

    assert Gate.PROFIT_FACTOR in {line.gate for line in few.failures}
    assert Gate.PROFIT_FACTOR not in {line.gate for line in many.failures}


def test_an_undefined_sharpe_ratio_fails_with_its_reason() -> None:
    report = judge([], days=8)

    reasons = {line.gate: line.reason for line in report.failures}
    assert reasons[Gate.SHARPE] == "The daily returns do not vary."
    assert reasons[Gate.WIN_RATE] == "No trade was closed."
    assert report.false_pass_rate is None


def test_a_win_rate_of_45_percent_with_profit_factor_1_5_implies_the_payoff_of_the_rules() -> None:
    payoff = 1.8333333333
    metrics, _ = paper_run([payoff] * 45 + [-1.0] * 55)

    assert metrics["profit_factor"] == pytest.approx(1.5)


def test_luck_is_simulated_the_same_way_twice_and_falls_with_more_days() -> None:
    # Coin flips: with two days the Sharpe line is luck; the profit factor needs an edge over many trades.
    few = np.array([1.0, -1.0] * 15)
    many = np.array([1.0, -1.0] * 400)

    assert false_pass_rate(few, days=7, initial=100.0) == false_pass_rate(few, days=7, initial=100.0)
    lucky = false_pass_rate(few, days=7, initial=100.0)
    unlucky = false_pass_rate(many, days=90, initial=100.0)
    assert lucky is not None
    assert unlucky is not None
    assert 0.05 < lucky < 0.30
    assert unlucky == 0.0


def test_luck_needs_two_different_trades() -> None:
    assert false_pass_rate(np.array([1.0]), days=7, initial=100.0) is None
    assert false_pass_rate(np.array([1.0, 1.0]), days=7, initial=100.0) is None


def test_a_running_bot_that_falls_below_is_told_once_and_its_recovery_too() -> None:
    bad, _ = paper_run([-4.0, 1.0, -1.0] * 12)
    good, _ = paper_run(GOOD)

    first = watch(bad, days_running=10, before=frozenset())
    second = watch(bad, days_running=11, before=first.below)
    third = watch(good, days_running=12, before=second.below)

    assert first.fallen == {Gate.SHARPE, Gate.WIN_RATE, Gate.PROFIT_FACTOR}
    assert second.fallen == frozenset()
    assert second.below == first.below
    assert third.recovered == first.below


def test_too_few_trades_judge_nothing() -> None:
    bad, _ = paper_run([-4.0] * 10)

    report = watch(bad, days_running=10, before=frozenset({Gate.SHARPE}))

    assert not report.is_judged
    assert report.below == {Gate.SHARPE}
    assert report.fallen == frozenset()


def test_impossible_thresholds_are_refused() -> None:
    with pytest.raises(InvalidInput, match=r"win_rate 0…1"):
        GateThresholds(win_rate=45)
