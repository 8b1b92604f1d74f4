"""`trailing = venue`: the venue moves the stop inside the bar (trading-rules.md, B.3.6), told from the bot's own way."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Literal

import pytest

from tests.support.engines import FREE, bars
from trading.backtest.simulate import SimOrder, Simulation, Trailing, simulate
from trading.engine.config import Costs
from trading.errors import InvalidInput
from trading.orders import Reason

D = Decimal
CALM = (100.0, 100.5, 99.5, 100.0)
VENUE = Costs(maker_fee=0.0, taker_fee=0.0, slippage=0.0, trailing="venue")


def run(*rows: Any, costs: Costs, **more: Any) -> Simulation:
    given: dict[str, Any] = {"stop_loss": 90.0, "trailing": Trailing(distance=0.02), "side": "long", **more}
    order = SimOrder(bar=0, quantity=D(10), **given)
    return simulate(bars(*rows), [order], capital=D(10_000), costs=costs)


def exits(done: Simulation) -> list[tuple[int, Decimal, Decimal, Reason]]:
    return [(one.bar, one.price, one.quantity, one.reason) for one in done.fills[1:]]


#: Entry at 100; the second bar rises to 110 and falls through 107.8, 2 % below its own high.
RISES_AND_FALLS = (CALM, (100, 101, 99.5, 100.5), (101, 110, 101, 108), (108, 109, 107.9, 108.5))


def test_a_venue_fills_at_the_new_stop_in_the_same_bar_and_the_bot_learns_it_at_the_close() -> None:
    at_venue = run(*RISES_AND_FALLS, costs=VENUE)
    by_bot = run(*RISES_AND_FALLS, costs=FREE)

    assert exits(at_venue) == [(2, D("107.8"), D(10), Reason.TRAILING_STOP)]
    # The stop of 107.8 counts from bar 3, whose low stays above it.
    assert exits(by_bot) == []


@pytest.mark.parametrize(("side", "stop", "rows", "price"), [
    ("long", 90.0, ((100, 104, 101, 103),), "101.92"),
    ("short", 110.0, ((100, 99, 96, 97),), "97.92"),
])  # fmt: skip
def test_longs_and_shorts_trail_alike(
    side: Literal["long", "short"], stop: float, rows: Any, price: str
) -> None:
    fixed = tuple((o, max(o, h), min(o, low), c) for o, h, low, c in rows)

    done = run(CALM, CALM, *fixed, costs=VENUE, side=side, stop_loss=stop)

    assert [(one.price, one.reason) for one in done.fills[1:]] == [(D(price), Reason.TRAILING_STOP)]


def test_the_stop_in_force_before_the_bar_comes_first() -> None:
    done = run(CALM, CALM, (100, 110, 89, 100), costs=VENUE)

    # 2 % below the high of bar 1; the high of bar 2 changes nothing any more.
    assert exits(done) == [(2, D("98.49"), D(10), Reason.TRAILING_STOP)]


def test_a_target_before_the_new_stop_was_passed_on_the_way_and_one_beyond_it_waits() -> None:
    # High 110, new stop 107.8: 105 lies before it and fills, 109 lies beyond it and is taken as not reached.
    done = run(*RISES_AND_FALLS, costs=VENUE, take_profits=((0.5, 105.0), (0.5, 109.0)))

    assert exits(done) == [
        (2, D("105"), D(5), Reason.TAKE_PROFIT_1),
        (2, D("107.8"), D(5), Reason.TRAILING_STOP),
    ]


def test_trailing_that_the_bar_itself_switches_on_counts_from_the_next_bar() -> None:
    trailing = Trailing(distance=0.02, active_from=0.05)

    done = run(*RISES_AND_FALLS, (108, 108.2, 107, 107.5), costs=VENUE, trailing=trailing)

    # Switched on by the high of bar 2; in bar 3 the stop stands at 107.8 and holds, bar 4 falls through it.
    assert exits(done) == [(4, D("107.8"), D(10), Reason.TRAILING_STOP)]


def test_an_unknown_way_of_trailing_is_refused() -> None:
    with pytest.raises(InvalidInput, match="'close' or 'venue' is allowed"):
        Costs(trailing="exchange")  # type: ignore[arg-type]
