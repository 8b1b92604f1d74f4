"""Passwords, second factors and step-ups of people who are known already."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from desk.commands import BeginTotp, ConfirmTotp, SetPassword, StepUp
from desk.desk import Desk, Handling, proof_session
from desk.errors import StepUpRequired
from desk.identity import Actor
from desk.passwords import (
    checked_password,
    fits,
    hashed,
    new_totp_secret,
    totp_step,
    totp_text,
    totp_uri,
)
from desk.people_views import SteppedUp, TotpDraft
from desk.throttling import Throttling
from trading.errors import Conflict, Denied

#: A step-up counts for so long.
STEP_UP_TTL = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class _NewPassword:
    stored: str


class ProofHandlers:
    """Does what concerns proofs of who asks."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._throttling = Throttling(desk.store, desk.clock)

    def register(self) -> None:
        """Enter the handlers."""
        desk = self._desk
        desk.handle(StepUp, self.step_up, before=self.prove)
        desk.handle(SetPassword, self.set_password, before=self.prepare_password)
        desk.handle(BeginTotp, self.begin_totp)
        desk.handle(ConfirmTotp, self.confirm_totp)

    async def prove(self, command: StepUp, actor: Actor) -> None:
        """Check a code or a password; a failure counts even though the command is refused.

        Raises:
            Denied: it does not fit, or there is nothing to prove with.
            TooManyTries: too many did not.
        """
        person = _person(actor)
        async with self._throttling.attempt(f"proof:{person}"):
            async with self._desk.store.reading() as tx:
                known = await tx.proofs.credentials(actor.workspace_id, person)
            proof = command.proof.reveal()
            if known.totp_secret:
                # Where there is a second factor the password alone is no fresh proof.
                step = totp_step(known.totp_secret, proof, self._desk.clock.now())
                async with self._desk.store.transaction() as tx:
                    is_good = step is not None and await tx.proofs.use_totp_step(
                        actor.workspace_id, person, step
                    )
            else:
                is_good = await fits(proof, known.password_hash)
            if not is_good:
                raise Denied(
                    "That is not the code or password that is expected now.",
                    hint="Give the newest code of your second factor, or your password where you have none. "
                    "Without either, set a password first: SetPassword, or `breakwater user password`.",
                )

    async def step_up(self, command: StepUp, handling: Handling) -> SteppedUp:
        """Let the proof count for a while, in this session only."""
        actor = handling.actor
        until = handling.now + STEP_UP_TTL
        await handling.tx.proofs.step_up(actor.workspace_id, actor.user_id, proof_session(actor), until)
        return SteppedUp(until=until)

    async def prepare_password(self, command: SetPassword, actor: Actor) -> _NewPassword:
        """Check the present password and hash the new one, outside of a transaction.

        Raises:
            Denied: the present password is another one.
            InvalidInput: the new one may not be set.
        """
        person = _person(actor)
        wanted = checked_password(command.password)
        async with self._desk.store.reading() as tx:
            known = await tx.proofs.credentials(actor.workspace_id, person)
        if known.password_hash and actor.channel != "cli":
            async with self._throttling.attempt(f"proof:{person}"):
                if not await fits(command.current.reveal(), known.password_hash):
                    raise Denied("The present password is another one.", hint="Give it as `current`.")
        return _NewPassword(await hashed(wanted))

    async def set_password(self, command: SetPassword, handling: Handling) -> bool:
        """Keep the new password; fresh proofs with the old one end."""
        tx, actor = handling.tx, handling.actor
        new = handling.prepared
        assert isinstance(new, _NewPassword)
        known = await tx.proofs.credentials(actor.workspace_id, actor.user_id)
        await tx.proofs.save_credentials(replace(known, password_hash=new.stored), handling.now)
        await tx.proofs.end_step_ups(actor.workspace_id, actor.user_id)
        return True

    async def begin_totp(self, command: BeginTotp, handling: Handling) -> TotpDraft:
        """Draft a second factor; the one in use goes on until the draft is confirmed."""
        tx, actor = handling.tx, handling.actor
        person = _person(actor)
        known = await tx.proofs.credentials(actor.workspace_id, person)
        secret = new_totp_secret()
        await tx.proofs.save_credentials(replace(known, totp_draft=secret), handling.now)
        workspace = await tx.workspaces.by_id(actor.workspace_id)
        return TotpDraft(
            secret=totp_text(secret),
            uri=totp_uri(secret, person=actor.name, workspace=workspace.name if workspace else ""),
        )

    async def confirm_totp(self, command: ConfirmTotp, handling: Handling) -> bool:
        """Switch the draft on."""
        tx, actor = handling.tx, handling.actor
        known = await tx.proofs.credentials(actor.workspace_id, _person(actor))
        if not known.totp_draft:
            raise Conflict("No second factor was begun.", hint="BeginTotp gives its secret.")
        step = totp_step(known.totp_draft, command.proof.reveal(), handling.now)
        if step is None:
            raise Denied(
                "That code is not of the new second factor.",
                hint="Give the newest code; check that the clock of the device is right.",
            )
        if known.totp_secret:
            # A stolen session must not put a factor of its own in the place of the person's.
            until = await tx.proofs.stepped_up_until(actor.workspace_id, actor.user_id, proof_session(actor))
            if (until is None or until <= handling.now) and actor.channel != "cli":
                raise StepUpRequired(
                    "A second factor is in use; replacing it needs a fresh proof with it.",
                    hint="StepUp with a code of the present one first.",
                )
        await tx.proofs.save_credentials(
            replace(known, totp_secret=known.totp_draft, totp_draft=b"", totp_step=step), handling.now
        )
        return True


def _person(actor: Actor) -> str:
    if not actor.user_id:
        raise Denied("Passwords and second factors belong to people; the house itself has none.")
    return actor.user_id
