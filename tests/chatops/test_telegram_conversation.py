"""The conversation that every chat platform shares, over a platform in memory and a real store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from chatops.commands import full_book
from chatops.doors.answering import Answering
from chatops.doors.buttons import Buttons
from chatops.doors.carrier import AnswerLost, NeverThis, NotNow
from chatops.doors.conversation import Conversation
from chatops.doors.heard import Heard
from chatops.doors.living import Living
from desk.commands import CancelJob
from desk.identity import Role
from desk.store import SqlStore
from desk.views import Filter, Page
from tests.chatops.chat_house import ChatHouse, furnished
from tests.support.door_people import FakePeople, FakePlatform, Mouth
from trading.events import Desired


@dataclass(slots=True, kw_only=True)
class DoorHouse:
    """A furnished house with one door open."""

    house: ChatHouse
    people: FakePeople
    platform: FakePlatform
    conversation: Conversation
    answering: Answering

    async def hear(self, heard: Heard) -> dict[str, Any]:
        """Hand a message over and give the reply that was carried."""
        before = len(self.platform.carried)
        await self.answering.take([heard])
        await self.idle()
        assert len(self.platform.carried) > before, "nothing was answered"
        return dict(self.platform.carried[-1])

    async def idle(self) -> None:
        """Wait until nothing is under way."""
        while True:
            for _ in range(20):
                await asyncio.sleep(0)
            if not self.answering.waiting and not self.answering.replies.waiting:
                return
            await asyncio.sleep(0.001)


@asynccontextmanager
async def opened(store: SqlStore, house: ChatHouse | None = None) -> AsyncIterator[DoorHouse]:
    house = house or await furnished(store)
    people = FakePeople(house, {role.name.lower(): role for role in Role if role is not Role.STRANGER})
    platform = FakePlatform()
    conversation = Conversation(house.room, full_book(), people)
    answering = Answering(conversation, platform)
    running = asyncio.create_task(answering.run())
    await asyncio.wait_for(answering.ready.wait(), 30)
    try:
        yield DoorHouse(
            house=house,
            people=people,
            platform=platform,
            conversation=conversation,
            answering=answering,
        )
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def key(reply: dict[str, Any], label: str) -> str:
    """Give the token of a button."""
    return str(next(token for name, token in reply["keys"] if name == label))


async def test_a_line_is_answered_with_the_card_of_every_door(sqlite_store: SqlStore) -> None:
    async with opened(sqlite_store) as door:
        reply = await door.hear(Mouth("viewer").says("/bots"))

    assert reply["card"] == "bots"
    assert "demo" in reply["text"]


async def test_the_same_message_again_is_answered_once(sqlite_store: SqlStore) -> None:
    async with opened(sqlite_store) as door:
        heard = Mouth("operator").says("/pause demo")
        await door.hear(heard)
        await door.answering.take([heard, heard])
        await door.idle()
        sequence = await door.house.sequence()
        await door.answering.take([heard])
        await door.idle()

        assert len(door.platform.carried) == 1
        assert await door.house.sequence() == sequence


async def test_a_message_whose_answer_was_cut_off_is_answered_after_the_restart_and_done_once(
    sqlite_store: SqlStore,
) -> None:
    async with opened(sqlite_store) as door:
        heard = Mouth("operator").says("/pause demo")
        house = door.house
        # The command was done, the process died before the reply was put down.
        await door.conversation.answer(heard)
        async with sqlite_store.transaction() as tx:
            from chatops.doors.answering import _update

            assert await tx.chats.receive(_update(heard, house.workspace.id, house.clock.now()))
        sequence = await house.sequence()

    async with opened(sqlite_store, house) as again:
        await again.idle()

        assert [one["card"] for one in again.platform.carried] == ["done_before"]
        assert await house.sequence() == sequence
        assert (await house.bot_now()).desired is Desired.PAUSED


async def test_a_confirmation_works_once_for_its_owner_in_its_chat(sqlite_store: SqlStore) -> None:
    async with opened(sqlite_store) as door:
        owner = Mouth("owner")
        asked = await door.hear(owner.says("/stop demo"))
        token = key(asked, "Confirm")

        foreign = await door.hear(Mouth("trader", chat_id="chat-owner").taps(token))
        elsewhere = await door.hear(Mouth("owner", chat_id="another", said=50).taps(token))
        altered = await door.hear(owner.taps(token[:-2] + ("AA" if token[-2:] != "AA" else "BB")))
        assert (await door.house.bot_now()).desired is Desired.RUNNING
        done = await door.hear(owner.taps(token))
        again = await door.hear(owner.taps(token))

        assert [one["card"] for one in (foreign, elsewhere, altered, again)] == ["error"] * 4
        assert "somebody else's" in foreign["text"]
        assert "unknown" in altered["text"]
        assert "used already" in again["text"]
        assert done["card"] == "bot"
        assert done["edits"] == "77"
        assert (await door.house.bot_now()).desired is Desired.STOPPED


async def test_an_expired_confirmation_does_nothing(sqlite_store: SqlStore) -> None:
    async with opened(sqlite_store) as door:
        owner = Mouth("owner")
        asked = await door.hear(owner.says("/stop demo"))
        door.house.clock.advance(61)
        late = await door.hear(owner.taps(key(asked, "Confirm")))

        assert "expired" in late["text"]
        assert (await door.house.bot_now()).desired is Desired.RUNNING


async def test_two_taps_at_once_execute_once(sqlite_store: SqlStore) -> None:
    async with opened(sqlite_store) as door:
        owner = Mouth("owner")
        asked = await door.hear(owner.says("/stop demo"))
        before = await door.house.sequence()
        taps = [owner.taps(key(asked, "Confirm")) for _ in range(5)]
        answers = await asyncio.gather(*(door.conversation.answer(one) for one in taps))

        cards = sorted(one.card.name for one in answers if one.card)
        assert cards == ["bot", "error", "error", "error", "error"]
        assert await door.house.sequence() == before + 1


async def test_a_button_whose_row_was_changed_in_the_database_does_nothing(sqlite_store: SqlStore) -> None:
    async with opened(sqlite_store) as door:
        owner = Mouth("owner")
        shown = await door.hear(owner.says("/status"))
        async with sqlite_store.transaction() as tx:
            await tx.connection.change("UPDATE chat_buttons SET line = '/pause demo'")
        answer = await door.hear(owner.taps(key(shown, "Refresh")))

        assert answer["card"] == "error"
        assert (await door.house.bot_now()).desired is Desired.RUNNING


async def test_a_typed_word_confirms_what_asks_for_one(sqlite_store: SqlStore) -> None:
    async with opened(sqlite_store) as door:
        admin = Mouth("admin")
        await door.hear(admin.says("/stop demo"))
        async with sqlite_store.transaction() as tx:
            bot = await door.house.bot_now()
            await tx.bots.save(replace(bot, desired=Desired.STOPPED))
            for position in await tx.positions.open(door.house.workspace.id):
                await tx.positions.save(replace(position, closed_at=door.house.clock.now()))
        asked = await door.hear(admin.says("/delbot demo"))
        prompt = await door.hear(admin.taps(key(asked, "Confirm")))
        wrong = await door.hear(admin.says("something else"))
        prompt_again = await door.hear(admin.taps(key(asked, "Confirm")))
        right = await door.hear(admin.says("demo"))

        assert (prompt["card"], prompt["word"]) == ("word", "demo")
        assert wrong["card"] == "error"
        assert prompt_again["card"] == "word"
        assert right["card"] not in {"error", "word"}, right["text"]


async def test_a_role_that_was_taken_away_counts_at_the_very_tap(sqlite_store: SqlStore) -> None:
    async with opened(sqlite_store) as door:
        owner = Mouth("owner")
        asked = await door.hear(owner.says("/stop demo"))
        door.people.linked["owner"] = Role.VIEWER
        await door.hear(owner.taps(key(asked, "Confirm")))

        assert (await door.house.bot_now()).desired is Desired.RUNNING


async def test_a_stranger_gets_one_line_an_hour_and_costs_no_row(sqlite_store: SqlStore) -> None:
    async with opened(sqlite_store) as door:
        rows = await _rows(sqlite_store)
        mallory = Mouth("mallory")
        first = await door.hear(mallory.says("/panic"))
        await door.answering.take([mallory.says("/status"), mallory.taps("abc"), mallory.says("hello")])
        await door.idle()
        assert len(door.platform.carried) == 1
        assert await _rows(sqlite_store) == rows
        door.house.clock.advance(3601)
        await door.hear(mallory.says("/status"))

        assert first["card"] == "stranger"
        assert "demo" not in first["text"]


async def test_a_good_code_links_once_in_private_and_a_bad_one_never(sqlite_store: SqlStore) -> None:
    async with opened(sqlite_store) as door:
        door.people.codes["GOODCODE1"] = Role.OPERATOR
        mallory = Mouth("mallory")
        bad = await door.hear(mallory.says("/link WRONGCODE"))
        assert "mallory" not in door.people.linked
        group = replace(mallory.says("/link GOODCODE1"))
        group = replace(group, place=replace(group.place, is_private=False))
        await door.hear(group)
        assert "mallory" not in door.people.linked
        assert "GOODCODE1" not in door.people.codes
        door.people.codes["GOODCODE2"] = Role.OPERATOR
        good = await door.hear(mallory.says("/start GOODCODE2"))

        assert bad["card"] == "link_refused"
        assert good["card"] == "linked"
        assert door.people.linked["mallory"] is Role.OPERATOR


async def test_codes_cannot_be_guessed_in_numbers(sqlite_store: SqlStore) -> None:
    async with opened(sqlite_store) as door:
        mallory = Mouth("mallory")
        await door.answering.take([mallory.says(f"/link WRONG{n:04d}") for n in range(5)])
        await door.idle()
        door.people.codes["GOODCODE1"] = Role.OWNER
        await door.answering.take([mallory.says("/link GOODCODE1")])
        await door.idle()

        assert "mallory" not in door.people.linked


async def test_bare_start_never_trades(sqlite_store: SqlStore) -> None:
    async with opened(sqlite_store) as door:
        before = await door.house.sequence()
        reply = await door.hear(Mouth("owner").says("/start"))

        assert reply["card"] == "welcome"
        assert await door.house.sequence() == before


async def test_a_missing_argument_is_offered_as_buttons(sqlite_store: SqlStore) -> None:
    async with opened(sqlite_store) as door:
        owner = Mouth("owner")
        asked = await door.hear(owner.says("/lang"))
        chosen = await door.hear(owner.taps(key(asked, "fr")))

        assert [label for label, _ in asked["keys"]] == ["en", "fr"]
        assert "français" in chosen["text"].lower()


async def test_a_reply_whose_answer_was_lost_is_sent_again_and_labelled(sqlite_store: SqlStore) -> None:
    async with opened(sqlite_store) as door:
        door.platform.fails = [AnswerLost("no answer")]
        door.platform.arrives_before_failing = True
        await door.answering.take([Mouth("owner").says("/bots")])
        await _advance(door)

        assert [one["card"] for one in door.platform.carried] == ["bots", "bots"]
        assert door.platform.repeats == [False, True]


async def test_a_reply_that_certainly_did_not_arrive_is_sent_again_without_a_label(
    sqlite_store: SqlStore,
) -> None:
    async with opened(sqlite_store) as door:
        door.platform.fails = [NotNow("flood", after_s=3.0), NotNow("no connection")]
        await door.answering.take([Mouth("owner").says("/bots"), Mouth("owner", said=9).says("/version")])
        await _advance(door)

        assert [one["card"] for one in door.platform.carried] == ["bots", "version"]
        assert door.platform.repeats == [False, False]


async def test_a_reply_that_a_crash_left_is_sent_by_the_next_process_and_labelled(
    sqlite_store: SqlStore,
) -> None:
    async with opened(sqlite_store) as door:
        house = door.house
        door.platform.fails = [AnswerLost("gone")]
        await door.answering.take([Mouth("owner").says("/bots")])
        for _ in range(50):
            await asyncio.sleep(0.001)
        assert door.platform.carried == []

    async with opened(sqlite_store, house) as again:
        await again.idle()

        assert [one["card"] for one in again.platform.carried] == ["bots"]
        assert again.platform.repeats == [True]


async def test_a_reply_that_the_platform_refuses_for_good_is_buried_and_holds_up_nothing(
    sqlite_store: SqlStore,
) -> None:
    async with opened(sqlite_store) as door:
        door.platform.fails = [NeverThis("blocked by the user")]
        await door.answering.take([Mouth("owner").says("/bots"), Mouth("owner", said=9).says("/version")])
        await door.idle()

        assert [one["card"] for one in door.platform.carried] == ["version"]
        async with sqlite_store.reading() as tx:
            buried = await tx.messages.buried(door.house.workspace.id, Page(first=5))
        assert [one.cause for one in buried] == ["blocked by the user"]


async def test_a_message_that_ends_the_process_each_time_is_put_aside(sqlite_store: SqlStore) -> None:
    async with opened(sqlite_store) as door:
        house = door.house
        heard = Mouth("owner").says("/bots")
        async with sqlite_store.transaction() as tx:
            from chatops.doors.answering import _update

            await tx.chats.receive(_update(heard, house.workspace.id, house.clock.now()))
            for _ in range(4):
                await tx.chats.begin(house.workspace.id, heard.source, heard.message_id)

    async with opened(sqlite_store, house) as again:
        await again.idle()

        assert again.platform.carried == []
        async with sqlite_store.reading() as tx:
            buried = await tx.messages.buried(house.workspace.id, Page(first=5))
        assert [one.kind for one in buried] == ["chat_message"]


async def test_a_long_reply_is_leafed_through_and_keeps_its_buttons(sqlite_store: SqlStore) -> None:
    async with opened(sqlite_store) as door:
        door.platform.page_rows = 8
        owner = Mouth("owner")
        first = await door.hear(owner.says("/help"))
        second = await door.hear(owner.taps(first["pages_token"], page=1))
        foreign = await door.hear(Mouth("trader", chat_id="chat-owner").taps(first["pages_token"], page=1))

        assert first["pages_token"]
        assert second["text"] != first["text"]
        assert second["edits"] == "77"
        assert foreign["card"] == "error"


async def test_a_living_message_is_edited_only_when_it_changed_and_survives_a_restart(
    sqlite_store: SqlStore,
) -> None:
    async with opened(sqlite_store) as door:
        house = door.house
        await door.hear(Mouth("owner").says("/status live"))
        living = Living(door.conversation, door.platform)
        assert await living.sweep() in (0, 1)
        assert await living.sweep() == 0

    async with opened(sqlite_store, house) as again:
        living = Living(again.conversation, again.platform)
        async with sqlite_store.transaction() as tx:
            for position in await tx.positions.open(house.workspace.id):
                await tx.positions.save(replace(position, closed_at=house.clock.now()))
        assert await living.sweep() == 1
        assert again.platform.carried[-1]["edits"] == "1"
        await again.hear(Mouth("owner", said=7).says("/status live off"))
        assert await living.sweep() == 0
        async with sqlite_store.reading() as tx:
            assert await tx.chats.living("telegram") == []


async def test_a_word_that_reduces_risk_waits_for_nobody(sqlite_store: SqlStore) -> None:
    async with opened(sqlite_store) as door:
        gate = asyncio.Event()
        answer = door.conversation.answer

        async def slow(heard: Heard, *, is_again: bool = False) -> Any:
            if heard.text == "/bots":
                await gate.wait()
            return await answer(heard, is_again=is_again)

        door.conversation.answer = slow  # type: ignore[method-assign]
        owner = Mouth("owner")
        await door.answering.take([owner.says("/bots"), owner.says("/pause demo")])
        while not door.platform.carried:  # noqa: ASYNC110 - a list has no event
            await asyncio.sleep(0.001)

        assert door.platform.carried[0]["card"] == "bot"
        gate.set()
        await door.idle()
        assert len(door.platform.carried) == 2


async def test_expired_buttons_are_forgotten_after_a_day(sqlite_store: SqlStore) -> None:
    async with opened(sqlite_store) as door:
        asked = await door.hear(Mouth("owner").says("/stop demo"))
        now = door.house.clock.now()
        async with sqlite_store.transaction() as tx:
            assert await tx.chats.forget_buttons(now) == 0
            assert await tx.chats.forget_buttons(now + timedelta(days=1)) == 2

        assert await Buttons(sqlite_store).look("telegram", key(asked, "Confirm")) is None


async def _rows(store: SqlStore) -> list[int]:
    tables = ("chat_updates", "chat_replies", "chat_buttons", "inbox", "audit", "alerts", "keys")
    async with store.reading() as tx:
        counts = []
        for table in tables[:-1]:
            row = await tx.connection.row(f"SELECT COUNT(*) FROM {table}")
            assert row is not None
            counts.append(int(row[0]))
    return counts


async def _advance(door: DoorHouse) -> None:
    """Let time pass until everything was sent."""
    for _ in range(400):
        await asyncio.sleep(0.001)
        if not door.answering.waiting and not door.answering.replies.waiting:
            return
        door.house.clock.advance(1.0)
    pytest.fail("it never ended")


async def test_a_job_is_followed_in_its_message_until_it_ends_with_its_report(
    sqlite_store: SqlStore,
) -> None:
    async with opened(sqlite_store) as door:
        first = await door.hear(Mouth("owner").says("/backtest buy_and_hold BTC/USDT 1h"))
        living = Living(door.conversation, door.platform)
        await living.sweep()
        followed = dict(door.platform.carried[-1])
        async with sqlite_store.reading() as tx:
            [job] = await tx.jobs.page(door.house.workspace.id, Filter(), Page(first=5))
        await door.house.desk.do(CancelJob(job_id=job.id), door.house.actor())
        await living.sweep()
        ended = dict(door.platform.carried[-1])
        sent = len(door.platform.carried)
        assert await living.sweep() == 0

        assert [label for label, _ in first["keys"]] == ["Refresh", "Cancel the job"]
        assert (followed["edits"], [label for label, _ in followed["keys"]]) == (
            "1",
            ["Refresh", "Cancel the job"],
        )
        assert (ended["edits"], "ancel" in ended["text"]) == ("1", True)
        assert len(door.platform.carried) == sent
