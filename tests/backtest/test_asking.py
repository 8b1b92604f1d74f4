"""Backtests with a say in Python: asked at events or at every bar, the same answers give the same run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.support.engines import account
from tests.support.rule_sets import Case, Feed, random_case, run, walk
from trading.backtest.asking import EngineView
from trading.backtest.result import BacktestResult
from trading.backtest.run import backtest, backtest_with
from trading.engine.config import AccountConfig, RiskLimits
from trading.errors import InvalidInput
from trading.orders import Reason
from trading.signals import Exit, Signal, SignalColumns

SEEDS = range(24)


def same(one: BacktestResult, other: BacktestResult) -> None:
    # By bytes: a NaN equals itself.
    for name in ("fill_records", "trade_records", "equity"):
        assert getattr(one, name).tobytes() == getattr(other, name).tobytes(), name
    assert (one.denied, one.account, one.notices) == (other.denied, other.account, other.notices)


def asked(case: Case, hook: Any, *, at_events: bool) -> BacktestResult:
    return backtest_with(
        case.series,
        case.account,
        hook,
        signals=case.signals if at_events else None,
        detail=case.detail,
        tags=tuple(one.tags for one in case.signals),
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_taking_every_prepared_row_is_the_backtest_of_the_columns(seed: int) -> None:
    case = random_case(seed, bars=300)

    same(asked(case, lambda view, t: True, at_events=True), run(case, "array"))


@pytest.mark.parametrize("at_events", [True, False])
@pytest.mark.parametrize("seed", SEEDS)
def test_answering_the_columns_rows_as_values_is_the_backtest_of_the_columns(
    seed: int, at_events: bool
) -> None:
    case = random_case(seed, bars=300)
    feed = Feed(case)
    rows = [feed.signals(time) for time in feed.times]

    same(asked(case, lambda view, t: rows[t], at_events=at_events), run(case, "array"))


def plain() -> AccountConfig:
    return account(limits=replace(RiskLimits.off(), max_position=0.1))


def test_hook_is_asked_at_prepared_rows_and_fills_only_and_sees_what_the_bar_filled() -> None:
    candles = walk(np.random.default_rng(3), 200, "BTC/USDT")
    enter = np.zeros(200, np.int8)
    enter[[20, 100]] = 1
    columns = SignalColumns(enter=enter, stop=candles.close * 0.9, max_bars=np.full(200, 5, np.int32))
    seen: list[tuple[int, int, int, list[str]]] = []

    def hook(view: EngineView, t: int) -> bool:
        assert (view.t, view.ts_ms) == (t, candles.ts_ms[t])
        seen.append((t, len(view.prepared), view.side(), [str(fill.reason) for fill in view.fills]))
        return t == 20

    result = backtest_with([candles], plain(), hook, signals=[columns])

    assert [(fill.bar, fill.reason) for fill in result.fills] == [(21, Reason.ENTRY), (26, Reason.MAX_BARS)]
    assert seen == [(20, 1, 0, []), (21, 0, 1, ["entry"]), (26, 0, 0, ["max_bars"]), (100, 1, 0, [])]


def test_position_and_account_seen_by_the_hook_are_those_after_the_bars_fills() -> None:
    candles = walk(np.random.default_rng(3), 60, "BTC/USDT")
    held: list[int] = []

    def hook(view: EngineView, t: int) -> Signal | None:
        if not view.side() and t == 10:
            return Signal(enter=1, stop=float(candles.close[t]) * 0.5)
        if view.side():
            position = view.position()
            assert position.entry_price == pytest.approx(candles.open[11], rel=0.01)
            assert view.account().slots_taken == 1
            assert not view.is_leaving()
            held.append(position.bars_held)
            if position.bars_held == 4:
                return Signal(exit=Exit.LONG)
        return None

    result = backtest_with([candles], plain(), hook)

    assert held == [0, 1, 2, 3, 4]
    (trade,) = result.trades
    assert (trade.reason, trade.bars) == (Reason.EXIT_SIGNAL, 5)


def test_row_for_an_unknown_line_is_refused() -> None:
    candles = walk(np.random.default_rng(3), 20, "BTC/USDT")

    with pytest.raises(InvalidInput, match="line 1"):
        backtest_with([candles], plain(), lambda view, t: {1: Signal(enter=1)})


def test_repeated_exit_wishes_cost_no_steps_and_change_nothing() -> None:
    candles = walk(np.random.default_rng(5), 400, "BTC/USDT")
    rng = np.random.default_rng(6)
    columns = SignalColumns(
        enter=(rng.random(400) < 0.03).astype(np.int8),
        exit=np.where(rng.random(400) < 0.6, Exit.LONG, 0).astype(np.int8),
        stop=candles.close * 0.97,
    )

    short = backtest([candles], [columns], plain())

    same(short, backtest_with([candles], plain(), lambda view, t: True, signals=[columns]))
