"""Sweeps, walks, reports and audits over the real engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from threading import Event

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from desk.reports.backtest_report import report_html
from trading.backtest.bias_audits import (
    WalkResult,
    audit_fills,
    audit_martingale,
    audit_order,
    random_walk,
)
from trading.backtest.evaluate import Laboratory, closed_trades, fills_of, metrics_of, report_of
from trading.backtest.history import signal_records
from trading.backtest.run import backtest
from trading.backtest.search_space import Grid, Value
from trading.backtest.sparse import CrossingAverages, SharedIndicators, crossings, without_repeats
from trading.backtest.sweep import Runner, sweep
from trading.backtest.trials import SearchResult
from trading.backtest.walk_forward import Plan, walk_forward, windows
from trading.candles import Candles
from trading.engine.config import AccountConfig, Costs, LineConfig, RiskLimits
from trading.errors import BadParameter, InvalidInput
from trading.instruments import Instrument
from trading.signals import SignalColumns
from trading.timeframes import Timeframe

WALK = random_walk(2_000, seed=4, steps_per_bar=6, sigma=0.01, timeframe=Timeframe.parse("4h"))
GRID = Grid.read(["fast=5:15:5", "slow=20:40:10"])


def account(
    *pairs: str,
    costs: Costs | None = None,
    limits: RiskLimits | None = None,
    timeframe_ms: int = WALK.timeframe.ms,
) -> AccountConfig:
    return AccountConfig(
        account_id="lab",
        capital=Decimal(10_000),
        lines=tuple(
            LineConfig(
                bot_id=f"bot-{pair}",
                instrument=Instrument(pair=pair, step=Decimal("0.000001"), can_short=True),
                allocation=1.0 / max(len(pairs), 1),
            )
            for pair in pairs or ("WALK/USDT",)
        ),
        timeframe_ms=timeframe_ms,
        costs=costs or Costs(),
        limits=limits or RiskLimits.off(),
    )


def crossing_columns(candles: Candles, fast: int, slow: int) -> SignalColumns:
    """Cross two averages, told on every bar as strategies do: the exit wish is repeated while it holds."""
    shared = SharedIndicators(candles)
    first, second = shared[f"sma:{fast}"], shared[f"sma:{slow}"]
    above = first > second
    known = np.isfinite(second)
    enter = np.zeros(len(candles), np.int8)
    enter[1:] = above[1:] & ~above[:-1] & known[:-1]
    return SignalColumns(enter=enter, exit=np.where(known & ~above, 1, 0).astype(np.int8), tags=("up",))


def test_a_sweep_over_the_engine_gives_the_figures_of_single_backtests() -> None:
    laboratory = Laboratory([WALK], account(), records=CrossingAverages(WALK))

    result = sweep(laboratory, GRID, objective="roi", workers=2)

    assert len(result.trials) == 9
    for trial in result.trials[::4]:
        fast, slow = int(trial.params["fast"]), int(trial.params["slow"])
        alone = backtest([WALK], [crossing_columns(WALK, fast, slow)], account())
        assert trial.figures == metrics_of(alone).values
    assert result.best is not None
    assert result.best.figure("trades") > 20


def test_fast_windows_that_are_not_below_slow_ones_are_refused_trials() -> None:
    with pytest.raises(BadParameter, match="fast must be below slow"):
        CrossingAverages(WALK)({"fast": 20, "slow": 20})


def test_crossings_are_the_rows_at_which_the_order_changes() -> None:
    fast = np.array([np.nan, 1.0, 3.0, 3.0, 2.0, 1.0, 4.0])
    slow = np.array([np.nan, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0])

    at, side = crossings(fast, slow)

    assert at.tolist() == [2, 4, 6]
    assert side.tolist() == [1, -1, 1]


bars = st.integers(60, 160)


@settings(max_examples=25, derandomize=True, deadline=None)
@given(st.integers(0, 10_000), bars, st.floats(0.02, 0.4), st.booleans())
def test_exit_wishes_said_once_give_the_same_run(seed: int, count: int, density: float, rests: bool) -> None:
    random = np.random.default_rng(seed)
    candles = WALK.rows(100, 100 + count)
    enter = np.where(random.random(count) < density / 3, random.choice((-1, 1), count), 0).astype(np.int8)
    columns = SignalColumns(
        enter=enter,
        exit=np.where(random.random(count) < density * 2, random.integers(1, 4, count), 0).astype(np.int8),
        entry_type=np.where(random.random(count) < 0.5, 1, 2).astype(np.int8)
        if rests
        else np.zeros(count, np.int8),
        entry_price=candles.close * (1 + random.normal(0, 0.004, count)),
        stop=np.where(enter > 0, candles.close * 0.97, candles.close * 1.03),
        expiry_bars=random.integers(0, 6, count).astype(np.int32),
    )

    told_often = backtest([candles], [columns], account())
    told_once = backtest([candles], [without_repeats(columns)], account())

    np.testing.assert_array_equal(told_often.equity, told_once.equity)
    assert told_often.fills == told_once.fills
    assert told_often.trades == told_once.trades


def test_signals_without_exits_are_left_as_they_are() -> None:
    columns = SignalColumns(enter=np.ones(5, np.int8))

    assert without_repeats(columns) is columns


def test_a_window_is_the_backtest_of_its_bars_with_warm_indicators() -> None:
    laboratory = Laboratory([WALK], account(), lambda params: [crossing_columns(WALK, 5, 20)])
    start, stop = 700, 1_200
    columns = crossing_columns(WALK, 5, 20)
    part = SignalColumns(enter=columns.enter[start:stop], exit=columns.exit[start:stop])

    window = laboratory.window({}, int(WALK.ts_ms[start]), int(WALK.ts_ms[stop]))
    alone = backtest([WALK.rows(start, stop)], [part], account())

    np.testing.assert_array_equal(window.equity[1:], alone.equity)
    assert window.equity[0] == 10_000.0
    assert window.ts_ms[0] == WALK.ts_ms[start]
    np.testing.assert_array_equal(window.trades.pnl, closed_trades(alone).pnl)


def test_a_window_outside_the_history_is_refused() -> None:
    laboratory = Laboratory([WALK], account(), records=CrossingAverages(WALK))

    with pytest.raises(InvalidInput, match="No bar opens"):
        laboratory.window({"fast": 5, "slow": 20}, -10, 0)
    with pytest.raises(InvalidInput, match="not both"):
        Laboratory([WALK], account())


def test_a_walk_over_the_engine_reports_out_of_sample_only() -> None:
    laboratory = Laboratory([WALK], account(), records=CrossingAverages(WALK))
    day = 86_400_000
    cuts = windows(
        0,
        int(WALK.ts_ms[-1]) + WALK.timeframe.ms,
        Plan(train_ms=120 * day, test_ms=60 * day, gap_ms=10 * day),
    )

    def pick(run: Runner) -> SearchResult:
        return sweep(run, GRID, objective="roi", workers=2)

    walk = walk_forward(laboratory.window, pick, cuts)

    assert len(walk.steps) == len(cuts) == 4
    assert walk.ts_ms[0] == cuts[0].test_from_ms
    assert walk.metrics["trades"] == sum(int(step.out_of_sample["trades"] or 0) for step in walk.steps)
    assert walk.equity[0] == 1.0


def test_a_cancel_is_looked_at_between_chunks_and_loses_nothing() -> None:
    cancel = Event()
    cancel.set()
    laboratory = Laboratory([WALK], account(), records=CrossingAverages(WALK), cancel=cancel)

    result = laboratory.result({"fast": 5, "slow": 20})

    # One chunk is longer than this history: it is done, and nothing is lost.
    assert result.is_complete
    assert metrics_of(result)["days"] == len(WALK) // 6


def test_a_report_of_a_run_holds_its_trades_and_tells_what_was_open() -> None:
    columns = crossing_columns(WALK, 5, 20)
    columns.exit = np.zeros(len(WALK), np.int8)
    result = backtest([WALK], [columns], account())

    report = report_of(result, strategy="crossing", params={"fast": 5}, timeframe="4h")

    assert len(report.trades) == 1
    assert report.trades[0].is_open_at_end
    assert any("open at the end" in note for note in report.notes)
    assert report.equity[0] == 10_000.0
    assert "crossing on WALK/USDT" in report_html(report)


def laddered(candles: Candles, *, stop: float, target: float) -> SignalColumns:
    """Enter on crossings with a stop and one target."""
    columns = crossing_columns(candles, 5, 20)
    n = len(candles)
    targets = np.full((n, 3), np.nan)
    targets[:, 0] = candles.close * (1 + target)
    fractions = np.tile([1.0, 0.0, 0.0], (n, 1))
    return replace(columns, stop=candles.close * (1 - stop), targets=targets, fractions=fractions)


def test_every_fill_of_the_engine_is_later_than_its_decision_and_inside_its_bar() -> None:
    costs = Costs(slippage=0.0005, spread=0.0004)
    columns = laddered(WALK, stop=0.02, target=0.03)

    result = backtest([WALK], [columns], account(costs=costs))
    rows = signal_records(WALK.ts_ms, [WALK], [columns])
    audit = audit_fills(fills_of(result, rows), WALK, cost_ratio=0.0007 + 1e-9, tick=0.0)

    assert audit.findings == ()
    assert audit.runs == len(result.fill_records) > 100
    reasons = {str(fill.reason) for fill in result.fills}
    assert {"entry", "stop_loss", "take_profit_1"} <= reasons


@pytest.mark.parametrize("rule", ["crossing", "laddered"])
def test_the_engine_earns_nothing_on_random_walks_and_loses_its_costs(rule: str) -> None:
    def run(candles: Candles, cost_ratio: float) -> WalkResult:
        if rule == "crossing":
            columns = crossing_columns(candles, 5, 20)
        else:
            columns = laddered(candles, stop=0.012, target=0.02)
        costs = Costs(maker_fee=cost_ratio, taker_fee=cost_ratio, slippage=0.0, fill="touch")
        fixed = RiskLimits.off()
        config = account(costs=costs, limits=fixed, timeframe_ms=candles.timeframe.ms)
        records = backtest([candles], [columns], config).trade_records
        # Per notional without the entry's own fee in the base: gross move less both fees.
        return WalkResult(pnl=records["pnl"] / (records["lots"] * 1e-6 * records["entry_price"]))

    outcome = audit_martingale(run, walks=20, bars=600, cost_ratio=0.001, subject=rule)

    assert outcome.findings == (), outcome.note
    assert outcome.runs == 20


def portfolio(candles: Sequence[Candles]) -> Mapping[str, object]:
    columns = [crossing_columns(one, 5, 20) for one in candles]
    config = account(
        *(one.pair for one in candles), limits=replace(RiskLimits(), max_positions=1, correlation_count=None)
    )
    result = backtest(list(candles), columns, config)
    found: dict[str, list[object]] = {one.pair: [] for one in candles}
    for trade in result.trades:
        found[trade.pair].append((trade.entry_ms, trade.exit_ms, trade.pnl, trade.quantity))
    return found


def test_the_order_of_the_pairs_changes_nothing_even_when_they_compete_for_one_slot() -> None:
    pairs = [
        replace(random_walk(500, seed=seed, steps_per_bar=4, timeframe=WALK.timeframe), pair=f"{name}/USDT")
        for seed, name in enumerate(("AAA", "BBB", "CCC"))
    ]

    outcome = audit_order(portfolio, pairs, permutations=4)

    assert outcome.findings == ()


def test_indicators_are_computed_once_whatever_the_number_of_sets() -> None:
    shared = SharedIndicators(WALK)

    assert shared["sma:20"] is shared["sma:20"]
    assert len(shared.outputs("macd:12:26:9")) == 3


def test_signals_of_a_walk_are_made_once_per_set() -> None:
    made: list[Mapping[str, Value]] = []

    def signals(params: Mapping[str, Value]) -> list[SignalColumns]:
        made.append(params)
        return [crossing_columns(WALK, int(params["fast"]), 20)]

    laboratory = Laboratory([WALK], account(), signals, most_kept=1)
    cut: NDArray[np.int64] = WALK.ts_ms[[0, 500, 1_000]]
    for start, stop in ((0, 1), (1, 2)):
        laboratory.window({"fast": 5}, int(cut[start]), int(cut[stop]))
    laboratory.window({"fast": 10}, int(cut[0]), int(cut[1]))
    laboratory.window({"fast": 5}, int(cut[0]), int(cut[1]))

    assert [params["fast"] for params in made] == [5, 10, 5]
