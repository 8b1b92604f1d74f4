"""The word about messages that could not be handled: what they were, and why they are buried."""

from __future__ import annotations

from chatops import kinds
from chatops.arguments import Argument
from chatops.book import Group, Page
from chatops.cards import Age, Card, Column, Table, Text, Tone, Value
from chatops.reading import reference
from chatops.room import Asked
from desk.identity import Role
from desk.views import DeadLetter
from desk.views import Page as RowPage

PAGE = Page(Group.HOUSE)

#: Letters of a cause that a list shows; the row has it whole.
_LONGEST_CAUSE = 160


@PAGE.word(
    "dlq",
    example="/dlq",
    role=Role.ADMIN,
    arguments=(Argument(name="n", read=kinds.whole(1, 100), default=20),),
)
async def dlq(asked: Asked) -> Card:
    """List the messages and alerts that could not be handled, newest first, each with its cause."""
    async with asked.store.reading() as tx:
        rows = await tx.messages.buried(asked.workspace_id, RowPage(first=asked.args["n"]))
    waiting = [one for one in rows if one.replayed_at is None and one.discarded_at is None]
    return Card(
        name="dead_letters",
        title=Text("dlq.title", {"n": len(waiting)}),
        tone=Tone.WARN if waiting else Tone.GOOD,
        tables=(
            Table(
                name="dead_letters",
                columns=(
                    Column("id"),
                    Column("kind"),
                    Column("source", 1),
                    Column("cause"),
                    Column("state"),
                    Column("since", 1),
                    Column("attempts", 2),
                ),
                rows=tuple(_row(asked, one) for one in rows),
            ),
        )
        if rows
        else (),
        notes=() if rows else (Text("dlq.none"),),
    )


def _row(asked: Asked, one: DeadLetter) -> tuple[Value, ...]:
    state = "replayed" if one.replayed_at else "discarded" if one.discarded_at else "buried"
    return (
        reference(one.id),
        one.kind,
        one.source,
        one.cause[:_LONGEST_CAUSE],
        Text(f"dlq.{state}"),
        Age(one.created_at, asked.now),
        one.attempts,
    )
