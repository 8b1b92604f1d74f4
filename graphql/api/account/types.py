"""Members, tokens and the audit."""

from __future__ import annotations

from datetime import datetime

import strawberry
from strawberry.scalars import JSON

from api import enums as _enums  # noqa: F401 - registers the enums that annotations name
from api.ids import global_id
from api.node import Node, shaped
from desk import views
from desk.identity import Role


@strawberry.type(description="A group of people with their accounts and bots; nothing crosses its wall.")
class Workspace(Node):
    """The workspace of whoever asks."""

    id: strawberry.ID
    name: str
    created_at: datetime


@strawberry.type(description="A person in the workspace.")
class Member(Node):
    """A member; the mail address is shown to admins and to the person."""

    id: strawberry.ID
    name: str
    email: str | None
    role: Role
    language: str
    time_zone: str


@strawberry.type(description="A token without its secret.")
class ApiToken(Node):
    """A token."""

    id: strawberry.ID
    label: str
    role: Role
    member_id: strawberry.ID
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    prefix: str = strawberry.field(description="How its secret begins.")
    scopes: list[str] = strawberry.field(
        description='"read" may only read, "adhoc" may send documents of its own.'
    )
    last_used_at: datetime | None = strawberry.field(description="To the minute.")


@strawberry.type(description="A line of the append-only audit, chained by hash.")
class AuditEntry:
    """Who did what, by which door, and what came of it."""

    sequence: int
    at: datetime
    actor: str
    channel: str
    action: str
    subject: str
    detail: JSON
    outcome: str
    previous_hash: str
    hash: str


@strawberry.type(description="Whoever asks.")
class Viewer:
    """The person (or service) behind the token, with the role that holds for this request."""

    member: Member | None
    name: str
    role: Role
    workspace: Workspace | None
    token_id: strawberry.ID
    step_up_until: datetime | None = strawberry.field(
        description="Until when the last StepUp counts in this session."
    )


@strawberry.type(description="A sign-in that has not ended.")
class SignIn:
    """One device or browser of a person."""

    created_at: datetime
    used_at: datetime
    expires_at: datetime
    is_this: bool = strawberry.field(description="The one that asks.")


def workspace(view: views.Workspace) -> Workspace:
    """Give a workspace."""
    return shaped(Workspace, view, id=global_id("Workspace", view.id))


def member(view: views.Member, *, with_email: bool) -> Member:
    """Give a person."""
    return shaped(
        Member, view, id=global_id("Member", view.user_id), email=view.email if with_email else None
    )


def api_token(view: views.ApiToken) -> ApiToken:
    """Give a token without its secret."""
    return shaped(
        ApiToken,
        view,
        id=global_id("ApiToken", view.id),
        member_id=global_id("Member", view.user_id),
        scopes=list(view.scopes),
    )


def audit_entry(view: views.AuditEntry) -> AuditEntry:
    """Give a line of the audit."""
    return shaped(AuditEntry, view, detail=dict(view.detail))
