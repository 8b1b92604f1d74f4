"""Dead letters: what could not be handled, and what people decide about it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import strawberry

from api.context import Info
from api.ids import Cursor, global_id, own_id
from api.mutation import Done, Payload, carry_out, kept_id, mutates
from api.node import shaped
from api.pagination import DEFAULT_FIRST, Connection, connect, wanted_page
from api.permissions import reads
from desk import views
from desk.commands import DiscardDeadLetter, ReplayDeadLetter
from desk.cursors import cursor_of
from desk.handlers.letters import can_be_replayed
from desk.identity import Role


@strawberry.type(
    description="Something that could not be handled, with its cause. What it said is not shown."
)
class DeadLetter:
    """A dead letter."""

    id: strawberry.ID
    source: str = strawberry.field(description="jobs, alert:CHANNEL, or the chat that it came from.")
    kind: str
    cause: str
    attempts: int
    created_at: datetime
    replayed_at: datetime | None
    discarded_at: datetime | None
    settled_by: str
    can_be_replayed: bool


def dead_letter(view: views.DeadLetter) -> DeadLetter:
    """Give a dead letter."""
    return shaped(
        DeadLetter,
        view,
        id=global_id("DeadLetter", view.id),
        settled_by=view.settled_by or "",
        can_be_replayed=can_be_replayed(view),
    )


@strawberry.type
class LetterQueries:
    """Root fields about dead letters."""

    @reads(Role.ADMIN)
    async def dead_letters(
        self,
        info: Info,
        first: int = DEFAULT_FIRST,
        after: Cursor | None = None,
        is_open: bool | None = None,
    ) -> Connection[DeadLetter]:
        """What could not be handled, newest first: all of it, what waits, or what is settled."""
        page = wanted_page(first, after)
        async with info.context.house.store.reading() as unit:
            rows = await unit.messages.buried(info.context.workspace_id, page, is_open=is_open)
        return connect(rows, first=first, after=after, node=dead_letter, position=cursor_of)


@strawberry.input
class ReplayDeadLetterInput:
    """Which letter."""

    idempotency_key: UUID
    letter_id: strawberry.ID


@strawberry.type
class ReplayDeadLetterPayload(Payload):
    """The letter with who replayed it."""

    letter: DeadLetter | None = None


@strawberry.input
class DiscardDeadLetterInput:
    """Which letter."""

    idempotency_key: UUID
    letter_id: strawberry.ID


@strawberry.type
class DiscardDeadLetterPayload(Payload):
    """The letter with who discarded it."""

    letter: DeadLetter | None = None


@strawberry.type
class LetterMutations:
    """Mutations about dead letters."""

    @mutates(ReplayDeadLetter)
    async def replay_dead_letter(self, info: Info, input: ReplayDeadLetterInput) -> ReplayDeadLetterPayload:
        """Replay a letter."""
        done = await carry_out(
            info,
            lambda: ReplayDeadLetter(letter_id=own_id("DeadLetter", input.letter_id)),
            key=input.idempotency_key,
            keep=kept_id,
        )
        return ReplayDeadLetterPayload(
            letter=await _letter(info, done), user_errors=done.errors, idempotent_replay=done.is_replay
        )

    @mutates(DiscardDeadLetter)
    async def discard_dead_letter(
        self, info: Info, input: DiscardDeadLetterInput
    ) -> DiscardDeadLetterPayload:
        """Discard a letter."""
        done = await carry_out(
            info,
            lambda: DiscardDeadLetter(letter_id=own_id("DeadLetter", input.letter_id)),
            key=input.idempotency_key,
            keep=kept_id,
        )
        return DiscardDeadLetterPayload(
            letter=await _letter(info, done), user_errors=done.errors, idempotent_replay=done.is_replay
        )


async def _letter(info: Info, done: Done) -> DeadLetter | None:
    if done.errors:
        return None
    async with info.context.house.store.reading() as unit:
        found = await unit.messages.letter(info.context.workspace_id, str(done.kept["id"]))
    return dead_letter(found) if found else None
