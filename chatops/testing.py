"""Say this, expect that card: conversations with the book, without a platform between."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chatops.book import Book
from chatops.cards import Card, Text, Value, texts_of
from chatops.commands import full_book
from chatops.console.render import console_text
from chatops.dispatch import Dispatcher
from chatops.plain import as_json
from chatops.room import Room
from chatops.texts.catalogue import LANGUAGES, catalogue
from chatops.texts.speaker import Speaker
from desk.identity import Actor


class Chat:
    """A person at a door. Keeps the last card, so that buttons can be pressed."""

    def __init__(self, room: Room, actor: Actor, book: Book | None = None) -> None:
        self.actor = actor
        self.dispatcher = Dispatcher(room, book or full_book())
        self.last: Card | None = None

    async def say(self, line: str, *, expect: str = "") -> Card:
        """Say a line; `expect` names the card that must come."""
        self.last = await self.dispatcher.answer(line, self.actor)
        if expect:
            assert self.last.name == expect, f"{line!r} gave {self.last.name}: {spoken(self.last)}"
        return self.last

    async def press(self, name: str, *, typed: str = "", expect: str = "") -> Card:
        """Press a button of the last card."""
        assert self.last is not None, "nothing was said yet"
        button = next((one for one in self.last.buttons if one.name == name), None)
        assert button is not None, f"no button '{name}' on {self.last.name}"
        match button.press.value:
            case "confirm":
                line = f'/confirm {button.token} "{typed}"' if typed else f"/confirm {button.token}"
            case "dismiss":
                line = f"/dismiss {button.token}"
            case _:
                line = button.line
        return await self.say(line, expect=expect)

    async def agree(self, line: str, *, expect: str = "") -> Card:
        """Say a line and confirm it, typed words included."""
        asked = await self.say(line, expect="confirm")
        return await self.press("confirm", typed=asked.type_word, expect=expect)


def spoken(card: Card, speaker: Speaker | None = None) -> str:
    """Give a card as one text, as a wide terminal shows it."""
    return console_text(card, speaker or Speaker(), width=240, color=False)


def document(card: Card, speaker: Speaker | None = None) -> dict[str, Any]:
    """Give a card as programs see it."""
    return as_json(card, speaker or Speaker())


def field(card: Card, name: str) -> Value:
    """Give the value of a field."""
    found = next((one for one in card.fields if one.name == name), None)
    assert found is not None, f"no field '{name}' on {card.name}: {[one.name for one in card.fields]}"
    return found.value


def column(card: Card, table: str, name: str) -> list[Value]:
    """Give a column of a table."""
    found = next((one for one in card.tables if one.name == table), None)
    assert found is not None, f"no table '{table}' on {card.name}: {[one.name for one in card.tables]}"
    index = [one.name for one in found.columns].index(name)
    return [row[index] for row in found.rows]


def untold(cards: Sequence[Card]) -> list[str]:
    """Give the codes on cards that a catalogue lacks, as `language: code`."""
    codes = {one.code for card in cards for one in texts_of(card)}
    codes |= {f"field.{one.name}" for card in cards for one in card.fields}
    return sorted(
        f"{language}: {code}"
        for language in LANGUAGES
        for code in codes
        if code not in catalogue(language) and code not in _DATA
    )


#: Codes that hold names given by strategies and venues; a speaker shows them as they are.
_DATA: frozenset[str] = frozenset()

__all__ = ["Chat", "Text", "column", "document", "field", "spoken", "untold"]
