"""Strangers: one neutral line an hour, and the one-time code that makes somebody known."""

from __future__ import annotations

import re
from collections import OrderedDict

from chatops.cards import Card, Text, Tone
from chatops.doors.heard import Heard
from chatops.doors.who import People
from desk.clock import Clock
from desk.identity import Actor

#: A stranger hears from us this often.
SILENCE_S = 3600.0
#: Wrong codes of one person within the hour; more are not even looked at.
MOST_TRIES = 5
#: Strangers that are remembered; the oldest is forgotten first.
MOST_STRANGERS = 10_000

#: `/link CODE`, or `/start CODE` as a deep link sends it.
_CODE = re.compile(r"\s*/(?:link|start)(?:@\w+)?\s+(\S{6,128})\s*", re.IGNORECASE)


class Linking:
    """Answers strangers without writing a row for them."""

    def __init__(self, people: People, clock: Clock) -> None:
        self._people = people
        self._clock = clock
        self._told: OrderedDict[str, float] = OrderedDict()
        self._tries: OrderedDict[str, list[float]] = OrderedDict()

    async def card(self, heard: Heard) -> tuple[Actor | None, Card | None]:
        """Give the member that a good code made of a stranger, or the card that a stranger gets, if any."""
        found = _CODE.fullmatch(heard.text)
        if found is None:
            return None, self._neutral(heard)
        if not heard.place.is_private:
            # A code that others can read is theirs as well: it is burnt.
            if self._may_try(heard):
                await self._people.redeem(heard.person, found[1], is_private=False)
            return None, self._once(heard, _only_in_private())
        if not self._may_try(heard):
            return None, self._neutral(heard)
        actor = await self._people.redeem(heard.person, found[1], is_private=True)
        if actor is not None:
            return actor, None
        card = Card(
            name="link_refused",
            problem="denied",
            title=Text("stranger.title"),
            tone=Tone.WARN,
            body=(Text("door.bad_code"),),
        )
        return None, card

    def _neutral(self, heard: Heard) -> Card | None:
        card = Card(
            name="stranger",
            title=Text("stranger.title"),
            body=(Text("stranger.body"),),
            notes=(Text("door.how_to_link"),) if heard.place.is_private else (),
        )
        return self._once(heard, card)

    def _once(self, heard: Heard, card: Card) -> Card | None:
        """Give a card unless the person got one within the hour."""
        key = heard.person.user_id
        now = self._clock.monotonic()
        last = self._told.get(key)
        if last is not None and now - last < SILENCE_S:
            return None
        self._told[key] = now
        self._told.move_to_end(key)
        while len(self._told) > MOST_STRANGERS:
            self._told.popitem(last=False)
        return card

    def _may_try(self, heard: Heard) -> bool:
        now = self._clock.monotonic()
        key = heard.person.user_id
        recent = [one for one in self._tries.get(key, []) if now - one < SILENCE_S]
        if len(recent) >= MOST_TRIES:
            return False
        self._tries[key] = [*recent, now]
        self._tries.move_to_end(key)
        while len(self._tries) > MOST_STRANGERS:
            self._tries.popitem(last=False)
        return True


def _only_in_private() -> Card:
    return Card(
        name="link_refused",
        problem="denied",
        title=Text("stranger.title"),
        tone=Tone.WARN,
        body=(Text("door.link_in_private"),),
    )
