"""Whoever is refused is told what is missing and what to do next, in one message, in both languages."""

from __future__ import annotations

import pytest

from chatops.commands import full_book
from chatops.testing import spoken
from chatops.texts.catalogue import LANGUAGES
from chatops.texts.speaker import Speaker
from desk.identity import Role
from desk.passwords import totp_code
from desk.store import SqlStore
from tests.chatops.chat_house import ChatHouse, furnished, with_exchange_account
from tests.chatops.released import SECOND_FACTOR, with_second_factors


@pytest.fixture
async def house(sqlite_store: SqlStore) -> ChatHouse:
    return await furnished(sqlite_store)


async def test_a_word_that_needs_a_proof_says_how_to_give_it_and_goes_on_afterwards(house: ChatHouse) -> None:
    await with_exchange_account(house, "spot", is_sandbox=False)
    await with_second_factors(house)
    chat = house.chat(Role.ADMIN, channel="telegram")
    line = "/golive demo --go account=spot"

    refused = await chat.say(line, expect="error")
    again = next(one for one in refused.buttons if one.name == "again")
    await chat.say(f"/prove {totp_code(SECOND_FACTOR, house.clock.now())}", expect="proved")
    after = await chat.say(again.line)

    assert refused.problem == "step_up_required"
    assert "/golive asks for a fresh proof" in spoken(refused)
    assert "/prove" in spoken(refused)
    assert "no second factor" not in spoken(refused)
    assert again.line == line
    # Proved, it goes as far as the next thing that is missing: the bot runs.
    assert after.problem == "conflict"
    assert "only a stopped bot" in spoken(after)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_who_has_no_second_factor_is_told_where_one_comes_from(house: ChatHouse, language: str) -> None:
    await with_exchange_account(house, "spot", is_sandbox=False)
    chat = house.chat(Role.ADMIN, channel="telegram")

    refused = spoken(await chat.say("/golive demo --go account=spot"), Speaker(language))
    proved = spoken(await chat.say("/prove 123456", expect="error"), Speaker(language))

    assert "breakwater user totp admin" in refused
    assert "breakwater user totp admin" in proved


async def test_a_role_that_is_missing_is_named_with_the_line_that_gives_it(house: ChatHouse) -> None:
    viewer = house.chat(Role.VIEWER, channel="telegram")
    refused = [(word, await viewer.say(word.example)) for word in full_book() if word.role > Role.VIEWER]

    assert len(refused) > 30
    for word, card in refused:
        shown = spoken(card)
        assert card.problem == "denied", word.name
        assert f"/{word.name} needs the role {word.role.name.lower()}" in shown
        assert f"/role viewer {word.role.name.lower()}" in shown


async def test_a_part_of_a_word_that_is_refused_names_the_word_and_not_the_desks_command(
    house: ChatHouse,
) -> None:
    card = await house.chat(Role.VIEWER, channel="telegram").say("/config demo fast_bars=10", expect="error")

    assert "/config needs the role admin; you are viewer" in spoken(card)
    assert "ChangeConfig" not in spoken(card)
