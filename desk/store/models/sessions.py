"""Sign-ins, what rotates in them, invitations, what tokens may do, and hooks that let signals in."""

from __future__ import annotations

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from desk.store.fields import JsonColumn, MomentColumn, TextColumn


class SessionRow(Model):
    """A sign-in: the family of refresh tokens that came from it."""

    id = TextColumn(primary_key=True)
    workspace_id = TextColumn()
    user_id = TextColumn()
    created_at = MomentColumn()
    used_at = MomentColumn()
    expires_at = MomentColumn()
    revoked_at = MomentColumn(null=True)
    end_reason = TextColumn()

    class Meta:
        table = "sessions"
        indexes = (Index(fields=["workspace_id", "user_id"], name="sessions_by_user_id"),)


class RefreshTokenRow(Model):
    """A refresh token by its digest, used once."""

    token_hash = TextColumn(primary_key=True)
    workspace_id = TextColumn()
    session_id = TextColumn()
    issued_at = MomentColumn()
    used_at = MomentColumn(null=True)

    class Meta:
        table = "refresh_tokens"
        indexes = (Index(fields=["workspace_id", "session_id"], name="refresh_tokens_by_session_id"),)


class InvitationRow(Model):
    """A one-time code with which a person chooses a password, used once."""

    code_hash = TextColumn(primary_key=True)
    workspace_id = TextColumn()
    user_id = TextColumn()
    created_at = MomentColumn()
    expires_at = MomentColumn()
    used_at = MomentColumn(null=True)

    class Meta:
        table = "invitations"
        indexes = (Index(fields=["workspace_id", "user_id"], name="invitations_by_user_id"),)


class TokenFactRow(Model):
    """What an API token may do, how it begins, and when it was last used."""

    token_id = TextColumn(primary_key=True)
    workspace_id = TextColumn()
    prefix = TextColumn()
    scopes = JsonColumn()
    last_used_at = MomentColumn(null=True)

    class Meta:
        table = "token_facts"


class WebhookRow(Model):
    """A way in for signals, found by the digest of its path."""

    id = TextColumn(primary_key=True)
    workspace_id = TextColumn()
    label = TextColumn()
    kind = TextColumn()
    bot_id = TextColumn()
    pairs = JsonColumn()
    allow_list = JsonColumn()
    path_hash = TextColumn()
    path_ending = TextColumn()
    secret_sealed = TextColumn()
    created_by = TextColumn()
    created_at = MomentColumn()
    rotated_at = MomentColumn(null=True)
    deleted_at = MomentColumn(null=True)
    last_seen_at = MomentColumn(null=True)
    accepted = fields.BigIntField()
    rejected = fields.BigIntField()

    class Meta:
        table = "webhooks"
        unique_together = (("path_hash",),)
        indexes = (Index(fields=["workspace_id", "created_at"], name="webhooks_by_created_at"),)
