"""The slash tree: exactly the book, within Discord's limits, and a filled-in command says what a typed line says."""

from __future__ import annotations

import re

import pytest

from chatops import kinds
from chatops.arguments import Argument, take_apart
from chatops.book import Book, Group, Page
from chatops.commands import full_book
from chatops.discord_bot.tree import CODED, choices_of, line_of, slash_tree
from chatops.texts.catalogue import LANGUAGES
from chatops.texts.speaker import Speaker
from tests.support.discord_house import options_of
from tests.support.discord_rules import Refused, check_commands
from trading.errors import InvariantBroken

BOOK = full_book()
TREE = {one["name"]: one for one in slash_tree(BOOK)}


def test_the_tree_lists_exactly_the_book() -> None:
    assert list(TREE) == [word.name for word in BOOK]
    for word in BOOK:
        listed = {one["name"] for one in TREE[word.name]["options"]}
        settings = {"settings"} if word.keeps_settings else set()
        assert listed == {one.name for one in word.arguments} | settings


def test_discord_takes_the_tree() -> None:
    check_commands(slash_tree(BOOK))


def test_every_name_suits_both_platforms() -> None:
    names = [*TREE, *(option["name"] for one in TREE.values() for option in one["options"])]

    assert [one for one in names if not re.fullmatch(r"[a-z0-9_]{1,32}", one)] == []


def test_every_language_is_described() -> None:
    for name, command in TREE.items():
        assert command["description"] == Speaker("en").label("summary", name)[:100]
        assert set(command["description_localizations"]) == set(LANGUAGES[1:])


def test_options_have_the_types_of_their_readers() -> None:
    for word in BOOK:
        options = {one["name"]: one for one in TREE[word.name]["options"]}
        for argument in word.arguments:
            option = options[argument.name]
            assert option["required"] is (argument.is_required and not argument.instead)
            if argument.is_switch or argument.read is kinds.flag:
                assert option["type"] == 5
            elif isinstance(argument.read, kinds.Whole):
                assert option["type"] == 4
                assert (option["min_value"], option["max_value"]) == (
                    argument.read.lowest,
                    argument.read.highest,
                )
            else:
                assert option["type"] == 3
                fixed = choices_of(argument)
                if 0 < len(fixed) <= 25 and word.name not in CODED:
                    assert tuple(one["value"] for one in option["choices"]) == fixed
                else:
                    assert bool(option.get("autocomplete")) is bool(fixed or argument.offers)


def test_a_filled_in_command_reads_as_the_typed_example() -> None:
    for word in BOOK:
        options = options_of(word, word.example)
        given = [{"name": name, "value": value} for name, value in options.items()]

        line = line_of(word, given)

        said = take_apart(line)
        assert said.name == word.name
        assert word.read(said.rest) == word.read(take_apart(word.example).rest), line


@pytest.mark.parametrize(
    "typed",
    [
        "plain",
        "two words",
        'say "hi" and "bye"',
        "a=b",
        "--close",
        "close",
        "“curly”",
        "/panic",
        "日本 語",
        "x\ny",
        "  ",
    ],
)
def test_whatever_is_filled_in_stays_one_value(typed: str) -> None:
    word = BOOK.find("pause")
    assert word is not None

    line = line_of(word, [{"name": "bot", "value": typed}, {"name": "reason", "value": typed}])

    args = word.read(take_apart(line).rest)
    expected = re.sub(r"[\"“”]", "'", typed).replace("\n", " ").strip()
    assert (args["bot"], args["reason"]) == (expected, expected)


def test_a_book_too_big_for_discord_is_refused_at_the_start() -> None:
    page = Page(Group.HOUSE)

    async def answer(asked: object) -> None:
        raise AssertionError

    for number in range(101):
        page.word(f"word{number}", example=f"/word{number}")(answer)  # type: ignore[arg-type]
    with pytest.raises(InvariantBroken, match="101 words; Discord takes 100"):
        slash_tree(Book([page]))

    wide = Page(Group.HOUSE)
    arguments = tuple(Argument(name=f"a{number}") for number in range(26))
    wide.word("wide", example="/wide", arguments=arguments)(answer)  # type: ignore[arg-type]
    with pytest.raises(InvariantBroken, match="26 arguments; Discord takes 25"):
        slash_tree(Book([wide]))


@pytest.mark.parametrize(
    "spoilt",
    [
        {"name": "Bad Name"},
        {"description": ""},
        {"description": "x" * 101},
        {
            "options": [
                {"name": "a", "description": "x", "required": False},
                {"name": "b", "description": "x", "required": True},
            ]
        },
    ],
)
def test_the_rules_refuse_what_discord_refuses(spoilt: dict[str, object]) -> None:
    with pytest.raises(Refused):
        check_commands([{**TREE["bots"], **spoilt}])
