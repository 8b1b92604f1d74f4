"""Say this, expect that card: accounts, the way to one at an exchange, and the gates before real money."""

from __future__ import annotations

from datetime import timedelta

import pytest

from chatops.testing import Chat, column, spoken
from chatops.texts.catalogue import LANGUAGES
from chatops.texts.speaker import Speaker
from desk.identity import Role
from desk.store import SqlStore
from tests.chatops.chat_house import ChatHouse, furnished, with_exchange_account


@pytest.fixture
async def house(sqlite_store: SqlStore) -> ChatHouse:
    return await furnished(sqlite_store)


@pytest.fixture
def chat(house: ChatHouse) -> Chat:
    return house.chat(channel="telegram")


@pytest.mark.parametrize("language", LANGUAGES)
async def test_an_owner_is_told_the_command_that_adds_an_account_and_never_to_type_a_key(
    chat: Chat, language: str
) -> None:
    card = await chat.say("/accounts", expect="accounts")

    shown = spoken(card, Speaker(language))
    assert "breakwater account add" in shown
    assert "--sandbox" in shown
    assert column(card, "accounts", "account") == ["paper"]


async def test_the_card_goes_on_by_itself_until_an_account_is_there_or_an_hour_is_over(
    house: ChatHouse, chat: Chat
) -> None:
    first = await chat.say("/accounts")
    again = await chat.say(first.renewed_by)
    house.clock.advance(timedelta(minutes=61).total_seconds())
    late = await chat.say(first.renewed_by)
    house.clock.advance(-timedelta(minutes=61).total_seconds())
    await with_exchange_account(house, "rehearsal", is_sandbox=True)
    done = await chat.say(first.renewed_by)

    assert first.renewed_by == again.renewed_by != ""
    assert (late.renewed_by, done.renewed_by) == ("", "")
    assert "/newbot NAME strategy pairs account=rehearsal" in spoken(done)


async def test_nobody_stretches_how_long_a_message_is_kept_up_to_date(chat: Chat) -> None:
    assert (await chat.say("/accounts wait=99999999999")).renewed_by == ""


async def test_every_bot_on_paper_is_shown_with_the_gates_that_it_has_not_passed(
    house: ChatHouse, chat: Chat
) -> None:
    await with_exchange_account(house, "spot", is_sandbox=False)

    card = await chat.say("/live", expect="accounts")

    assert column(card, "gates_of_bots", "bot") == ["demo"]
    assert "trades ≥ 30" in spoken(card)
    assert "/golive <bot> --go" in spoken(card)
    assert [one.line for one in card.buttons] == ['/golive "demo"']
    await chat.press("gates", expect="gate_report")


async def test_who_is_no_owner_is_told_who_adds_an_account(house: ChatHouse) -> None:
    shown = spoken(await house.chat(Role.VIEWER, channel="telegram").say("/accounts"))

    assert "An owner adds an account" in shown
    assert "breakwater account add" not in shown


@pytest.mark.parametrize("line", ["/golive demo", "/start", "/reload_trade"])
async def test_words_that_need_an_account_at_an_exchange_lead_to_it(chat: Chat, line: str) -> None:
    assert "/accounts says how an account at an exchange comes in" in spoken(await chat.say(line))


async def test_a_house_without_a_bot_is_welcomed_with_the_words_that_make_one(
    house: ChatHouse, chat: Chat
) -> None:
    await chat.agree("/stop demo --close")
    async with house.store.transaction() as tx:
        bot = await tx.bots.by_id(house.workspace.id, house.bot.id)
        assert bot is not None
        await tx.bots.archive(bot, house.clock.now())

    shown = spoken(await chat.say("/start", expect="welcome"))

    assert "/newbot makes one" in shown
    assert "/accounts" in shown


async def test_a_number_that_is_no_open_position_is_not_taken_for_a_bot(house: ChatHouse, chat: Chat) -> None:
    refused = spoken(await chat.say("/status 1", expect="error"))

    assert "No open position is '1'" in refused
    assert "/trade <number> shows one" in refused
    assert "No open position is '#2'" in spoken(await chat.say("/status table #2", expect="error"))
