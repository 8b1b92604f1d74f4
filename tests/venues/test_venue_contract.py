"""What every venue keeps, whoever is behind it: paper and a fake in the process, a real client over sockets."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from decimal import Decimal
from zlib import crc32

import pytest
import pytest_asyncio

from desk.execution.client_ids import client_order_id as client_order_id_of
from desk.venue_port import OrderRequest, Refusal, StreamGap, Venue, VenueOrder, VenueRefusal, VenueTrade
from desk.venues.paper import PaperVenue
from tests.support.fake_exchange import FakeExchange
from tests.support.fake_venue import FakeVenue
from tests.support.sim import open_sim_venue
from tests.support.venue_faces.coinbase import Coinbase
from tests.support.venue_faces.cryptocom import CryptoCom
from tests.support.venue_faces.face import a_face
from tests.support.venue_faces.kraken import Kraken
from tests.support.venue_faces.okx import Okx
from trading.errors import NotFound, RequestProblem, VenueProblem
from trading.instruments import Instrument
from trading.orders import OrderState, OrderType, Side

PAIR = "BTC/USDT"


@dataclass(frozen=True, slots=True)
class Subject:
    """A venue under the contract."""

    venue: Venue


#: Exchanges behind the one adapter, each in its own shape.
FACES = {one.venue: one for one in (Kraken, Okx, Coinbase, CryptoCom)}


@pytest_asyncio.fixture(params=["paper", "fake", "ccxt", *FACES])
async def subject(request: pytest.FixtureRequest) -> AsyncIterator[Subject]:
    if request.param == "paper":
        rules = Instrument(pair=PAIR, tick=Decimal("0.01"), step=Decimal("0.00001"), min_notional=Decimal(5))
        yield Subject(PaperVenue({PAIR: rules}))
        return
    if request.param == "fake":
        exchange = FakeExchange(lambda: round(time.time() * 1000))
        exchange.prices[PAIR] = Decimal(94_000)
        venue = FakeVenue(exchange)
        yield Subject(venue)
        await venue.close()
        return
    if request.param in FACES:
        async with a_face(FACES[request.param]) as found:
            yield Subject(found.venue)
        return
    async with open_sim_venue() as opened:
        yield Subject(opened.venue)


@pytest_asyncio.fixture(params=["fake", "ccxt", *FACES])
async def trading(request: pytest.FixtureRequest) -> AsyncIterator[Subject]:
    """Venues whose executions come from themselves."""
    async for one in subject.__wrapped__(request):  # type: ignore[attr-defined]
        yield one


def ours(name: str) -> str:
    """Give an order id as the desk writes them; exchanges differ in what they take for one."""
    return client_order_id_of("account-1", number=crc32(name.encode()) % 30_000)


def limit(client_order_id: str, *, price: str = "90000", quantity: str = "0.01") -> OrderRequest:
    return OrderRequest(
        client_order_id=client_order_id,
        pair=PAIR,
        side="buy",
        order_type="limit",
        quantity=Decimal(quantity),
        price=Decimal(price),
    )


async def test_an_accepted_order_is_found_by_our_id_and_is_in_the_open_list(subject: Subject) -> None:
    placement = await subject.venue.place(limit(ours("bw-a")))

    found = await subject.venue.find(PAIR, ours("bw-a"))
    listed = await subject.venue.open_orders(PAIR)
    assert found is not None
    assert found.venue_order_id == placement.venue_order_id
    assert (found.state, found.side, found.order_type) == (OrderState.ACCEPTED, Side.BUY, OrderType.LIMIT)
    assert (found.quantity, found.price) == (Decimal("0.01"), Decimal(90000))
    assert [one.client_order_id for one in listed] == [ours("bw-a")]


async def test_an_order_that_was_never_placed_is_explicitly_not_there(subject: Subject) -> None:
    assert await subject.venue.find(PAIR, ours("bw-never")) is None
    assert list(await subject.venue.open_orders()) == []


async def cancel_what_is_gone(venue: Venue, client_order_id: str) -> None:
    """A success, or the one refusal that says the same."""
    try:
        await venue.cancel(PAIR, client_order_id)
    except VenueRefusal as refusal:
        if refusal.reason is not Refusal.UNKNOWN_ORDER:
            raise


async def test_a_cancelled_order_is_terminal_and_cancelling_again_changes_nothing(subject: Subject) -> None:
    await subject.venue.place(limit(ours("bw-b")))

    await subject.venue.cancel(PAIR, ours("bw-b"))
    await cancel_what_is_gone(subject.venue, ours("bw-b"))
    await cancel_what_is_gone(subject.venue, ours("bw-not-there"))

    found = await subject.venue.find(PAIR, ours("bw-b"))
    assert found is not None
    assert found.state is OrderState.CANCELED
    assert list(await subject.venue.open_orders(PAIR)) == []
    closed = await subject.venue.closed_orders(PAIR, 0)
    assert [one.client_order_id for one in closed] == [ours("bw-b")]


@pytest.mark.parametrize("wrong", [{"quantity": "0.000001"}, {"quantity": "0.00001", "price": "90000"}])
async def test_an_order_off_the_filters_is_refused_and_says_why(
    subject: Subject, wrong: dict[str, str]
) -> None:
    with pytest.raises(VenueRefusal) as refusal:
        await subject.venue.place(limit(ours("bw-c"), **wrong))

    assert refusal.value.reason is Refusal.FILTER
    assert await subject.venue.find(PAIR, ours("bw-c")) is None


async def test_a_pair_that_is_not_traded_is_refused(subject: Subject) -> None:
    request = OrderRequest(
        client_order_id=ours("bw-d"), pair="NOT/THERE", side="buy", order_type="market", quantity=Decimal(1)
    )

    with pytest.raises((VenueRefusal, NotFound)) as refusal:
        await subject.venue.place(request)

    assert isinstance(refusal.value, VenueProblem | RequestProblem)


async def test_the_trading_rules_have_positive_steps(subject: Subject) -> None:
    rules = await subject.venue.instruments()

    assert PAIR in rules
    assert all(one.tick > 0 and one.step > 0 for one in rules.values())


async def test_the_stream_of_evidence_begins_with_a_gap(subject: Subject) -> None:
    stream = subject.venue.evidence()
    async with asyncio.timeout(10), aclosing(stream) as items:  # type: ignore[type-var]
        first = await anext(items)

    assert isinstance(first, StreamGap)


async def test_the_clock_is_near_ours(subject: Subject) -> None:
    assert abs(await subject.venue.clock_offset_ms()) < 2_000


async def test_a_spot_venue_has_no_margin_positions(subject: Subject) -> None:
    assert list(await subject.venue.positions()) == []


def market(client_order_id: str, side: str) -> OrderRequest:
    return OrderRequest(
        client_order_id=client_order_id, pair=PAIR, side=side, order_type="market", quantity=Decimal("0.01")
    )


async def test_executions_in_the_stream_are_those_of_the_list_each_with_an_id_of_its_own(
    trading: Subject,
) -> None:
    heard: dict[str, VenueTrade] = {}
    states: set[OrderState] = set()
    async with asyncio.timeout(20), aclosing(trading.venue.evidence()) as items:  # type: ignore[type-var]
        await anext(items)
        await asyncio.sleep(0.5)
        for number, side in enumerate(("buy", "buy", "sell")):
            await trading.venue.place(market(ours(f"bw-{number}"), side))
        async for item in items:
            if isinstance(item, VenueTrade):
                heard[item.venue_trade_id] = item
            if isinstance(item, VenueOrder):
                states.add(item.state)
            if len(heard) == 3 and OrderState.FILLED in states:
                break

    listed = await trading.venue.trades(PAIR, 0)
    assert {one.venue_trade_id for one in listed} == set(heard)
    assert [one.side for one in listed] == [Side.BUY, Side.BUY, Side.SELL]
    assert all(one.quantity == Decimal("0.01") and one.price > 0 for one in listed)


async def test_money_moves_by_what_was_traded_and_by_its_fees_to_the_last_digit(trading: Subject) -> None:
    before = await trading.venue.balances()

    await trading.venue.place(market(ours("bw-buy"), "buy"))
    await trading.venue.place(market(ours("bw-sell"), "sell"))

    after = await trading.venue.balances()
    bought, sold = await trading.venue.trades(PAIR, 0)
    paid = bought.price * bought.quantity + (Decimal(0) if bought.base_fee else bought.fee)
    got = sold.price * sold.quantity - sold.fee
    assert after["USDT"].total - before["USDT"].total == got - paid
    held = {
        name: one["BTC"].total if "BTC" in one else Decimal(0) for name, one in (("b", before), ("a", after))
    }
    assert held["a"] - held["b"] == -bought.base_fee


async def test_a_market_order_is_filled_and_gone_from_the_open_list(trading: Subject) -> None:
    await trading.venue.place(market(ours("bw-buy"), "buy"))

    found = await trading.venue.find(PAIR, ours("bw-buy"))
    assert found is not None
    assert found.state is OrderState.FILLED
    assert found.filled_quantity == Decimal("0.01")
    assert list(await trading.venue.open_orders()) == []
