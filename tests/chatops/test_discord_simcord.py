"""The Discord door against simcord, a simulation of Discord that nobody here wrote: real library, no sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import simcord

from chatops.commands import full_book
from chatops.discord_bot.client import DeskClient
from chatops.discord_bot.outgoing import Outgoing
from chatops.discord_bot.receiving import Receiver
from chatops.discord_bot.tree import slash_tree
from chatops.doors.answering import Answering
from chatops.doors.conversation import Conversation
from desk.identity import Role
from desk.store import SqlStore
from tests.chatops.chat_house import ChatHouse, furnished
from tests.support.door_people import FakePeople
from trading.events import Desired, TradingState


@dataclass(slots=True, kw_only=True)
class Simulated:
    """A house, simulated Discord, a channel and its people."""

    env: Any
    house: ChatHouse
    channel: Any
    owner: Any
    viewer: Any
    stranger: Any


@asynccontextmanager
async def simulated(store: SqlStore) -> AsyncIterator[Simulated]:
    """Open the door at simcord."""
    house = await furnished(store)
    links = FakePeople(house)
    client = DeskClient(commands=slash_tree(full_book()))
    async with simcord.run(client) as env:
        guild = env.create_guild()
        channel = guild.create_text_channel("desk")
        people = {name: guild.add_member(env.create_user(name)) for name in ("owner", "viewer", "stranger")}
        links.linked = {str(people["owner"].id): Role.OWNER, str(people["viewer"].id): Role.VIEWER}
        platform = Outgoing(client, house.clock, f"discord:{client.application_id}")
        answering = Answering(Conversation(house.room, full_book(), links), platform)
        client.receiver = Receiver(answering)
        running = asyncio.create_task(answering.run())
        await answering.ready.wait()
        try:
            yield Simulated(env=env, house=house, channel=channel, **people)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


def title(result: Any) -> str:
    """Give the title of what was answered."""
    return str(result.response.embeds[0].title)


async def test_every_word_is_known_to_the_simulation(sqlite_store: SqlStore) -> None:
    async with simulated(sqlite_store) as discord:
        assert set(discord.owner.available_commands(discord.channel)) == {one.name for one in full_book()}


async def test_a_command_is_answered(sqlite_store: SqlStore) -> None:
    async with simulated(sqlite_store) as discord:
        result = await discord.viewer.slash(discord.channel, "bots")

        assert result.acknowledged
        assert title(result) == "1 bot"


async def test_a_confirmation_and_a_form_go_all_the_way(sqlite_store: SqlStore) -> None:
    async with simulated(sqlite_store) as discord:
        asked = await discord.owner.slash(discord.channel, "panic")
        assert title(asked) == "Please confirm"
        pressed = await discord.owner.click(asked.response.message, label="Confirm")
        assert pressed.acknowledged
        assert await discord.house.trading_state() is TradingState.HALTED

        asked = await discord.owner.slash(discord.channel, "unlatch")
        shown = await discord.owner.click(asked.response.message, label="Confirm")
        assert shown.modal is not None
        await discord.owner.submit_modal(shown, {"word": "paper"})

        assert await discord.house.trading_state() is TradingState.ACTIVE


async def test_what_is_not_permitted_changes_nothing(sqlite_store: SqlStore) -> None:
    async with simulated(sqlite_store) as discord:
        denied = await discord.viewer.slash(discord.channel, "stop", bot="demo")
        assert title(denied) == "Not allowed"
        asked = await discord.owner.slash(discord.channel, "stop", bot="demo")
        for somebody in (discord.viewer, discord.stranger):
            result = await somebody.click(asked.response.message, label="Confirm")
            assert all(one.ephemeral for one in result.followups)
        assert (await discord.house.bot_now()).desired is Desired.RUNNING

        await discord.owner.click(asked.response.message, label="Confirm")

        assert (await discord.house.bot_now()).desired is Desired.STOPPED


async def test_completion_works(sqlite_store: SqlStore) -> None:
    async with simulated(sqlite_store) as discord:
        offered = await discord.owner.autocomplete(discord.channel, "stop", "bot", "de")

        assert offered == [{"name": "demo", "value": "demo"}]
