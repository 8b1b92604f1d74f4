"""The same card on every door that is text: what JSON says, the terminal and the mail say too, for every word."""

from __future__ import annotations

import pytest

from chatops.cards import Press
from chatops.commands import full_book
from chatops.console.render import console_text
from chatops.email.bodies import card_as_html, card_as_text
from chatops.plain import as_json
from chatops.texts.catalogue import LANGUAGES
from chatops.texts.speaker import Speaker
from desk.store import SqlStore
from tests.chatops.chat_house import furnished


def squeezed(text: str) -> str:
    """Give a text without spaces and frames: doors break lines where they have to."""
    return "".join("".join(one for one in text if one not in "│╭╮╰╯─").split())


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_word_says_the_same_on_terminal_json_and_mail(
    sqlite_store: SqlStore, language: str
) -> None:
    house = await furnished(sqlite_store)
    chat = house.chat()
    speaker = Speaker(language, "Europe/Paris")

    for word in full_book():
        card = await chat.say(word.example)
        assert card.problem != "internal", word.name
        document = as_json(card, speaker)
        terminal = squeezed(console_text(card, speaker, width=300, color=False))
        mail = squeezed(card_as_text(card, speaker))
        page = card_as_html(card, speaker)

        assert document["card"] == card.name
        said = [document["title"], *document["body"], *document["notes"]]
        said += [one["label"] for one in document["fields"]] + [one["text"] for one in document["fields"]]
        for text in said:
            assert squeezed(text) in terminal, (word.name, text)
            assert squeezed(text) in mail, (word.name, text)
        assert [len(one["rows"]) for one in document["tables"]] == [len(one.rows) for one in card.tables]
        assert page.count("<h1") == 1
        for button, shown in zip(card.buttons, document["buttons"], strict=True):
            assert shown["line"] == (button.line or None)
            if button.press is Press.SAY:
                spoken = button.line.removeprefix("/").split()[0]
                assert full_book().find(spoken) is not None, button.line
