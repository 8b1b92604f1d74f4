"""A short that eats its collateral is bought back by the venue; the kill switch goes first (trading-rules.md, B.3.2)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.support.engines import FREE, account, bars, play
from trading.backtest.simulate import SimOrder, Simulation, simulate
from trading.engine.config import Costs
from trading.engine.engine import AccountEngine, CommandKind, EngineCommand
from trading.orders import Reason
from trading.risk.exits import liquidation_price
from trading.signals import Signal

D = Decimal
CALM = (100.0, 101.0, 99.0, 100.0)
#: Twice the entry, less a margin of 5 %: 200 / 1.05.
EDGE = 190.47619048


def short(*rows: Any, costs: Costs = FREE, **more: Any) -> Simulation:
    order = SimOrder(bar=0, side="short", quantity=D(10), **more)
    return simulate(bars(*rows), [order], capital=D(10_000), costs=costs)


def last(done: Simulation) -> tuple[int, float, Reason]:
    return done.fills[-1].bar, round(float(done.fills[-1].price), 6), done.fills[-1].reason


def test_the_edge_is_where_twice_the_entry_no_longer_covers_debt_and_margin() -> None:
    assert liquidation_price(100.0, 0.05) == pytest.approx(EDGE)
    assert liquidation_price(100.0, 0.0) == 200.0


def test_a_short_without_a_stop_is_bought_back_at_the_edge_with_slippage() -> None:
    costs = Costs(maker_fee=0, taker_fee=0, slippage=0.001)

    done = short(CALM, CALM, (120, 191, 119, 185), costs=costs)

    entry = 100 * (1 - 0.001)
    assert last(done) == (2, round(2 * entry / 1.05 * 1.001, 6), Reason.LIQUIDATION)


def test_a_nearer_stop_is_taken_before_the_edge() -> None:
    done = short(CALM, CALM, (120, 195, 119, 185), stop_loss=150.0)

    assert last(done) == (2, 150.0, Reason.STOP_LOSS)


def test_an_open_beyond_the_edge_liquidates_at_the_open_whatever_the_stop() -> None:
    done = short(CALM, CALM, (205, 210, 200, 208), stop_loss=150.0)

    assert last(done) == (2, 205.0, Reason.LIQUIDATION)


def test_a_bar_without_volume_waits_for_the_next_traded_open() -> None:
    done = short(CALM, CALM, (205, 210, 200, 208, 0.0), (206, 207, 150, 160))

    assert last(done) == (3, 206.0, Reason.LIQUIDATION)


def test_a_long_has_no_edge() -> None:
    order = SimOrder(bar=0, side="long", quantity=D(10))

    done = simulate(bars(CALM, CALM, (1, 2, 0.5, 1)), [order], capital=D(10_000), costs=FREE)

    assert len(done.fills) == 1


def test_the_kill_switch_closes_before_the_venue_does() -> None:
    engine = AccountEngine(account(limits=None, step="1"))
    play(engine, 0, 100.0, line0=Signal(enter=-1, stop=150.0))
    play(engine, 1, 100.0)
    engine.command(EngineCommand(kind=CommandKind.KILL))

    fills, _ = play(engine, 2, 205.0)

    assert [(one.reason, one.price) for one in fills] == [(Reason.KILL_SWITCH, 205.0)]
