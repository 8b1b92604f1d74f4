"""The slash commands: made from the book, word for word; and the line that a filled-in one says."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from chatops import kinds
from chatops.arguments import Argument
from chatops.book import Book, Word
from chatops.discord_bot.markdown import cut
from chatops.texts.catalogue import LANGUAGES
from chatops.texts.speaker import Speaker
from trading.errors import InvariantBroken

#: What Discord allows.
COMMANDS = 100
OPTIONS = 25
CHOICES = 25
TEXT = 100
#: Names, descriptions and choices of one command together.
COMMAND_TOTAL = 8_000
#: Longest value of a text option; longer lines are refused by the book anyway.
LONGEST = 1_000

#: A value that no reader could take for anything else.
_SIMPLE = re.compile(r"[A-Za-z0-9#][A-Za-z0-9_.,:/%#-]{0,127}")

#: Gathers what a word takes beside its arguments: `key=value key=value`.
SETTINGS = "settings"

#: Kinds of option: text, whole number, yes or no.
_STRING, _INTEGER, _BOOLEAN = 3, 4, 5
#: Usable in servers and in the conversation with the bot, installed in a server.
_CONTEXTS, _INSTALLED = [0, 1], [0]


#: Words that strangers say with a one-time code: a menu would leave no room for it.
CODED = frozenset({"link"})


def slash_tree(book: Book) -> list[dict[str, Any]]:
    """Give every word of the book as a slash command, as Discord's bulk overwrite takes it.

    Raises:
        InvariantBroken: the book holds more than Discord takes.
    """
    commands = [_command(word) for word in book]
    if len(commands) > COMMANDS:
        raise InvariantBroken(f"The book has {len(commands)} words; Discord takes {COMMANDS} commands.")
    return commands


def _command(word: Word) -> dict[str, Any]:
    # Discord wants those that must be filled in first; our readers take them by name in any order.
    arguments = sorted(word.arguments, key=lambda one: not one.is_required or bool(one.instead))
    options = [_option(one, is_coded=word.name in CODED) for one in arguments]
    if word.keeps_settings:
        options.append(
            {"type": _STRING, "name": SETTINGS, "max_length": LONGEST, **_told("argument", SETTINGS)}
        )
    if len(options) > OPTIONS:
        raise InvariantBroken(f"/{word.name} has {len(options)} arguments; Discord takes {OPTIONS} options.")
    return {
        "type": 1,
        "name": word.name,
        **_told("summary", word.name),
        "options": options,
        "contexts": _CONTEXTS,
        "integration_types": _INSTALLED,
    }


def _option(argument: Argument, *, is_coded: bool) -> dict[str, Any]:
    found: dict[str, Any] = {
        "type": _STRING,
        "name": argument.name,
        "required": argument.is_required and not argument.instead,
        **_told("argument", argument.name),
    }
    fixed = choices_of(argument)
    if argument.is_switch or argument.read is kinds.flag:
        found["type"] = _BOOLEAN
    elif isinstance(argument.read, kinds.Whole):
        found |= {"type": _INTEGER, "min_value": argument.read.lowest, "max_value": argument.read.highest}
    elif 0 < len(fixed) <= CHOICES and not is_coded:
        found["choices"] = [{"name": one, "value": one} for one in fixed]
    else:
        found["max_length"] = LONGEST
        if fixed or argument.offers:
            found["autocomplete"] = True
    return found


def choices_of(argument: Argument) -> tuple[str, ...]:
    """Give the words that an argument is one of; empty where it is free or depends on what there is."""
    if isinstance(argument.read, kinds.Choice):
        return argument.read.allowed
    return () if isinstance(argument.offers, str) else argument.offers


def _told(kind: str, name: str) -> dict[str, Any]:
    first, *others = LANGUAGES
    return {
        "description": cut(Speaker(first).label(kind, name), TEXT),
        "description_localizations": {one: cut(Speaker(one).label(kind, name), TEXT) for one in others},
    }


def line_of(word: Word, options: Sequence[Mapping[str, Any]]) -> str:
    """Give the line that a filled-in slash command says; every door's dispatcher reads the same kind of line.

    Short values stand in their place, as people type them; the rest is named. A double quote inside a value becomes
    a single one: it holds words together in a line.
    """
    given = {str(one["name"]): one["value"] for one in options}
    parts = [f"/{word.name}"]
    switches = {one.name for one in word.arguments if one.is_switch}
    is_placed = True
    for one in word.arguments:
        has_place = not one.is_switch and not one.only_named
        if one.name not in given:
            is_placed = is_placed and not has_place
            continue
        value = given[one.name]
        typed = ("yes" if value else "no") if isinstance(value, bool) else str(value)
        if is_placed and has_place and _SIMPLE.fullmatch(typed) and typed.lower() not in switches:
            parts.append(typed)
        else:
            is_placed = is_placed and not has_place
            parts.append(f'{one.name}="{_unquoted(typed)}"')
    if word.keeps_settings and SETTINGS in given:
        parts.append(str(given[SETTINGS]))
    return " ".join(parts)


def _unquoted(typed: str) -> str:
    return "".join("'" if one in '"“”„‟«»＂' else one for one in typed)
