"""Ways in for signals: reading, making, renewing and ending them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry

from api.context import Info
from api.ids import global_id, own_id
from api.mutation import Done, Payload, carry_out, mutates
from api.node import shaped
from api.permissions import reads
from desk import people_views as views
from desk.commands import CreateWebhook, DeleteWebhook, RotateWebhook
from desk.identity import Role
from desk.people_views import HookKind

strawberry.enum(
    HookKind, name="WebhookKind", description="PATH: by an unguessable path alone; HMAC: signed as well."
)


@strawberry.type(description="A way in for signals of one bot; its path and secret are not shown again.")
class Webhook:
    """A hook without its secrets."""

    id: strawberry.ID
    label: str
    kind: HookKind
    bot_id: strawberry.ID
    pairs: list[str]
    allow_list: list[str]
    url_masked: str
    created_by: str
    created_at: datetime
    rotated_at: datetime | None
    last_seen_at: datetime | None
    accepted: int
    rejected: int


@strawberry.input
class CreateWebhookInput:
    """For which bot, and who may send."""

    idempotency_key: UUID
    label: str
    bot_id: strawberry.ID
    kind: HookKind = HookKind.PATH
    pairs: list[str] = strawberry.field(
        default_factory=list, description="Every pair of the bot if left out."
    )
    allow_list: list[str] = strawberry.field(
        default_factory=list, description="Addresses or networks; every one if left out."
    )


@strawberry.input
class RotateWebhookInput:
    """Which hook."""

    idempotency_key: UUID
    webhook_id: strawberry.ID


@strawberry.input
class DeleteWebhookInput:
    """Which hook."""

    idempotency_key: UUID
    webhook_id: strawberry.ID


@strawberry.type
class WebhookPayload(Payload):
    """The hook; path and secret are shown this once and null in a replay."""

    webhook: Webhook | None = None
    path: str | None = None
    secret: str | None = None


@strawberry.type
class CreateWebhookPayload(WebhookPayload):
    """The new hook."""


@strawberry.type
class RotateWebhookPayload(WebhookPayload):
    """The hook with its new path."""


@strawberry.type
class DeleteWebhookPayload(Payload):
    """Whether the hook ended."""

    is_deleted: bool = False


def webhook(view: views.Webhook) -> Webhook:
    """Give a hook without its secrets."""
    return shaped(
        Webhook,
        view,
        id=global_id("Webhook", view.id),
        bot_id=global_id("Bot", view.bot_id),
        pairs=list(view.pairs),
        allow_list=list(view.allow_list),
        url_masked=f"/hooks/…{view.path_ending}",
    )


@strawberry.type
class HookQueries:
    """Root fields about hooks."""

    @reads(Role.ADMIN)
    async def webhooks(self, info: Info) -> list[Webhook]:
        """The hooks in use, oldest first."""
        async with info.context.house.store.reading() as unit:
            found = await unit.hooks.all(info.context.workspace_id)
        return [webhook(one) for one in found]


@strawberry.type
class HookMutations:
    """Mutations about hooks."""

    @mutates(CreateWebhook)
    async def create_webhook(self, info: Info, input: CreateWebhookInput) -> CreateWebhookPayload:
        """Make a hook."""
        done = await carry_out(
            info,
            lambda: CreateWebhook(
                label=input.label,
                bot_id=own_id("Bot", input.bot_id),
                kind=input.kind.value,
                pairs=tuple(input.pairs),
                allow_list=tuple(input.allow_list),
            ),
            key=input.idempotency_key,
        )
        return CreateWebhookPayload(**_shown(done))

    @mutates(RotateWebhook)
    async def rotate_webhook(self, info: Info, input: RotateWebhookInput) -> RotateWebhookPayload:
        """Renew a hook."""
        done = await carry_out(
            info,
            lambda: RotateWebhook(webhook_id=own_id("Webhook", input.webhook_id)),
            key=input.idempotency_key,
        )
        return RotateWebhookPayload(**_shown(done))

    @mutates(DeleteWebhook)
    async def delete_webhook(self, info: Info, input: DeleteWebhookInput) -> DeleteWebhookPayload:
        """End a hook."""
        done = await carry_out(
            info,
            lambda: DeleteWebhook(webhook_id=own_id("Webhook", input.webhook_id)),
            key=input.idempotency_key,
        )
        return DeleteWebhookPayload(
            user_errors=done.errors, is_deleted=not done.errors, idempotent_replay=done.is_replay
        )


def _shown(done: Done) -> dict[str, Any]:
    if done.errors or done.view is None:
        return {"user_errors": done.errors, "idempotent_replay": done.is_replay}
    issued: views.IssuedWebhook = done.view
    return {
        "webhook": webhook(issued.webhook),
        "path": f"/hooks/{issued.path}",
        "secret": issued.secret or None,
    }
