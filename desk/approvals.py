"""Two-person approvals: a dangerous command waits in the store until somebody else agrees; silence never does.

The request is bound to the digest of the command and its arguments, and is carried out once: the transaction that does
the command is the one that settles the request, so a crash between the two leaves either both or none. Roles and state
are looked at again then. A workspace with one admin has nobody to ask; there a fresh proof and a delay that anybody
may cancel stand in, and the audit says SOLO.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import structlog

from desk.alerting.raising import raise_alerts
from desk.command_codec import as_text, audited, command_hash, from_text
from desk.errors import ApprovalPending
from desk.identity import Actor, Role, new_id
from desk.people_views import SETTLED, Approval, ApprovalState
from trading.errors import BreakwaterError, Conflict, Denied, InvariantBroken, NotFound, StoreProblem
from trading.events import ApprovalRequested, ApprovalSettled, Event, Recorded

if TYPE_CHECKING:
    from desk.commands import Command
    from desk.desk import Desk, Handling, Preview
    from desk.ports import Unit
    from desk.views import Member

log = structlog.get_logger(__name__)

#: A second person has so long to decide.
APPROVAL_TTL = timedelta(hours=1)

#: A single owner waits so long; after it the command must be carried out within the same time again.
SOLO_DELAY = timedelta(minutes=10)

#: Whoever may approve.
APPROVER = Role.ADMIN

#: The program itself, and people at the machine's own command line, who could change the database anyway.
TRUSTED_CHANNELS = frozenset({"system", "cli"})

#: The keeper looks so often.
LOOK_EVERY_S = 1.0

# Without letters and digits that are mistaken for each other.
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
_CODE_LENGTH = 6


class ApprovalDesk:
    """Takes requests for approval, and carries them out once they are approved."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def is_solo(self, tx: Unit, command: Command, actor: Actor) -> bool:
        """Tell whether nobody else could approve."""
        return not _others(await tx.members.all(actor.workspace_id), actor, command)

    async def ask(self, command: Command, actor: Actor, preview: Preview | None) -> ApprovalPending:
        """Write a request; the same one asked again gives the one that waits.

        Returns:
            what to raise: nothing was done yet.
        """
        digest = command_hash(command)
        now = self._desk.clock.now()
        async with self._desk.store.transaction() as tx:
            known = await tx.approvals.same(
                actor.workspace_id, requested_by=actor.user_id, command_hash=digest, now=now
            )
            if known is not None:
                return ApprovalPending(known)
            is_solo = await self.is_solo(tx, command, actor)
            approval = Approval(
                id=new_id(),
                workspace_id=actor.workspace_id,
                code="",
                command=type(command).__name__,
                command_hash=digest,
                detail=audited(command),
                preview_code=preview.code if preview else f"confirm.{type(command).__name__}",
                preview_params=_plain_params(preview),
                state=ApprovalState.WAITING if is_solo else ApprovalState.PENDING,
                is_solo=is_solo,
                requested_by=actor.user_id,
                requester_name=actor.name,
                channel=actor.channel,
                requested_at=now,
                expires_at=now + (2 * SOLO_DELAY if is_solo else APPROVAL_TTL),
                execute_at=now + SOLO_DELAY if is_solo else None,
            )
            approval = await _added(tx, approval, as_text(command))
            await _audit(tx, approval, actor, "requested", now)
            recorded = await _told(tx, approval, _requested(approval))
        self._desk.bus.publish(recorded)
        log.info("approval_requested", command=approval.command, actor=actor.label, code=approval.code)
        return ApprovalPending(approval)

    async def approve(self, code: str, handling: Handling) -> Approval:
        """Agree as a second person; it is carried out right after the commit.

        Raises:
            NotFound, Conflict, Denied: no such request, settled or too old, or not this person's to approve.
        """
        tx, actor, now = handling.tx, handling.actor, handling.now
        approval = await _open_request(tx, actor, code, now)
        if approval.is_solo:
            raise Conflict(
                f"{approval.code} waits for its delay, not for a person.",
                hint="It can be rejected until then.",
            )
        if not actor.user_id or actor.user_id == approval.requested_by:
            raise Denied(
                f"{approval.code} was asked by {approval.requester_name}; somebody else must approve it.",
                hint="Ask another admin or owner.",
            )
        command = await self._command(tx, approval)
        asker = await tx.members.by_id(actor.workspace_id, approval.requested_by)
        if type(command).policy.owner_among and Role.OWNER not in (actor.role, asker.role if asker else None):
            raise Denied(
                f"{approval.command} needs an owner among the two.", hint="Ask an owner to approve it."
            )
        await self._moved(tx, approval, ApprovalState.APPROVED, handling)
        handling.after_commit.append(lambda: self.carry_out(approval))
        return approval

    async def reject(self, code: str, handling: Handling) -> Approval:
        """Say no, withdraw, or cancel a delay.

        Raises:
            NotFound, Conflict, Denied: no such request, settled or too old, or not this person's to reject.
        """
        actor = handling.actor
        approval = await _open_request(handling.tx, actor, code, handling.now)
        may = approval.is_solo or actor.role >= APPROVER or actor.user_id == approval.requested_by
        if not may:
            raise Denied(
                f"{approval.code} may be rejected by admins, owners and {approval.requester_name}; "
                f"you are {actor.role.name}."
            )
        await self._moved(handling.tx, approval, ApprovalState.REJECTED, handling)
        return approval

    async def carry_out(self, approval: Approval) -> None:
        """Do what was approved, once, as the person who asked; a refusal settles it as failed."""
        try:
            command, actor, note = await self._checked(approval)
            done = await self._desk.do_approved(
                command, actor, note=note, claim=lambda tx: self._claimed(tx, approval)
            )
        except StoreProblem:
            # The database is away: the keeper tries again.
            log.warning("approval_postponed", code=approval.code)
            return
        except BreakwaterError as problem:
            await self._settle(approval, ApprovalState.FAILED, str(problem))
            return
        if done:
            log.info("approval_done", command=approval.command, code=approval.code)

    async def look(self) -> None:
        """Carry out what is due, and end what is too old."""
        now = self._desk.clock.now()
        async with self._desk.store.reading() as tx:
            due = await tx.approvals.due(now)
        for approval in due:
            if approval.expires_at <= now:
                await self._settle(approval, ApprovalState.EXPIRED, "")
            elif approval.state is ApprovalState.APPROVED or approval.is_solo:
                await self.carry_out(approval)

    async def run(self) -> None:
        """Look again and again; what a crash left is picked up here."""
        while True:
            try:
                await self.look()
            except StoreProblem as problem:
                log.warning("approvals_waiting", problem=problem.message)
            await self._desk.clock.sleep(LOOK_EVERY_S)

    async def _checked(self, approval: Approval) -> tuple[Command, Actor, dict[str, Any]]:
        """Look at everything again: the arguments, the asker's role, the approver's."""
        async with self._desk.store.reading() as tx:
            command = await self._command(tx, approval)
            asker = await tx.members.by_id(approval.workspace_id, approval.requested_by)
            decider_id = await tx.approvals.decider(approval.workspace_id, approval.id)
            decider = await tx.members.by_id(approval.workspace_id, decider_id) if decider_id else None
        needed = type(command).policy.role
        if asker is None or asker.role < needed:
            raise Denied(f"{approval.requester_name} may no longer do {approval.command}.")
        if not approval.is_solo and (decider is None or decider.role < APPROVER):
            raise Denied(f"Whoever approved {approval.code} may no longer do so.")
        actor = Actor(
            workspace_id=approval.workspace_id,
            user_id=asker.user_id,
            name=asker.name,
            role=asker.role,
            channel=approval.channel,
            language=asker.language,
        )
        by = "SOLO" if decider is None else decider.name
        return command, actor, {"approval": approval.code, "approved_by": by}

    async def _command(self, tx: Unit, approval: Approval) -> Command:
        text = await tx.approvals.arguments(approval.workspace_id, approval.id)
        if not text:
            raise Conflict(f"{approval.code} is settled already.")
        command = from_text(approval.command, text)
        if command_hash(command) != approval.command_hash:
            raise InvariantBroken(f"The arguments of {approval.code} are not those that were asked for.")
        return command

    async def _claimed(self, tx: Unit, approval: Approval) -> bool:
        """Settle the request in the transaction that does the command; False when another process was faster."""
        now = self._desk.clock.now()
        before = (ApprovalState.APPROVED, ApprovalState.WAITING)
        return await tx.approvals.move(
            approval.workspace_id, approval.id, before=before, after=ApprovalState.DONE, at=now
        )

    async def _moved(self, tx: Unit, approval: Approval, after: ApprovalState, handling: Handling) -> None:
        moved = await tx.approvals.move(
            approval.workspace_id,
            approval.id,
            before=(ApprovalState.PENDING, ApprovalState.WAITING),
            after=after,
            at=handling.now,
            decided_by=handling.actor.name,
            decider_id=handling.actor.user_id,
        )
        if not moved:
            raise Conflict(f"{approval.code} was decided meanwhile.")
        handling.emit(settled_fact(approval, after, handling.actor.label, handling.now))

    async def _settle(self, approval: Approval, after: ApprovalState, outcome: str) -> None:
        now = self._desk.clock.now()
        async with self._desk.store.transaction() as tx:
            before = [one for one in ApprovalState if one not in SETTLED]
            if not await tx.approvals.move(
                approval.workspace_id, approval.id, before=before, after=after, at=now, outcome=outcome
            ):
                return
            await tx.audit.append(
                approval.workspace_id,
                at=now,
                actor=f"{approval.requester_name}@{approval.channel}",
                channel=approval.channel,
                action=approval.command,
                subject=approval.code,
                detail={"approval": approval.code, "reason": outcome},
                outcome=after.value.lower(),
            )
            recorded = await _told(tx, approval, settled_fact(approval, after, "", now, outcome))
        self._desk.bus.publish(recorded)


def settled_fact(
    approval: Approval, after: ApprovalState, by: str, now: Any, outcome: str = ""
) -> ApprovalSettled:
    """Give the fact that a request moved on."""
    return ApprovalSettled(
        workspace_id=approval.workspace_id,
        occurred_at=now,
        approval_id=approval.id,
        code=approval.code,
        command=approval.command,
        state=after.value,
        detail=outcome,
        actor=by,
    )


def _requested(approval: Approval) -> ApprovalRequested:
    return ApprovalRequested(
        workspace_id=approval.workspace_id,
        occurred_at=approval.requested_at,
        approval_id=approval.id,
        code=approval.code,
        command=approval.command,
        until=approval.execute_at or approval.expires_at,
        is_solo=approval.is_solo,
        actor=f"{approval.requester_name}@{approval.channel}",
    )


def _others(members: Sequence[Member], actor: Actor, command: Command) -> list[Member]:
    """Give who else could approve."""
    policy = type(command).policy
    least = Role.OWNER if policy.owner_among and actor.role < Role.OWNER else APPROVER
    return [one for one in members if one.user_id != actor.user_id and one.role >= least]


async def _open_request(tx: Unit, actor: Actor, code: str, now: Any) -> Approval:
    wanted = code.strip().upper()
    approval = await tx.approvals.by_code(actor.workspace_id, wanted) or await tx.approvals.by_id(
        actor.workspace_id, code
    )
    if approval is None:
        raise NotFound(
            f"No request is called '{wanted[:40]}'.", hint="Take the code from the request's message."
        )
    if approval.state not in (ApprovalState.PENDING, ApprovalState.WAITING):
        raise Conflict(
            f"{approval.code} is {approval.state.value.lower()} already.",
            hint="Ask anew if it is still wanted.",
        )
    if approval.expires_at <= now:
        raise Conflict(f"{approval.code} ended at {approval.expires_at:%H:%M} UTC.", hint="Ask anew.")
    return approval


async def _added(tx: Unit, approval: Approval, arguments: str) -> Approval:
    for _ in range(5):
        coded = replace(approval, code=new_code())
        if await tx.approvals.add(coded, arguments):
            return coded
    raise InvariantBroken("Five codes of six letters were all in use.")


def new_code() -> str:
    """Give a code that people can read out and type."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_CODE_LENGTH))


async def _audit(tx: Unit, approval: Approval, actor: Actor, outcome: str, now: Any) -> None:
    await tx.audit.append(
        actor.workspace_id,
        at=now,
        actor=actor.label,
        channel=actor.channel,
        action=approval.command,
        subject=approval.code,
        detail={**approval.detail, "approval": approval.code, "mode": "SOLO" if approval.is_solo else "TWO"},
        outcome=outcome,
    )


async def _told(tx: Unit, approval: Approval, fact: Event) -> tuple[Recorded, ...]:
    raised = await raise_alerts(tx, approval.workspace_id, [fact], fact.occurred_at)
    return await tx.journal.append(approval.workspace_id, [fact, *raised], fact.occurred_at)


def _plain_params(preview: Preview | None) -> dict[str, Any]:
    if preview is None:
        return {}
    return {
        name: value if value is None or isinstance(value, str | int | float | bool) else str(value)
        for name, value in preview.params.items()
    }
