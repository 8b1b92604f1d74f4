"""Chat links, approvals, credentials and throttles."""

from __future__ import annotations

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from desk.store.fields import JsonColumn, MomentColumn, TextColumn


class ChatLinkRow(Model):
    """An account at a chat platform, found by a digest, the account itself is personal data."""

    id = TextColumn(primary_key=True)
    workspace_id = TextColumn()
    user_id = TextColumn()
    platform = TextColumn()
    identity_digest = TextColumn()
    verified_at = MomentColumn()
    revoked_at = MomentColumn(null=True)

    class Meta:
        table = "chat_links"
        indexes = (Index(fields=["workspace_id", "user_id"], name="chat_links_by_user_id"),)


class LinkCodeRow(Model):
    """A one-time code that links a chat account, used once."""

    id = fields.BigIntField(primary_key=True)
    workspace_id = TextColumn()
    user_id = TextColumn()
    code_hash = TextColumn()
    created_at = MomentColumn()
    expires_at = MomentColumn()
    used_at = MomentColumn(null=True)

    class Meta:
        table = "link_codes"
        unique_together = (("code_hash",),)
        indexes = (Index(fields=["workspace_id", "user_id"], name="link_codes_by_user_id"),)


class ApprovalRow(Model):
    """A command that waits for a second person or for a delay."""

    id = TextColumn(primary_key=True)
    workspace_id = TextColumn()
    code = TextColumn()
    command = TextColumn()
    command_hash = TextColumn()
    arguments = TextColumn()
    detail = JsonColumn()
    preview_code = TextColumn()
    preview_params = JsonColumn()
    state = TextColumn()
    is_solo = fields.BooleanField()
    requested_by = TextColumn()
    requester_name = TextColumn()
    channel = TextColumn()
    requested_at = MomentColumn()
    expires_at = MomentColumn()
    execute_at = MomentColumn(null=True)
    decided_by = TextColumn()
    decider_id = TextColumn()
    decided_at = MomentColumn(null=True)
    outcome = TextColumn()

    class Meta:
        table = "approvals"
        unique_together = (("workspace_id", "code"),)
        indexes = (Index(fields=["workspace_id", "requested_at", "id"], name="approvals_by_requested_at_id"),)


class CredentialRow(Model):
    """How a person proves who they are, the second factor is sealed."""

    user_id = TextColumn(primary_key=True)
    workspace_id = TextColumn()
    password_hash = TextColumn()
    totp_sealed = TextColumn()
    totp_draft_sealed = TextColumn()
    totp_step = fields.BigIntField()
    changed_at = MomentColumn()

    class Meta:
        table = "credentials"


class StepUpRow(Model):
    """A fresh proof of who asks, at one door or in one session."""

    id = fields.BigIntField(primary_key=True)
    workspace_id = TextColumn()
    user_id = TextColumn()
    session = TextColumn()
    until = MomentColumn()

    class Meta:
        table = "step_ups"
        unique_together = (("workspace_id", "user_id", "session"),)


class ThrottleRow(Model):
    """Failures in a row of one account, address or caller, by digest."""

    key = TextColumn(primary_key=True)
    failures = fields.BigIntField()
    blocked_until = MomentColumn(null=True)
    failed_at = MomentColumn()

    class Meta:
        table = "throttles"
