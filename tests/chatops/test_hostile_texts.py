"""Hostile names and messages: a short profile of tests/proofs/hostile_texts.py."""

from __future__ import annotations

import pytest

from chatops.testing import Chat, spoken
from chatops.texts.catalogue import LANGUAGES
from desk.store import SqlStore
from tests.chatops.chat_house import furnished
from tests.chatops.hostile import SEEDS, strings
from tests.chatops.renderers import check_everywhere, no_controls


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_renderer_shows_hostile_strings_whole_and_harmless(language: str) -> None:
    for text in strings(250, seed=2):
        check_everywhere(text, language)


async def test_every_word_takes_hostile_arguments_without_breaking(sqlite_store: SqlStore) -> None:
    house = await furnished(sqlite_store)
    chat: Chat = house.chat()
    before = await house.sequence()

    for text in SEEDS:
        for word in (
            "bots",
            "status",
            "why",
            "chart",
            "whynot",
            "forceexit",
            "ack",
            "tz",
            "help",
            "confirm",
            "trades",
        ):
            card = await chat.say(f"/{word} {text}")
            assert card.problem != "internal", (word, text)
            no_controls(spoken(card))

    assert await house.sequence() == before
