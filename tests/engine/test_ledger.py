"""The ledger in decimals: nothing is lost or made, repeats change nothing, and the kernel's floats stay close."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.rule_sets import random_case, run
from trading.errors import InvariantBroken
from trading.fills import Fill, Liquidity
from trading.ledger import Breaker, Flow, Ledger
from trading.orders import Reason, Side
from trading.positions import Position, after_fill

D = Decimal


def fill(number: int, side: Side, quantity: str, price: str, fee: str = "0", pair: str = "BTC/USDT") -> Fill:
    return Fill(
        venue_trade_id=f"t{number}", bot_id="bot", pair=pair, side=side, price=D(price), quantity=D(quantity),
        fee=D(fee), liquidity=Liquidity.TAKER, reason=Reason.ENTRY, filled_at_ms=number,
    )  # fmt: skip


def test_round_trip_books_cash_fees_and_profit() -> None:
    ledger = Ledger(capital=D(1000))

    ledger.book(fill(1, Side.BUY, "2", "100", "0.2"))
    ledger.book(fill(2, Side.SELL, "2", "110", "0.22"))

    assert (ledger.cash, ledger.realised, ledger.fees) == (D("1019.58"), D(20), D("0.42"))


def test_repeated_fill_and_flow_count_once() -> None:
    ledger = Ledger(capital=D(1000))
    one, flow = fill(1, Side.BUY, "1", "100"), Flow(flow_id="a", amount=D(50), moved_at_ms=1)

    assert [ledger.book(one), ledger.book(one)] == [True, False]
    assert [ledger.move(flow), ledger.move(flow)] == [True, False]
    assert ledger.cash == D(950)


def test_fill_through_zero_closes_at_cost_and_opens_the_other_way() -> None:
    long, _ = after_fill(Position.flat("bot", "BTC/USDT"), fill(1, Side.BUY, "2", "100"))

    short, realised = after_fill(long, fill(2, Side.SELL, "3", "110"))

    assert (short.quantity, short.average_price, realised) == (D(-1), D(110), D(20))


def test_fill_without_quantity_and_equity_without_a_price_are_refused() -> None:
    ledger = Ledger(capital=D(1000))
    with pytest.raises(InvariantBroken):
        ledger.book(fill(1, Side.BUY, "0", "100"))
    ledger.book(fill(2, Side.BUY, "1", "100"))

    with pytest.raises(InvariantBroken):
        ledger.equity({})


def test_exact_breaker_trips_at_the_fifth_point_and_moves_with_deposits() -> None:
    breaker = Breaker(max_drawdown=D("0.2"), daily_loss=D("0.05"), peak=D(100), day_start=D(100))

    assert [breaker.drawdown_tripped(D(x)) for x in (100, 110, 99, 105, 88)] == [False] * 4 + [True]
    assert breaker.day_tripped(D(95))
    assert not breaker.day_tripped(D("95.01"))
    breaker.flow(D(88), D(88))
    assert breaker.peak == 220


amounts = st.decimals("0.001", "100", places=3)
trades = st.lists(
    st.tuples(
        st.sampled_from(list(Side)), amounts, amounts, st.decimals("0", "1", places=4), st.sampled_from("AB")
    ),
    max_size=40,
)


@settings(derandomize=True, max_examples=100, deadline=None)
@given(trades=trades, flows=st.lists(st.integers(-500, 500), max_size=5), mark=amounts)
def test_cash_fees_and_positions_are_conserved(
    trades: list[tuple[Side, Decimal, Decimal, Decimal, str]], flows: list[int], mark: Decimal
) -> None:
    ledger = Ledger(capital=D(10_000))
    for k, amount in enumerate(flows):
        ledger.move(Flow(flow_id=str(k), amount=D(amount), moved_at_ms=k))
    for k, (side, quantity, price, fee, base) in enumerate(trades):
        ledger.book(fill(k, side, str(quantity), str(price), str(fee), f"{base}/USDT"))

    ledger.check({"A/USDT": mark, "B/USDT": mark})

    for base in "AB":
        net = sum((q if s is Side.BUY else -q for s, q, _, _, b in trades if b == base), D(0))
        held = ledger.positions.get(("bot", f"{base}/USDT"))
        assert (held.quantity if held else D(0)) == net


@pytest.mark.parametrize("seed", range(0, 30, 3))
def test_kernels_floats_stay_within_the_rounding_of_fills_of_the_ledger(seed: int) -> None:
    result = run(random_case(seed, bars=400), "array")
    ledger = Ledger(capital=result.config.capital)

    ledger.book_all(result.exact_fills)

    marks = {view.pair: D(repr(view.mark)) for view in result.positions if view.lots}
    ledger.check(marks)
    # Each price is booked to a ten-thousandth of a tick of 0.01, each fee to 1e-8; the rest is float noise.
    bound = sum((f.quantity * D("5e-7") + D("5e-9") for f in result.exact_fills), D("1e-6"))
    assert abs(ledger.equity(marks) - D(repr(result.account.equity))) < bound
    assert abs(ledger.fees - D(repr(result.account.fees))) < bound
    for view in result.positions:
        held = ledger.positions.get((view.bot_id, view.pair))
        assert (held.quantity if held else D(0)) == view.side * view.quantity
