"""Ending sign-ins, and inviting people to choose a password."""

from __future__ import annotations

from datetime import timedelta

from desk.commands import InviteMember, SignOut, SignOutEverywhere
from desk.desk import Desk, Handling
from desk.handlers.links import new_link_code
from desk.handlers.people import member_of
from desk.identity import Role
from desk.people_views import IssuedInvitation
from desk.secrets import token_hash
from trading.errors import Conflict, Denied

#: An invitation must be used within this time.
INVITATION_TTL = timedelta(days=2)


class SessionHandlers:
    """Does what concerns sign-ins."""

    def register(self, desk: Desk) -> None:
        """Enter the handlers."""
        desk.handle(SignOut, self.sign_out)
        desk.handle(SignOutEverywhere, self.sign_out_everywhere)
        desk.handle(InviteMember, self.invite)

    async def sign_out(self, command: SignOut, handling: Handling) -> bool:
        """End the sign-in that asks."""
        actor = handling.actor
        if not await handling.tx.sessions.revoke(
            actor.workspace_id, actor.session_id, handling.now, "signed out"
        ):
            raise Conflict(
                "This was not a sign-in, or it had ended.", hint="A token is ended with RevokeApiToken."
            )
        return True

    async def sign_out_everywhere(self, command: SignOutEverywhere, handling: Handling) -> int:
        """End every sign-in of a person, and every fresh proof; give how many sign-ins ended."""
        tx, actor = handling.tx, handling.actor
        person = actor.user_id
        if command.user_id and command.user_id != person:
            if actor.role < Role.ADMIN:
                raise Denied(
                    "Sign-ins of somebody else are ended by admins; leave the person out for your own."
                )
            person = (await member_of(tx, actor, command.user_id)).user_id
        await tx.proofs.end_step_ups(actor.workspace_id, person)
        return await tx.sessions.revoke_all(actor.workspace_id, person, handling.now, "signed out everywhere")

    async def invite(self, command: InviteMember, handling: Handling) -> IssuedInvitation:
        """Make an invitation; earlier ones of the person end."""
        tx, actor, now = handling.tx, handling.actor, handling.now
        member = await member_of(tx, actor, command.user_id)
        if member.role > actor.role:
            raise Denied(f"{member.name} is {member.role.name}; you may invite up to {actor.role.name}.")
        code = new_link_code()
        expires_at = now + INVITATION_TTL
        await tx.sessions.add_invitation(
            actor.workspace_id,
            user_id=member.user_id,
            code_hash=token_hash(code),
            at=now,
            expires_at=expires_at,
        )
        return IssuedInvitation(code=code, expires_at=expires_at)
