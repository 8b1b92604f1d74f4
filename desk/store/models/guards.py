"""Leases, idempotency answers and confirmations."""

from __future__ import annotations

from tortoise import fields
from tortoise.models import Model

from desk.store.fields import JsonColumn, MomentColumn, TextColumn


class LeaseRow(Model):
    """Who owns what, the epoch counts up at each change of hands."""

    name = TextColumn(primary_key=True)
    holder = TextColumn()
    epoch = fields.BigIntField()
    expires_at = MomentColumn()

    class Meta:
        table = "leases"


class IdempotencyKeyRow(Model):
    """The answer to a request that must have one effect."""

    id = fields.BigIntField(primary_key=True)
    workspace_id = TextColumn()
    key = TextColumn()
    input_hash = TextColumn()
    answer = JsonColumn()
    created_at = MomentColumn()

    class Meta:
        table = "idempotency_keys"
        unique_together = (("workspace_id", "key"),)


class ConfirmationRow(Model):
    """A second tap that is waited for, used once."""

    id = fields.BigIntField(primary_key=True)
    workspace_id = TextColumn()
    token_hash = TextColumn()
    user_id = TextColumn()
    channel = TextColumn()
    command_hash = TextColumn()
    expires_at = MomentColumn()
    used_at = MomentColumn(null=True)

    class Meta:
        table = "confirmations"
        unique_together = (("workspace_id", "token_hash"),)
