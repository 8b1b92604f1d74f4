"""Coming in, staying in, and ending it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import strawberry

from api.account.queries import shown_member
from api.account.types import Member
from api.context import Context, Info, Session
from api.errors import UserError, user_error
from api.ids import own_id
from api.mutation import Payload, carry_out, mutates
from api.permissions import opens
from desk.commands import InviteMember, RemoveMember, SignOut, SignOutEverywhere
from desk.secrets import Secret
from desk.sessions import Tokens
from trading.errors import BreakwaterError, InvariantBroken


@strawberry.input
class SignInInput:
    """Name or e-mail address, password, and the second factor's code where there is one."""

    login: str
    password: str
    code: str = ""
    workspace: str = strawberry.field(
        default="", description="Its name; needed only where the house has several."
    )


@strawberry.input
class RefreshSessionInput:
    """The refresh token; it works once."""

    refresh_token: str


@strawberry.input
class AcceptInvitationInput:
    """The one-time code and the password to be."""

    code: str
    password: str


@strawberry.input
class SignOutInput:
    """Only the key."""

    idempotency_key: UUID


@strawberry.input
class SignOutEverywhereInput:
    """Whose sign-ins; yours if left out."""

    idempotency_key: UUID
    member_id: strawberry.ID | None = None


@strawberry.input
class InviteMemberInput:
    """Who is invited to choose a password."""

    idempotency_key: UUID
    member_id: strawberry.ID


@strawberry.input
class RemoveMemberInput:
    """Who goes."""

    idempotency_key: UUID
    member_id: strawberry.ID


@strawberry.type
class SessionPayload(Payload):
    """Tokens: the access token for ten minutes, the refresh token for one use. Keep both secret."""

    access_token: str | None = None
    access_until: datetime | None = None
    refresh_token: str | None = None


@strawberry.type
class SignInPayload(SessionPayload):
    """The tokens of a new sign-in."""


@strawberry.type
class RefreshSessionPayload(SessionPayload):
    """The next tokens; over a websocket the socket goes on with them."""


@strawberry.type
class AcceptInvitationPayload(Payload):
    """Whether the password was set; sign in with it."""

    is_set: bool = False


@strawberry.type
class SignOutPayload(Payload):
    """Whether the sign-in ended."""

    is_ended: bool = False


@strawberry.type
class SignOutEverywherePayload(Payload):
    """How many sign-ins ended."""

    ended: int = 0


@strawberry.type
class InviteMemberPayload(Payload):
    """The code, shown this once and null in a replay; hand it over in private."""

    code: str | None = None
    expires_at: datetime | None = None


@strawberry.type
class RemoveMemberPayload(Payload):
    """Who went."""

    member: Member | None = None


@strawberry.type
class SessionMutations:
    """Mutations about sign-ins."""

    @opens()
    async def sign_in(self, info: Info, input: SignInInput) -> SignInPayload:
        """Sign in with a password."""
        context = info.context
        try:
            tokens = await context.house.desk.sessions.sign_in(
                login=input.login,
                password=Secret(input.password),
                code=input.code,
                workspace=input.workspace,
                peer=context.peer,
            )
        except InvariantBroken:
            raise
        except BreakwaterError as problem:
            return SignInPayload(user_errors=[user_error(problem)])
        return SignInPayload(
            access_token=tokens.access, access_until=tokens.access_until, refresh_token=tokens.refresh
        )

    @opens()
    async def refresh_session(self, info: Info, input: RefreshSessionInput) -> RefreshSessionPayload:
        """Go on with new tokens; a refresh token that comes back a second time ends the whole sign-in."""
        try:
            tokens = await info.context.house.desk.sessions.refresh(input.refresh_token)
        except InvariantBroken:
            raise
        except BreakwaterError as problem:
            return RefreshSessionPayload(user_errors=[user_error(problem)])
        _go_on(info.context, tokens)
        return RefreshSessionPayload(
            access_token=tokens.access, access_until=tokens.access_until, refresh_token=tokens.refresh
        )

    @opens()
    async def accept_invitation(self, info: Info, input: AcceptInvitationInput) -> AcceptInvitationPayload:
        """Choose a password with a one-time code from an owner."""
        errors: list[UserError] = []
        try:
            await info.context.house.desk.sessions.accept(
                input.code, Secret(input.password), peer=info.context.peer
            )
        except InvariantBroken:
            raise
        except BreakwaterError as problem:
            errors = [user_error(problem)]
        return AcceptInvitationPayload(user_errors=errors, is_set=not errors)

    @mutates(SignOut)
    async def sign_out(self, info: Info, input: SignOutInput) -> SignOutPayload:
        """Sign out."""
        done = await carry_out(info, SignOut, key=input.idempotency_key, keep=lambda _: {"ended": True})
        return SignOutPayload(
            user_errors=done.errors, is_ended=not done.errors, idempotent_replay=done.is_replay
        )

    @mutates(SignOutEverywhere)
    async def sign_out_everywhere(
        self, info: Info, input: SignOutEverywhereInput
    ) -> SignOutEverywherePayload:
        """Sign out everywhere."""
        done = await carry_out(
            info,
            lambda: SignOutEverywhere(user_id=own_id("Member", input.member_id) if input.member_id else ""),
            key=input.idempotency_key,
            keep=lambda ended: {"ended": ended},
        )
        return SignOutEverywherePayload(
            user_errors=done.errors,
            ended=int(done.kept.get("ended", 0)),
            idempotent_replay=done.is_replay,
        )

    @mutates(InviteMember)
    async def invite_member(self, info: Info, input: InviteMemberInput) -> InviteMemberPayload:
        """Invite."""
        done = await carry_out(
            info,
            lambda: InviteMember(user_id=own_id("Member", input.member_id)),
            key=input.idempotency_key,
        )
        if done.errors:
            return InviteMemberPayload(user_errors=done.errors)
        return InviteMemberPayload(
            code=done.view.code if done.view else None,
            expires_at=done.view.expires_at if done.view else None,
            idempotent_replay=done.is_replay,
        )

    @mutates(RemoveMember)
    async def remove_member(self, info: Info, input: RemoveMemberInput) -> RemoveMemberPayload:
        """Remove a person."""
        done = await carry_out(
            info,
            lambda: RemoveMember(user_id=own_id("Member", input.member_id)),
            key=input.idempotency_key,
        )
        if done.errors:
            return RemoveMemberPayload(user_errors=done.errors)
        return RemoveMemberPayload(
            member=shown_member(info, done.view) if done.view else None, idempotent_replay=done.is_replay
        )


def _go_on(context: Context, tokens: Tokens) -> None:
    """Let the socket that asked go on with the new token; it must be the same person's."""
    socket = context.connection
    if socket is None or socket.session is None or socket.session.actor.user_id != tokens.actor.user_id:
        return
    socket.token = tokens.access
    socket.session = Session(actor=tokens.actor, token_id="", expires_at=tokens.access_until)
