"""Every card that says whose money is traded tells paper, test money and real money apart, in both languages."""

from __future__ import annotations

import pytest

from chatops.alerts import alert_card
from chatops.cards import Card
from chatops.email import render_alert
from chatops.telegram_bot.render import pages_of
from chatops.testing import Chat, field, spoken
from chatops.texts.speaker import Speaker
from desk.identity import Role
from desk.money import MoneyKind, gravest
from desk.store import SqlStore
from desk.views import Member
from tests.chatops.chat_house import ChatHouse, furnished, with_exchange_account, with_live_account
from tests.support.records import an_alert

_SAID = {
    "en": {"demo": "paper", "rehearsalbot": "test money", "spotbot": "LIVE: real money"},
    "fr": {"demo": "papier", "rehearsalbot": "argent de test", "spotbot": "RÉEL : argent réel"},
}


@pytest.fixture
async def house(sqlite_store: SqlStore) -> ChatHouse:
    found = await furnished(sqlite_store)
    await with_exchange_account(found, "rehearsal", is_sandbox=True)
    await with_exchange_account(found, "spot", is_sandbox=False)
    return found


@pytest.fixture
def chat(house: ChatHouse) -> Chat:
    return house.chat()


def _row_of(shown: str, name: str) -> str:
    return next(line for line in shown.splitlines() if name in line)


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("line", ["/bots", "/status"])
async def test_a_list_of_bots_says_of_each_whose_money_it_trades(
    chat: Chat, line: str, language: str
) -> None:
    card = await chat.say(line)

    shown = spoken(card, Speaker(language))
    narrow = "".join(pages_of(card, Speaker(language), has_picture=False))
    for bot, mode in _SAID[language].items():
        assert mode in _row_of(shown, bot)
        # The narrowest door leaves columns out, but not this one.
        assert mode in narrow


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("bot", ["demo", "rehearsalbot", "spotbot"])
@pytest.mark.parametrize("line", ["/config {bot}", "/golive {bot}", "/stop {bot}"])
async def test_the_card_of_a_bot_says_whose_money_it_trades(
    chat: Chat, bot: str, line: str, language: str
) -> None:
    card = await chat.say(line.format(bot=bot))

    if card.name == "confirm" and bot == "demo":
        assert not any(one.name == "mode" for one in card.fields)
    else:
        mode = next(one for one in card.fields if one.name == "mode")
        assert Speaker(language).value(mode.value) == _SAID[language][bot]


@pytest.mark.parametrize("line", ["/status", "/balance", "/count", "/risk", "/profit account=spot"])
async def test_an_account_is_named_with_its_money(chat: Chat, line: str) -> None:
    assert "spot (LIVE: real money)" in spoken(await chat.say(line))


async def test_results_without_a_name_are_those_of_the_real_money_and_say_so(
    house: ChatHouse, chat: Chat
) -> None:
    real = await chat.say("/profit", expect="profit")
    paper = await chat.say("/profit account=paper", expect="profit")
    of_bot = await chat.say("/daily bot=demo", expect="by_day")

    assert "spot (LIVE: real money)" in spoken(real)
    assert (field(real, "trades"), field(paper, "trades")) == (0, 5)
    assert "paper (paper)" in spoken(of_bot)


async def test_a_house_that_has_nothing_but_paper_is_spared_the_word(sqlite_store: SqlStore) -> None:
    chat = (await furnished(sqlite_store)).chat()

    assert field(await chat.say("/status"), "account") == "paper"
    assert not any(one.name == "account" for one in (await chat.say("/profit")).fields)


async def test_what_asks_for_a_confirmation_says_whose_money_is_at_stake(
    house: ChatHouse, chat: Chat
) -> None:
    test = await chat.say("/start rehearsalbot", expect="confirm")
    real = await chat.say("/panic spot", expect="confirm")
    everywhere = await chat.say("/panic all", expect="confirm")
    paper = await chat.say("/panic paper", expect="confirm")

    assert [_mode(one) for one in (test, real, everywhere, paper)] == [
        "test money",
        "LIVE: real money",
        "LIVE: real money",
        "",
    ]


def _mode(card: Card) -> str:
    return next((str(Speaker().value(one.value)) for one in card.fields if one.name == "mode"), "")


async def test_an_account_without_a_key_holds_real_money_until_somebody_says_otherwise(
    sqlite_store: SqlStore,
) -> None:
    house = await furnished(sqlite_store)
    await with_live_account(house)

    assert "live (LIVE: real money)" in spoken(await house.chat().say("/balance"))


async def test_a_bot_is_made_on_paper_unless_an_account_is_named(house: ChatHouse, chat: Chat) -> None:
    line = "/newbot {name} trend_following BTC/USDT,ETH/USDT tf=1h risk=careful"

    on_paper = await chat.agree(line.format(name="one"), expect="newbot")
    on_test = await chat.say(f"{line.format(name='two')} account=rehearsal", expect="confirm")
    made = await chat.press("confirm", expect="newbot")
    refused = await chat.say(f"{line.format(name='three')} account=spot", expect="error")

    assert _mode(on_paper) == "paper"
    assert "test money of rehearsal" in spoken(on_test)
    assert _mode(made) == "test money"
    assert "real money" in spoken(refused)


async def test_a_bot_on_test_money_is_not_said_to_be_live_already(house: ChatHouse, chat: Chat) -> None:
    assert "It trades test money" in spoken(await chat.say("/golive rehearsalbot", expect="gate_report"))
    assert "It trades real money" in spoken(await chat.say("/golive spotbot", expect="gate_report"))
    assert "goes on trading on paper" in spoken(await chat.say("/golive demo", expect="gate_report"))


def _reader() -> Member:
    return Member(
        user_id="u",
        workspace_id="w",
        name="ann",
        email="ann@example.org",
        role=Role.OWNER,
        language="en",
        time_zone="UTC",
    )


@pytest.mark.parametrize("money", list(MoneyKind))
def test_an_alert_names_account_and_money_on_a_card_and_in_a_letter(money: MoneyKind) -> None:
    alert = an_alert("w", 5, dedupe_key="halted:1")
    said = Speaker().label("mode", money.value)

    card = alert_card(alert, account="spot", money=money)

    assert field(card, "account") == "spot"
    assert _mode(card) == said
    assert not any(one.name in ("account", "mode") for one in alert_card(alert).fields)
    letter = render_alert(alert, _reader(), account="spot", money=money)
    assert said in letter.text
    assert said in letter.html


def test_the_gravest_of_several_kinds_is_real_money() -> None:
    assert gravest([MoneyKind.PAPER, MoneyKind.LIVE, MoneyKind.TEST]) is MoneyKind.LIVE
    assert gravest([MoneyKind.PAPER, MoneyKind.TEST]) is MoneyKind.TEST
    assert gravest([]) is None


def test_every_kind_of_money_has_a_word_of_its_own_in_both_languages() -> None:
    for language in ("en", "fr"):
        words = [Speaker(language).label("mode", one.value) for one in MoneyKind]
        assert len(set(words)) == len(MoneyKind)
        assert [Speaker(language).label("state_name", one.name) for one in MoneyKind] == words
