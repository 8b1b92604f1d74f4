"""Kraken, OKX, Coinbase and Crypto.com, each in its own shape over sockets: what breaks is told as what it is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio

from desk.clock import SystemClock
from desk.execution.client_ids import client_order_id
from desk.feeds.live import LiveFeed
from desk.feeds.pair_lists import PairChoice
from desk.feeds.venue_market import VenueMarket
from desk.offers import offer_of
from desk.venue_port import (
    OrderRequest,
    OutcomeUnknown,
    Refusal,
    StreamGap,
    VenueBusy,
    VenueOrder,
    VenueRefusal,
    VenueTrade,
)
from server.sim_exchange.refusals import Refusal as SaidNo
from tests.support.venue_faces.coinbase import Coinbase
from tests.support.venue_faces.cryptocom import CryptoCom
from tests.support.venue_faces.face import FaceVenue, a_face
from tests.support.venue_faces.kraken import Kraken
from tests.support.venue_faces.okx import Okx
from trading.orders import OrderState, OrderType
from trading.timeframes import Timeframe

PAIR = "BTC/USDT"
FACES = (Kraken, Okx, Coinbase, CryptoCom)


@pytest_asyncio.fixture(params=FACES, ids=lambda one: one.venue)
async def opened(request: pytest.FixtureRequest) -> AsyncIterator[FaceVenue]:
    async with a_face(request.param) as one:
        await one.venue.instruments()
        yield one


def ours(number: int) -> str:
    return client_order_id("account-1", number=number)


def order(number: int, side: str = "buy", kind: str = "market", **more: Any) -> OrderRequest:
    return OrderRequest(
        client_order_id=ours(number),
        pair=more.pop("pair", PAIR),
        side=side,
        order_type=kind,
        quantity=Decimal(more.pop("quantity", "0.01")),
        **more,
    )


def limit(number: int, price: str = "90000") -> OrderRequest:
    return order(number, kind="limit", price=Decimal(price))


def stop(number: int, price: str) -> OrderRequest:
    return order(number, side="sell", kind="stop", stop_price=Decimal(price))


@pytest.mark.parametrize(
    ("fault", "is_there"), [("drop_after", True), ("truncate", True), ("drop_before", False), ("html", False)]
)
async def test_a_placement_without_a_readable_answer_is_unknown_and_settled_by_asking(
    opened: FaceVenue, fault: str, is_there: bool
) -> None:
    opened.fault(fault)

    with pytest.raises(OutcomeUnknown):
        await opened.venue.place(limit(1))

    found = await opened.venue.find(PAIR, ours(1))
    assert (found is not None) is is_there
    assert opened.orders_at_venue(ours(1)) == is_there


async def test_a_page_instead_of_balances_or_orders_is_never_an_empty_account(opened: FaceVenue) -> None:
    opened.fault("html", on="", times=-1)

    for ask in (opened.venue.balances, opened.venue.open_orders):
        with pytest.raises(VenueBusy):
            await ask()


async def test_what_is_locked_is_not_free(opened: FaceVenue) -> None:
    await opened.venue.place(limit(1))

    money = (await opened.venue.balances())["USDT"]

    assert (money.locked, money.total) == (Decimal(900), Decimal(100_000))


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (order(1, side="sell", quantity="50"), Refusal.BALANCE),
        (order(1, kind="limit", price=Decimal(90_000), quantity="0.00001"), Refusal.FILTER),
    ],
    ids=["balance", "filter"],
)
async def test_a_refusal_says_why(opened: FaceVenue, request_: OrderRequest, reason: Refusal) -> None:
    with pytest.raises(VenueRefusal) as refusal:
        await opened.venue.place(request_)

    assert refusal.value.reason is reason
    assert opened.orders_at_venue(ours(1)) == 0


async def test_a_key_that_is_not_known_any_more_is_a_matter_of_the_key(opened: FaceVenue) -> None:
    opened.face.key = "another"  # type: ignore[misc]

    for act in (opened.venue.balances(), opened.venue.place(limit(1))):
        with pytest.raises(VenueRefusal) as refusal:
            await act
        assert refusal.value.reason is Refusal.KEY


async def test_too_many_requests_are_proved_not_accepted(
    opened: FaceVenue, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_many(*given: object, **named: object) -> None:
        raise SaidNo(-1003, "too many requests")

    monkeypatch.setattr(opened.face, "place", too_many)

    with pytest.raises(VenueBusy):
        await opened.venue.place(limit(1))


async def test_a_stop_rests_under_our_id_and_can_be_taken_away(opened: FaceVenue) -> None:
    placement = await opened.venue.place(stop(1, "90000"))

    found = await opened.venue.find(PAIR, ours(1))
    listed = await opened.venue.open_orders()
    await opened.venue.cancel(PAIR, ours(1))

    assert found is not None
    assert (found.venue_order_id, found.state) == (placement.venue_order_id, OrderState.ACCEPTED)
    assert (found.order_type, found.stop_price) == (OrderType.STOP, Decimal(90_000))
    assert [one.client_order_id for one in listed] == [ours(1)]
    assert list(await opened.venue.open_orders()) == []
    assert (await opened.venue.balances())["BTC"].locked == 0


async def test_a_stop_that_was_triggered_is_filled_and_its_execution_belongs_to_it(opened: FaceVenue) -> None:
    placement = await opened.venue.place(stop(1, "90000"))

    opened.price("BTCUSDT", "89900")

    found = await opened.venue.find(PAIR, ours(1))
    (trade,) = await opened.venue.trades(PAIR, 0)
    closed = await opened.venue.closed_orders(PAIR, 0)
    assert found is not None
    assert (found.state, found.filled_quantity) == (OrderState.FILLED, Decimal("0.01"))
    assert trade.venue_order_id == placement.venue_order_id == found.venue_order_id
    assert trade.client_order_id in ("", ours(1))
    assert [(one.client_order_id, one.state) for one in closed] == [(ours(1), OrderState.FILLED)]


async def test_a_purchase_at_the_market_buys_so_many_coins(opened: FaceVenue) -> None:
    await opened.venue.place(order(1))

    found = await opened.venue.find(PAIR, ours(1))
    assert found is not None
    assert (found.state, found.filled_quantity) == (OrderState.FILLED, Decimal("0.01"))
    assert (await opened.venue.balances())["BTC"].total > Decimal("2.0099")


async def test_lists_that_are_longer_than_a_page_are_read_to_the_end(opened: FaceVenue) -> None:
    house, face = opened.house, opened.face
    began_ms = house.now_ms()
    for number in range(260):
        # Every third one is on another pair; several fall into one moment.
        symbol, quantity = ("ETHUSDT", "0.01") if number % 3 == 0 else ("BTCUSDT", "0.001")
        face.place(client_id=f"x{number}", symbol=symbol, side="BUY", kind="MARKET", quantity=quantity)

    trades = await opened.venue.trades(PAIR, began_ms - 1_000)
    closed = await opened.venue.closed_orders(PAIR, began_ms - 1_000)

    # Only a whole list, or an error: 173 of 260 are on this pair.
    assert (len(trades), len(closed)) == (173, 173)


async def test_the_account_is_asked_for_news_that_nobody_told(opened: FaceVenue) -> None:
    await opened.venue.place(stop(1, "90000"))
    heard: list[VenueOrder | VenueTrade] = []
    async with aclosing(opened.venue.evidence()) as items:  # type: ignore[type-var]
        assert isinstance(await anext(items), StreamGap)
        opened.price("BTCUSDT", "89900")
        async for item in items:
            assert not isinstance(item, StreamGap)
            heard.append(item)
            if {type(one) for one in heard} == {VenueOrder, VenueTrade} and _is_over(heard):
                break

    ends = [one for one in heard if isinstance(one, VenueOrder) and one.state is OrderState.FILLED]
    assert len(ends) == 1
    assert sum(isinstance(one, VenueTrade) for one in heard) == 1


def _is_over(heard: list[VenueOrder | VenueTrade]) -> bool:
    return any(isinstance(one, VenueOrder) and one.state is OrderState.FILLED for one in heard)


async def test_many_pairs_in_play_cost_one_question_where_lists_hold_all_pairs() -> None:
    async with a_face(Kraken) as opened:
        await opened.venue.instruments()
        await opened.venue.place(order(1))
        await opened.venue.place(order(2, pair="ETH/USDT"))
        async with aclosing(opened.venue.evidence()) as items:  # type: ignore[type-var]
            await anext(items)
            opened.asked.clear()
            heard = [await anext(items) for _ in range(4)]

    pairs = {one.pair for one in heard if not isinstance(one, StreamGap)}
    assert pairs == {PAIR, "ETH/USDT"}
    assert opened.asked.count("POST /0/private/TradesHistory") == 1


async def test_an_execution_whose_order_the_venue_forgot_is_still_told() -> None:
    async with a_face(Okx) as opened:
        await opened.venue.instruments()
        opened.face.place(client_id="", symbol="BTCUSDT", side="BUY", kind="MARKET", quantity="0.01")
        opened.face.has_forgotten = True

        trades = [await opened.venue.trades(PAIR, 0) for _ in range(2)]
        orders_asked = opened.asked.count("GET /api/v5/trade/order")

    assert [[one.client_order_id for one in found] for found in trades] == [[""], [""]]
    assert orders_asked == 1


async def test_looks_that_failed_are_told_as_a_gap(opened: FaceVenue) -> None:
    async with aclosing(opened.venue.evidence()) as items:  # type: ignore[type-var]
        first = await anext(items)
        opened.fault("html", on="", times=2)
        second = await anext(items)

    assert isinstance(first, StreamGap)
    assert isinstance(second, StreamGap)
    assert second.since_ms > 0


async def test_candles_are_read_page_by_page_also_over_a_long_time_without_trades(opened: FaceVenue) -> None:
    minute = Timeframe.parse("1m")
    now_ms = minute.floor(opened.house.now_ms())
    from_ms = now_ms - 700 * minute.ms
    opened.face.quiet = (from_ms + 50 * minute.ms, from_ms + 550 * minute.ms)
    market = VenueMarket(opened.face.venue, opened.venue._link.address, SystemClock())
    try:
        found = await market.candles(PAIR, minute, from_ms, now_ms)
        oldest_ms = await market.oldest_ms(PAIR, minute)
    finally:
        await market.close()

    expected = opened.face.bars("BTCUSDT", minute.ms, from_ms, now_ms)
    assert [one.ts_ms for one in found] == [int(one[0]) for one in expected]
    assert [one.close for one in found] == [one[4] for one in expected]
    assert oldest_ms is None or oldest_ms <= from_ms


async def test_the_most_traded_pairs_are_on_offer_with_their_age_known(opened: FaceVenue) -> None:
    market = VenueMarket(opened.face.venue, opened.venue._link.address, SystemClock())
    feed = LiveFeed(market, clock=SystemClock(), choice=PairChoice(top=3, least_age_days=30))
    try:
        offer = await offer_of(feed)
    finally:
        await feed.close()

    assert len(offer.pairs) == 3, offer.left_out
    assert offer.read_at is not None
    assert offer.trouble == ""


async def test_the_venue_lives_or_the_probe_says_so(opened: FaceVenue) -> None:
    offset_ms = await opened.venue.clock_offset_ms()
    opened.fault("html", on="", times=-1)

    assert abs(offset_ms) < 1_500
    with pytest.raises(VenueBusy):
        await opened.venue.clock_offset_ms()
