"""Troubles that last, and critical alerts that nobody sees: at virtual time, on the real store."""

from __future__ import annotations

from datetime import timedelta

import pytest

from desk.alerting.incidents import LONGEST_REPEAT, wait_before
from desk.clock import ManualClock
from desk.identity import Actor, Role
from desk.store import SqlStore
from desk.views import Filter, Page
from tests.alerting.alert_house import AlertHouse, alert_house
from trading.errors import Conflict
from trading.events import (
    BotStateChanged,
    FeedRecovered,
    FeedStalled,
    OrderChanged,
    TradingHalted,
    TradingResumed,
)
from trading.orders import OrderState


def rejected(house: AlertHouse, number: int) -> OrderChanged:
    return OrderChanged(
        workspace_id=house.workspace.id,
        occurred_at=house.clock.now(),
        account_id="a",
        pair="BTC/USDT",
        order_id=f"order-{number}",
        before=OrderState.CLAIMED,
        after=OrderState.REJECTED,
        evidence="answer",
        detail="insufficient balance",
    )


def halted(house: AlertHouse) -> TradingHalted:
    return TradingHalted(
        workspace_id=house.workspace.id, occurred_at=house.clock.now(), account_id="a", reason="drawdown"
    )


def stalled(house: AlertHouse) -> FeedStalled:
    return FeedStalled(
        workspace_id=house.workspace.id,
        occurred_at=house.clock.now(),
        account_id="a",
        venue="v",
        age_s=90.0,
    )


async def test_a_trouble_that_shows_six_times_a_minute_for_an_hour_is_told_a_handful_of_times(
    sqlite_store: SqlStore,
) -> None:
    house = await alert_house(sqlite_store)

    for second in range(0, 3600, 10):
        await house.raise_facts(rejected(house, second))
        await house.pass_time(10, step=10)

    told = house.channels["telegram"].notices
    # At once, then after 1, 2, 4, 8, 16 and 32 minutes.
    assert len(told) == 6
    counts = [int(one.alert.params.get("count", 1)) for one in told]
    assert counts == [1, 6, 18, 42, 90, 186]
    # What comes later says what it goes on from.
    first = told[0].delivery.id[:6]
    assert {one.replies_to for one in told[1:]} == {f"m-{first}"}


async def test_the_tail_of_a_trouble_is_told_too(sqlite_store: SqlStore) -> None:
    house = await alert_house(sqlite_store)
    for number in range(5):
        await house.raise_facts(rejected(house, number))
    await house.carry()
    assert house.channels["telegram"].kinds() == ["order_rejected"]

    await house.pass_time(120)

    assert house.channels["telegram"].kinds() == ["order_rejected", "still_going"]
    assert house.channels["telegram"].notices[-1].alert.params["count"] == 5
    await house.pass_time(3600)
    assert len(house.channels["telegram"].notices) == 2


def test_waits_double_up_to_a_bound() -> None:
    waits = [wait_before(repeats) for repeats in range(12)]

    assert waits[:4] == [timedelta(minutes=2**step) for step in range(4)]
    assert waits[-1] == LONGEST_REPEAT


async def test_what_is_over_is_told_once_and_answers_the_first_message(sqlite_store: SqlStore) -> None:
    house = await alert_house(sqlite_store)
    await house.raise_facts(stalled(house))
    await house.carry()
    house.clock.advance(600)
    back = FeedRecovered(
        workspace_id=house.workspace.id, occurred_at=house.clock.now(), account_id="a", venue="v"
    )

    await house.raise_facts(back)
    await house.raise_facts(back)
    await house.carry()

    first, last = house.channels["telegram"].notices
    assert (first.alert.kind, last.alert.kind) == ("feed_stalled", "feed_recovered")
    assert last.replies_to == f"m-{first.delivery.id[:6]}"
    assert last.alert.params["lasted_s"] == 600


async def test_a_recovery_without_a_trouble_is_no_news(sqlite_store: SqlStore) -> None:
    house = await alert_house(sqlite_store)

    raised = await house.raise_facts(
        BotStateChanged(
            workspace_id=house.workspace.id,
            occurred_at=house.clock.now(),
            bot_id="b",
            axis="condition",
            before="RECONCILING",
            after="READY",
            cause="started",
        )
    )

    assert raised == []
    assert await house.alerts() == []


async def test_an_unseen_critical_alert_goes_to_the_next_channels_and_then_to_everybody(
    sqlite_store: SqlStore,
) -> None:
    house = await alert_house(
        sqlite_store,
        people=(("ann", Role.OWNER, ("telegram", "email")), ("vic", Role.VIEWER, ("discord",))),
    )
    await house.raise_facts(halted(house))
    await house.carry()
    assert house.channels["telegram"].kinds("telegram-ann") == ["trading_halted"]
    assert house.channels["email"].kinds() == []

    await house.pass_time(299)
    assert house.channels["email"].kinds() == []
    await house.pass_time(31)
    assert house.channels["email"].kinds() == ["unacknowledged"]
    assert house.channels["discord"].kinds() == ["trading_halted"]

    await house.pass_time(3600)
    assert house.channels["email"].kinds() == ["unacknowledged"] * 3
    assert house.channels["discord"].kinds() == ["trading_halted", "unacknowledged", "unacknowledged"]
    assert house.channels["telegram"].notices[1].replies_to


async def _acknowledge(house: AlertHouse, alert_id: str) -> None:
    from desk.bus import EventBus
    from desk.commands import AcknowledgeAlert
    from desk.desk import Desk
    from desk.handlers.alerts import AlertHandlers

    desk = Desk(house.store, EventBus(), house.clock)
    AlertHandlers().register(desk)
    await desk.do(AcknowledgeAlert(alert_id=alert_id), _actor(house))


def _actor(house: AlertHouse) -> Actor:
    return Actor(
        workspace_id=house.workspace.id,
        user_id=house.people["ann"].user_id,
        name="ann",
        role=Role.OWNER,
        channel="console",
    )


@pytest.mark.parametrize("seen", ["the alert", "its reminder"])
async def test_acknowledging_ends_the_escalation(sqlite_store: SqlStore, seen: str) -> None:
    house = await alert_house(sqlite_store)
    await house.raise_facts(halted(house))
    await house.carry()
    if seen == "its reminder":
        await house.pass_time(330)
    newest = (await house.alerts())[-1]

    await _acknowledge(house, newest.id)
    before = len(house.channels["email"].notices)
    await house.pass_time(7200, step=120)

    assert len(house.channels["email"].notices) == before
    first = (await house.alerts())[0]
    assert first.acknowledged_by == "ann@console"


async def test_what_is_over_is_not_escalated(sqlite_store: SqlStore) -> None:
    house = await alert_house(sqlite_store)
    await house.raise_facts(halted(house))
    house.clock.advance(60)
    await house.raise_facts(
        TradingResumed(
            workspace_id=house.workspace.id, occurred_at=house.clock.now(), account_id="a", reason="checked"
        )
    )

    await house.pass_time(3600, step=120)

    assert house.channels["telegram"].kinds() == ["trading_halted", "trading_resumed"]
    assert house.channels["email"].kinds() == []


async def test_a_snooze_puts_repeats_and_escalation_off_but_not_the_end(sqlite_store: SqlStore) -> None:
    from desk.bus import EventBus
    from desk.commands import SnoozeAlert
    from desk.desk import Desk
    from desk.handlers.alerts import AlertHandlers

    house = await alert_house(sqlite_store)
    await house.raise_facts(stalled(house))
    desk = Desk(house.store, EventBus(), house.clock)
    AlertHandlers().register(desk)
    [alert] = await house.alerts()
    await desk.do(SnoozeAlert(alert_id=alert.id, duration=timedelta(hours=2)), _actor(house))

    for _ in range(10):
        await house.raise_facts(stalled(house))
        await house.pass_time(600)
    assert house.channels["telegram"].kinds() == ["feed_stalled"]
    await house.pass_time(1900)
    assert house.channels["telegram"].kinds() == ["feed_stalled", "still_going"]

    await house.raise_facts(
        FeedRecovered(
            workspace_id=house.workspace.id, occurred_at=house.clock.now(), account_id="a", venue="v"
        )
    )
    await house.carry()
    assert house.channels["telegram"].kinds()[-1] == "feed_recovered"

    over = (await house.alerts())[-1]
    with pytest.raises(Conflict, match="Nothing more"):
        await desk.do(SnoozeAlert(alert_id=over.id), _actor(house))


async def test_of_two_processes_one_watches(sqlite_store: SqlStore) -> None:
    house = await alert_house(sqlite_store)
    clock: ManualClock = house.clock
    async with sqlite_store.transaction() as tx:
        assert await tx.leases.take("alert-watch", "another", clock.now(), 15) is not None

    assert not await house.watch._leads()
    clock.advance(16)
    assert await house.watch._leads()
    async with sqlite_store.reading() as tx:
        assert await tx.alerts.page(house.workspace.id, Filter(), Page()) == []
