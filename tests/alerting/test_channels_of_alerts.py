"""Channels that refuse, are off, are away, or die in the middle: nothing is lost, and doubt is labelled."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal
from typing import Any

from desk.alerting.channel import Notice, Outcome, disabled, refused, retry, sent
from desk.alerting.pump import PROBE_S
from desk.identity import Role
from desk.money import MoneyKind
from desk.store import SqlStore
from desk.views import Page
from tests.alerting.alert_house import AlertHouse, Recorder, alert_house
from trading.events import DailyLossReached


def loss(house: AlertHouse, number: int) -> DailyLossReached:
    from datetime import timedelta

    return DailyLossReached(
        workspace_id=house.workspace.id,
        occurred_at=house.clock.now(),
        account_id="a",
        loss=-number / 100,
        until=house.clock.now() + timedelta(days=number + 1),
    )


async def test_an_alert_says_which_account_and_whose_money_where_there_is_a_choice(
    sqlite_store: SqlStore,
) -> None:
    house = await alert_house(sqlite_store)
    given: dict[str, Any] = {"venue": "x", "currency": "USDT", "capital": Decimal(1_000), "settings": {}}
    async with sqlite_store.transaction() as tx:
        paper = await tx.accounts.create(house.workspace.id, name="desk", is_live=False, **given)
    await house.raise_facts(replace(loss(house, 1), account_id=paper.id))
    await house.carry()
    async with sqlite_store.transaction() as tx:
        spot = await tx.accounts.create(house.workspace.id, name="spot", is_live=True, **given)
    await house.raise_facts(replace(loss(house, 2), account_id=paper.id))
    await house.raise_facts(replace(loss(house, 3), account_id=spot.id))
    await house.carry()

    said = [(one.account, one.money) for one in house.channels["telegram"].notices]
    assert said == [("", None), ("desk", MoneyKind.PAPER), ("spot", MoneyKind.LIVE)]


async def test_what_a_person_blocked_goes_another_way_and_is_kept_as_a_dead_letter(
    sqlite_store: SqlStore,
) -> None:
    house = await alert_house(sqlite_store)
    house.channels["telegram"].answer = lambda notice: refused("Forbidden: bot was blocked by the user")

    await house.raise_facts(loss(house, 1))
    await house.carry()

    assert house.channels["email"].kinds("ann@example.org") == ["daily_loss"]
    async with sqlite_store.reading() as tx:
        [letter] = await tx.messages.buried(house.workspace.id, Page())
    assert (letter.source, letter.kind) == ("alert:telegram", "daily_loss")
    assert "blocked" in letter.cause
    assert sorted(one.status for one in await house.deliveries()) == ["failed", "sent"]


async def test_a_channel_that_is_off_sends_everything_another_way_tells_the_admins_and_comes_back(
    sqlite_store: SqlStore,
) -> None:
    house = await alert_house(
        sqlite_store,
        people=(
            ("ann", Role.OWNER, ("telegram", "email")),
            ("vic", Role.VIEWER, ("telegram",)),
        ),
    )
    house.channels["telegram"].answer = lambda notice: disabled("Unauthorized: token revoked")
    for number in range(3):
        await house.raise_facts(loss(house, number))
    await house.carry()

    assert sorted(house.channels["email"].kinds()) == ["channel_off"] + ["daily_loss"] * 3
    assert "telegram" not in house.pump.platforms
    # Who has no other way waits; nothing is lost.
    waiting = [one for one in await house.deliveries() if one.recipient == "telegram-vic"]
    assert len(waiting) == 3
    assert "failed" not in {one.status for one in waiting}

    house.channels["telegram"].answer = lambda notice: sent()
    house.clock.advance(PROBE_S + 70)
    await house.carry()
    assert house.channels["telegram"].kinds("telegram-vic") == ["daily_loss"] * 3
    assert "telegram" in house.pump.platforms


async def test_a_channel_that_is_away_is_asked_by_one_letter_and_nobody_elses_tries_count(
    sqlite_store: SqlStore,
) -> None:
    house = await alert_house(
        sqlite_store, people=tuple((f"p{number}", Role.OWNER, ("email",)) for number in range(8))
    )
    tried: list[str] = []

    def away(notice: Notice) -> Outcome:
        tried.append(notice.recipient)
        return retry("no route", holds_channel=True)

    house.channels["email"].answer = away
    await house.raise_facts(loss(house, 1))
    for _ in range(60):
        await house.carry()
        house.clock.advance(10)
    outage_tries = len(tried)
    house.channels["email"].answer = lambda notice: sent()
    house.clock.advance(61)
    await house.carry()
    await house.carry()

    # The first moment may find several under way; then one a minute at most asks.
    assert outage_tries <= 8 + 20
    assert sorted(one.recipient for one in house.channels["email"].notices) == sorted(
        f"p{number}@example.org" for number in range(8)
    )


async def test_retry_after_is_honoured_for_one_person_and_order_is_kept(sqlite_store: SqlStore) -> None:
    house = await alert_house(
        sqlite_store, people=(("ann", Role.OWNER, ("telegram",)), ("bob", Role.OWNER, ("telegram",)))
    )
    is_flooded = True

    def flood(notice: Notice) -> Outcome:
        if is_flooded and notice.recipient == "telegram-ann":
            return retry("Too Many Requests", after_s=37)
        return sent()

    house.channels["telegram"].answer = flood
    for number in range(3):
        await house.raise_facts(loss(house, number))
    await house.carry()
    assert house.channels["telegram"].kinds("telegram-bob") == ["daily_loss"] * 3
    is_flooded = False
    house.clock.advance(36)
    await house.carry()
    assert house.channels["telegram"].kinds("telegram-ann") == []
    house.clock.advance(1)
    await house.carry()

    losses = [
        one.alert.params["loss"]
        for one in house.channels["telegram"].notices
        if one.recipient == "telegram-ann"
    ]
    assert losses == [0, -0.01, -0.02]


async def test_a_crash_between_sending_and_marking_repeats_the_message_labelled(
    sqlite_store: SqlStore,
) -> None:
    house = await alert_house(sqlite_store)
    await house.raise_facts(loss(house, 1))
    handed = asyncio.Event()

    class Slow(Recorder):
        async def send(self, notice: Notice) -> Outcome:
            self.notices.append(notice)
            handed.set()
            await asyncio.Event().wait()
            raise AssertionError("never answers")

    slow = Slow("telegram")
    house.pump.attach(slow)
    dying = asyncio.create_task(house.pump.sweep("telegram"))
    await handed.wait()
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)

    house.pump.attach(house.channels["telegram"])
    await house.carry()
    assert house.channels["telegram"].notices == []
    house.clock.advance(61)
    await house.carry()

    [again] = house.channels["telegram"].notices
    assert again.is_repeat
    assert again.delivery.id == slow.notices[0].delivery.id


async def test_a_person_whose_server_keeps_us_waiting_keeps_nobody_else_waiting(
    sqlite_store: SqlStore,
) -> None:
    people = [("ann", Role.OWNER, ("telegram",)), ("bob", Role.OWNER, ("telegram",))]
    house = await alert_house(sqlite_store, people=people)
    may_end = asyncio.Event()

    class OneIsSlow(Recorder):
        async def send(self, notice: Notice) -> Outcome:
            if notice.recipient == "telegram-ann":
                await may_end.wait()
            self.notices.append(notice)
            return sent()

    channel = OneIsSlow("telegram")
    house.pump.attach(channel)
    carrying = asyncio.create_task(house.pump.run())

    async def arrived(name: str, count: int) -> None:
        async with asyncio.timeout(30):
            while len(channel.kinds(f"telegram-{name}")) < count:  # noqa: ASYNC110 - the pump has no event for it
                await asyncio.sleep(0.01)

    for number in (1, 2, 3):
        await house.raise_facts(loss(house, number))
        house.pump.ring()
        await arrived("bob", number)
    assert channel.kinds("telegram-ann") == []
    may_end.set()
    await arrived("ann", 3)
    carrying.cancel()
    await asyncio.gather(carrying, return_exceptions=True)

    losses = [one.alert.params["loss"] for one in channel.notices if one.recipient == "telegram-ann"]
    assert losses == sorted(losses, reverse=True)
    assert all(not one.is_repeat for one in channel.notices)


async def test_the_running_pump_carries_on_channels_that_come_and_go(sqlite_store: SqlStore) -> None:
    house = await alert_house(sqlite_store)
    for name in tuple(house.channels):
        house.pump.detach(name)
    carrying = asyncio.create_task(house.pump.run())
    await house.raise_facts(loss(house, 1))
    arrived = asyncio.Event()

    def answer(notice: Notice) -> Outcome:
        arrived.set()
        return sent()

    house.channels["telegram"].answer = answer
    house.pump.attach(house.channels["telegram"])
    await asyncio.wait_for(arrived.wait(), 30)
    carrying.cancel()
    await asyncio.gather(carrying, return_exceptions=True)

    assert house.channels["telegram"].kinds() == ["daily_loss"]
