"""The machine's own clock jumps (trading-rules.md E.7, fault 20): waits are neither skipped nor an hour long."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.execution.conftest import MakeHouse
from tests.support.fake_venue import DROP
from trading.orders import OrderState


@pytest.mark.parametrize("hours", [1, -1])
async def test_20_an_order_in_doubt_is_asked_about_at_once_when_the_clock_was_set(
    make_house: MakeHouse, hours: int
) -> None:
    house = await make_house()
    order = await house.buy()
    house.venue.script.append(DROP)
    await house.work(3.0)
    before = await house.executor.due()

    house.clock.set_by(timedelta(hours=hours))

    assert before == []
    assert [one.order.id for one in await house.executor.due()] == [order.id]


@pytest.mark.parametrize("hours", [1, -1])
async def test_20_a_clock_that_was_set_proves_no_absence(make_house: MakeHouse, hours: int) -> None:
    house = await make_house()
    order = await house.buy()
    house.venue.script.append(DROP)
    await house.work(16.0)

    house.clock.set_by(timedelta(hours=hours))
    await house.work(20.0)
    too_early = (await house.order(order)).state
    await house.work(40.0)

    assert too_early is OrderState.UNKNOWN
    assert (await house.order(order)).state is OrderState.NOT_PLACED


@pytest.mark.parametrize("hours", [1, -1])
async def test_20_the_breaker_waits_by_the_clock_that_nobody_sets(make_house: MakeHouse, hours: int) -> None:
    house = await make_house()
    for _ in range(3):
        house.executor.breaker.failed("away")

    house.clock.set_by(timedelta(hours=hours))
    at_once = house.executor.breaker.wants_probe
    house.clock.advance(30.0)

    assert not at_once
    assert house.executor.breaker.wants_probe
