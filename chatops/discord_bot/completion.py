"""What Discord offers while somebody types an option: names from the store, the nearest first."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

from chatops.arguments import Argument
from chatops.book import Book
from chatops.discord_bot.markdown import cut
from chatops.discord_bot.tree import CHOICES, TEXT, choices_of
from chatops.reading import reference
from chatops.room import Room, speaker_of
from chatops.texts.speaker import Speaker, harmless
from desk.identity import Actor
from desk.ports import Unit
from desk.views import Filter, Page
from strategies.registry import default_registry

#: What is shown, and what it stands for in the line.
Offer = tuple[str, str]

#: Rows that are looked through for a beginning.
_LOOKED_AT = 200


async def offers(room: Room, book: Book, actor: Actor, argument: Argument, typed: str) -> list[Offer]:
    """Give what may be meant by what was typed so far, at most as many as Discord shows.

    A list with commas is completed at its last part.
    """
    before, comma, last = typed.rpartition(",") if argument.name == "pairs" else ("", "", typed)
    found = await _all(room, book, actor, argument)
    head = before + comma
    return [
        (cut(harmless(head + shown), TEXT), head + value)
        for shown, value in _nearest(found, last.strip())
        if 0 < len(head + value) <= TEXT
    ][:CHOICES]


async def _all(room: Room, book: Book, actor: Actor, argument: Argument) -> Sequence[Offer]:
    if fixed := choices_of(argument):
        return [(one, one) for one in fixed]
    if argument.offers == "strategy":
        return [(one.name, one.name) for one in default_registry().list_strategies()]
    if argument.offers == "word":
        return [(one.name, one.name) for one in book.for_role(actor.role)]
    read = _READERS.get(argument.offers) if isinstance(argument.offers, str) else None
    if read is None:
        return []
    async with room.store.reading() as tx:
        member = await tx.members.by_id(actor.workspace_id, actor.user_id)
        return await read(tx, actor, speaker_of(member, actor))


async def _bots(tx: Unit, actor: Actor, speaker: Speaker) -> Sequence[Offer]:
    return [(one.name, one.name) for one in await tx.bots.all(actor.workspace_id)]


async def _pairs(tx: Unit, actor: Actor, speaker: Speaker) -> Sequence[Offer]:
    rows = await tx.bots.all(actor.workspace_id)
    return [(pair, pair) for pair in dict.fromkeys(pair for one in rows for pair in one.pairs)]


async def _positions(tx: Unit, actor: Actor, speaker: Speaker) -> Sequence[Offer]:
    return [
        (f"{one.pair} {speaker.label('side', 'long' if one.is_long else 'short')}", reference(one.id))
        for one in await tx.positions.open(actor.workspace_id)
    ]


async def _trades(tx: Unit, actor: Actor, speaker: Speaker) -> Sequence[Offer]:
    rows = await tx.positions.trades(actor.workspace_id, Filter(), Page(first=_LOOKED_AT))
    finished = [
        (f"#{one.number} {one.pair} {speaker.value(one.pnl)}", str(one.number)) for one in rows if one.number
    ]
    return [*await _positions(tx, actor, speaker), *finished]


async def _alerts(tx: Unit, actor: Actor, speaker: Speaker) -> Sequence[Offer]:
    rows = await tx.alerts.page(actor.workspace_id, Filter(), Page(first=_LOOKED_AT))
    return [
        (f"{speaker.label('severity', one.severity.value)} {one.kind} {one.pair}".strip(), reference(one.id))
        for one in rows
        if one.acknowledged_at is None
    ]


async def _members(tx: Unit, actor: Actor, speaker: Speaker) -> Sequence[Offer]:
    return [(one.name, one.name) for one in await tx.members.all(actor.workspace_id)]


#: How the kinds of `Argument.offers` are read.
_READERS: Mapping[str, Callable[[Unit, Actor, Speaker], Awaitable[Sequence[Offer]]]] = {
    "bot": _bots,
    "pair": _pairs,
    "position": _positions,
    "trade": _trades,
    "alert": _alerts,
    "member": _members,
}


def _nearest(found: Iterable[Offer], typed: str) -> list[Offer]:
    """Give those that begin with what was typed, then those that hold it."""
    wanted = typed.casefold()
    texts = [(f"{shown}\n{value}".casefold(), (shown, value)) for shown, value in found]
    begins = [one for text, one in texts if any(part.startswith(wanted) for part in text.split("\n"))]
    holds = [one for text, one in texts if wanted in text and one not in begins]
    return begins + holds
