"""The word that closes positions at the market: one, a part of one, or many."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from chatops import kinds
from chatops.arguments import Argument
from chatops.book import Group, Page
from chatops.cards import Card, Column, Field, Money, Price, Table, Text, Tone
from chatops.problems import misheard
from chatops.reading import completed_pair, known_pairs, open_position, reference, side, wanted_bot
from chatops.room import Asked
from chatops.typing_repair import plain
from desk.commands import ClosePosition, ClosePositions
from desk.views import Position

PAGE = Page(Group.POSITIONS)


_WHICH = frozenset({"all", "winners", "losers"})


@PAGE.word(
    "forceexit",
    example="/forceexit a1b2c3 pct=50%",
    asks=ClosePosition,
    also=(ClosePositions,),
    aliases=("fx", "forcesell"),
    arguments=(
        Argument(name="id", read=kinds.name, is_required=True, instead="pair", offers="position"),
        Argument(name="pct", read=kinds.share, only_named=True, default=Decimal(1)),
        Argument(name="pair", read=kinds.pair, only_named=True, offers="pair"),
        Argument(name="bot", read=kinds.name, only_named=True, offers="bot"),
    ),
)
async def forceexit(asked: Asked) -> Card:
    """Close an open position at the market; or all, winners or losers, of a pair or a bot, whole or in part."""
    # A pair alone means everything that is held of it.
    which = plain(asked.args["id"] or "all").lower()
    if which in _WHICH:
        return await _forceexit_many(asked, which)
    async with asked.store.reading() as tx:
        position = await open_position(asked, tx, asked.args["id"])
        rows = await tx.positions.open(asked.workspace_id)
    if position is None:
        allowed = ", ".join(f"{reference(one.id)} ({one.pair})" for one in rows) or "–"
        raise misheard(
            "unknown_position", advice="status", problem="not_found", found=asked.args["id"], allowed=allowed
        )
    share: Decimal = asked.args["pct"]
    await asked.do(ClosePosition(position_id=position.id, share=share))
    return Card(
        name="closing",
        title=Text("closing.title", {"pair": position.pair}),
        tone=Tone.WARN,
        body=(Text("closing.body"),),
        fields=(
            Field("id", reference(position.id)),
            Field("side", side(position.is_long)),
            Field("quantity", position.quantity * share),
            Field("price", Price(position.mark_price)),
            Field("as_of", position.as_of),
        ),
    )


async def _forceexit_many(asked: Asked, which: str) -> Card:
    bot = await wanted_bot(asked, asked.args["bot"])
    async with asked.store.reading() as tx:
        typed = asked.args["pair"]
        pair = completed_pair(asked, typed, await known_pairs(asked, tx)) if typed else ""
    outcome = await asked.do(
        ClosePositions(which=which, pair=pair, bot_id=bot.id if bot else "", share=asked.args["pct"])
    )
    closing: Sequence[Position] = outcome.view
    return Card(
        name="closing",
        title=Text("closing.many", {"n": len(closing)}),
        tone=Tone.WARN,
        body=(Text("closing.body"),),
        tables=(
            Table(
                name="closing",
                columns=(Column("id"), Column("pair"), Column("side"), Column("quantity"), Column("pnl")),
                rows=tuple(
                    (
                        reference(one.id),
                        one.pair,
                        side(one.is_long),
                        one.quantity * asked.args["pct"],
                        Money(one.unrealized_pnl, is_signed=True),
                    )
                    for one in closing
                ),
            ),
        ),
    )
