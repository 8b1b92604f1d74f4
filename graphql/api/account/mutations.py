"""Members, tokens and personal choices."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import strawberry

from api.account.access_mutations import AccessMutations
from api.account.privacy import PrivacyMutations
from api.account.queries import shown_member
from api.account.session_mutations import SessionMutations
from api.account.types import ApiToken, Member, api_token
from api.context import Info
from api.ids import own_id
from api.mutation import Payload, carry_out, mutates
from desk.commands import AddMember, CreateApiToken, RevokeApiToken, SetMemberRole, SetPreference
from desk.identity import Role


@strawberry.input
class CreateApiTokenInput:
    """What it is for, and what it may do."""

    idempotency_key: UUID
    label: str
    role: Role = Role.VIEWER
    member_id: strawberry.ID | None = strawberry.field(
        default=None, description="Whose token it is; yours if left out."
    )
    read_only: bool = strawberry.field(default=False, description="It may only read, whatever its role.")
    adhoc: bool = strawberry.field(
        default=True, description="It may send documents that the server does not know by name."
    )
    lives_minutes: int | None = strawberry.field(
        default=None, description="Ends by itself after so long; never if left out."
    )


@strawberry.input
class RevokeApiTokenInput:
    """Which token."""

    token_id: strawberry.ID


@strawberry.input
class AddMemberInput:
    """Who comes in."""

    idempotency_key: UUID
    name: str
    email: str = ""
    role: Role = Role.VIEWER


@strawberry.input
class SetMemberRoleInput:
    """Who becomes what."""

    idempotency_key: UUID
    member_id: strawberry.ID
    role: Role


@strawberry.input
class SetPreferenceInput:
    """One's own language and time zone; what is left out stays."""

    language: str = ""
    time_zone: str = ""


@strawberry.type
class CreateApiTokenPayload(Payload):
    """The token; its secret is shown once and is null in a replay."""

    token: ApiToken | None = None
    secret: str | None = None


@strawberry.type
class RevokeApiTokenPayload(Payload):
    """The ended token."""

    token: ApiToken | None = None


@strawberry.type
class MemberPayload(Payload):
    """A person, or why not."""

    member: Member | None = None


@strawberry.type
class AddMemberPayload(MemberPayload):
    """The new member."""


@strawberry.type
class SetMemberRolePayload(MemberPayload):
    """The member with the new role."""


@strawberry.type
class SetPreferencePayload(MemberPayload):
    """You, with your choices."""


@strawberry.type
class AccountMutations(AccessMutations, PrivacyMutations, SessionMutations):
    """Mutations about people."""

    @mutates(CreateApiToken)
    async def create_api_token(self, info: Info, input: CreateApiTokenInput) -> CreateApiTokenPayload:
        """Make a token."""
        done = await carry_out(
            info,
            lambda: CreateApiToken(
                label=input.label,
                role=input.role,
                user_id=own_id("Member", input.member_id) if input.member_id else "",
                is_read_only=input.read_only,
                may_improvise=input.adhoc,
                lives=None if input.lives_minutes is None else timedelta(minutes=input.lives_minutes),
            ),
            key=input.idempotency_key,
            # The secret is never stored: a replay names the token only.
            keep=lambda view: {"id": view.token.id},
        )
        if done.errors:
            return CreateApiTokenPayload(user_errors=done.errors)
        return CreateApiTokenPayload(
            token=await _token(info, str(done.kept["id"])),
            secret=done.view.secret if done.view else None,
            idempotent_replay=done.is_replay,
        )

    @mutates(RevokeApiToken)
    async def revoke_api_token(self, info: Info, input: RevokeApiTokenInput) -> RevokeApiTokenPayload:
        """End a token."""
        done = await carry_out(info, lambda: RevokeApiToken(token_id=own_id("ApiToken", input.token_id)))
        if done.errors:
            return RevokeApiTokenPayload(user_errors=done.errors)
        return RevokeApiTokenPayload(token=await _token(info, own_id("ApiToken", input.token_id)))

    @mutates(AddMember)
    async def add_member(self, info: Info, input: AddMemberInput) -> AddMemberPayload:
        """Add a person."""
        done = await carry_out(
            info,
            lambda: AddMember(name=input.name, email=input.email, role=input.role),
            key=input.idempotency_key,
            keep=_user_id,
        )
        if done.errors:
            return AddMemberPayload(user_errors=done.errors)
        return AddMemberPayload(
            member=await _member(info, str(done.kept["id"])), idempotent_replay=done.is_replay
        )

    @mutates(SetMemberRole)
    async def set_member_role(self, info: Info, input: SetMemberRoleInput) -> SetMemberRolePayload:
        """Change a role."""
        done = await carry_out(
            info,
            lambda: SetMemberRole(user_id=own_id("Member", input.member_id), role=input.role),
            key=input.idempotency_key,
            keep=_user_id,
        )
        if done.errors:
            return SetMemberRolePayload(user_errors=done.errors)
        return SetMemberRolePayload(
            member=await _member(info, str(done.kept["id"])), idempotent_replay=done.is_replay
        )

    @mutates(SetPreference)
    async def set_preference(self, info: Info, input: SetPreferenceInput) -> SetPreferencePayload:
        """Choose language and time zone."""
        done = await carry_out(
            info, lambda: SetPreference(language=input.language, time_zone=input.time_zone), keep=_user_id
        )
        if done.errors:
            return SetPreferencePayload(user_errors=done.errors)
        return SetPreferencePayload(member=await _member(info, str(done.kept["id"])))


def _user_id(view: Any) -> dict[str, str]:
    return {"id": view.user_id}


async def _member(info: Info, user_id: str) -> Member | None:
    async with info.context.house.store.reading() as unit:
        found = await unit.members.by_id(info.context.workspace_id, user_id)
    return shown_member(info, found) if found else None


async def _token(info: Info, token_id: str) -> ApiToken | None:
    async with info.context.house.store.reading() as unit:
        found = {one.id: one for one in await unit.members.tokens(info.context.workspace_id)}.get(token_id)
    return api_token(found) if found else None
