"""A stop in good order: entries go, stops rest, or positions are sold; a kill in the middle changes nothing."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from desk.execution.faults import arm
from desk.execution.winding_down import OnStop
from desk.venue_port import VenueRules
from server.stopping import wind_down
from tests.execution.conftest import MakeHouse
from tests.support.execution_house import LiveHouse
from tests.support.histories import Crash
from trading.orders import OrderState


class Working:
    """A clock on which the executor works while somebody waits, as its own task does in service."""

    def __init__(self, house: LiveHouse) -> None:
        self._house = house

    def now(self) -> datetime:
        return self._house.clock.now()

    def monotonic(self) -> float:
        return self._house.clock.monotonic()

    async def sleep(self, seconds: float) -> None:
        await self._house.work(seconds, step_s=seconds)


async def a_busy_house(make_house: MakeHouse, **given: Any) -> LiveHouse:
    """A position with a stop, an entry that would add to it without a stop, and one that never had any."""
    house = await make_house(**given)
    await house.settle(await house.buy("1", stop_loss=Decimal(80)))
    await house.settle(await house.buy("0.2", price=Decimal(60)))
    await house.settle(await house.buy("0.3", pair="ETH/USDT", price=Decimal(60)))
    return house


async def stop(house: LiveHouse, wish: OnStop, within_s: float = 20.0) -> list[str]:
    return list(await wind_down([house.executor], wish, Working(house), within_s=within_s))


async def test_protect_takes_away_what_would_fill_without_its_stop_and_leaves_stops_at_rest(
    make_house: MakeHouse,
) -> None:
    house = await a_busy_house(make_house)

    left = await stop(house, OnStop.PROTECT)

    assert left == []
    assert sorted(await house.resting()) == [("buy limit", Decimal("0.3")), ("sell stop", Decimal(1))]
    assert await house.complaints() == []


async def test_close_sells_everything_and_takes_every_entry_away(make_house: MakeHouse) -> None:
    house = await a_busy_house(make_house)

    left = await stop(house, OnStop.CLOSE)

    assert left == []
    assert await house.resting() == []
    assert await house.position() is None
    assert await house.complaints() == []


async def test_leave_changes_nothing_but_opens_nothing_more(make_house: MakeHouse) -> None:
    house = await a_busy_house(make_house)
    before = sorted(await house.resting())

    left = await stop(house, OnStop.LEAVE)
    late = await house.buy("0.1")
    await house.work(5.0)

    assert left == []
    assert sorted(await house.resting()) == before
    assert (await house.order(late)).state is OrderState.INTENT


async def test_what_was_not_reached_in_time_is_said(make_house: MakeHouse) -> None:
    house = await a_busy_house(make_house)
    house.venue.is_down = True

    left = await stop(house, OnStop.CLOSE, within_s=3.0)

    assert any("1 BTC/USDT is held" in one for one in left)
    assert any("cancel_pending" in one for one in left)


async def test_a_stop_that_only_the_desk_watches_is_said(make_house: MakeHouse) -> None:
    house = await make_house(rules=VenueRules(has_stops=False))
    await house.settle(await house.buy("1", stop_loss=Decimal(80)))

    left = await stop(house, OnStop.PROTECT, within_s=1.0)

    assert left == ["the stop of BTC/USDT at 80 is watched here and rests nowhere"]


@pytest.mark.parametrize("wish", [OnStop.PROTECT, OnStop.CLOSE])
async def test_a_kill_in_the_middle_of_a_stop_is_taken_up_by_the_next_start(
    make_house: MakeHouse, wish: OnStop
) -> None:
    house = await a_busy_house(make_house)
    points = iter(["k17", "k16a"])
    wanted = next(points)

    def hook(name: str) -> None:
        nonlocal wanted
        if name == wanted:
            wanted = next(points, "")
            raise Crash(name)

    disarm = arm(hook)
    try:
        for _ in range(2):
            with pytest.raises(Crash):
                await stop(house, wish)
            await house.restart()
    finally:
        disarm()
    left = await stop(house, wish)

    assert left == []
    assert (await house.position() is None) is (wish is OnStop.CLOSE)
    assert await house.complaints() == []
