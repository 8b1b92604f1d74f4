"""What can lie under a stop does: a smaller stop stays, a refused one is tried again, and people hear of the rest."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from desk.execution.guarding import REST_AGAIN
from desk.order_views import IncidentKind
from desk.venue_port import Refusal, VenueRefusal
from tests.execution.conftest import MakeHouse
from tests.support.execution_house import LiveHouse
from trading.orders import OrderState, OrderType


async def passing(house: LiveHouse, minutes: int) -> None:
    """Let time pass with a comparison in every minute."""
    for _ in range(minutes):
        await house.executor.compare(cause="test")
        await house.work(60.0, step_s=10.0)


async def told(house: LiveHouse) -> set[tuple[IncidentKind, str]]:
    """Give the open incidents, with what each is about."""
    return {(one.kind, one.subject) for one in await house.incidents()}


async def stops(house: LiveHouse) -> list[OrderState]:
    """Give how every stop stands, oldest first."""
    return [one.state for one in await house.orders() if one.order_type is OrderType.STOP]


async def test_where_coins_are_gone_the_rest_stays_under_its_stop_and_people_are_told(
    make_house: MakeHouse,
) -> None:
    house = await make_house()
    await house.buy(stop_loss=Decimal(90))
    await house.executor.work()
    house.exchange.move_money("BTC", Decimal("-0.25"))

    await passing(house, 5)

    assert await house.resting() == [("sell stop", Decimal("0.75"))]
    position = await house.position()
    assert position is not None
    assert await told(house) == {(IncidentKind.DIFFERENCE, "BTC"), (IncidentKind.UNPROTECTED, position.id)}
    tried = await stops(house)
    await passing(house, 5)
    assert await stops(house) == tried, "what rests was not touched, and nothing was tried in vain"


async def test_coins_that_come_back_lie_under_a_stop_again(make_house: MakeHouse) -> None:
    house = await make_house()
    await house.buy(stop_loss=Decimal(90))
    await house.executor.work()
    house.exchange.move_money("BTC", Decimal("-0.25"))
    await passing(house, 5)
    house.exchange.move_money("BTC", Decimal("0.25"))

    await passing(house, 12)

    assert sorted(await house.resting()) == [
        ("sell stop", Decimal("0.25")),
        ("sell stop", Decimal("0.75")),
    ]
    assert await told(house) == set()
    assert await house.complaints() == []


async def test_what_a_person_takes_is_their_own_first_and_then_a_difference(make_house: MakeHouse) -> None:
    house = await make_house()
    house.exchange.move_money("BTC", Decimal("0.5"))
    await house.executor.compare(cause="test")
    await house.buy("1", pair="BTC/USDT")
    await house.work(2.0)
    house.exchange.move_money("BTC", Decimal("-0.5"))
    await house.executor.compare(cause="test")
    quiet = await told(house)

    house.exchange.move_money("BTC", Decimal("-0.25"))
    await house.executor.compare(cause="test")

    assert quiet == set()
    found = await house.incidents()
    assert [one.detail for one in found] == [{"asset": "BTC", "expected": "1", "found": "0.75"}]
    assert not house.executor.is_ready


async def test_a_stop_that_was_refused_is_tried_again_later_and_rests_then(make_house: MakeHouse) -> None:
    house = await make_house()
    await house.buy(stop_loss=Decimal(90))
    await house.executor.work()
    house.venue.script.extend([VenueRefusal("trading is halted", reason=Refusal.HALTED)] * 3)
    await passing(house, 1)
    bare = await house.resting()
    at_first = await told(house)

    await passing(house, int(REST_AGAIN.total_seconds() / 60) + 2)

    assert bare == []
    assert {kind for kind, _ in at_first} == {IncidentKind.UNPROTECTED}
    assert await house.resting() == [("sell stop", Decimal(1))]
    assert await stops(house) == [*[OrderState.REJECTED] * 3, OrderState.ACCEPTED]
    assert await told(house) == set()


async def test_a_stop_follows_the_venue_to_a_coarser_tick(make_house: MakeHouse) -> None:
    house = await make_house()
    await house.buy(stop_loss=Decimal("90.03"))
    await house.executor.work()
    house.exchange.instruments = {
        pair: replace(one, tick=Decimal("0.1")) for pair, one in house.exchange.instruments.items()
    }

    await passing(house, 2)

    resting = house.exchange.open_orders()
    assert [(one.stop_price, one.quantity) for one in resting] == [(Decimal("90.1"), Decimal(1))]
    assert await house.incidents() == []
