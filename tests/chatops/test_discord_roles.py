"""Every command, button, menu and form at Discord × every role: only the permitted ones change anything."""

from __future__ import annotations

from typing import Any

import pytest

from chatops.cards import Button, Press
from chatops.commands import full_book
from chatops.discord_bot.components import form_id, read_id, tap_id
from chatops.doors.buttons import Buttons, Owner
from desk.identity import Role
from desk.store import SqlStore
from tests.chatops.chat_house import furnished
from tests.chatops.discord_renderings import masked
from tests.chatops.test_roles import _RULED, LINES, _line, _prepared, _state
from tests.support.discord_house import DiscordHouse, Guest, opened, title, user_of
from tests.support.discord_world import ROOM, snowflake


def _confirms(guest: Guest) -> bool:
    return (
        any(one["components"] for one in guest.last["messages"]) and title(guest.message) == "Please confirm"
    )


async def _tap(
    discord: DiscordHouse, role: Role, message: dict[str, Any], custom_id: str, word: str = ""
) -> dict[str, Any]:
    """Tap a button as this person would; where a form is needed, its word is right."""
    tapped, people, user = read_id(custom_id), discord.people, user_of(role)
    if tapped is not None and tapped.needs_word:
        words = {"word": word}
        return await discord.done(
            await people.submit(user, form_id(tapped.token), words, message=message["id"], wait=False)
        )
    return await discord.done(await people.press(user, message["id"], custom_id, wait=False))


@pytest.mark.parametrize("name", sorted(LINES))
async def test_only_permitted_people_change_anything(sqlite_store: SqlStore, name: str) -> None:
    house = await _prepared(sqlite_store, name)
    word = full_book().find(name)
    assert word is not None
    line = await _line(house, name)
    lowest = next(role for role in Role if role is not Role.STRANGER and role >= _RULED.get(name, word.role))
    async with opened(sqlite_store, house=house) as discord:
        before = await _state(house)
        for role in (one for one in Role if one < lowest):
            await discord.done(await discord.guest(role).say(line, wait=False))
            assert await _state(house) == before, f"{role.name} changed something with {line}"

        guest = discord.guest(lowest)
        await guest.say(line)
        if _confirms(guest):
            assert await _state(house) == before, "a preview changed something"
            message, custom_id = guest.message, guest.button("confirm")
            typed = (await house.chat(lowest).say(line)).type_word
            for role in (one for one in Role if one is not lowest):
                await _tap(discord, role, message, custom_id, typed)
                assert await _state(house) == before, f"{role.name} pressed somebody else's button"
            await _tap(discord, lowest, message, custom_id, typed)
        assert await _state(house) != before, masked(guest.last["messages"])
        assert discord.server.violations == []


async def test_a_button_for_everybody_gives_nobody_more_rights(sqlite_store: SqlStore) -> None:
    async with opened(sqlite_store) as discord:
        house = discord.house
        async with sqlite_store.transaction() as tx:
            token = await Buttons(sqlite_store).make(
                tx,
                Button(name="pause", press=Press.SAY, line="/pause demo"),
                Owner(workspace_id=house.workspace.id, platform="discord", chat_id=ROOM, user_id=""),
                now=house.clock.now(),
            )
        message = (await discord.guest().say("/bots"))["messages"][0]
        before = await _state(house)

        for role in (Role.STRANGER, Role.VIEWER):
            await _tap(discord, role, message, tap_id(token))
            assert await _state(house) == before
        await _tap(discord, Role.OPERATOR, message, tap_id(token))

        assert await _state(house) != before


async def test_a_button_does_nothing_in_another_channel(sqlite_store: SqlStore) -> None:
    async with opened(sqlite_store) as discord:
        guest = discord.guest()
        await guest.say("/stop demo")
        before = await _state(discord.house)

        await discord.people.press(
            guest.user, guest.message["id"], guest.button("confirm"), channel=snowflake()
        )

        assert await _state(discord.house) == before


async def test_a_choice_in_a_menu_is_its_askers_alone(sqlite_store: SqlStore) -> None:
    house = await furnished(sqlite_store)
    admin = house.chat(Role.ADMIN)
    for number in range(27):
        card = await admin.say(f"/newbot bot{number:02} buy_and_hold BTC/USDT")
        if card.token:
            await admin.press("confirm")
    async with opened(sqlite_store, house=house) as discord:
        guest = discord.guest(Role.OPERATOR)
        await guest.say("/start")
        message = guest.message
        menus = [row["components"][0] for row in message["components"]]
        assert [one["type"] for one in menus] == [3, 3]
        chosen = menus[1]["options"][0]
        before = await _state(house)

        for role in (one for one in Role if one is not Role.OPERATOR):
            seen = await discord.done(
                await discord.people.choose(
                    user_of(role), message["id"], menus[1]["custom_id"], [chosen["value"]], wait=False
                )
            )
            assert "Please confirm" not in str(seen["messages"])
        seen = await discord.people.choose(
            guest.user, message["id"], menus[1]["custom_id"], [chosen["value"]]
        )

        assert title(seen["messages"][0]) == "Please confirm"
        assert await _state(house) == before, "choosing is not confirming"
