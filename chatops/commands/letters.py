"""The word about messages that could not be handled: what they were, why they are buried, and their end."""

from __future__ import annotations

from chatops import kinds
from chatops.arguments import Argument
from chatops.book import Group, Page
from chatops.cards import Age, Button, Card, Column, Field, Press, Table, Text, Tone, Value
from chatops.problems import misheard
from chatops.reading import reference
from chatops.room import Asked
from chatops.typing_repair import plain
from desk.commands import DiscardDeadLetter, ReplayDeadLetter
from desk.identity import Role
from desk.views import DeadLetter
from desk.views import Page as RowPage

PAGE = Page(Group.HOUSE)

#: Letters of a cause that a list shows; the row has it whole.
_LONGEST_CAUSE = 160
#: Letters that are looked through for a reference.
_MOST_ROWS = 500
_ACTIONS = ("list", "show", "retry", "drop")


@PAGE.word(
    "dlq",
    example="/dlq",
    role=Role.ADMIN,
    also=(ReplayDeadLetter, DiscardDeadLetter),
    arguments=(
        Argument(name="action", read=kinds.choice(*_ACTIONS), default="list", offers=_ACTIONS),
        Argument(name="id", read=kinds.name),
        Argument(name="n", read=kinds.whole(1, 100), only_named=True, default=20),
    ),
)
async def dlq(asked: Asked) -> Card:
    """List what could not be handled, newest first; show one, retry it, or drop it after a preview."""
    action = asked.args["action"]
    if action == "list":
        return await _listed(asked)
    letter = await _letter(asked)
    if action == "show":
        return _shown(asked, letter)
    command = ReplayDeadLetter if action == "retry" else DiscardDeadLetter
    outcome = await asked.do(command(letter_id=letter.id))
    after: DeadLetter = outcome.view
    return Card(
        name="dead_letter",
        title=Text(f"dlq.{_state(after)}"),
        tone=Tone.GOOD,
        fields=(Field("id", reference(after.id)), Field("kind", after.kind), Field("by", after.settled_by)),
    )


async def _letter(asked: Asked) -> DeadLetter:
    """Give the letter of a reference.

    Raises:
        Misheard: none was named, or nothing fits.
    """
    typed = asked.args["id"]
    if typed is None:
        raise misheard("missing", name="id", usage=asked.word.usage, advice="usage")
    async with asked.store.reading() as tx:
        rows = await tx.messages.buried(asked.workspace_id, RowPage(first=_MOST_ROWS))
    wanted = plain(typed).lstrip("#").lower()
    found = next((one for one in rows if wanted in (one.id.lower(), reference(one.id).lower())), None)
    if found is None:
        raise misheard("unknown_letter", advice="dlq", problem="not_found", found=typed)
    return found


def _shown(asked: Asked, one: DeadLetter) -> Card:
    """Show a letter with what may be done about it."""
    known = reference(one.id)
    waits = _state(one) == "buried"
    return Card(
        name="dead_letter",
        title=Text("dlq.one", {"kind": one.kind}),
        tone=Tone.ASK if waits else Tone.PLAIN,
        body=(Text("dlq.drop_ends") if waits else Text(f"dlq.{_state(one)}"),),
        fields=(
            Field("id", known),
            Field("source", one.source),
            Field("cause", one.cause[:_LONGEST_CAUSE]),
            Field("since", Age(one.created_at, asked.now)),
            Field("attempts", one.attempts),
            *((Field("by", one.settled_by),) if one.settled_by else ()),
        ),
        buttons=(
            Button(name="retry_letter", press=Press.SAY, line=f"/dlq retry {known}"),
            Button(name="drop_letter", press=Press.SAY, line=f"/dlq drop {known}"),
        )
        if waits
        else (),
    )


async def _listed(asked: Asked) -> Card:
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
        notes=(Text("dlq.how"),) if waiting else () if rows else (Text("dlq.none"),),
    )


def _row(asked: Asked, one: DeadLetter) -> tuple[Value, ...]:
    return (
        reference(one.id),
        one.kind,
        one.source,
        one.cause[:_LONGEST_CAUSE],
        Text(f"dlq.{_state(one)}"),
        Age(one.created_at, asked.now),
        one.attempts,
    )


def _state(one: DeadLetter) -> str:
    return "replayed" if one.replayed_at else "discarded" if one.discarded_at else "buried"
