"""Alerts on Discord: to each person, once to the desk's channel in the bot's thread, never twice, never lost."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from chatops.discord_bot.alerts import DiscordAlerts, nonce_of
from desk.alerting.channel import Notice, Verdict
from desk.identity import Role
from desk.secrets import Secret
from desk.store import SqlStore
from tests.chatops.chat_house import ChatHouse, furnished
from tests.support.discord_house import opened, user_of
from tests.support.discord_server import DiscordServer
from tests.support.discord_world import ROOM, TOKEN, Message
from tests.support.records import NOON, a_delivery, an_alert
from trading.events import Severity


@dataclass(slots=True, kw_only=True)
class Carried:
    """A house, the channel of its alerts and the stand-in."""

    house: ChatHouse
    server: DiscordServer
    alerts: DiscordAlerts

    def notice(self, role: Role = Role.OWNER, *, key: str = "1", **more: Any) -> Notice:
        """Give an alert on its way to a member."""
        alert = replace(
            an_alert(self.house.workspace.id, dedupe_key=key),
            id=f"alert-{key}",
            kind="entry_filled",
            severity=Severity.INFO,
            pair="BTC/USDT",
            params={"is_long": True, "entry_price": "42000.10"},
        )
        delivery = replace(a_delivery(alert, user_of(role)), channel="discord", id=f"delivery-{role}-{key}")
        return Notice(
            delivery=delivery, alert=alert, member=self.house.members[role], workspace="home", **more
        )

    def posted(self) -> list[Message]:
        """Give what was posted."""
        return list(self.server.messages.values())


@asynccontextmanager
async def carried(store: SqlStore, *, channel: str = "", token: str = TOKEN) -> AsyncIterator[Carried]:
    """Give a way for alerts to a stand-in of its own."""
    house = await furnished(store)
    server = DiscordServer()
    await server.start()
    alerts = DiscordAlerts(
        store, house.clock, token=Secret(token), api_url=server.api_url, channel_id=channel
    )
    try:
        yield Carried(house=house, server=server, alerts=alerts)
    finally:
        await alerts.close()
        await server.stop()


async def test_an_alert_reaches_the_person_in_their_own_conversation(sqlite_store: SqlStore) -> None:
    async with carried(sqlite_store) as discord:
        outcome = await discord.alerts.send(discord.notice(is_silent=True))

        (message,) = discord.posted()
        assert outcome.verdict is Verdict.SENT
        assert outcome.message_ref == message.id
        assert message.channel_id == discord.server.dms[user_of(Role.OWNER)]
        shown = message.shown()
        assert shown["silent"]
        assert "BTC/USDT" in shown["content"], "a phone shows this line"
        assert "42,000.10" in str(shown["embeds"])
        assert discord.server.violations == []


async def test_the_same_delivery_again_is_shown_once(sqlite_store: SqlStore) -> None:
    async with carried(sqlite_store) as discord:
        await discord.alerts.send(discord.notice())
        discord.server.lost_answers = 1

        lost = await discord.alerts.send(discord.notice(key="2"))
        again = await discord.alerts.send(discord.notice(key="2", is_repeat=True))

        assert lost.verdict is Verdict.RETRY
        assert again.verdict is Verdict.SENT
        assert len(discord.posted()) == 2
        assert discord.server.repeated_nonces == 1


async def test_what_resolves_an_alert_answers_it(sqlite_store: SqlStore) -> None:
    async with carried(sqlite_store) as discord:
        first = await discord.alerts.send(discord.notice())

        await discord.alerts.send(discord.notice(key="2", replies_to=first.message_ref))

        reference = discord.posted()[-1].body["message_reference"]
        assert str(reference["message_id"]) == first.message_ref
        assert reference["fail_if_not_exists"] is False


@pytest.mark.parametrize(
    ("trouble", "verdict"),
    [("down", Verdict.RETRY), ("closed", Verdict.REFUSED), ("revoked", Verdict.DISABLED)],
)
async def test_every_trouble_has_its_verdict(sqlite_store: SqlStore, trouble: str, verdict: Verdict) -> None:
    async with carried(sqlite_store) as discord:
        await discord.alerts.send(discord.notice(Role.VIEWER))
        match trouble:
            case "down":
                discord.server.is_down = True
            case "closed":
                discord.server.closed_dms.add(user_of(Role.OWNER))
            case _:
                discord.server.token = "another"

        outcome = await discord.alerts.send(discord.notice())

        assert outcome.verdict is verdict
        assert outcome.reason
        assert len(discord.posted()) == 1


async def test_a_token_that_was_never_good_disables_the_channel(sqlite_store: SqlStore) -> None:
    async with carried(sqlite_store, token="no.such.token") as discord:
        outcome = await discord.alerts.send(discord.notice())

        assert outcome.verdict is Verdict.DISABLED


async def test_a_server_that_is_not_there_at_the_start_is_tried_again(sqlite_store: SqlStore) -> None:
    async with carried(sqlite_store) as discord:
        discord.server.is_down = True
        assert (await discord.alerts.send(discord.notice())).holds_channel
        discord.server.is_down = False

        assert (await discord.alerts.send(discord.notice())).verdict is Verdict.SENT


async def test_the_desks_channel_gets_each_alert_once_in_the_thread_of_its_bot(
    sqlite_store: SqlStore,
) -> None:
    async with carried(sqlite_store, channel=ROOM) as discord:
        for role in (Role.OWNER, Role.ADMIN):
            for key in ("1", "2"):
                await discord.alerts.send(discord.notice(role, key=key, bot="demo"))
        await discord.alerts.send(discord.notice(key="3"))

        threads = {one["name"]: one["id"] for one in discord.server.channels.values() if one["type"] == 11}
        assert list(threads) == ["demo"]
        where = [one.channel_id for one in discord.posted()]
        assert where.count(threads["demo"]) == 2, "once for everybody"
        assert where.count(ROOM) == 1, "about no bot"
        assert len(where) == 3 + 5


async def test_the_thread_is_found_again_after_a_restart_and_made_anew_when_it_was_deleted(
    sqlite_store: SqlStore,
) -> None:
    async with carried(sqlite_store, channel=ROOM) as discord:
        await discord.alerts.send(discord.notice(bot="demo"))
        await discord.alerts.close()
        discord.alerts._posted.clear()
        fresh = DiscordAlerts(
            sqlite_store,
            discord.house.clock,
            token=Secret(TOKEN),
            api_url=discord.server.api_url,
            channel_id=ROOM,
        )
        await fresh.send(discord.notice(key="2", bot="demo"))
        threads = [one["id"] for one in discord.server.channels.values() if one["type"] == 11]
        assert len(threads) == 1

        del discord.server.channels[threads[0]]
        outcome = await fresh.send(discord.notice(key="3", bot="demo"))

        threads = [one["id"] for one in discord.server.channels.values() if one["type"] == 11]
        assert outcome.verdict is Verdict.SENT
        assert len(threads) == 1
        assert [one.channel_id for one in discord.posted()].count(threads[0]) == 1
        await fresh.close()


async def test_a_channel_that_we_may_not_use_keeps_nobody_untold(sqlite_store: SqlStore) -> None:
    async with carried(sqlite_store, channel="900000000000000777") as discord:
        outcome = await discord.alerts.send(discord.notice(bot="demo"))

        assert outcome.verdict is Verdict.SENT
        assert [one.channel_id for one in discord.posted()] == [discord.server.dms[user_of(Role.OWNER)]]


async def test_what_an_alert_offers_is_only_for_its_reader(sqlite_store: SqlStore) -> None:
    async with opened(sqlite_store) as discord:
        house = discord.house
        alerts = DiscordAlerts(sqlite_store, house.clock, token=Secret(TOKEN), api_url=discord.server.api_url)
        alert = replace(an_alert(house.workspace.id, dedupe_key="x"), created_at=NOON)
        delivery = replace(a_delivery(alert, user_of(Role.OPERATOR)), channel="discord")
        async with sqlite_store.transaction() as tx:
            await tx.alerts.add(alert, [delivery])
        await alerts.send(Notice(delivery=delivery, alert=alert, member=house.members[Role.OPERATOR]))
        await alerts.close()
        message = next(one for one in discord.server.messages.values())
        offered = [one for row in message.shown()["components"] for one in row["components"]]
        assert offered, "a critical alert can be acknowledged"

        seen = await discord.people.press(user_of(Role.VIEWER), message.id, offered[0]["custom_id"])
        assert seen["messages"][-1]["is_ephemeral"]
        async with sqlite_store.reading() as tx:
            stored = await tx.alerts.by_id(house.workspace.id, alert.id)
            assert stored is not None
            assert stored.acknowledged_at is None
        await discord.people.press(user_of(Role.OPERATOR), message.id, offered[0]["custom_id"])
        async with sqlite_store.reading() as tx:
            stored = await tx.alerts.by_id(house.workspace.id, alert.id)

        assert stored is not None
        assert stored.acknowledged_by == "operator@discord"


def test_a_nonce_is_short_and_tells_deliveries_apart() -> None:
    assert len(nonce_of("a" * 500)) == 25
    assert nonce_of("a") == nonce_of("a") != nonce_of("b")
