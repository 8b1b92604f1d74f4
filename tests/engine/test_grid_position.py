"""A grid is one position: cells bought at their floor, sold one step above, ended as a whole."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.support.engines import account, bar
from trading.engine.config import RiskLimits
from trading.engine.engine import AccountEngine
from trading.engine.views import EngineFill
from trading.orders import IntentKind, Reason, Side
from trading.signals import Signal

#: Four cells of 5 between 80 and 100.
GRID = Signal(enter=1, stop=70.0, grid_low=80.0, grid_high=100.0, grid_levels=4)


class Running:
    """A grid that was started at 98."""

    def __init__(self, **limits: Any) -> None:
        self.engine = AccountEngine(account(limits=replace(RiskLimits.off(), max_position=0.4, **limits)))
        self.hours = 0
        self.step(98.0, signal=GRID)
        self.step(98.0)

    def step(
        self,
        price: float,
        *,
        high: float | None = None,
        low: float | None = None,
        signal: Signal | None = None,
    ) -> tuple[EngineFill, ...]:
        row = {0: bar(self.hours, price, high=high, low=low)}
        self.hours += 1
        fills = self.engine.match(row)
        self.engine.decide(row, {} if signal is None else {0: signal})
        return fills


def test_cells_are_bought_at_their_floors_and_sold_one_step_above() -> None:
    grid = Running()

    bought = grid.step(91.0, high=98.0, low=89.0)
    sold = grid.step(96.0, high=100.0, low=91.0)

    assert [(f.side, f.price, f.leg) for f in bought] == [(Side.BUY, 95.0, 4), (Side.BUY, 90.0, 3)]
    assert [(f.side, f.price, f.leg) for f in sold] == [(Side.SELL, 95.0, 3)]
    assert all(f.reason is Reason.GRID for f in bought + sold)
    assert len({f.lots for f in bought + sold}) == 1


def test_cell_is_not_bought_and_sold_in_one_bar() -> None:
    grid = Running()

    fills = grid.step(97.0, high=101.0, low=94.0)

    assert [(f.side, f.price) for f in fills] == [(Side.BUY, 95.0)]


def test_grid_takes_one_slot_and_one_trade_and_keeps_its_cash_reserved() -> None:
    grid = Running(max_positions=1)
    grid.step(91.0, high=98.0, low=89.0)
    grid.step(96.0, high=101.0, low=91.0)

    view = grid.engine.account()

    assert view.slots_taken == 1
    assert grid.engine.take_trades() == ()
    assert view.free < view.cash
    resting = grid.engine.protection(0)
    assert {(o.kind, o.side) for o in resting} == {(IntentKind.OPEN, Side.BUY)}


def test_stop_ends_the_whole_grid_after_every_purchase_on_the_way_down() -> None:
    grid = Running()

    fills = grid.step(75.0, high=98.0, low=69.0)

    assert [f.price for f in fills] == [95.0, 90.0, 85.0, 80.0, 70.0]
    (trade,) = grid.engine.take_trades()
    assert trade.reason is Reason.STOP_LOSS
    assert trade.entry_price == pytest.approx(87.5)
    assert not grid.engine.position(0).is_open


def test_exit_wish_ends_an_empty_grid_without_a_fill() -> None:
    grid = Running()

    grid.step(98.0, signal=Signal(exit=1))
    fills = grid.step(98.0)

    assert fills == ()
    assert not grid.engine.position(0).is_open
