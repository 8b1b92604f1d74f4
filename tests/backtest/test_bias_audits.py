"""Audits of backtest results: fills, martingale, order of the pairs, alignment (trading-rules.md D.6–9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from trading.backtest.bias_audits import (
    FillColumns,
    WalkResult,
    audit_alignment,
    audit_fills,
    audit_martingale,
    audit_order,
    random_walk,
)
from trading.backtest.bias_offenders import same_bar_fills
from trading.candles import Candles, check
from trading.errors import ShapeMismatch

WALK = random_walk(400, seed=3, steps_per_bar=20)
HONEST = same_bar_fills(WALK, delay=1)


def messages(fills: FillColumns, candles: Candles = WALK, *, cost_ratio: float = 0.0) -> list[str]:
    return [finding.message for finding in audit_fills(fills, candles, cost_ratio=cost_ratio).findings]


def test_a_random_walk_obeys_the_laws_of_candles_and_has_no_drift() -> None:
    walk = check(random_walk(3_000, seed=1))

    steps = np.diff(walk.close) / walk.close[:-1]
    assert abs(steps.mean()) < 3 * steps.std() / np.sqrt(len(steps))
    np.testing.assert_array_equal(walk.open[1:], walk.close[:-1])


def test_fills_at_the_next_open_pass() -> None:
    assert audit_fills(HONEST, WALK).findings == ()
    assert audit_fills(HONEST, WALK).runs == len(HONEST.bar) > 50


def test_a_fill_at_the_close_that_decided_it_is_caught() -> None:
    (message,) = messages(same_bar_fills(WALK, delay=0))

    assert "not after bar" in message
    assert "more like it" in message


def test_a_price_outside_its_bar_is_caught_on_either_side() -> None:
    price = HONEST.price.copy()
    price[4] = WALK.high[HONEST.bar[4]] * 1.01
    price[9] = WALK.low[HONEST.bar[9]] * 0.99

    found = messages(replace(HONEST, price=price))

    assert len(found) == 2
    assert "is above the high" in found[0]
    assert found[0].startswith("Fill 4:")
    assert "is below the low" in found[1]


def test_slippage_is_allowed_against_the_trader_only() -> None:
    bar = HONEST.bar
    worse = np.where(HONEST.side > 0, WALK.high[bar] * 1.0005, WALK.low[bar] * 0.9995)
    better = np.where(HONEST.side > 0, WALK.low[bar] * 0.9995, WALK.high[bar] * 1.0005)

    assert messages(replace(HONEST, price=worse), cost_ratio=0.0005) == []
    assert len(messages(replace(HONEST, price=worse), cost_ratio=0.0001)) == 2
    assert len(messages(replace(HONEST, price=better), cost_ratio=0.0005)) == 2


def test_fills_out_of_order_without_volume_or_without_quantity_are_caught() -> None:
    quiet = WALK.volume.copy()
    quiet[HONEST.bar[2]] = 0.0
    swapped = HONEST.bar.copy()
    swapped[[5, 6]] = swapped[[6, 5]]
    nothing = HONEST.quantity.copy()
    nothing[1] = 0.0

    assert any("has no volume" in text for text in messages(HONEST, replace(WALK, volume=quiet)))
    assert any("before the fill above" in text for text in messages(replace(HONEST, bar=swapped)))
    assert any("not positive" in text for text in messages(replace(HONEST, quantity=nothing)))


def test_the_closing_mark_at_the_end_of_the_data_is_not_judged() -> None:
    offender = same_bar_fills(WALK, delay=0)

    marked = replace(offender, is_report=np.ones(len(offender.bar), np.bool_))

    assert audit_fills(marked, WALK).findings == ()
    with pytest.raises(ShapeMismatch):
        replace(offender, price=offender.price[1:])


def crossing(candles: Candles, cost_ratio: float, *, delay: int, peek: int = 0) -> WalkResult:
    """Hold for five bars after a close above its average."""
    close = candles.close
    average = np.convolve(close, np.ones(10) / 10, "full")[: len(close)]
    above = close > average
    decided = np.flatnonzero(above[10:-12] & ~above[9:-13])[:-1] + 10 - peek
    entry, leave = candles.open[decided + delay], candles.open[decided + delay + 5]
    return WalkResult(pnl=(leave - entry) / entry - 2 * cost_ratio)


def test_an_honest_rule_earns_nothing_on_random_walks_and_loses_its_costs() -> None:
    outcome = audit_martingale(
        lambda candles, cost: crossing(candles, cost, delay=1), walks=20, bars=600, subject="crossing"
    )

    assert outcome.findings == ()
    assert outcome.runs == 20


def test_a_rule_that_fills_before_it_knows_is_caught_by_the_martingale() -> None:
    outcome = audit_martingale(
        lambda candles, cost: crossing(candles, cost, delay=1, peek=1), walks=20, bars=600
    )

    assert len(outcome.findings) == 2
    assert "know the future" in outcome.findings[0].message


def test_a_rule_that_forgets_its_costs_is_caught() -> None:
    outcome = audit_martingale(lambda candles, cost: crossing(candles, 0.0, delay=1), walks=20, bars=600)

    (finding,) = outcome.findings
    assert "turnover × cost" in finding.message


def test_too_few_trades_judge_nothing() -> None:
    outcome = audit_martingale(lambda candles, cost: WalkResult(pnl=np.ones(1)), walks=2, bars=50)

    assert outcome.runs == 0
    assert "30 are needed" in outcome.note


def test_a_portfolio_that_depends_on_the_order_of_its_pairs_is_caught() -> None:
    pairs = [replace(WALK.rows(k * 50, k * 50 + 50), pair=f"P{k}/USDT") for k in range(4)]

    def fair(candles: Sequence[Candles]) -> dict[str, float]:
        return {one.pair: float(one.close.sum()) for one in candles}

    def first_come(candles: Sequence[Candles]) -> dict[str, float]:
        return {one.pair: float(k) for k, one in enumerate(candles)}

    assert audit_order(fair, pairs).findings == ()
    assert "differ" in audit_order(first_come, pairs).findings[0].message


def test_an_alignment_to_a_bar_that_is_still_open_is_caught() -> None:
    own = np.arange(1, 9, dtype=np.int64) * 100
    longer = np.array([400, 800], np.int64)
    honest = np.array([-1, -1, -1, 0, 0, 0, 0, 1], np.int64)

    assert audit_alignment(own, longer, honest).findings == ()
    (finding,) = audit_alignment(own, longer, np.minimum(honest + 1, 1)).findings
    assert (finding.bar, "300 ms later" in finding.message) == (0, True)
