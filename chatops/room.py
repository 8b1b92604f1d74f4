"""What a chat door needs of the house, and what a word is given when it is said."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from chatops.texts.speaker import Speaker
from desk.commands import Command
from desk.desk import Desk, Outcome
from desk.identity import Actor
from desk.live_prices import LivePrices
from desk.ports import Painter, Store
from desk.views import Member

if TYPE_CHECKING:
    from chatops.book import Book, Word
    from chatops.cards import Card
    from desk.models.queries import PairForecast
    from desk.reports.drift.service import Drifts


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """The chat doors' share of the house.

    Attributes:
        painter: draws pictures; without one only text is sent.
        version: of the program, shown by /version.
        label: where market data come from, as people are told; empty when another process trades.
        prices: what was told between bars; None where nobody tells.
        drifts: measures bots beside their replay; None where no market is at hand.
        forecast: gives what the model that speaks for a pair of a workspace expects; None where no market is at hand.
        doors: gives how each chat door of this process stands, and what is wrong with it.
    """

    desk: Desk
    painter: Painter | None = None
    version: str = ""
    label: str = ""
    prices: LivePrices | None = None
    drifts: Drifts | None = None
    doors: Callable[[], Mapping[str, tuple[str, str]]] | None = None
    forecast: Callable[[str, str], Awaitable[PairForecast]] | None = None

    @property
    def store(self) -> Store:
        """The database."""
        return self.desk.store

    @property
    def now(self) -> datetime:
        """The wall time, UTC."""
        return self.desk.clock.now()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A word that somebody said.

    Attributes:
        args: values by argument name, defaults filled in.
        line: what was said, repaired; a confirmation says it again.
        pressing, dismissing: take a confirmation by its token (and typed word), as the person.
        confirmation, typed: token and typed word of a second tap.
        member: the person; None for the house itself.
        figures: what was computed from the market when the confirmation was asked for, by name.
    """

    room: Room
    book: Book
    word: Word
    actor: Actor
    args: Mapping[str, Any]
    line: str
    pressing: Callable[[str, str], Awaitable[Card]]
    dismissing: Callable[[str], Awaitable[Card]]
    confirmation: str = ""
    typed: str = ""
    member: Member | None = None
    extras: Mapping[str, Any] = field(default_factory=dict)
    figures: dict[str, str] = field(default_factory=dict)

    @property
    def workspace_id(self) -> str:
        """Whose rows may be read."""
        return self.actor.workspace_id

    @property
    def store(self) -> Store:
        """The database."""
        return self.room.store

    @property
    def now(self) -> datetime:
        """The wall time, UTC."""
        return self.room.now

    @property
    def speaker(self) -> Speaker:
        """How the person reads."""
        return speaker_of(self.member, self.actor)

    def fixed(self, name: str, value: Decimal) -> Decimal:
        """Give a figure that moves with the market: a confirmation does what was previewed, not what it would be by now."""
        return Decimal(self.figures.setdefault(name, str(value)))

    async def do(self, command: Command) -> Outcome:
        """Carry out a command as the person, with the confirmation that came along."""
        return await self.room.desk.do(command, self.actor, confirmation=self.confirmation, typed=self.typed)


def speaker_of(member: Member | None, actor: Actor) -> Speaker:
    """Give the speaker for a person; without a row the actor's language and UTC."""
    if member is None:
        return Speaker(actor.language)
    return Speaker(member.language or actor.language, member.time_zone or "UTC")
