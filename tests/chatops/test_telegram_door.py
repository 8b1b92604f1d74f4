"""The Telegram door end to end: python-telegram-bot over sockets against a stand-in in another process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from chatops.commands import full_book
from chatops.doors.door import DoorState
from chatops.doors.links import DeskLinks
from chatops.telegram_bot.door import TelegramDoor
from desk.clock import SystemClock
from desk.commands import CreateChatLinkCode
from desk.identity import Role
from desk.ports import Painter
from desk.store import SqlStore
from tests.chatops.chat_house import ChatHouse, furnished
from tests.support.telegram_world import TOKEN, USERNAME, StandIn, Telegram
from trading.events import Desired

#: Telegram's ids of the house's people.
IDS = {Role.VIEWER: 1001, Role.OPERATOR: 1002, Role.TRADER: 1003, Role.ADMIN: 1004, Role.OWNER: 1005}
OWNER = IDS[Role.OWNER]
STRANGER = 6666


@dataclass(slots=True, kw_only=True)
class World:
    """A house with its Telegram door open."""

    house: ChatHouse
    telegram: Telegram
    door: TelegramDoor
    running: asyncio.Task[None]


async def link_everybody(house: ChatHouse) -> None:
    async with house.store.transaction() as tx:
        for role, user in IDS.items():
            await tx.links.add(
                house.workspace.id,
                user_id=house.members[role].user_id,
                platform="telegram",
                platform_user_id=str(user),
                display_name=role.name.lower(),
                at=house.room.now,
            )


@asynccontextmanager
async def open_door(
    house: ChatHouse, telegram: Telegram, *, token: str = TOKEN, living_s: float = 0.2
) -> AsyncIterator[World]:
    door = TelegramDoor(
        house.room,
        full_book(),
        DeskLinks(house.room.desk),
        token=token,
        base_url=telegram.url,
        poll_s=5,
        living_s=living_s,
    )
    running = asyncio.create_task(door.run())
    try:
        for _ in range(1000):
            if door.state is DoorState.OPEN or running.done():
                break
            await asyncio.sleep(0.01)
        yield World(house=house, telegram=telegram, door=door, running=running)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@pytest.fixture(scope="module")
def stand_in() -> Iterator[StandIn]:
    running = StandIn()
    yield running
    running.close()


@pytest.fixture
async def telegram(stand_in: StandIn) -> AsyncIterator[Telegram]:
    async with stand_in.visited() as visited:
        yield visited


async def real_house(store: SqlStore, *, painter: Painter | None = None) -> ChatHouse:
    """Give a furnished house that lives by the machine's clock: the library's sockets do so too."""
    house = await furnished(store, painter=painter)
    desk = house.room.desk
    desk.clock = SystemClock()
    await link_everybody(house)
    return house


@pytest.fixture
async def world(sqlite_store: SqlStore, telegram: Telegram) -> AsyncIterator[World]:
    async with open_door(await real_house(sqlite_store), telegram) as opened:
        yield opened


async def test_a_conversation_from_first_word_to_confirmed_stop(world: World) -> None:
    tg = world.telegram
    hello = await tg.ask(OWNER, "/start")
    bots = await tg.ask(OWNER, f"/bots@{USERNAME}")
    asked = await tg.ask(OWNER, "/stop demo")
    done = await tg.press(OWNER, asked, "Confirm")
    again = await tg.press(OWNER, asked, "Confirm")

    assert "Welcome" in hello["text"]
    assert "demo" in bots["text"]
    assert bots["raw"].count("<pre>") == 1
    assert [label for label, _ in asked["keys"]] == ["Confirm", "Cancel"]
    assert (done["method"], done["id"], done["keys"]) == ("editMessageText", asked["id"], [])
    assert "used already" in again["text"]
    assert (await world.house.bot_now()).desired is Desired.STOPPED


async def test_an_update_that_telegram_repeats_is_done_once(world: World) -> None:
    update = await world.telegram.say(OWNER, "/pause demo")
    await world.telegram.next()
    sequence = await world.house.sequence()
    for _ in range(3):
        await world.telegram.do("again", update=update)
    await world.telegram.silent()

    assert await world.house.sequence() == sequence


async def test_a_reply_whose_answer_was_lost_comes_again_with_a_label(world: World) -> None:
    await world.telegram.do("fault", method="sendMessage", kind="lose_answer")
    first = await world.telegram.ask(OWNER, "/bots")
    second = await world.telegram.next()
    await world.telegram.silent()

    assert "demo" in first["text"]
    assert "Sent again" not in first["text"]
    assert second["text"].startswith("(Sent again")
    assert "demo" in second["text"]


async def test_a_reply_that_was_refused_for_now_comes_once_without_a_label(world: World) -> None:
    flood = {"code": 429, "description": "Too Many Requests: retry after 1", "parameters": {"retry_after": 1}}
    await world.telegram.do("fault", method="sendMessage", kind="refuse", **flood)
    await world.telegram.do("fault", method="sendMessage", kind="refuse", code=503, description="Unavailable")
    reply = await world.telegram.ask(OWNER, "/bots")
    await world.telegram.silent()

    assert "Sent again" not in reply["text"]


async def test_html_that_telegram_cannot_read_goes_as_plain_text(world: World) -> None:
    bad = {"code": 400, "description": "Bad Request: can't parse entities: byte offset 7"}
    await world.telegram.do("fault", method="sendMessage", kind="refuse", **bad)
    reply = await world.telegram.ask(OWNER, "/bots")

    assert "<" not in reply["raw"]
    assert "demo" in reply["text"]


async def test_strangers_learn_nothing_and_change_nothing(world: World) -> None:
    before = await world.house.sequence()
    reply = await world.telegram.ask(STRANGER, "/panic")
    await world.telegram.say(STRANGER, "/status")
    await world.telegram.do("tap", user=STRANGER, message=reply["id"], data="forged-token")
    await world.telegram.silent()

    assert "We have not met" in reply["text"]
    assert "demo" not in reply["text"]
    assert await world.house.sequence() == before


async def test_a_code_made_in_the_program_links_an_account(world: World) -> None:
    made = await world.house.desk.do(CreateChatLinkCode(), world.house.actor(Role.OPERATOR))
    wrong = await world.telegram.ask(STRANGER, "/link ABCDEFGHIJKL")
    linked = await world.telegram.ask(STRANGER, f"/start {made.view.code}")
    who = await world.telegram.ask(STRANGER, "/whoami")

    assert "unknown, used or too old" in wrong["text"]
    assert "Linked: operator" in linked["text"]
    assert "operator" in who["text"]


async def test_in_a_group_the_sender_counts_and_only_what_is_said_to_us(world: World) -> None:
    tg, group = world.telegram, -100200
    await tg.do("join", user=IDS[Role.ADMIN], chat=group)
    await tg.say(OWNER, "what a day", chat=group)
    await tg.say(OWNER, "/stop@another_bot demo", chat=group)
    denied = await tg.ask(IDS[Role.VIEWER], "/pause demo", chat=group, thread=7)
    asked = await tg.ask(OWNER, "/stop demo", chat=group)
    foreign = await tg.press(IDS[Role.TRADER], asked, "Confirm", chat=group)
    assert (await world.house.bot_now()).desired is Desired.RUNNING
    await tg.press(OWNER, asked, "Confirm", chat=group)

    assert "operator" in denied["text"]
    assert (denied["thread"], bool(denied["reply_to"])) == ("7", True)
    assert "somebody else's" in foreign["text"]
    assert (await world.house.bot_now()).desired is Desired.STOPPED


async def test_a_group_that_nobody_vouches_for_is_left(world: World) -> None:
    await world.telegram.do("join", user=STRANGER, chat=-1)
    await world.telegram.do("join", user=IDS[Role.VIEWER], chat=-2)
    await world.telegram.say(STRANGER, "/status", chat=-3)
    for _ in range(300):
        left = (await world.telegram.do("state"))["left"]
        if len(left) == 3:
            break
        await asyncio.sleep(0.01)

    assert sorted(left) == ["-1", "-2", "-3"]
    await world.telegram.silent(0.2)


@pytest.mark.parametrize(
    "more",
    [
        {"forward_origin": {"type": "hidden_user", "sender_user_name": "x", "date": 1}},
        {"sender_chat": {"id": -5, "type": "channel", "title": "x"}},
        {"via_bot": {"id": 9, "is_bot": True, "first_name": "x"}},
    ],
    ids=["forwarded", "in the name of a chat", "by another bot"],
)
async def test_what_a_person_did_not_say_is_not_heard(world: World, more: dict[str, object]) -> None:
    before = await world.house.sequence()
    await world.telegram.say(OWNER, "/pause demo", more=more)
    await world.telegram.say(OWNER, "/pause demo", **{"as": "edited_message"})
    await world.telegram.silent()

    assert await world.house.sequence() == before


async def test_the_menu_is_the_book_in_each_language_and_by_role_for_people(world: World) -> None:
    await world.telegram.ask(IDS[Role.VIEWER], "/bots")
    book = full_book()
    hidden = {"confirm", "dismiss"}
    for _ in range(300):
        menus = (await world.telegram.do("state"))["menus"]
        if len(menus) >= 3:
            break
        await asyncio.sleep(0.01)

    everybody = [one for one in menus if not one["scope"]]
    assert {one["language"] for one in everybody} == {"", "fr"}
    for one in everybody:
        assert [command["command"] for command in one["commands"]] == [
            word.name for word in book if word.name not in hidden
        ]
    own = next(one for one in menus if one["scope"])
    assert own["scope"] == {"type": "chat", "chat_id": IDS[Role.VIEWER]}
    assert [command["command"] for command in own["commands"]] == [
        word.name for word in book.for_role(Role.VIEWER) if word.name not in hidden
    ]


async def test_a_living_status_is_pinned_and_edited_in_place(world: World) -> None:
    tg = world.telegram
    shown = await tg.ask(OWNER, "/status live")
    async with world.house.store.transaction() as tx:
        for position in await tx.positions.open(world.house.workspace.id):
            await tx.positions.save(replace(position, closed_at=world.house.room.now))
    edited = await tg.next()
    pinned = [one for one in await tg.log() if one["method"] == "pinChatMessage"]
    await tg.do("delete", chat=OWNER, message=shown["id"])
    async with world.house.store.transaction() as tx:
        await tx.bots.save(replace(await world.house.bot_now(), desired=Desired.STOPPED))
    for _ in range(500):
        async with world.house.store.reading() as tx:
            if not await tx.chats.living("telegram"):
                break
        await asyncio.sleep(0.01)
    else:
        pytest.fail("a deleted message was kept alive")

    assert (edited["method"], edited["id"]) == ("editMessageText", shown["id"])
    assert [one["id"] for one in pinned] == [shown["id"]]


class KindPainter:
    """Draws every picture as the name of its kind."""

    async def draw(self, kind: str, spec: Mapping[str, Any]) -> bytes | None:
        return f"PNG of a {kind}".encode()

    async def close(self) -> None:
        """Nothing is open."""


async def test_a_picture_takes_the_place_of_the_one_before_in_its_message(
    sqlite_store: SqlStore, telegram: Telegram
) -> None:
    house = await real_house(sqlite_store, painter=KindPainter())
    async with open_door(house, telegram):
        shown = await telegram.ask(OWNER, "/risk")
        label = shown["keys"][0][0]
        edited = await telegram.press(OWNER, shown, label)

    assert (shown["method"], shown["size"]) == ("sendPhoto", len("PNG of a gauge"))
    assert (edited["method"], edited["id"]) == ("editMessageMedia", shown["id"])
    assert edited["size"] == len("PNG of a correlation")


async def test_a_revoked_token_ends_the_door_and_says_what_to_do(world: World) -> None:
    await world.telegram.do("revoke")
    with pytest.raises(ExceptionGroup) as caught:
        await asyncio.wait_for(world.running, 15)

    assert "make a new one with BotFather" in str(caught.value.exceptions)


async def test_a_second_poller_is_told_plainly_and_outlived(world: World) -> None:
    conflict = {"code": 409, "description": "Conflict: terminated by other getUpdates request"}
    await world.telegram.do("fault", method="getUpdates", kind="refuse", **conflict)
    await world.telegram.say(OWNER, "/version")
    for _ in range(800):
        if "same token" in world.door.detail:
            break
        await asyncio.sleep(0.01)

    assert world.door.state is DoorState.TROUBLED
    assert "Another process polls Telegram with the same token" in world.door.detail
    assert "version" in (await world.telegram.next())["text"].lower()


async def test_an_outage_loses_no_answer_and_keeps_their_order(world: World) -> None:
    lines = ("/bots", "/balance", "/whoami")
    wanted = [(await world.telegram.ask(OWNER, text))["text"].splitlines()[0] for text in lines]
    await world.telegram.do("outage", down=True)
    for text in lines:
        await world.telegram.say(OWNER, text)
    for _ in range(1000):
        if world.door.state is DoorState.TROUBLED:
            break
        await asyncio.sleep(0.01)
    await world.telegram.do("outage", down=False)
    titles = [(await world.telegram.next())["text"].splitlines()[0] for _ in lines]

    assert titles == wanted
