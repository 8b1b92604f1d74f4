"""β is computed for strategies, known at midnight, and sizes a hedge within net and gross limits."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from strategies.frame import Frame, Input, indicators
from strategies.hedging import BetaInput
from strategies.plan import Entry, ExitPlan, Plan, Rule
from strategies.rule_strategy import RuleStrategy
from tests.support.engines import FREE, account
from tests.support.markets import walk_candles
from trading.backtest.bias import QUICK, check_subject
from trading.backtest.bias_subjects import StrategySubject
from trading.backtest.result import BacktestResult
from trading.backtest.run import backtest
from trading.candles import SYNTHETIC, Candles
from trading.engine.config import RiskLimits
from trading.errors import InvalidInput
from trading.market import MarketView
from trading.risk.correlation import DAY_MS
from trading.risk.hedging import betas, hedge_ratio
from trading.signals import Exit

HELD, HEDGE = "BTC/USDT", "ETH/USDT"
TRUE_BETA = 1.5
HOUR_MS = 3_600_000


class HedgedTrend(RuleStrategy):
    """Long of one pair above its average, and short of every other one against it."""

    name = "hedged_trend"
    title = "Hedged trend"
    idea = "Hold the trend of one pair without the move of the market."
    source = "Made for tests."
    fails_in = "When β changes."
    tags = ("trend", "against", "over")
    parameters = ()

    def inputs(self) -> Mapping[str, Input]:
        return {**indicators(mean="sma:50"), "beta": BetaInput(HELD)}

    def plan(self, frame: Frame) -> Plan:
        close, is_hedge = frame["close"], frame["beta.is_hedge"]
        own = Rule("is_held", is_hedge, "==", 0.0)
        return Plan(
            entries=(
                Entry(
                    side=1,
                    tag="trend",
                    rules=(own, Rule("above", close, ">", frame["mean"])),
                    stop=close * 0.8,
                ),
                Entry(
                    side=-1,
                    tag="against",
                    rules=(Rule("hedges", is_hedge, "==", 1.0), Rule("beta", frame["beta"], ">", 0.0)),
                    hedge_beta=frame["beta"],
                ),
            ),
            exits=(
                ExitPlan(closes=Exit.LONG, tag="over", rules=(own, Rule("below", close, "<", frame["mean"]))),
            ),
        )


def two_markets(days: int = 70) -> tuple[Candles, Candles]:
    """Give a pair that moves one and a half times as the other, and noise; hours."""
    hedge = walk_candles(24 * days, seed=4, pair=HEDGE, volatility=0.006)
    moved = (
        200 * (hedge.close / 100) ** TRUE_BETA * np.exp(np.random.default_rng(6).normal(0, 0.001, len(hedge)))
    )
    opened = np.r_[200.0, moved[:-1]]
    held = dataclasses.replace(
        hedge,
        pair=HELD,
        open=opened,
        close=moved,
        high=np.maximum(opened, moved) * 1.001,
        low=np.minimum(opened, moved) * 0.999,
    )
    return held, hedge


def view(own: Candles, other: Candles) -> MarketView:
    return MarketView(candles=own, others={other.pair: other})


def test_beta_is_that_of_the_days_before_and_changes_only_at_midnight() -> None:
    held, hedge = two_markets()

    beta, is_hedge = BetaInput(HELD).columns(view(hedge, held))

    close_ms = hedge.ts_ms + HOUR_MS
    assert np.isfinite(beta).any()
    assert np.nanmedian(beta) == pytest.approx(TRUE_BETA, abs=0.1)
    changes = np.flatnonzero(np.diff(beta[np.isfinite(beta)]) != 0) + int(np.isnan(beta).sum()) + 1
    assert (close_ms[changes] % DAY_MS == 0).all()
    assert (is_hedge == 1.0).all()
    # The last row by hand: the 30 returns between the 31 midnights up to it.
    rows = [int(np.searchsorted(close_ms, m)) for m in (np.arange(-30, 1) + close_ms[-1] // DAY_MS) * DAY_MS]
    returns = [np.diff(np.log(one.close[rows])) for one in (held, hedge)]
    assert beta[-1] == hedge_ratio(returns[0], returns[1])


def test_beta_is_undefined_on_the_held_pair_without_the_other_and_with_too_few_days() -> None:
    held, hedge = two_markets(days=19)

    on_itself, is_hedge = BetaInput(HELD).columns(view(held, hedge))
    alone, _ = BetaInput(HELD).columns(MarketView(candles=hedge))
    early, _ = BetaInput(HELD).columns(view(hedge, held))

    assert np.isnan(on_itself).all()
    assert (is_hedge == 0.0).all()
    assert np.isnan(alone).all()
    assert np.isnan(early).all()


@pytest.mark.parametrize("has_holes", [False, True])
def test_the_stream_gives_the_same_beta_as_the_columns(has_holes: bool) -> None:
    held, hedge = two_markets(days=40)
    if has_holes:
        made_up = np.zeros(len(hedge), np.uint8)
        made_up[30 * 24 : 32 * 24 + 5] = SYNTHETIC
        hedge = dataclasses.replace(hedge, flags=made_up)
    source = BetaInput(HELD)
    whole, stream = view(hedge, held), source.stream()

    columns = source.columns(whole)
    rows = [
        stream.step(
            (hedge.open[t], hedge.high[t], hedge.low[t], hedge.close[t], hedge.volume[t]),
            int(hedge.ts_ms[t]),
            whole.until(t + 1),
        )
        for t in range(len(hedge))
    ]

    assert np.array_equal(np.array(rows).T, np.array(columns), equal_nan=True)
    assert np.isfinite(columns[0]).any()


def test_betas_of_unequal_days_are_refused() -> None:
    with pytest.raises(InvalidInput, match="3 and 2 closes"):
        betas(np.ones(3), np.ones(2))


def run(**limits: Any) -> BacktestResult:
    held, hedge = two_markets()
    strategy = HedgedTrend()
    signals = [strategy.columns(view(held, hedge)), strategy.columns(view(hedge, held))]
    chosen = dataclasses.replace(RiskLimits.off(), risk_per_trade=0.02, **limits)
    return backtest([held, hedge], signals, account(HELD, HEDGE, costs=FREE, limits=chosen, step="0.0001"))


def test_a_backtest_hedges_by_beta_and_every_hedge_leaves_with_what_it_hedged() -> None:
    held, hedge = two_markets()
    beta, _ = BetaInput(HELD).columns(view(hedge, held))

    done = run()

    entries = [one for one in done.fills if one.reason == "hedge" and one.side == "sell"]
    assert len(entries) > 3
    longs = [one for one in done.trades if one.pair == HELD]
    for fill in entries:
        decided = fill.bar - 1
        (of,) = [one for one in longs if one.entry_index <= decided < one.exit_index or one.is_open]
        wanted = beta[decided] * float(of.quantity) * held.close[decided] / hedge.close[decided]
        assert fill.lots * 0.0001 == pytest.approx(wanted, rel=1e-3)
    for trade in done.trades:
        if trade.pair == HEDGE and not trade.is_open:
            assert trade.exit_index in {one.exit_index for one in longs}


def test_net_and_gross_limits_bind_the_hedge() -> None:
    free, bound = run(), run(gross_exposure=0.12)

    sizes = [{one.binding for one in done.trades if one.pair == HEDGE} for done in (free, bound)]
    assert sizes[0] == {"method"}
    assert "gross_exposure" in sizes[1] or "gross_exposure" in bound.denied


def test_the_hedged_account_moves_less_than_the_same_without_hedges() -> None:
    held, hedge = two_markets()
    strategy = HedgedTrend()
    alone = backtest(
        [held],
        [strategy.columns(view(held, hedge))],
        account(
            HELD, costs=FREE, limits=dataclasses.replace(RiskLimits.off(), risk_per_trade=0.02), step="0.0001"
        ),
    )

    from_day = 31 * 24
    spread = [np.diff(np.log(one.equity[from_day:])).std() for one in (run(), alone)]

    assert spread[0] < 0.5 * spread[1]


def test_a_strategy_with_beta_passes_the_bias_checks() -> None:
    held, hedge = two_markets(days=45)

    subject = StrategySubject(name="hedged_trend", strategy=HedgedTrend())

    report = check_subject(subject, view(hedge, held), QUICK)

    assert report.is_clean, [finding.message for finding in report.findings]
