"""What goes with an answer at Discord: pictures, files, threads of bots, messages kept up to date."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chatops.cards import Card, File, Text
from chatops.discord_bot.outgoing import LARGEST_FILE, Outgoing, picture_name
from chatops.doors.conversation import Conversation
from chatops.doors.heard import Place
from chatops.doors.living import Living
from chatops.doors.platform import Shown
from chatops.texts.speaker import Speaker
from desk.chats import ChatPlace
from desk.identity import Role
from desk.store import SqlStore
from desk.views import Filter, JobState, Page
from tests.chatops.chat_house import furnished
from tests.support.discord_house import opened, title
from tests.support.discord_world import ROOM, channel_payload, snowflake
from tests.support.records import a_bot
from trading.events import Desired

PNG = b"\x89PNG\r\n\x1a\n" + bytes(3000)


class FakePainter:
    """Draws the same small picture, or none."""

    def __init__(self, png: bytes | None = PNG) -> None:
        self.png = png
        self.drawn: list[str] = []

    async def draw(self, kind: str, spec: Mapping[str, Any]) -> bytes | None:
        """Give the picture."""
        self.drawn.append(kind)
        return self.png

    async def close(self) -> None:
        """Nothing is open."""


async def test_a_picture_is_in_the_card_that_it_belongs_to(sqlite_store: SqlStore) -> None:
    painter = FakePainter()
    async with opened(sqlite_store, painter=painter) as discord:
        seen = await discord.guest(Role.VIEWER).say("/profit")

        (message,) = seen["messages"]
        ((name, size),) = message["files"].items()
        assert painter.drawn == ["equity"]
        assert size == len(PNG)
        assert message["embeds"][0]["image"]["url"] == f"attachment://{name}"
        assert name.endswith(".png")


async def test_the_text_comes_also_when_the_picture_fails(sqlite_store: SqlStore) -> None:
    async with opened(sqlite_store, painter=FakePainter(None)) as discord:
        seen = await discord.guest(Role.VIEWER).say("/profit")

        (message,) = seen["messages"]
        assert message["files"] == {}
        assert "image" not in message["embeds"][0]
        assert message["embeds"][0]["fields"]


async def test_a_file_goes_with_the_card_and_one_too_large_is_left_out(sqlite_store: SqlStore) -> None:
    async with opened(sqlite_store) as discord:
        client = discord.door.client
        assert client is not None
        outgoing = Outgoing(client, discord.house.clock, "discord:1")
        card = Card(name="x", title=Text("bots.title", {"n": 1}))
        for content, expected in ((b"a,b\n1,2\n", {"trades.csv": 8}), (bytes(LARGEST_FILE + 1), {})):
            pages = outgoing.pages(card, Speaker(), has_picture=False)
            shown = Shown(
                place=Place(platform="discord", chat_id=ROOM),
                speaker=Speaker(),
                pages=pages,
                file=File(name="trades.csv", media_type="text/csv", content=content),
            )
            for payload in outgoing.payloads(shown):
                sent = await outgoing.carry(payload, is_repeat=False)
            assert discord.server.messages[sent.message_id].shown()["files"] == expected


async def test_leafing_keeps_the_picture_and_a_new_card_takes_its_place(sqlite_store: SqlStore) -> None:
    async with opened(sqlite_store) as discord:
        client = discord.door.client
        assert client is not None
        outgoing = Outgoing(client, discord.house.clock, "discord:1")
        place = Place(platform="discord", chat_id=ROOM)
        page = {"embeds": [{"type": "rich", "title": "page"}]}

        async def carried(**more: Any) -> str:
            shown = Shown(place=place, speaker=Speaker(), pages=[page, page], **more)
            return (await outgoing.carry(outgoing.payloads(shown)[0], is_repeat=False)).message_id

        message = await carried(pages_token="t", picture=PNG, picture_name="equity")
        await carried(pages_token="t", page=1, edits=message)
        assert list(discord.server.messages[message].files) == ["equity.png"]
        await carried(edits=message)
        assert discord.server.messages[message].files == {}


def test_the_name_of_a_picture_cannot_lead_elsewhere() -> None:
    assert picture_name("../../etc/passwd?x=1#y") == "------etc-passwd-x-1-y.png"
    assert picture_name("") == "picture.png"


async def test_in_a_bots_thread_a_line_without_a_bot_means_this_one(sqlite_store: SqlStore) -> None:
    house = await furnished(sqlite_store)
    thread = snowflake()
    async with sqlite_store.transaction() as tx:
        await tx.bots.create(a_bot(house.workspace.id, house.account.id, "second"))
        await tx.chats.save_place(
            ChatPlace(
                workspace_id=house.workspace.id,
                platform="discord",
                chat_id=thread,
                kind=f"thread:{ROOM}",
                bot="demo",
                known_at=house.clock.now(),
            )
        )
    async with opened(sqlite_store, house=house) as discord:
        discord.server.channels[thread] = channel_payload(thread, 11, "demo", ROOM)
        guest = discord.guest(Role.OPERATOR)

        elsewhere = await guest.say("/pause")
        there = await guest.say("/pause", channel=thread)

        assert title(elsewhere["messages"][0]) != "demo is paused"
        assert title(there["messages"][0]) == "demo is paused"
        assert (await house.bot_now()).desired is Desired.PAUSED


async def test_a_message_kept_up_to_date_is_edited_in_place_long_after_its_token_ended(
    sqlite_store: SqlStore,
) -> None:
    async with opened(sqlite_store) as discord:
        guest, house = discord.guest(Role.OPERATOR), discord.house
        seen = await discord.people.slash(guest.user, "status", {"view": "live"})
        await discord.idle()
        (message,) = seen["messages"]
        assert discord.server.messages[message["id"]].is_pinned
        client = discord.door.client
        assert client is not None
        living = Living(
            Conversation(house.room, discord.book, discord.links),
            Outgoing(client, house.clock, f"discord:{client.application_id}"),
        )

        await living.sweep()
        edits = discord.server.messages[message["id"]].edits
        assert await living.sweep() == 0, "nothing changed, nothing is sent"
        house.clock.advance(20 * 60)
        for record in discord.server.interactions.values():
            record.aged_s = 20 * 60
        known = len(discord.server.messages)
        await house.chat(Role.OPERATOR).say("/pause demo", expect="bot")
        assert await living.sweep() == 1

        after = discord.server.messages[message["id"]]
        assert len(discord.server.messages) == known, "no new message"
        assert after.edits == edits + 1
        assert "paused" in str(after.shown()["embeds"])

        after.is_deleted = True
        await house.chat(Role.OPERATOR).agree("/resume demo", expect="bot")
        await living.sweep()
        async with sqlite_store.reading() as tx:
            assert list(await tx.chats.living("discord")) == [], "somebody deleted it: it lives no longer"


async def test_a_job_is_followed_in_place_to_its_end_after_twenty_minutes_and_can_be_cancelled_there(
    sqlite_store: SqlStore,
) -> None:
    async with opened(sqlite_store) as discord:
        guest, house = discord.guest(Role.OPERATOR), discord.house
        seen = await guest.say("/backtest buy_and_hold BTC/USDT 1h")
        await discord.idle()
        (message,) = seen["messages"]
        assert not discord.server.messages[message["id"]].is_pinned
        client = discord.door.client
        assert client is not None
        living = Living(
            Conversation(house.room, discord.book, discord.links),
            Outgoing(client, house.clock, f"discord:{client.application_id}"),
        )
        house.clock.advance(20 * 60)
        for record in discord.server.interactions.values():
            record.aged_s = 20 * 60
        await living.sweep()
        shown = discord.server.messages[message["id"]].shown()
        before = len(discord.server.messages)

        pressed = await discord.done(
            await discord.people.press(
                guest.user, message["id"], guest.button("cancel_job", shown), wait=False
            )
        )
        assert not any(one["is_ephemeral"] for one in pressed["messages"])
        async with sqlite_store.transaction() as tx:
            (job,) = await tx.jobs.page(house.workspace.id, Filter(), Page(first=5))
        assert job.state is JobState.CANCELED
        await living.sweep()

        ended = discord.server.messages[message["id"]].shown()
        assert len(discord.server.messages) == before, "everything happened in one message"
        assert "cancelled" in str(ended["embeds"])
        async with sqlite_store.reading() as tx:
            assert list(await tx.chats.living("discord")) == []
