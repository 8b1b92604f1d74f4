"""The Discord door in trouble: a stalled database, answers after a long time, cuts, limits, lost answers, a bad token."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from chatops.commands import full_book
from chatops.discord_bot.door import DiscordDoor
from chatops.discord_bot.outgoing import Outgoing
from chatops.doors.carrier import DoorDisabled, NeverThis
from chatops.doors.door import DoorState
from desk.identity import Role
from desk.secrets import Secret
from desk.store import SqlStore
from tests.chatops.chat_house import furnished
from tests.support.discord_house import DiscordHouse, opened, title, user_of
from tests.support.discord_people import People
from tests.support.discord_server import DiscordServer
from tests.support.discord_world import TOKEN
from tests.support.door_people import FakePeople
from tests.support.stalled_store import StalledStore
from trading.events import Desired


async def test_everything_is_acknowledged_while_the_database_stands_still(sqlite_store: SqlStore) -> None:
    store = StalledStore(sqlite_store)
    async with opened(store) as discord:
        viewer = user_of(Role.VIEWER)
        # Once through, so that the door is known to be ready.
        await discord.people.slash(viewer, "bots")
        store.stall()

        begun = [await discord.people.slash(viewer, "bots", wait=False) for _ in range(20)]
        records = [discord.server.interactions[one["id"]] for one in begun]
        await discord.server.until(lambda: all(one.answer == 5 for one in records))
        assert not any(one.is_settled for one in records)
        store.go_on()

        for one in begun:
            seen = await discord.people.seen(one["id"], wait=True)
            assert title(seen["messages"][0]) == "1 bot"


async def test_completion_gives_nothing_rather_than_being_late(
    sqlite_store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatops.discord_bot.receiving.OFFERS_S", 0.05)
    store = StalledStore(sqlite_store)
    async with opened(store) as discord:
        store.stall()

        seen = await discord.people.complete(user_of(Role.VIEWER), "trades", "pair", "B")

        assert seen["choices"] == []
        store.go_on()


async def test_an_answer_after_twenty_minutes_comes_as_a_message_of_the_channel(
    sqlite_store: SqlStore,
) -> None:
    store = StalledStore(sqlite_store)
    async with opened(store) as discord:
        viewer = user_of(Role.VIEWER)
        await discord.people.slash(viewer, "bots")
        store.stall()
        begun = await discord.people.slash(viewer, "bots", wait=False)
        record = discord.server.interactions[begun["id"]]
        await discord.server.until(lambda: record.answer == 5)

        discord.house.clock.advance(20 * 60)
        record.aged_s = 20 * 60
        known = set(discord.server.messages)
        store.go_on()
        await discord.server.until(lambda: set(discord.server.messages) - known)

        (message,) = set(discord.server.messages) - known
        shown = discord.server.messages[message]
        assert shown.channel_id == record.channel_id
        assert title(shown.shown()) == "1 bot"
        assert shown.body["nonce"], "sent again, it would be shown once"


async def test_a_private_answer_that_comes_late_goes_to_the_person_alone(sqlite_store: SqlStore) -> None:
    store = StalledStore(sqlite_store)
    async with opened(store) as discord:
        operator = user_of(Role.OPERATOR)
        await discord.people.slash(operator, "bots")
        store.stall()
        begun = await discord.people.slash(operator, "whoami", wait=False)
        record = discord.server.interactions[begun["id"]]
        await discord.server.until(lambda: record.answer == 5)
        discord.house.clock.advance(20 * 60)
        record.aged_s = 20 * 60
        known = set(discord.server.messages)
        store.go_on()
        await discord.server.until(lambda: set(discord.server.messages) - known)

        (message,) = set(discord.server.messages) - known
        assert discord.server.messages[message].channel_id == discord.server.dms[operator]


async def test_a_token_that_ends_early_is_no_reason_to_say_nothing(sqlite_store: SqlStore) -> None:
    store = StalledStore(sqlite_store)
    async with opened(store) as discord:
        viewer = user_of(Role.VIEWER)
        await discord.people.slash(viewer, "bots")
        store.stall()
        begun = await discord.people.slash(viewer, "bots", wait=False)
        record = discord.server.interactions[begun["id"]]
        await discord.server.until(lambda: record.answer == 5)
        record.aged_s = 20 * 60  # Discord's clock is ahead of ours
        known = set(discord.server.messages)
        store.go_on()
        await discord.server.until(lambda: set(discord.server.messages) - known)

        (message,) = set(discord.server.messages) - known
        assert title(discord.server.messages[message].shown()) == "1 bot"


async def test_an_answer_waits_for_its_turn_at_the_limits_and_comes_once(sqlite_store: SqlStore) -> None:
    async with opened(sqlite_store) as discord:
        viewer = user_of(Role.VIEWER)
        known = len(discord.server.messages)
        discord.server.limits.refusals = 2

        client = discord.door.client
        assert client is not None
        channel = client.get_partial_messageable(int((await _conversation(discord, viewer))["id"]))
        await channel.send("x", nonce="n1")

        assert discord.server.limits.told == 2
        assert len(discord.server.messages) == known + 1


async def _conversation(discord: DiscordHouse, user: str) -> dict[str, Any]:
    return discord.server._conversation(user)


async def test_a_lost_answer_is_not_a_lost_reply_and_a_repeat_says_so(sqlite_store: SqlStore) -> None:
    async with opened(sqlite_store) as discord:
        guest = discord.guest()
        await guest.say("/stop demo")
        message, button = guest.message, guest.button("confirm")
        await guest.press("confirm")
        discord.server.lost_answers = 1
        known = set(discord.server.messages)

        # A refusal is a message of its own, which cannot be made twice without showing twice.
        begun = await discord.people.press(guest.user, message["id"], button, wait=False)
        record = discord.server.interactions[begun["id"]]
        await discord.server.until(lambda: record.followups)
        for _ in range(3):
            discord.house.clock.advance(60)
            await asyncio.sleep(0.02)
        await discord.server.until(lambda: len(set(discord.server.messages) - known) == 2)

        first, second = sorted(set(discord.server.messages) - known)
        assert title(discord.server.messages[first].shown()) == "Not allowed"
        assert discord.server.messages[second].body["content"].startswith("(Sent again")
        assert (await discord.house.bot_now()).desired is Desired.STOPPED


async def test_a_cut_connection_is_resumed_and_nothing_said_meanwhile_is_missed(
    sqlite_store: SqlStore,
) -> None:
    async with opened(sqlite_store) as discord:
        gateway = discord.server.gateway
        await gateway.drop()

        seen = await discord.guest(Role.VIEWER).say("/bots")

        assert title(seen["messages"][0]) == "1 bot"
        assert (gateway.identified, gateway.resumed) == (1, 1)


async def test_a_forgotten_session_is_begun_anew(sqlite_store: SqlStore) -> None:
    async with opened(sqlite_store) as discord:
        gateway = discord.server.gateway
        gateway.connected.clear()
        await gateway.forget()
        async with asyncio.timeout(60):
            await gateway.connected.wait()

        seen = await discord.guest(Role.VIEWER).say("/bots")

        assert title(seen["messages"][0]) == "1 bot"
        assert gateway.identified == 2


async def test_a_token_that_was_never_good_disables_the_door(sqlite_store: SqlStore) -> None:
    house = await furnished(sqlite_store)
    server = DiscordServer()
    await server.start()
    door = _door(house, server, "no.such.token")

    with pytest.raises(DoorDisabled, match="refuses the token"):
        await door.run()

    assert door.state is DoorState.DISABLED
    assert server.requests == {"GET users": 1}, "it is not tried again"
    await server.stop()


async def test_a_token_that_is_revoked_later_disables_the_door(sqlite_store: SqlStore) -> None:
    house = await furnished(sqlite_store)
    server = DiscordServer()
    await server.start()
    door = _door(house, server, TOKEN)
    running = asyncio.create_task(door.run())
    people = People(server)
    await people.ready()

    await people.revoke()

    with pytest.raises(DoorDisabled, match="4004"):
        await running
    assert door.state is DoorState.DISABLED
    await server.stop()


def _door(house: Any, server: DiscordServer, token: str) -> DiscordDoor:
    return DiscordDoor(
        house.room,
        full_book(),
        FakePeople(house, {}),
        token=Secret(token),
        api_url=server.api_url,
        gateway_url=server.gateway_url,
    )


async def test_a_payload_that_breaks_the_library_is_put_aside_and_the_door_stays_open(
    sqlite_store: SqlStore,
) -> None:
    async with opened(sqlite_store) as discord:
        client = discord.door.client
        assert client is not None
        outgoing = Outgoing(client, discord.house.clock, "discord:1")

        with pytest.raises(NeverThis):
            await outgoing.carry({"channel": "not a number", "embeds": [], "number": 0}, is_repeat=False)

        assert title((await discord.guest().say("/bots"))["messages"][0]) == "1 bot"


async def test_nobody_is_pinged_whatever_is_said(sqlite_store: SqlStore) -> None:
    async with opened(sqlite_store) as discord:
        guest = discord.guest()

        await guest.say("/pause @everyone")
        assert "@everyone" in str(guest.message["embeds"])
        for message in discord.server.messages.values():
            mentions = message.body.get("allowed_mentions")
            assert mentions is None or mentions["parse"] == []
        assert discord.server.violations == []
