"""A furnished house whose Discord door is open at the stand-in, and people who use it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from chatops.arguments import take_apart
from chatops.book import Book, Word
from chatops.commands import full_book
from chatops.discord_bot.door import DiscordDoor
from chatops.discord_bot.tree import SETTINGS, slash_tree
from chatops.doors.who import People as Links
from chatops.texts.speaker import Speaker
from desk.identity import Role
from desk.ports import Store
from desk.secrets import Secret
from tests.chatops.chat_house import ChatHouse, furnished
from tests.support.discord_people import People
from tests.support.discord_server import DiscordServer
from tests.support.discord_world import GUILD, TOKEN
from tests.support.door_people import FakePeople

#: Somebody whom nobody knows.
STRANGER = "700000000000000099"


def user_of(role: Role) -> str:
    """Give the Discord id of the house's member of a role."""
    return STRANGER if role is Role.STRANGER else str(700000000000000000 + int(role))


def options_of(word: Word, line: str) -> dict[str, Any]:
    """Give what somebody fills in who means a typed line."""
    spoken = take_apart(line)
    types = {one["name"]: one["type"] for one in slash_tree(Book([_page(word)]))[0]["options"]}
    places = [one for one in word.arguments if not one.is_switch and not one.only_named]
    found: dict[str, Any] = {}
    settings: list[str] = []
    for part in spoken.rest:
        name, has_value, value = part.removeprefix("--").partition("=")
        if has_value and name in types:
            found[name] = value
        elif has_value and word.keeps_settings:
            settings.append(part)
        elif any(one.is_switch and one.name == name for one in word.arguments):
            found[name] = "yes"
        else:
            place = next(one for one in places if one.name not in found or one.takes_rest)
            found[place.name] = f"{found[place.name]} {part}" if place.name in found else part
    if settings:
        found[SETTINGS] = " ".join(settings)
    return {name: _typed(value, types[name]) for name, value in found.items()}


def _page(word: Word) -> Any:
    from chatops.book import Page

    page = Page(word.group)
    page.words.append(word)
    return page


def _typed(value: str, kind: int) -> Any:
    return {4: lambda: int(value), 5: lambda: value == "yes"}.get(kind, lambda: value)()


@dataclass(slots=True, kw_only=True)
class Guest:
    """A person at Discord; keeps the last answer, so that its buttons can be pressed."""

    people: People
    user: str
    book: Book
    dm: bool = False
    locale: str = "en-US"
    last: dict[str, Any] = field(default_factory=dict)

    async def say(self, line: str, **where: Any) -> dict[str, Any]:
        """Use a slash command that means a typed line, and give what is shown."""
        word = self.book.find(take_apart(line).name)
        assert word is not None, line
        self.last = await self.people.slash(
            self.user, word.name, options_of(word, line), dm=self.dm, locale=self.locale, **where
        )
        return self.last

    @property
    def message(self) -> dict[str, Any]:
        """The last message shown."""
        found: dict[str, Any] = self.last["messages"][-1]
        return found

    def button(self, name: str, message: Mapping[str, Any] | None = None) -> str:
        """Give the custom id of a button by what its text is called in the catalogue."""
        shown = [one for row in (message or self.message)["components"] for one in row["components"]]
        labels = {Speaker(one).label("button", name) for one in ("en", "fr")}
        found = next((one for one in shown if one.get("label") in labels), None)
        assert found is not None, f"no button '{name}' in {[one.get('label') for one in shown]}"
        return str(found["custom_id"])

    async def press(self, name: str, *, typed: str = "") -> dict[str, Any]:
        """Press a button of the last message; where a form is shown, fill it in."""
        message = self.message
        self.last = await self.people.press(
            self.user, message["id"], self.button(name), locale=self.locale, channel=message["channel_id"]
        )
        if self.last["modal"]:
            self.last = await self.people.submit(
                self.user,
                self.last["modal"]["custom_id"],
                {"word": typed},
                message=message["id"],
                channel=message["channel_id"],
            )
        return self.last


def title(message: Mapping[str, Any]) -> str:
    """Give the title of a message's first embed."""
    return str((message["embeds"] or [{}])[0].get("title", ""))


@dataclass(slots=True, kw_only=True)
class DiscordHouse:
    """The house, the door and the stand-in."""

    house: ChatHouse
    server: DiscordServer
    people: People
    links: FakePeople
    door: DiscordDoor
    book: Book

    def guest(self, role: Role = Role.OWNER, **how: Any) -> Guest:
        """Give the member of a role, at Discord."""
        return Guest(people=self.people, user=user_of(role), book=self.book, **how)

    async def idle(self) -> None:
        """Wait until everything that was heard is done with, also what is answered with nothing."""
        while True:
            hearing = [one for one in asyncio.all_tasks() if "on_interaction" in one.get_name()]
            if hearing:
                await asyncio.wait(hearing)
                continue
            client = self.door.client
            assert client is not None
            assert client.receiver is not None
            answering = client.receiver.answering
            if not answering.waiting and not answering.replies.waiting:
                return
            await asyncio.sleep(0.001)

    async def done(self, seen: Mapping[str, Any]) -> dict[str, Any]:
        """Wait until something that a person did is done with, and give what they see."""
        record = self.server.interactions[seen["id"]]
        await self.server.until(lambda: record.answer is not None)
        await self.idle()
        return await self.people.seen(record.id)


@asynccontextmanager
async def opened(
    store: Store,
    *,
    house: ChatHouse | None = None,
    server: DiscordServer | None = None,
    links: Links | None = None,
    **furniture: Any,
) -> AsyncIterator[DiscordHouse]:
    """Open the door of a house at a stand-in in this process."""
    house = house or await furnished(store, **furniture)
    given = server
    server = server or DiscordServer()
    if given is None:
        await server.start()
    known = FakePeople(house, {user_of(role): role for role in Role if role is not Role.STRANGER})
    book = full_book()
    door = DiscordDoor(
        house.room,
        book,
        links or known,
        token=Secret(TOKEN),
        api_url=server.api_url,
        gateway_url=server.gateway_url,
        guild_id=GUILD,
    )
    people = People(server)
    running = asyncio.create_task(door.run())
    try:
        await people.ready()
        yield DiscordHouse(house=house, server=server, people=people, links=known, door=door, book=book)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        if given is None:
            await server.stop()
