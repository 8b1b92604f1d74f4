"""For every word Discord shows the card that the console shows: the same values, whatever they are made into."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from chatops.cards import Card, Field
from chatops.commands import full_book
from chatops.discord_bot.rendering import sheets_of
from chatops.testing import Chat
from chatops.texts.speaker import Speaker
from desk.identity import Role
from desk.store import SqlStore, open_store
from tests.chatops.chat_house import furnished
from tests.chatops.discord_renderings import masked, shown_text, squeezed
from tests.chatops.test_roles import LINES, _line, _prepared
from tests.support.discord_house import opened
from tests.support.discord_world import ROOM
from tests.support.records import a_bot
from tests.support.stores import SqliteTemplate

#: The other house's answers hold other ids.
_SHOWS = [word.name for word in full_book() if word.command is None and not word.also]


async def _as_embeds(chat: Chat, card: Card) -> str:
    speaker = await chat.dispatcher.speaker(chat.actor)
    return masked([{"embeds": [one.as_dict() for one in sheet.embeds]} for sheet in sheets_of(card, speaker)])


async def test_every_word_that_only_shows_gives_the_consoles_card(sqlite_store: SqlStore) -> None:
    async with opened(sqlite_store) as discord:
        guest, chat = discord.guest(), discord.house.chat(channel="discord")
        for name in _SHOWS:
            word = discord.book.find(name)
            assert word is not None
            seen = await guest.say(word.example)
            said = await chat.say(word.example)
            if name == "whoami":
                # Discord's chats have a number, the console has none.
                chat_id = Field("chat_id", ROOM)
                said = replace(said, fields=(*said.fields[:3], chat_id, *said.fields[3:]))
            expected = await _as_embeds(chat, said)
            pages = len(sheets_of(said, Speaker()))
            if pages == 1:
                assert masked(seen["messages"][:1]) == expected, name
            else:
                # A long card is leafed through: its first page is shown, and the way to the next.
                first = str(seen["messages"][0]["embeds"][0]["title"])
                assert first in expected, name
                assert any("▶" in str(one["components"]) for one in seen["messages"])
        assert discord.server.violations == []


@pytest.mark.parametrize("name", sorted(LINES))
async def test_every_word_that_changes_something_gives_the_consoles_card(
    sqlite_store: SqlStore, sqlite_template: SqliteTemplate, tmp_path: Path, name: str
) -> None:
    other = open_store(sqlite_template.copy(tmp_path / "other.sqlite3"))
    try:
        twin = await _prepared(other, name)
        chat = twin.chat(Role.OWNER, channel="discord")
        expected = await _as_embeds(chat, await chat.say(await _line(twin, name)))
        house = await _prepared(sqlite_store, name)
        async with opened(sqlite_store, house=house) as discord:
            guest = discord.guest()
            seen = await guest.say(await _line(house, name))
            assert masked(seen["messages"]) == expected
            if chat.last is not None and chat.last.token:
                typed = chat.last.type_word
                after = await chat.press("confirm", typed=typed)
                seen = await guest.press("confirm", typed=typed)
                assert masked(seen["messages"]) == await _as_embeds(chat, after)
    finally:
        await other.close()


async def test_a_long_answer_is_leafed_through_and_nothing_is_lost(sqlite_store: SqlStore) -> None:
    house = await furnished(sqlite_store)
    names = [f"bot-{number:03}" for number in range(200)]
    async with sqlite_store.transaction() as tx:
        for name in names:
            await tx.bots.create(a_bot(house.workspace.id, house.account.id, name))
    async with opened(sqlite_store, house=house) as discord:
        guest = discord.guest(Role.VIEWER)
        seen = await guest.say("/bots")
        text = ""
        for _ in range(20):
            shown, _ = shown_text([seen["messages"][0]])
            text += shown
            buttons = [one for row in guest.message["components"] for one in row["components"]]
            ahead = next(one for one in buttons if one["label"] == "▶")
            if ahead.get("disabled"):
                break
            assert not any(
                one["is_ephemeral"]
                for one in (await discord.people.press(guest.user, guest.message["id"], ahead["custom_id"]))[
                    "messages"
                ]
            )
            guest.last = seen = {
                **seen,
                "messages": [discord.server.messages[guest.message["id"]].shown()],
            }

        assert [name for name in names if squeezed(name) not in text] == []
        assert discord.server.violations == []
