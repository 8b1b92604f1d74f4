"""Dead letters: what could not be handled is tried again once, or settled as it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from desk.alerting.rules import LIFETIMES, is_stale
from desk.commands import DiscardDeadLetter, ReplayDeadLetter
from desk.desk import Desk, Handling, Preview
from desk.identity import Actor
from desk.jobs.bell import Bell
from desk.jobs.queueing import changed
from desk.ports import Unit
from desk.views import DeadLetter
from trading.errors import Conflict, NotFound

#: Where a letter came from.
JOBS, ALERTS = "jobs", "alert:"
#: Letters of a cause that a question shows.
_SHOWN = 160


def can_be_replayed(letter: DeadLetter) -> bool:
    """Tell whether a letter could be tried again: it waits, and it is work of the house and no person's words."""
    is_settled = letter.replayed_at is not None or letter.discarded_at is not None
    return not is_settled and (letter.source == JOBS or letter.source.startswith(ALERTS))


class LetterHandlers:
    """Replays and discards. A letter is settled in the transaction of its effect, so twice asked is once done."""

    def __init__(self, bell: Bell, wake: Callable[[], None] = lambda: None) -> None:
        self._bell = bell
        self._wake = wake

    def register(self, desk: Desk) -> None:
        """Enter the handlers."""
        desk.handle(ReplayDeadLetter, self.replay)
        desk.handle(DiscardDeadLetter, self.discard, preview=preview_discard)

    async def replay(self, command: ReplayDeadLetter, handling: Handling) -> DeadLetter:
        """Put its work back into its queue; a letter that was replayed before is given as it is."""
        tx, actor = handling.tx, handling.actor
        letter = await _letter(tx, actor, command.letter_id)
        if letter.replayed_at is not None:
            return letter
        if letter.discarded_at is not None:
            raise Conflict(
                f"This letter was discarded by {letter.settled_by}; only one that waits is replayed."
            )
        if not await tx.messages.mark_replayed(actor.workspace_id, letter.id, handling.now, by=actor.label):
            return await _letter(tx, actor, letter.id)
        if letter.source == JOBS:
            await self._job(letter, handling)
        elif letter.source.startswith(ALERTS):
            await self._alert(letter, handling)
        else:
            raise Conflict(
                f"A {letter.kind.replace('_', ' ')} of {letter.source} was buried; jobs and alerts are replayed. "
                "A person's words are not said again in their name.",
                hint="Ask them to send it again, and discard this one.",
            )
        return await _letter(tx, actor, letter.id)

    async def discard(self, command: DiscardDeadLetter, handling: Handling) -> DeadLetter:
        """Settle it; one that was discarded before is given as it is."""
        tx, actor = handling.tx, handling.actor
        letter = await _letter(tx, actor, command.letter_id)
        _refuse_replayed(letter)
        await tx.messages.mark_discarded(actor.workspace_id, letter.id, handling.now, by=actor.label)
        return await _letter(tx, actor, letter.id)

    async def _job(self, letter: DeadLetter, handling: Handling) -> None:
        job_id = str(letter.payload["job_id"])
        job = await handling.tx.jobs.retry(handling.actor.workspace_id, job_id, handling.now)
        handling.emit(changed(job, handling.now))
        handling.after_commit.append(lambda: self._bell.ring(job.id))

    async def _alert(self, letter: DeadLetter, handling: Handling) -> None:
        tx, workspace_id = handling.tx, handling.actor.workspace_id
        alert = await tx.alerts.by_id(workspace_id, str(letter.payload["alert_id"]))
        delivery = await tx.alerts.delivery(workspace_id, str(letter.payload["delivery_id"]))
        if alert is None or delivery is None:
            raise Conflict(
                "The alert of this letter is forgotten; there is nothing to send.", hint="Discard it."
            )
        if is_stale(alert, handling.now):
            raise Conflict(
                f"This alert is from {alert.created_at.isoformat(timespec='minutes')}; one of its kind is sent "
                f"within {LIFETIMES[alert.kind]}.",
                hint="Discard it.",
            )
        await tx.notices.enqueue(replace(delivery, attempts=0), handling.now)
        handling.after_commit.append(self._wake)


async def preview_discard(command: DiscardDeadLetter, tx: Unit, actor: Actor) -> Preview:
    """Say what would not be tried again, and why it was buried."""
    letter = await _letter(tx, actor, command.letter_id)
    _refuse_replayed(letter)
    return Preview(
        code="confirm.DiscardDeadLetter",
        params={"kind": letter.kind, "source": letter.source, "cause": letter.cause[:_SHOWN]},
        needed=letter.discarded_at is None,
    )


def _refuse_replayed(letter: DeadLetter) -> None:
    if letter.replayed_at is not None:
        raise Conflict(f"This letter was replayed by {letter.settled_by}; only one that waits is discarded.")


async def _letter(tx: Unit, actor: Actor, letter_id: str) -> DeadLetter:
    letter = await tx.messages.letter(actor.workspace_id, letter_id)
    if letter is None:
        raise NotFound(f"There is no dead letter '{letter_id[:60]}'.", hint="/dlq lists them.")
    return letter
