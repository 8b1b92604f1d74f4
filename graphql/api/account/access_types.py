"""Chat links, approvals and proofs."""

from __future__ import annotations

from datetime import datetime

import strawberry
from strawberry.scalars import JSON

from api.ids import global_id
from api.node import shaped
from desk import people_views as views
from desk.people_views import ApprovalState

strawberry.enum(ApprovalState, description="Where a request for approval stands.")


@strawberry.type(description="A person's account at a chat platform.")
class ChatLink:
    """A linked account; the account itself is shown to its person and to admins."""

    id: strawberry.ID
    member_id: strawberry.ID
    platform: str
    display_name: str | None
    verified_at: datetime


@strawberry.type(description="A command that waits for a second person, or for a single owner's delay.")
class Approval:
    """A request for approval."""

    id: strawberry.ID
    code: str = strawberry.field(description="What people type to approve or reject it.")
    command: str
    detail: JSON = strawberry.field(description="The arguments, personal data as stars.")
    state: ApprovalState
    is_solo: bool = strawberry.field(description="It happens by itself at `executeAt` unless it is rejected.")
    requester_name: str
    channel: str
    requested_at: datetime
    expires_at: datetime
    execute_at: datetime | None
    decided_by: str
    decided_at: datetime | None
    outcome: str = strawberry.field(description="Why it failed; empty otherwise.")


def chat_link(view: views.ChatLink, *, is_shown: bool) -> ChatLink:
    """Give a linked account."""
    return shaped(
        ChatLink,
        view,
        id=global_id("ChatLink", view.id),
        member_id=global_id("Member", view.user_id),
        display_name=view.display_name if is_shown else None,
    )


def approval(view: views.Approval) -> Approval:
    """Give a request for approval."""
    return shaped(Approval, view, id=global_id("Approval", view.id), detail=dict(view.detail))
