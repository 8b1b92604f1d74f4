"""Keys to accounts at exchanges."""

from __future__ import annotations

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from desk.store.fields import MomentColumn, TextColumn


class ExchangeKeyRow(Model):
    """A key to an account at an exchange, of which only the ending can be read."""

    id = TextColumn(primary_key=True)
    workspace_id = TextColumn()
    venue = TextColumn()
    version = fields.BigIntField()
    key_ending = TextColumn()
    sealed = TextColumn()
    withdrawal = TextColumn()
    is_sandbox = fields.BooleanField()
    created_by = TextColumn()
    created_at = MomentColumn()
    rotated_at = MomentColumn(null=True)
    disabled_at = MomentColumn(null=True)

    class Meta:
        table = "exchange_keys"
        indexes = (Index(fields=["workspace_id", "created_at"], name="exchange_keys_by_created_at"),)
