"""The command book, and what is generated from it."""

from __future__ import annotations

import pytest

from chatops.arguments import take_apart
from chatops.book import NAME, Book, Group, Page
from chatops.cards import Card, Text
from chatops.commands import full_book
from chatops.docs import command_table
from chatops.room import Asked
from chatops.testing import column
from desk.commands import COMMANDS, Danger
from desk.identity import Role
from desk.store import SqlStore
from tests.chatops.chat_house import furnished
from trading.errors import InvariantBroken

#: Commands that no word asks for, and why.
WITHOUT_WORD = {
    "RunWalkForward": "its windows need more words than a chat line has: GraphQL and `breakwater walk-forward`",
    "TrainModel": "a plan needs more words than a chat line has: GraphQL and `breakwater train`",
    "PromoteModel": "GraphQL and `breakwater models promote`, where the card can be read first",
    "RollBackModel": "goes with PromoteModel",
    "CheckBias": "its verdicts are pages long: GraphQL and `breakwater check-bias`",
    "CreateApiToken": "a token shown in a chat would stay in its history",
    "RevokeApiToken": "goes with CreateApiToken",
    "AddMember": "people are added with `breakwater user add` or GraphQL",
    "SetPassword": "a password typed in a chat would stay in its history",
    "SignOut": "a chat has no sign-in to end",
    "SignOutEverywhere": "goes with SignOut",
    "InviteMember": "a code shown in a chat would stay in its history",
    "RemoveMember": "people are removed with `breakwater user remove` or GraphQL",
    "CreateWebhook": "a path shown in a chat would stay in its history",
    "RotateWebhook": "goes with CreateWebhook",
    "DeleteWebhook": "goes with CreateWebhook",
    "AddExchangeAccount": "a key typed in a chat would stay in its history",
    "RotateExchangeKey": "goes with AddExchangeAccount",
    "DisableExchangeAccount": "goes with AddExchangeAccount",
    "RequestDataExport": "what is known about a person does not belong into a chat",
    "RequestDataErasure": "people are erased with GraphQL",
    "BeginTotp": "a secret shown in a chat would stay in its history",
    "ConfirmTotp": "goes with BeginTotp",
}

#: Words the issue asks for.
WANTED = [
    "help",
    "bots",
    "newbot",
    "start",
    "pause",
    "resume",
    "stop",
    "status",
    "trades",
    "profit",
    "chart",
    "why",
    "whynot",
    "panic",
    "unlatch",
    "locks",
    "lock",
    "unlock",
    "balance",
    "daily",
    "performance",
    "risk",
    "lang",
    "tz",
    "whoami",
    "version",
    "health",
    "alerts",
    "ack",
    "audit",
]


def test_every_wanted_word_is_in_the_book() -> None:
    book = full_book()

    assert [one for one in WANTED if book.find(one) is None] == []


def test_names_and_aliases_are_taken_by_every_platform_and_unique() -> None:
    names = [name for word in full_book() for name in (word.name, *word.aliases)]

    assert all(NAME.fullmatch(one) for one in names)
    assert len(names) == len(set(names))


def test_every_desk_command_has_a_word_or_a_reason_for_none() -> None:
    asked = {word.command.__name__ for word in full_book() if word.command is not None}
    asked |= {also.__name__ for word in full_book() for also in word.also}

    assert asked | set(WITHOUT_WORD) == set(COMMANDS)
    assert asked & set(WITHOUT_WORD) == set()


def test_role_and_danger_are_the_commands() -> None:
    for word in full_book():
        if word.command is not None:
            assert word.role is word.command.policy.role
            assert word.danger is word.command.policy.danger
        else:
            assert word.danger is Danger.NONE
            assert word.role is not Role.STRANGER


def test_every_example_is_read_by_its_own_word() -> None:
    book = full_book()

    for word in book:
        spoken = take_apart(word.example)
        assert book.find(spoken.name) is word
        word.read(spoken.rest)


def test_a_word_twice_in_the_book_is_refused() -> None:
    page = Page(Group.HOUSE)

    async def answer(asked: Asked) -> Card:
        return Card(name="x", title=Text("version.title"))

    page.word("twin", example="/twin")(answer)
    page.word("twin", example="/twin")(answer)

    with pytest.raises(InvariantBroken, match="twin"):
        Book([page])


@pytest.mark.parametrize("role", [one for one in Role if one is not Role.STRANGER])
async def test_help_lists_exactly_what_a_role_may_say(sqlite_store: SqlStore, role: Role) -> None:
    house = await furnished(sqlite_store)
    book = full_book()

    card = await house.chat(role).say("/help", expect="help")

    listed = {
        str(usage).split()[0].removeprefix("/")
        for table in card.tables
        for usage in column(card, table.name, "command")
    }
    assert listed == {word.name for word in book if role >= word.role}


async def test_help_explains_every_word_and_alias(sqlite_store: SqlStore) -> None:
    chat = (await furnished(sqlite_store)).chat()

    for word in full_book():
        for name in (word.name, *word.aliases):
            card = await chat.say(f"/help {name}", expect="help_word")
            assert card.title.params == {"word": f"/{word.name}"}


def test_the_documented_table_is_the_book() -> None:
    from pathlib import Path

    page = Path(__file__).resolve().parents[2] / "docs" / "chat" / "commands.md"

    assert page.read_text(encoding="utf-8") == command_table(full_book()), (
        "renew it: python -m chatops.docs > docs/chat/commands.md"
    )


#: What freqtrade's chat takes, aliases included; what has no subject here is left out: /edge, /list_custom_data.
_FREQTRADE = (
    "start stop pause stopentry stopbuy reload_config reload_conf show_config show_conf logs status order trades count "
    "locks unlock delete_locks marketdir forceexit forcesell fx forcelong forcebuy forceshort delete reload_trade "
    "cancel_open_order coo profit profit_long profit_short performance balance daily weekly monthly stats exits sells "
    "entries buys mix_tags whitelist blacklist blacklist_delete bl_delete health help version tg_info"
)


def test_every_word_of_freqtrades_chat_is_a_word_here() -> None:
    book = full_book()

    assert [one for one in _FREQTRADE.split() if book.find(one) is None] == []


def test_a_word_that_is_nearly_one_is_answered_with_the_nearest() -> None:
    book = full_book()

    near = {
        one: book.nearest(one, Role.OWNER) for one in ("statu", "forcexit", "balanc", "profits", "trade_s")
    }

    assert near == {
        "statu": "status",
        "forcexit": "forceexit",
        "balanc": "balance",
        "profits": "profit",
        "trade_s": "trades",
    }
