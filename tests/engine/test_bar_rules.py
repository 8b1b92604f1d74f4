"""The order of events inside one bar: every rule of trading-rules.md B.3, on bars small enough to check by hand."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Literal

import pytest

from tests.support.engines import FREE, bars
from trading.backtest.run import SimOrder, Simulation, Trailing, simulate
from trading.candles import QUARANTINED, SYNTHETIC
from trading.engine.config import Costs
from trading.orders import Reason, Side

D = Decimal


def run(*rows: Any, order: SimOrder, costs: Costs = FREE, flags: Any = ()) -> Simulation:
    return simulate(bars(*rows, flags=flags), [order], capital=D(10_000), costs=costs)


def long(quantity: str = "1", **more: Any) -> SimOrder:
    return SimOrder(bar=0, side="long", quantity=D(quantity), **more)


def short(quantity: str = "1", **more: Any) -> SimOrder:
    return SimOrder(bar=0, side="short", quantity=D(quantity), **more)


def facts(done: Simulation) -> list[tuple[int, Side, Decimal, Decimal, Reason]]:
    return [(f.bar, f.side, f.price, f.quantity, f.reason) for f in done.fills]


CALM = (100.0, 101.0, 99.0, 100.0)
BUY, SELL = Side.BUY, Side.SELL


def test_market_entry_fills_at_the_next_open_and_exit_bar_likewise() -> None:
    done = run(CALM, (102, 103, 101, 102), (104, 105, 103, 104), (106, 107, 105, 106), order=long(exit_bar=2))

    assert facts(done) == [
        (1, BUY, D(102), D(1), Reason.ENTRY),
        (3, SELL, D(106), D(1), Reason.EXIT_SIGNAL),
    ]


def test_order_of_the_last_bar_never_fills() -> None:
    done = simulate(
        bars(CALM, CALM), [SimOrder(bar=1, side="long", quantity=D(1))], capital=D(1000), costs=FREE
    )

    assert done.fills == ()


@pytest.mark.parametrize(("side", "stop", "gap"), [("long", 95.0, 94.0), ("short", 105.0, 106.0)])
def test_gap_through_the_stop_fills_at_the_open_less_slippage(
    side: Literal["long", "short"], stop: float, gap: float
) -> None:
    order = SimOrder(bar=0, side=side, quantity=D(1), stop_loss=stop)
    costs = Costs(maker_fee=0, taker_fee=0, slippage=0.001)

    done = run(CALM, CALM, (gap, gap + 1, gap - 1, gap), order=order, costs=costs)

    worse = gap * (1 - 0.001) if side == "long" else gap * (1 + 0.001)
    assert float(done.fills[1].price) == pytest.approx(worse, abs=1e-9)
    assert done.fills[1].reason is Reason.STOP_LOSS


@pytest.mark.parametrize(("side", "stop", "row"), [
    ("long", 95.0, (100.0, 101.0, 95.0, 100.0)), ("short", 105.0, (100.0, 105.0, 99.0, 100.0)),
])  # fmt: skip
def test_stop_triggers_on_equality(side: Literal["long", "short"], stop: float, row: Any) -> None:
    done = run(CALM, CALM, row, order=SimOrder(bar=0, side=side, quantity=D(1), stop_loss=stop))

    assert (done.fills[1].bar, done.fills[1].price) == (2, D(str(stop)))


def test_stop_and_target_in_one_bar_count_as_the_stop_for_the_whole_quantity() -> None:
    order = long(stop_loss=98.5, take_profits=((0.5, 101.0), (0.5, 102.0)))

    done = run(CALM, (100, 100.5, 99, 100), (100, 103, 98, 100), order=order)

    assert facts(done)[1:] == [(2, SELL, D("98.5"), D(1), Reason.STOP_LOSS)]


def test_bar_that_opens_beyond_a_target_fills_it_first_at_its_own_price() -> None:
    order = long(stop_loss=95.0, take_profits=((0.5, 102.0), (0.5, 110.0)))

    done = run(CALM, CALM, (103, 104, 94, 96), order=order)

    assert facts(done)[1:] == [
        (2, SELL, D(102), D("0.5"), Reason.TAKE_PROFIT_1),
        (2, SELL, D(95), D("0.5"), Reason.STOP_LOSS),
    ]


@pytest.mark.parametrize(("fill", "count"), [("through", 1), ("touch", 2)])
def test_target_that_is_only_touched_fills_by_the_touch_rule_alone(
    fill: Literal["through", "touch"], count: int
) -> None:
    costs = Costs(maker_fee=0, taker_fee=0, slippage=0, fill=fill)

    done = run(CALM, (100, 102, 99, 100), order=long(take_profits=((1.0, 102.0),)), costs=costs)

    assert len(done.fills) == count


def test_trailing_stop_of_a_bar_comes_from_the_bars_before_it() -> None:
    order = long(trailing=Trailing(distance=0.05))

    done = run(CALM, (100, 110, 99, 109), (109, 109, 104.6, 105), (105, 106, 104, 105), order=order)

    # After bar 1 the peak is 110 and the stop 104.5; bar 2 stays above it; bar 3 falls through.
    assert facts(done)[1:] == [(3, SELL, D("104.5"), D(1), Reason.TRAILING_STOP)]


def test_trailing_stop_that_the_close_passed_exits_at_the_next_open() -> None:
    order = long(trailing=Trailing(distance=0.05))

    done = run(CALM, (100, 110, 99, 104), (103, 120, 103, 120), order=order)

    assert facts(done)[1:] == [(2, SELL, D(103), D(1), Reason.TRAILING_STOP)]


def test_trailing_starts_only_after_its_gain_was_reached_and_from_the_next_bar() -> None:
    order = long(trailing=Trailing(distance=0.02, active_from=0.10))

    done = run(
        CALM, (100, 109, 99, 109), (109, 109, 95, 96), (96, 111, 96, 110.5), (110, 110, 108, 108), order=order
    )

    assert facts(done)[1:] == [(4, SELL, D("108.78"), D(1), Reason.TRAILING_STOP)]


def test_trailing_stop_never_loosens() -> None:
    order = long(trailing=Trailing(distance=0.05), stop_loss=99.0)

    done = run(CALM, (100, 101, 99.5, 101), (101, 101, 98, 98), order=order)

    # 5 % below 101 is below the given stop, which stays.
    assert facts(done)[1:] == [(2, SELL, D(99), D(1), Reason.STOP_LOSS)]


def test_first_target_moves_the_stop_to_break_even_from_the_next_bar() -> None:
    order = long(stop_loss=90.0, take_profits=((0.5, 102.5), (0.5, 120.0)), break_even_after_leg=1)

    done = run(CALM, (100, 103, 95, 103), (103, 104, 99, 101), order=order)

    assert facts(done)[1:] == [
        (1, SELL, D("102.5"), D("0.5"), Reason.TAKE_PROFIT_1),
        (2, SELL, D(100), D("0.5"), Reason.BREAK_EVEN_STOP),
    ]
    # trading-rules.md: TP1 at +2.5 % of half, then break-even: +1.25 %.
    assert done.equity == D("10001.25")


def test_break_even_stop_covers_both_fees_and_slippage() -> None:
    costs = Costs(maker_fee=0.001, taker_fee=0.001, slippage=0.0005)
    order = long(stop_loss=90.0, take_profits=((0.5, 102.5), (0.5, 120.0)), break_even_after_leg=1)

    done = run(CALM, (100, 103, 99.5, 103), (103, 104, 99, 101), order=order, costs=costs)

    entry, _, leave = done.fills
    rest = (leave.price - entry.price) * leave.quantity - leave.fee - entry.fee / 2
    assert abs(rest) < D("1e-6")


def test_stop_entry_fills_at_the_worse_of_open_and_level_and_its_stop_counts_in_the_same_bar() -> None:
    order = long(type="stop", price=105.0, stop_loss=101.0, take_profits=((1.0, 108.0),))

    inside = run(CALM, (102, 109, 101, 108), order=order)
    gapped = run(CALM, (106, 107, 105, 106), order=order)
    quiet = run(CALM, (102, 109, 101.5, 108), order=order)

    assert facts(inside) == [(1, BUY, D(105), D(1), Reason.ENTRY), (1, SELL, D(101), D(1), Reason.STOP_LOSS)]
    assert facts(gapped) == [(1, BUY, D(106), D(1), Reason.ENTRY)]
    assert facts(quiet)[1] == (1, SELL, D(108), D(1), Reason.TAKE_PROFIT_1)


def test_limit_entry_needs_a_trade_through_and_its_target_does_not_count_in_that_bar() -> None:
    order = long(type="limit", price=98.0, stop_loss=90.0, take_profits=((1.0, 101.0),))

    touched = run(CALM, (100, 101, 98, 100), order=order)
    through = run(CALM, (100, 102, 97.5, 100), (100, 100.5, 99, 100), (100, 102, 99, 101), order=order)

    assert touched.fills == ()
    assert facts(through) == [
        (1, BUY, D(98), D(1), Reason.ENTRY),
        (3, SELL, D(101), D(1), Reason.TAKE_PROFIT_1),
    ]


def test_limit_entry_below_its_stop_is_stopped_in_the_same_bar() -> None:
    done = run(CALM, (100, 101, 94, 95), order=long(type="limit", price=98.0, stop_loss=95.0))

    assert [f.reason for f in done.fills] == [Reason.ENTRY, Reason.STOP_LOSS]


def test_resting_entry_expires_after_its_bars() -> None:
    order = long(type="limit", price=98.0, expiry_bars=2)

    done = run(CALM, CALM, CALM, (100, 101, 97, 100), order=order)

    assert done.fills == ()


def test_bar_without_volume_fills_nothing() -> None:
    order = long(type="limit", price=98.0)

    done = run(CALM, (97, 97, 97, 97, 0.0), (99, 99.5, 98.5, 99), order=order)

    assert done.fills == ()


def test_stop_waits_for_the_next_traded_bar_when_there_is_no_volume() -> None:
    done = run(CALM, CALM, (94, 94, 94, 94, 0.0), (93, 93, 92, 92), order=long(stop_loss=95.0))

    assert facts(done)[1:] == [(3, SELL, D(93), D(1), Reason.STOP_LOSS)]


@pytest.mark.parametrize("flag", [int(SYNTHETIC), int(QUARANTINED)])
def test_made_up_and_distrusted_bars_fill_nothing(flag: int) -> None:
    done = run(CALM, (90, 130, 80, 100), CALM, order=long(type="limit", price=98.0), flags=[0, flag, 0])

    assert done.fills == ()


def test_market_entry_that_finds_no_trade_in_its_bar_lapses() -> None:
    done = run(CALM, (100, 100, 100, 100, 0.0), CALM, order=long())

    assert done.fills == ()
    assert done.refused == ((0, "stale_data"),)


def test_open_position_is_valued_at_the_last_close_and_flagged() -> None:
    done = run(CALM, CALM, (100, 108, 100, 107), order=long("2"))

    trade = done.result.trades[0]
    assert (trade.reason, trade.pnl, trade.exit_price) == (Reason.END_OF_DATA, D(14), D(107))
    assert done.equity == D(10_014)
    assert done.positions[0].unrealised == D(14)


def test_costs_of_a_round_trip_match_the_worked_numbers() -> None:
    costs = Costs(maker_fee=0.001, taker_fee=0.001, slippage=0.0005)

    done = run(CALM, CALM, CALM, (103, 104, 102, 103), order=long(exit_bar=2), costs=costs)

    assert [f.price for f in done.fills] == [D("100.05"), D("102.9485")]
    assert float(done.equity - 10_000) == pytest.approx(2.695502, abs=5e-7)
    trade = done.result.trades[0]
    assert trade.pnl_ratio == pytest.approx(0.02691463, abs=5e-9)


def test_market_fill_pays_half_the_spread_and_stops_do_not() -> None:
    costs = Costs(maker_fee=0, taker_fee=0, slippage=0, spread=0.002)

    done = run(CALM, CALM, (100, 100, 94, 96), order=long(stop_loss=95.0), costs=costs)

    assert [f.price for f in done.fills] == [D("100.1"), D(95)]


def test_ladder_takes_fifty_thirty_twenty_and_earns_the_worked_return() -> None:
    order = long("10", take_profits=((0.5, 102.5), (0.3, 106.0), (0.2, 112.5)))

    done = run(CALM, (100, 113, 99, 112), order=order)

    assert [f.quantity for f in done.fills[1:]] == [D(5), D(3), D(2)]
    # 0.5·2.5 + 0.3·6 + 0.2·12.5 = 5.55 % of 1,000.
    assert done.equity == D("10055.5")


def test_first_target_then_stop_loses_the_worked_quarter_percent() -> None:
    order = long("10", stop_loss=97.0, take_profits=((0.5, 102.5), (0.3, 106.0), (0.2, 112.5)))

    done = run(CALM, (100, 103, 99, 102), (102, 102, 96, 97), order=order)

    assert done.equity == D("9997.5")


def test_short_mirrors_long() -> None:
    up = run(
        CALM,
        (100, 103, 99, 102),
        (102, 107, 101, 106),
        order=long(stop_loss=95.0, take_profits=((1.0, 105.0),)),
    )
    down = run(
        CALM, (100, 101, 97, 98), (98, 99, 93, 94), order=short(stop_loss=105.0, take_profits=((1.0, 95.0),))
    )

    assert up.equity == down.equity == D(10_005)
    assert [f.side for f in down.fills] == [SELL, BUY]


def test_order_shrinks_to_what_cash_allows_at_the_fill() -> None:
    costs = Costs(maker_fee=0, taker_fee=0.01, slippage=0)

    done = run(CALM, (200, 201, 199, 200), order=long("100"), costs=costs)

    assert done.fills[0].quantity == D(int(10_000 / (200 * 1.01) * 10**8)) / 10**8
    assert done.cash >= 0


def test_orders_of_one_bar_fill_in_the_order_given_and_share_the_cash() -> None:
    orders = [SimOrder(bar=0, side="long", quantity=D(60)), SimOrder(bar=0, side="long", quantity=D(60))]

    done = simulate(bars(CALM, CALM), orders, capital=D(10_000), costs=FREE)

    assert [(f.order, f.quantity) for f in done.fills] == [(0, D(60)), (1, D(40))]
