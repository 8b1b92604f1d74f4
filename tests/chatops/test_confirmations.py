"""Danger: a confirmation works once, for one person, at one door, for a minute; else nothing happens."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest

from chatops.cards import Text
from chatops.testing import Chat, spoken
from desk.bus import EventBus
from desk.desk import Desk
from desk.identity import Role
from desk.store import SqlStore, open_store
from desk.views import Page
from tests.chatops.chat_house import ChatHouse, furnished
from trading.events import Desired


@pytest.fixture
async def house(sqlite_store: SqlStore) -> ChatHouse:
    return await furnished(sqlite_store)


async def _token(chat: Chat, line: str = "/stop demo") -> str:
    return (await chat.say(line, expect="confirm")).token


async def _refused(house: ChatHouse, chat: Chat, line: str, verdict: str) -> None:
    before = await house.sequence()

    card = await chat.say(line, expect="error")

    assert card.problem == "denied"
    assert card.body[0] == Text("problem.confirmation", {"verdict": Text(f"verdict.{verdict}")})
    assert await house.sequence() == before


async def test_a_confirmation_is_used_once(house: ChatHouse) -> None:
    chat = house.chat()
    token = await _token(chat)

    await chat.say(f"/confirm {token}", expect="bot")

    assert (await house.bot_now()).desired is Desired.STOPPED
    await chat.agree("/start demo", expect="bot")
    await _refused(house, chat, f"/confirm {token}", "used")
    assert (await house.bot_now()).desired is Desired.RUNNING


async def test_a_used_confirmation_stays_used_when_the_danger_has_gone(house: ChatHouse) -> None:
    # A running bot starts without a question, so the desk alone would not look at the token again.
    chat = house.chat()
    await chat.agree("/stop demo", expect="bot")
    token = await _token(chat, "/start demo")
    await chat.say(f"/confirm {token}", expect="bot")

    await _refused(house, chat, f"/confirm {token}", "used")


async def test_somebody_elses_confirmation_does_nothing_and_stays_good(house: ChatHouse) -> None:
    chat = house.chat()
    token = await _token(chat)

    await _refused(house, house.chat(Role.ADMIN), f"/confirm {token}", "foreign")
    await _refused(house, house.chat(Role.OWNER, channel="telegram"), f"/confirm {token}", "foreign")

    await chat.say(f"/confirm {token}", expect="bot")


async def test_a_confirmation_ends_after_a_minute(house: ChatHouse) -> None:
    chat = house.chat()
    token = await _token(chat)

    house.clock.advance(60.001)

    await _refused(house, chat, f"/confirm {token}", "expired")
    assert (await house.bot_now()).desired is Desired.RUNNING


@pytest.mark.parametrize(
    "change", [lambda one: one[:-1], lambda one: one + "A", str.swapcase, lambda _: "x" * 500]
)
async def test_an_altered_token_is_unknown(house: ChatHouse, change: object) -> None:
    chat = house.chat()
    token = await _token(chat)

    assert callable(change)
    await _refused(house, chat, f"/confirm {change(token)}", "unknown")


async def test_a_cancelled_confirmation_cannot_be_pressed_any_more(house: ChatHouse) -> None:
    chat = house.chat()
    token = await _token(chat)

    await chat.press("cancel", expect="dismissed")

    await _refused(house, chat, f"/confirm {token}", "used")
    assert (await house.bot_now()).desired is Desired.RUNNING


async def test_two_presses_at_once_execute_once(house: ChatHouse) -> None:
    chat = house.chat()
    token = await _token(chat)
    before = await house.sequence()

    cards = await asyncio.gather(*(house.chat().say(f"/confirm {token}") for _ in range(6)))

    assert sorted(one.name for one in cards) == ["bot"] + ["error"] * 5
    assert await house.sequence() == before + 1


async def test_a_wrong_word_does_nothing_and_the_right_one_still_works(house: ChatHouse) -> None:
    chat = house.chat()
    await chat.agree("/panic", expect="panic")
    asked = await chat.say("/unlatch", expect="confirm")
    before = await house.sequence()

    for typed in ("", "Paper", "papers", "yes"):
        card = await chat.say(f'/confirm {asked.token} "{typed}"', expect="error")
        assert "'paper' is needed" in spoken(card)
    assert await house.sequence() == before

    await chat.say(f"/confirm {asked.token} paper", expect="unlatched")


async def test_a_panic_with_nothing_open_is_asked_without_positions(house: ChatHouse) -> None:
    chat = house.chat()
    assert "close 1 position" in spoken(await chat.say("/panic", expect="confirm"))
    async with house.store.transaction() as tx:
        for one in await tx.positions.open(house.workspace.id, house.account.id):
            closed = replace(one, quantity=Decimal(0), legs=(), closed_at=house.clock.now())
            await tx.positions.save(closed)

    asked = await chat.say("/panic", expect="confirm")

    assert "cancel its entries? No position is open." in spoken(asked)


async def test_a_confirmation_survives_a_restart(house: ChatHouse, sqlite_url: str) -> None:
    token = await _token(house.chat())

    again = open_store(sqlite_url)
    try:
        fresh = Desk(again, EventBus(), house.clock)
        fresh._handlers, fresh._previewers = house.desk._handlers, house.desk._previewers
        room = type(house.room)(desk=fresh)
        await Chat(room, house.actor()).say(f"/confirm {token}", expect="bot")
    finally:
        await again.close()

    assert (await house.bot_now()).desired is Desired.STOPPED


async def test_a_demoted_person_cannot_press_any_more(house: ChatHouse) -> None:
    chat = house.chat(Role.OPERATOR)
    token = await _token(chat)
    demoted = Chat(house.room, replace(house.actor(Role.OPERATOR), role=Role.VIEWER))

    card = await demoted.say(f"/confirm {token}", expect="error")

    assert card.problem == "denied"
    assert (await house.bot_now()).desired is Desired.RUNNING


async def test_every_refused_press_is_in_the_audit(house: ChatHouse) -> None:
    chat = house.chat()
    token = await _token(chat)
    await house.chat(Role.ADMIN).say(f"/confirm {token}")
    await chat.say(f"/confirm {token}")
    await chat.say(f"/confirm {token}")

    async with house.store.reading() as tx:
        rows = await tx.audit.page(house.workspace.id, Page(first=10))

    told = [(one.actor, one.action, one.detail.get("reason", ""), one.outcome) for one in reversed(rows)]
    assert told == [
        ("admin@console", "StopBot", "confirmation foreign", "denied"),
        ("owner@console", "StopBot", "", "done"),
        ("owner@console", "StopBot", "confirmation used", "denied"),
    ]


async def test_the_token_is_not_in_the_database_in_clear(house: ChatHouse, sqlite_url: str) -> None:
    from pathlib import Path

    token = await _token(house.chat())

    folder = Path(sqlite_url.removeprefix("sqlite:")).parent
    assert all(token.encode() not in one.read_bytes() for one in folder.iterdir() if one.is_file())
