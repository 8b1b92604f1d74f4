"""Reading members, tokens and the audit."""

from __future__ import annotations

import strawberry

from api.account.access_queries import AccessQueries
from api.account.types import (
    ApiToken,
    AuditEntry,
    Member,
    SignIn,
    Viewer,
    api_token,
    audit_entry,
    member,
    workspace,
)
from api.context import Info
from api.ids import Cursor, global_id
from api.pagination import DEFAULT_FIRST, Connection, connect, connect_all, wanted_page
from api.permissions import reads
from desk import views
from desk.cursors import cursor_of
from desk.desk import proof_session
from desk.identity import Role


@strawberry.type
class AccountQueries(AccessQueries):
    """Root fields about people."""

    @reads()
    async def viewer(self, info: Info) -> Viewer:
        """Whoever asks, with the role that holds for this request."""
        actor = info.context.actor
        async with info.context.house.store.reading() as unit:
            person = await unit.members.by_id(actor.workspace_id, actor.user_id)
            house = await unit.workspaces.by_id(actor.workspace_id)
            proven = await unit.proofs.stepped_up_until(
                actor.workspace_id, actor.user_id, proof_session(actor)
            )
        session = info.context.session
        return Viewer(
            member=member(person, with_email=True) if person else None,
            name=actor.name,
            role=actor.role,
            workspace=workspace(house) if house else None,
            token_id=strawberry.ID(global_id("ApiToken", session.token_id if session else "")),
            step_up_until=proven if proven is not None and proven > info.context.house.clock.now() else None,
        )

    @reads()
    async def sign_ins(self, info: Info) -> list[SignIn]:
        """One's own sign-ins that have not ended, newest first."""
        actor = info.context.actor
        async with info.context.house.store.reading() as unit:
            found = await unit.sessions.of_user(actor.workspace_id, actor.user_id)
        return [
            SignIn(
                created_at=one.created_at,
                used_at=one.used_at,
                expires_at=one.expires_at,
                is_this=one.id == actor.session_id,
            )
            for one in found
        ]

    @reads()
    async def members(
        self, info: Info, first: int = DEFAULT_FIRST, after: Cursor | None = None
    ) -> Connection[Member]:
        """People of the workspace, in the order in which they came."""
        async with info.context.house.store.reading() as unit:
            found = sorted(await unit.members.all(info.context.workspace_id), key=_member_position)
        return connect_all(
            found,
            first=first,
            after=after,
            node=lambda one: shown_member(info, one),
            position=_member_position,
        )

    @reads()
    async def api_tokens(self, info: Info) -> list[ApiToken]:
        """One's own tokens; admins see everybody's. Newest first, at most 100."""
        actor = info.context.actor
        async with info.context.house.store.reading() as unit:
            found = await unit.members.tokens(actor.workspace_id)
        mine = [one for one in found if actor.role >= Role.ADMIN or one.user_id == actor.user_id]
        mine.sort(key=lambda one: one.created_at, reverse=True)
        return [api_token(one) for one in mine[:100]]

    @reads(Role.ADMIN)
    async def audit_log(
        self, info: Info, first: int = DEFAULT_FIRST, after: Cursor | None = None
    ) -> Connection[AuditEntry]:
        """The audit, newest first."""
        async with info.context.house.store.reading() as unit:
            rows = await unit.audit.page(info.context.workspace_id, wanted_page(first, after))
        return connect(rows, first=first, after=after, node=audit_entry, position=cursor_of)


def shown_member(info: Info, view: views.Member) -> Member:
    """Give a person as this asker may see them."""
    actor = info.context.actor
    return member(view, with_email=actor.role >= Role.ADMIN or view.user_id == actor.user_id)


def _member_position(view: views.Member) -> str:
    # Ids are ordered by time.
    return view.user_id
