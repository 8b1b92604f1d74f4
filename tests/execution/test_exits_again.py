"""An exit is wanted until it is done: what never arrived or was refused goes out again, and never twice."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import pytest

from desk.execution.watching import TAKE_AGAIN, TARGET_AGAIN
from desk.order_views import IncidentKind
from desk.venue_port import Refusal, VenueRefusal
from tests.execution.conftest import MakeHouse
from tests.support.execution_house import LiveHouse
from tests.support.fake_venue import DROP, OK
from trading.orders import OrderState, OrderType, Reason

HALTED = VenueRefusal("trading is halted", reason=Refusal.HALTED)


async def watched(house: LiveHouse, seconds: int) -> None:
    """Let time pass with a look at the price in every second."""
    for _ in range(seconds):
        await house.executor.prices.look()
        await house.work(1.0)


async def test_a_target_whose_order_never_arrived_is_taken_by_another_order(make_house: MakeHouse) -> None:
    house = await make_house()
    await house.buy(stop_loss=Decimal(90), take_profits=(Decimal(105), Decimal(110), Decimal(120)))
    await house.work()
    house.exchange.tick("BTC/USDT", Decimal(106))
    house.venue.script.append(DROP)

    await watched(house, 300)

    taken = [one for one in await house.orders() if one.leg == 1]
    assert [one.state for one in taken] == [OrderState.NOT_PLACED, OrderState.FILLED]
    assert len({one.client_order_id for one in taken}) == 2
    position = await house.position()
    assert position is not None
    assert position.quantity == Decimal("0.5")
    assert await house.resting() == [("sell stop", Decimal("0.5"))]
    assert await house.complaints() == []


async def test_a_close_that_never_arrived_keeps_its_reason_in_the_next_order(make_house: MakeHouse) -> None:
    house = await make_house()
    await house.buy(stop_loss=Decimal(90))
    await house.work(2.0)
    house.venue.script.append(DROP)

    await house.sell()
    await house.work(300.0)

    closes = [one for one in await house.orders() if one.reason is Reason.FORCE_EXIT]
    assert sorted(one.state for one in closes) == [OrderState.FILLED, OrderState.NOT_PLACED]
    assert await house.position() is None
    assert await house.resting() == []
    assert await house.complaints() == []


async def test_an_entry_that_never_arrived_is_not_tried_again(make_house: MakeHouse) -> None:
    house = await make_house()
    house.venue.script.append(DROP)

    await house.buy()
    await house.work(300.0)

    assert [one.state for one in await house.orders()] == [OrderState.NOT_PLACED]


async def test_a_target_that_the_venue_refuses_is_tried_again_while_its_price_is_there(
    make_house: MakeHouse,
) -> None:
    house = await make_house()
    await house.buy(stop_loss=Decimal(90), take_profits=(Decimal(105), Decimal(110), Decimal(120)))
    await house.work()
    house.exchange.tick("BTC/USDT", Decimal(106))
    house.venue.script.append(HALTED)

    await watched(house, 20)

    position = await house.position()
    assert position is not None
    assert position.quantity == Decimal("0.5")
    assert [one.leg for one in await house.fills()] == [0, 1]
    assert await house.incidents() == []


async def test_a_target_that_the_venue_keeps_refusing_is_told_once_and_settled_when_it_is_sold(
    make_house: MakeHouse,
) -> None:
    house = await make_house()
    await house.buy(stop_loss=Decimal(90), take_profits=(Decimal(105), Decimal(110), Decimal(120)))
    await house.work()
    house.exchange.tick("BTC/USDT", Decimal(106))
    # Each take is refused, and its stop is placed again for the whole.
    house.venue.script.extend([HALTED, OK] * 6)
    for _ in range(10):
        await watched(house, 10)
        await house.executor.compare(cause="test")
    told = await house.incidents()
    opened = await house.told()
    tried = [one for one in await house.orders() if one.leg == 1]

    await watched(house, 90)
    await house.executor.compare(cause="test")

    assert [one.kind for one in told] == [IncidentKind.EXIT_REFUSED]
    assert opened == ["exit_refused"]
    waits = [after.created_at - before.created_at for before, after in pairwise(tried)]
    assert min(waits[:2]) >= TAKE_AGAIN
    assert min(waits[2:]) >= TARGET_AGAIN
    assert [one.leg for one in await house.fills()] == [0, 1]
    assert await house.incidents() == []


async def test_a_stop_that_may_not_rest_is_carried_out_here_and_people_are_told(
    make_house: MakeHouse,
) -> None:
    house = await make_house()
    await house.buy(stop_loss=Decimal(95))
    await house.executor.work()
    house.venue.script.extend([HALTED] * 3)
    await house.work(10.0)
    assert await house.resting() == []
    assert [one.kind for one in await house.incidents()] == [IncidentKind.UNPROTECTED]

    house.exchange.tick("BTC/USDT", Decimal(96))
    await watched(house, 5)
    held = await house.position()
    house.exchange.tick("BTC/USDT", Decimal(94))
    await watched(house, 10)

    assert held is not None
    assert await house.position() is None
    assert [one.reason for one in await house.fills()] == [Reason.ENTRY, Reason.STOP_LOSS]
    assert await house.complaints() == []


async def test_a_stop_that_may_not_rest_stays_watched_while_its_exit_is_refused_too(
    make_house: MakeHouse,
) -> None:
    house = await make_house()
    await house.buy(stop_loss=Decimal(95))
    await house.executor.work()
    house.venue.script.extend([HALTED] * 3)
    await house.work(10.0)
    house.exchange.tick("BTC/USDT", Decimal(94))
    house.venue.script.extend([HALTED] * 4)

    await watched(house, 40)

    assert await house.position() is None
    orders = [one for one in await house.orders() if one.is_reduce_only]
    assert [(one.order_type, one.state) for one in orders] == [
        *[(OrderType.STOP, OrderState.REJECTED)] * 3,
        *[(OrderType.MARKET, OrderState.REJECTED)] * 4,
        (OrderType.MARKET, OrderState.FILLED),
    ]
    waits = [after.created_at - before.created_at for before, after in pairwise(orders[3:])]
    assert min(waits) >= TAKE_AGAIN
    assert await house.complaints() == []


async def test_a_target_that_nobody_buys_is_offered_again(make_house: MakeHouse) -> None:
    house = await make_house()
    await house.buy(stop_loss=Decimal(90), take_profits=(Decimal(105), Decimal(110), Decimal(120)))
    await house.work()
    house.exchange.tick("BTC/USDT", Decimal(106))
    house.exchange.unmatched = 2

    await watched(house, 20)

    taken = [one.state for one in await house.orders() if one.leg == 1]
    assert taken == [OrderState.EXPIRED, OrderState.EXPIRED, OrderState.FILLED]
    assert await house.resting() == [("sell stop", Decimal("0.5"))]
    assert await house.complaints() == []


@pytest.mark.parametrize("fate", [DROP, HALTED], ids=["lost", "refused"])
async def test_an_exit_that_fails_in_several_ways_is_tried_until_it_is_done(
    make_house: MakeHouse, fate: str | VenueRefusal
) -> None:
    house = await make_house()
    await house.buy(stop_loss=Decimal(95))
    await house.executor.work()
    house.venue.script.extend([HALTED] * 3)
    await house.work(10.0)
    house.exchange.tick("BTC/USDT", Decimal(94))
    house.venue.script.extend([HALTED, HALTED, DROP, fate])

    await watched(house, 900)

    assert await house.position() is None
    assert await house.incidents() == []
    assert await house.complaints() == []
