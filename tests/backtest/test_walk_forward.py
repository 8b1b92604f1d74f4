"""Walk-forward: windows without overlap, parameters fixed before each test, only out-of-sample is reported."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading.backtest.returns import DAY_MS
from trading.backtest.search_space import Grid, Value
from trading.backtest.sweep import Runner, sweep
from trading.backtest.trade_statistics import TradeColumns
from trading.backtest.trials import SearchResult
from trading.backtest.walk_forward import Plan, Step, WalkForward, Window, WindowRun, walk_forward, windows
from trading.errors import InvalidInput

DAYS = 400
#: The better choice changes at day 200: +1 before, -1 after.
MARKET = np.where(np.arange(DAYS) < 200, 0.002, -0.002) + np.random.default_rng(3).normal(0, 0.004, DAYS)
GRID = Grid.read(["side=-1:1:1"])


class Follower:
    """Hold `side` all the time; remembers which days it was shown under which parameters."""

    def __init__(self, held_days: int = 1) -> None:
        self.asked: list[tuple[Value, int, int]] = []
        self.held_days = held_days

    def __call__(self, params: Mapping[str, Value], from_ms: int, to_ms: int) -> WindowRun:
        first, last = from_ms // DAY_MS, to_ms // DAY_MS
        self.asked.append((params["side"], first, last))
        gains = float(params["side"]) * MARKET[first:last]
        equity = 1_000.0 * np.concatenate(([1.0], np.cumprod(1.0 + gains)))
        days = np.arange(first, last + 1, dtype=np.int64)
        return WindowRun(
            ts_ms=days * DAY_MS,
            equity=equity,
            trades=TradeColumns.of(
                np.diff(equity), days[:-1] * DAY_MS, (days[:-1] + self.held_days) * DAY_MS
            ),
        )


def pick(run: Runner) -> SearchResult:
    return sweep(run, GRID, objective="roi", workers=1)


def walked(plan: Plan, runner: Follower | None = None, *, days: int = DAYS) -> WalkForward:
    return walk_forward(runner or Follower(), pick, windows(0, days * DAY_MS, plan))


ROLLING = Plan(train_ms=60 * DAY_MS, test_ms=30 * DAY_MS, gap_ms=2 * DAY_MS)


@settings(max_examples=60, derandomize=True, deadline=None)
@given(st.integers(1, 50), st.integers(1, 50), st.integers(0, 10), st.integers(62, 400), st.booleans())
def test_test_windows_follow_each_other_without_hole_or_overlap_and_training_ends_before_the_gap(
    train: int, test: int, gap: int, days: int, is_anchored: bool
) -> None:
    plan = Plan(train_ms=train, test_ms=test, gap_ms=gap, is_anchored=is_anchored)

    cuts = windows(0, days, plan)

    assert cuts[0].test_from_ms == train + gap
    assert cuts[-1].test_to_ms == days
    for before, after in itertools.pairwise(cuts):
        assert before.test_to_ms == after.test_from_ms
    for cut in cuts:
        assert cut.train_to_ms == cut.test_from_ms - gap
        assert cut.train_from_ms == (0 if is_anchored else cut.train_to_ms - train)
        assert cut.test_from_ms < cut.test_to_ms


def test_a_history_that_is_too_short_is_refused() -> None:
    with pytest.raises(InvalidInput, match="training and gap alone need 62"):
        windows(0, 62 * DAY_MS, ROLLING)
    with pytest.raises(InvalidInput, match="positive windows"):
        Plan(train_ms=0, test_ms=1)


def test_parameters_are_picked_on_training_days_only() -> None:
    runner = Follower()

    result = walked(ROLLING, runner)

    for step in result.steps:
        first_test = step.window.test_from_ms // DAY_MS
        judged_on = [one for one in runner.asked if one[2] * DAY_MS == step.window.train_to_ms]
        assert {one[0] for one in judged_on} == {-1, 0, 1}
        assert all(last <= first_test - 2 for _, _, last in judged_on)


def test_future_days_change_no_earlier_choice() -> None:
    whole = walked(ROLLING)
    cut = walked(ROLLING, days=250)

    same = min(len(whole.steps), len(cut.steps)) - 1
    assert [step.params for step in whole.steps[:same]] == [step.params for step in cut.steps[:same]]


def test_rolling_windows_adapt_where_anchored_ones_lag() -> None:
    rolling = walked(ROLLING)
    anchored = walked(Plan(train_ms=60 * DAY_MS, test_ms=30 * DAY_MS, gap_ms=2 * DAY_MS, is_anchored=True))

    assert [step.params["side"] for step in rolling.steps if step.params][:3] == [1, 1, 1]
    assert rolling.steps[-1].params == {"side": -1}
    assert rolling.metrics["roi"] is not None
    assert anchored.metrics["roi"] is not None
    assert rolling.metrics["roi"] > anchored.metrics["roi"]


def test_the_curve_is_the_chain_of_the_windows() -> None:
    result = walked(ROLLING)

    chained = np.prod([1.0 + float(step.out_of_sample["roi"] or 0.0) for step in result.steps])
    assert result.equity[0] == 1.0
    assert result.equity[-1] == pytest.approx(chained)
    assert (np.diff(result.ts_ms) == DAY_MS).all()
    assert result.metrics["trades"] == DAYS - 62
    assert result.metrics["profit"] == pytest.approx(float(result.equity[-1]) - 1.0)


def test_efficiency_compares_annual_returns_out_of_and_in_sample() -> None:
    result = walked(ROLLING)

    inside = np.mean([float(step.in_sample["cagr"] or 0.0) for step in result.steps if step.in_sample])
    assert result.efficiency == pytest.approx(float(result.metrics["cagr"] or 0.0) / inside)
    first = result.steps[0]
    assert first.efficiency is not None
    assert first.efficiency > 0.0


def test_all_trials_of_all_windows_deflate_the_result() -> None:
    result = walked(ROLLING)

    assert sum(step.trials for step in result.steps) == 3 * len(result.steps)
    assert result.metrics["dsr"] is not None
    assert result.metrics["psr"] is not None
    assert result.metrics["dsr"] < result.metrics["psr"]


def test_a_gap_shorter_than_the_longest_trade_is_told() -> None:
    assert walked(ROLLING, Follower(held_days=2)).gap_is_enough
    assert not walked(ROLLING, Follower(held_days=3)).gap_is_enough


def test_without_a_winner_the_account_stands_aside() -> None:
    def none_qualifies(run: Runner) -> SearchResult:
        return sweep(run, GRID, objective="roi", workers=1, minimum_trades=10_000)

    result = walk_forward(Follower(), none_qualifies, windows(0, DAYS * DAY_MS, ROLLING))

    assert {step.params for step in result.steps} == {None}
    assert result.metrics["roi"] == 0.0
    assert result.efficiency is None
    assert "undefined" in result.efficiency_reason


def test_losing_parameters_in_sample_leave_the_efficiency_undefined() -> None:
    def only_wrong(run: Runner) -> SearchResult:
        return sweep(run, Grid.read(["side=-1,-0.5"]), objective="roi", workers=1)

    result = walk_forward(Follower(), only_wrong, windows(0, 150 * DAY_MS, ROLLING))

    assert result.efficiency is None
    assert "a positive one is needed" in result.efficiency_reason


def test_a_cancelled_walk_reports_what_was_walked() -> None:
    cancel = threading.Event()
    seen: list[Window] = []

    def stop_after_two(step: Step) -> None:
        seen.append(step.window)
        if len(seen) == 2:
            cancel.set()

    result = walk_forward(
        Follower(), pick, windows(0, DAYS * DAY_MS, ROLLING), cancel=cancel, progress=stop_after_two
    )

    assert result.was_cancelled
    assert [step.window for step in result.steps] == seen
    assert len(seen) == 2


def test_a_walk_cancelled_at_once_has_nothing_to_report() -> None:
    cancel = threading.Event()
    cancel.set()

    with pytest.raises(InvalidInput, match="cancelled before"):
        walk_forward(Follower(), pick, windows(0, DAYS * DAY_MS, ROLLING), cancel=cancel)
