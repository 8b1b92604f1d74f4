"""The Discord door at a stand-in, with the real library over sockets: commands, buttons, forms, completion, strangers."""

from __future__ import annotations

import asyncio
from typing import Any

from chatops.discord_bot.components import form_id, read_id
from desk.identity import Role
from desk.store import SqlStore
from tests.chatops.chat_house import furnished
from tests.support.discord_house import STRANGER, opened, title
from trading.events import Desired, TradingState


async def test_a_slash_command_is_acknowledged_first_and_answered_in_place(sqlite_store: SqlStore) -> None:
    async with opened(sqlite_store) as discord:
        seen = await discord.guest(Role.VIEWER).say("/bots")

        assert seen["answer"] == 5, "deferred"
        assert len(seen["messages"]) == 1
        message = seen["messages"][0]
        assert title(message) == "1 bot"
        assert "demo" in message["embeds"][0]["description"]
        assert not message["is_loading"]
        assert discord.server.violations == []


async def test_typed_options_reach_the_word_as_they_were_filled_in(sqlite_store: SqlStore) -> None:
    async with opened(sqlite_store) as discord:
        guest = discord.guest(Role.OPERATOR)

        seen = await guest.say("/pause demo for=2h30m reason=\"news = 'ahead' - soon\"")

        assert title(seen["messages"][0]) == "demo is paused"
        bot = await discord.house.bot_now()
        assert bot.desired is Desired.PAUSED
        assert bot.resume_at is not None
        assert (bot.resume_at - discord.house.clock.now()).total_seconds() == 9000
        seen = await guest.say("/trades n=2 side=long")
        assert title(seen["messages"][0]) == "Last 2 trades"


async def test_a_confirmation_takes_the_place_of_its_question(sqlite_store: SqlStore) -> None:
    async with opened(sqlite_store) as discord:
        guest = discord.guest()
        asked = await guest.say("/stop demo")
        assert title(guest.message) == "Please confirm"
        assert (await discord.house.bot_now()).desired is Desired.RUNNING

        seen = await guest.press("confirm")

        assert seen["answer"] == 6
        assert [one["id"] for one in seen["messages"]] == [asked["messages"][0]["id"]]
        assert title(guest.message) == "demo is to stop"
        assert guest.message["components"] == []
        assert (await discord.house.bot_now()).desired is Desired.STOPPED


async def test_a_word_is_typed_into_a_form_that_needs_no_look_up(sqlite_store: SqlStore) -> None:
    async with opened(sqlite_store) as discord:
        guest = discord.guest(locale="fr")
        await guest.say("/panic")
        await guest.press("confirm")
        assert await discord.house.trading_state() is TradingState.HALTED
        await guest.say("/unlatch")
        question = guest.message

        tapped = read_id(guest.button("confirm"))
        shown = await discord.people.press(guest.user, question["id"], guest.button("confirm"), locale="fr")

        assert tapped is not None
        assert tapped.needs_word
        assert shown["answer"] == 9
        assert shown["modal"]["custom_id"] == form_id(tapped.token)
        assert shown["modal"]["title"] == "Veuillez confirmer"
        seen = await discord.people.submit(
            guest.user, shown["modal"]["custom_id"], {"word": "paper"}, message=question["id"]
        )
        assert title(seen["messages"][0]) == "paper may trade again"
        assert await discord.house.trading_state() is TradingState.ACTIVE


async def test_a_wrong_word_executes_nothing(sqlite_store: SqlStore) -> None:
    async with opened(sqlite_store) as discord:
        guest = discord.guest()
        await guest.say("/panic")
        await guest.press("confirm")
        await guest.say("/unlatch")

        seen = await guest.press("confirm", typed="Paper")

        assert "'paper' is needed" in seen["messages"][-1]["embeds"][0]["description"]
        assert await discord.house.trading_state() is TradingState.HALTED


async def test_used_foreign_expired_and_altered_buttons_execute_nothing(sqlite_store: SqlStore) -> None:
    async with opened(sqlite_store) as discord:
        guest, house = discord.guest(), discord.house
        await guest.say("/stop demo")
        message, button = guest.message, guest.button("confirm")
        before = await house.sequence()

        async def refused(user: str, custom_id: str) -> dict[str, Any]:
            seen = await discord.people.press(user, message["id"], custom_id)
            assert seen["messages"][-1]["is_ephemeral"], "only the one who pressed sees it"
            assert title(seen["messages"][-1]) == "Not allowed"
            assert await house.sequence() == before
            return seen

        await refused(discord.guest(Role.ADMIN).user, button)
        for altered in (button[:-1], button + "A", button.swapcase().replace("BW:B:", "bw:b:")):
            await refused(guest.user, altered)
        await guest.press("confirm")
        assert (await house.bot_now()).desired is Desired.STOPPED
        before = await house.sequence()
        await refused(guest.user, button)

        await guest.say("/start demo")
        message, button = guest.message, guest.button("confirm")
        house.clock.advance(60.001)
        await refused(guest.user, button)
        assert (await house.bot_now()).desired is Desired.STOPPED


async def test_two_taps_at_once_execute_once(sqlite_store: SqlStore) -> None:
    async with opened(sqlite_store) as discord:
        guest = discord.guest()
        await guest.say("/stop demo")
        message, button = guest.message, guest.button("confirm")
        before = await discord.house.sequence()

        seen = await asyncio.gather(
            *(discord.people.press(guest.user, message["id"], button) for _ in range(6))
        )

        refusals = [one for one in seen if one["messages"][-1]["is_ephemeral"]]
        assert len(refusals) == 5
        assert await discord.house.sequence() == before + 1


async def test_buttons_work_after_a_restart(sqlite_store: SqlStore) -> None:
    house = await furnished(sqlite_store)
    async with opened(sqlite_store, house=house) as first:
        guest = first.guest()
        await guest.say("/stop demo")
        message, button = guest.message, guest.button("confirm")
        await guest.say("/status")
        shown, refresh = guest.message, guest.button("refresh")
        old = first.server.messages

    async with opened(sqlite_store, house=house) as second:
        second.server.messages |= old

        seen = await second.people.press(guest.user, shown["id"], refresh)
        assert title(seen["messages"][0]) == title(shown)
        seen = await second.people.press(guest.user, message["id"], button)

        assert title(seen["messages"][0]) == "demo is to stop"
        assert (await house.bot_now()).desired is Desired.STOPPED


async def test_completion_offers_what_there_is_and_strangers_get_nothing(sqlite_store: SqlStore) -> None:
    async with opened(sqlite_store) as discord:
        viewer = discord.guest(Role.VIEWER).user

        async def offered(user: str, name: str, option: str, typed: str) -> list[str]:
            seen = await discord.people.complete(user, name, option, typed)
            assert seen["answer"] == 8
            return [one["value"] for one in seen["choices"]]

        assert await offered(viewer, "trades", "pair", "eth") == ["ETH/USDT"]
        assert await offered(viewer, "help", "command", "tra") == ["trades", "trade"]
        assert await offered(viewer, "why", "trade", "#5") == ["5"]
        assert await offered(discord.guest(Role.OPERATOR).user, "pause", "bot", "DE") == ["demo"]
        assert await offered(viewer, "pause", "bot", "de") == [], "the word is not the viewer's"
        assert await offered(STRANGER, "trades", "pair", "eth") == []
        admin = discord.guest(Role.ADMIN).user
        assert await offered(admin, "newbot", "pairs", "BTC/USDT,eth") == ["BTC/USDT,ETH/USDT"]
        assert "elliott_wave" in await offered(admin, "newbot", "strategy", "elliott")


async def test_a_stranger_gets_one_neutral_line_that_nobody_else_sees(sqlite_store: SqlStore) -> None:
    async with opened(sqlite_store) as discord:
        first = await discord.people.slash(STRANGER, "status")
        await discord.server.until(lambda: discord.server.interactions[first["id"]].followups)
        first = await discord.people.seen(first["id"])
        second = await discord.people.slash(STRANGER, "bots")

        assert [one["is_deleted"] for one in first["messages"]] == [True, False]
        assert first["messages"][1]["is_ephemeral"]
        assert "demo" not in str(first["messages"])
        assert [one["is_deleted"] for one in second["messages"]] == [True]


async def test_a_code_links_a_stranger_where_nobody_else_can_read_it(sqlite_store: SqlStore) -> None:
    async with opened(sqlite_store) as discord:
        discord.links.codes["a-good-code-123456"] = Role.TRADER

        seen = await discord.people.slash(STRANGER, "link", {"action": "a-good-code-123456"})

        assert seen["messages"][0]["is_ephemeral"]
        assert title(seen["messages"][0]) == "Linked: trader"
        assert title((await discord.people.slash(STRANGER, "bots"))["messages"][0]) == "1 bot"


async def test_everybody_reads_their_own_language(sqlite_store: SqlStore) -> None:
    async with opened(sqlite_store) as discord:
        guest = discord.guest(Role.OPERATOR)
        seen = await guest.say("/lang fr")
        assert seen["messages"][0]["is_ephemeral"], "a preference is nobody else's business"

        discord.house.members[Role.OPERATOR] = await _member(discord.house, Role.OPERATOR)
        assert "Positions" in str((await guest.say("/help"))["messages"])
        assert title((await guest.say("/stop demo"))["messages"][0]) == "À confirmer"
        assert title((await discord.guest().say("/stop demo"))["messages"][0]) == "Please confirm"


async def _member(house: Any, role: Role) -> Any:
    async with house.store.reading() as tx:
        return await tx.members.by_id(house.workspace.id, house.members[role].user_id)


async def test_the_conversation_with_the_bot_works_as_a_server_does(sqlite_store: SqlStore) -> None:
    async with opened(sqlite_store) as discord:
        guest = discord.guest(dm=True)

        await guest.say("/stop demo")
        assert not guest.message["is_ephemeral"]
        await guest.press("confirm")

        assert title(guest.message) == "demo is to stop"
        assert guest.message["channel_id"] == discord.server.dms[guest.user]
