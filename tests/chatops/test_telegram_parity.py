"""For every word the message that Telegram is handed holds the card that the console shows: each text, label and value."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from chatops.cards import Card, Press, Text
from chatops.commands import full_book
from chatops.doors.answering import Answering
from chatops.doors.carrier import Sent
from chatops.doors.conversation import Conversation
from chatops.telegram_bot.render import without_tags
from chatops.telegram_bot.sending import TelegramPlatform
from chatops.testing import Chat
from chatops.texts.speaker import Speaker
from desk.commands import Danger
from desk.identity import Role
from desk.store import SqlStore
from tests.chatops.chat_house import ChatHouse, furnished
from tests.chatops.test_roles import LINES, _line, _prepared
from tests.support.door_people import FakePeople, Mouth

#: References and times of codes differ from one asking to the next.
_IDS = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|\b[0-9a-f]{6}\b|\b[A-Z2-9]{6}\b|\b[A-Z2-7]{26}\b|\d+\u00a0?ms")


#: Words that are confirmed, whatever the house is like.
_ASKING = sorted(
    word.name
    for word in full_book()
    if word.name in LINES and word.danger is not Danger.NONE and word.name not in {"start", "stop"}
)


class Overheard(TelegramPlatform):
    """Telegram's own rendering, with what is handed over kept instead of sent."""

    def __init__(self) -> None:
        self.source = "telegram:1"
        self.sent: list[Mapping[str, Any]] = []

    async def carry(self, payload: Mapping[str, Any], *, is_repeat: bool) -> Sent:
        self.sent.append(payload)
        return Sent(str(len(self.sent)))


@asynccontextmanager
async def opened(house: ChatHouse) -> AsyncIterator[tuple[Overheard, Answering]]:
    platform = Overheard()
    people = FakePeople(house, {"owner": Role.OWNER})
    answering = Answering(Conversation(house.room, full_book(), people), platform)
    running = asyncio.create_task(answering.run())
    await asyncio.wait_for(answering.ready.wait(), 30)
    try:
        yield platform, answering
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def squeezed(text: str) -> str:
    return "".join(_IDS.sub("#", text.replace("\u200c", "")).split())


async def said(platform: Overheard, answering: Answering, mouth: Mouth, line: str) -> list[Mapping[str, Any]]:
    """Say a line and give what Telegram was handed for it, every page leafed through."""
    before = len(platform.sent)
    await answering.take([mouth.says(line)])
    while True:
        for _ in range(20):
            await asyncio.sleep(0)
        if not answering.waiting and not answering.replies.waiting and len(platform.sent) > before:
            break
        await asyncio.sleep(0.001)
    found = list(platform.sent[before:])
    last = found[-1]["keys"][-1] if found and found[-1]["keys"] else []
    if len(last) == 3 and last[0][0] == "‹":
        token, pages = last[0][1].partition(":")[0], int(last[1][0].partition("/")[2])
        for page in range(1, pages):
            at = len(platform.sent)
            await answering.take([mouth.taps(token, page=page)])
            while len(platform.sent) == at:  # noqa: ASYNC110 - the platform has no event
                await asyncio.sleep(0.001)
            found.append(platform.sent[-1])
    return found


def assert_same(card: Card, payloads: list[Mapping[str, Any]], speaker: Speaker, name: str) -> None:
    shown = squeezed(html.unescape(" ".join(without_tags(str(one["html"])) for one in payloads)))
    wanted = [speaker.say(one) for one in (card.title, *card.body, *card.notes)]
    wanted += [speaker.label("field", one.name) for one in card.fields]
    wanted += [speaker.value(one.value) for one in card.fields]
    for table in card.tables:
        for row in table.rows:
            wanted += [
                speaker.value(cell)
                for column, cell in zip(table.columns, row, strict=True)
                if not column.rank
            ]
    missing = [one for one in wanted if squeezed(one) not in shown]
    assert missing == [], (name, missing[:3])
    labels = {label for one in payloads for row in one["keys"] for label, _ in row}
    for button in card.buttons:
        assert speaker.say(Text(f"button.{button.name}", button.params))[:39] in " ".join(labels), (
            name,
            button,
        )


@pytest.mark.parametrize("names", [("a", "m"), ("m", "{")], ids=["a-l", "m-z"])
async def test_every_word_that_only_shows_says_the_same_on_telegram(
    sqlite_store: SqlStore, names: tuple[str, str]
) -> None:
    house = await furnished(sqlite_store)
    chat, mouth = house.chat(channel="telegram"), Mouth("owner", chat_id="1")
    async with opened(house) as (platform, answering):
        for word in full_book():
            if word.command is not None or word.also or not names[0] <= word.name < names[1]:
                continue
            payloads = await said(platform, answering, mouth, word.example)
            card = await chat.say(word.example)
            assert_same(card, payloads, await chat.dispatcher.speaker(chat.actor), word.name)


@pytest.mark.parametrize("name", _ASKING)
async def test_every_word_that_asks_first_asks_the_same_on_telegram(
    sqlite_store: SqlStore, name: str
) -> None:
    house = await _prepared(sqlite_store, name)
    line = await _line(house, name)
    chat: Chat = house.chat(channel="telegram")
    expected = await chat.say(line)
    if not any(one.press is Press.CONFIRM for one in expected.buttons):
        # It was done at once: what is left to say is in the transcripts.
        return
    async with opened(house) as (platform, answering):
        payloads = await said(platform, answering, Mouth("owner", chat_id="1"), line)
    assert_same(expected, payloads, await chat.dispatcher.speaker(chat.actor), name)
