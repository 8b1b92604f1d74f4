"""What a person may choose for an argument: pickers where one is missing, completion while one is typed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from chatops.arguments import Argument, take_apart
from chatops.book import Book, Word
from chatops.cards import Button, Card, Press
from chatops.problems import Misheard
from chatops.reading import reference
from chatops.room import Room
from desk.identity import Actor
from strategies.registry import default_registry

#: Buttons of a picker.
MOST_OFFERS = 8


async def offers_of(argument: Argument, book: Book, room: Room, actor: Actor) -> Sequence[str]:
    """Give what an argument may be, as the person would type it; nothing where anything goes."""
    if isinstance(argument.offers, tuple):
        return argument.offers
    match argument.offers:
        case "bot":
            async with room.store.reading() as tx:
                return tuple(one.name for one in await tx.bots.all(actor.workspace_id))
        case "pair":
            async with room.store.reading() as tx:
                bots = await tx.bots.all(actor.workspace_id)
            return tuple(dict.fromkeys(pair for bot in bots for pair in bot.pairs))
        case "position" | "trade":
            async with room.store.reading() as tx:
                rows = await tx.positions.open(actor.workspace_id)
            return tuple(reference(one.id) for one in rows)
        case "strategy":
            return tuple(one.name for one in default_registry().list_strategies())
        case "word":
            return tuple(one.name for one in book.for_role(actor.role))
        case _:
            return ()


async def with_offers(card: Card, line: str, book: Book, room: Room, actor: Actor) -> Card:
    """Give an error card with buttons that say the line again with what was missing; other cards as they are."""
    if card.problem not in {"invalid_input", "not_found"} or card.buttons:
        return card
    try:
        spoken = take_apart(line)
    except Misheard:
        return card
    word = book.find(spoken.name)
    if word is None or actor.role < word.role:
        return card
    missing = _missing(word, spoken.rest)
    if missing is None:
        return card
    choices = [one for one in await offers_of(missing, book, room, actor) if '"' not in one]
    said = " ".join([f"/{word.name}", *(_quoted(one) for one in spoken.rest)])
    buttons = tuple(
        Button(
            name="pick",
            press=Press.SAY,
            line=f"{said} {missing.name}={_quoted(one)}",
            params={"choice": one},
        )
        for one in choices[:MOST_OFFERS]
    )
    return replace(card, buttons=buttons)


def _missing(word: Word, rest: Sequence[str]) -> Argument | None:
    """Give the first argument that was not given and for which there is something to choose."""
    named = {one.partition("=")[0].lstrip("-").lower() for one in rest if "=" in one}
    placed = sum(1 for one in rest if "=" not in one and not one.startswith("--"))
    for argument in word.arguments:
        if argument.is_switch or argument.name in named:
            continue
        if not argument.only_named and placed:
            placed -= 1
            continue
        if argument.offers and (argument.is_missed_in(named) or argument.offers == "bot"):
            return argument
    return None


def _quoted(word: str) -> str:
    name, has_value, value = word.partition("=")
    if has_value and " " in value:
        return f'{name}="{value}"'
    return f'"{word}"' if " " in word else word
