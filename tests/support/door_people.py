"""A platform in memory and people linked to a house, for tests of chat doors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from chatops.cards import Card
from chatops.console.render import console_text
from chatops.doors.carrier import Sent
from chatops.doors.heard import Heard, Person, Place
from chatops.doors.platform import Shown
from chatops.texts.speaker import Speaker
from desk.identity import Actor, Role
from tests.chatops.chat_house import ChatHouse


@dataclass(slots=True)
class FakePeople:
    """Links of the house's members, each role by its own name: user "owner" is the owner."""

    house: ChatHouse
    linked: dict[str, Role] = field(default_factory=dict)
    codes: dict[str, Role] = field(default_factory=dict)
    platform: str = "telegram"

    async def actor_of(self, platform: str, user_id: str) -> Actor | None:
        """Give the member of a linked user."""
        role = self.linked.get(user_id)
        return None if role is None else self.house.actor(role, channel=platform)

    async def redeem(self, person: Person, code: str, *, is_private: bool) -> Actor | None:
        """Link a user by a code that is good once, and burn one that others could read."""
        role = self.codes.pop(code, None)
        if role is None or not is_private:
            return None
        self.linked[person.user_id] = role
        return self.house.actor(role, channel=person.platform)


@dataclass(slots=True)
class FakePlatform:
    """Shows every card as text and remembers what was carried; `fails` are raised first, in order."""

    name: str = "telegram"
    source: str = "telegram:1"
    page_rows: int = 1000
    carried: list[Mapping[str, Any]] = field(default_factory=list)
    repeats: list[bool] = field(default_factory=list)
    fails: list[Exception] = field(default_factory=list)
    arrives_before_failing: bool = False

    def pages(self, card: Card, speaker: Speaker, *, has_picture: bool) -> Sequence[Mapping[str, Any]]:
        """Give the console's lines in pages."""
        lines = console_text(card, speaker, width=120, color=False).splitlines()
        return [
            {"text": "\n".join(lines[start : start + self.page_rows]), "card": card.name}
            for start in range(0, len(lines), self.page_rows)
        ]

    def payloads(self, shown: Shown) -> Sequence[Mapping[str, Any]]:
        """Give one payload with what a platform would draw."""
        return [
            {
                **shown.pages[shown.page],
                "keys": [[one.label, one.token] for one in shown.keys],
                "pages_token": shown.pages_token,
                "edits": shown.edits,
                "word": shown.word,
                "has_picture": shown.picture is not None,
            }
        ]

    async def carry(self, payload: Mapping[str, Any], *, is_repeat: bool) -> Sent:
        """Take a payload, or fail as told."""
        if self.fails:
            problem = self.fails.pop(0)
            if self.arrives_before_failing:
                self.carried.append(payload)
                self.repeats.append(is_repeat)
            raise problem
        self.carried.append(payload)
        self.repeats.append(is_repeat)
        return Sent(str(len(self.carried)))


@dataclass(slots=True)
class Mouth:
    """Somebody at a chat: makes what a platform would hand over."""

    user_id: str
    chat_id: str = ""
    source: str = "telegram:1"
    said: int = 0

    def says(self, text: str) -> Heard:
        """Say a line."""
        return replace(self._blank(), text=text)

    def taps(self, token: str, *, typed: str = "", page: int = 0, shown_id: str = "77") -> Heard:
        """Tap a button."""
        return replace(self._blank(), token=token, typed=typed, page=page, shown_id=shown_id)

    def _blank(self) -> Heard:
        self.said += 1
        platform = self.source.partition(":")[0]
        return Heard(
            source=self.source,
            message_id=f"{self.user_id}-{self.said}",
            person=Person(platform=platform, user_id=self.user_id, name=self.user_id),
            place=Place(platform=platform, chat_id=self.chat_id or f"chat-{self.user_id}"),
        )
