"""The worked bars of docs/engine.md."""

from __future__ import annotations

from decimal import Decimal

from tests.support.engines import FREE, bars
from trading.backtest.run import SimOrder, simulate
from trading.orders import Reason

D = Decimal


def test_worked_bar_of_the_documentation_happens_as_written() -> None:
    order = SimOrder(
        bar=0, side="long", quantity=D(10), stop_loss=95.0, take_profits=((0.5, 102.5), (0.3, 106.0), (0.2, 112.5)),
        break_even_after_leg=1,
    )  # fmt: skip

    done = simulate(
        bars((100, 101, 99, 100), (100, 103, 99, 102), (102, 107, 99.5, 101)),
        [order],
        capital=D(10_000),
        costs=FREE,
    )

    assert [(f.bar, f.price, f.quantity, f.reason) for f in done.fills] == [
        (1, D(100), D(10), Reason.ENTRY),
        (1, D("102.5"), D(5), Reason.TAKE_PROFIT_1),
        (2, D(100), D(5), Reason.BREAK_EVEN_STOP),
    ]
    assert done.cash == D("10012.5")
