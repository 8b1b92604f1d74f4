"""Entries that people have a say in."""

from __future__ import annotations

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from desk.store.fields import JsonColumn, MomentColumn, MoneyColumn, TextColumn


class MarketDirectionRow(Model):
    """Which way people see the market of an account."""

    account_id = TextColumn(primary_key=True)
    workspace_id = TextColumn()
    direction = TextColumn()
    set_by = TextColumn()
    set_at = MomentColumn()

    class Meta:
        table = "market_directions"


class BotWishRow(Model):
    """What people want of a bot beside its state."""

    bot_id = TextColumn(primary_key=True)
    workspace_id = TextColumn()
    account_id = TextColumn()
    is_asked = fields.BooleanField()
    window_s = fields.BigIntField()
    drift_ratio = MoneyColumn()
    config_version = fields.BigIntField()
    set_by = TextColumn()
    set_at = MomentColumn()

    class Meta:
        table = "bot_wishes"
        indexes = (Index(fields=["workspace_id", "account_id"], name="bot_wishes_by_account_id"),)


class EntryRequestRow(Model):
    """An entry that waits for a person."""

    id = TextColumn(primary_key=True)
    workspace_id = TextColumn()
    account_id = TextColumn()
    bot_id = TextColumn()
    pair = TextColumn()
    code = TextColumn()
    signal_id = TextColumn()
    is_long = fields.BooleanField()
    tag = TextColumn()
    price = MoneyColumn()
    stop = MoneyColumn(null=True)
    targets = JsonColumn()
    quantity = MoneyColumn()
    plan = JsonColumn()
    state = TextColumn()
    drift_ratio = MoneyColumn()
    asked_at = MomentColumn()
    expires_at = MomentColumn()
    share = MoneyColumn()
    decided_by = TextColumn()
    decided_at = MomentColumn(null=True)
    outcome = TextColumn()

    class Meta:
        table = "entry_requests"
        unique_together = (("workspace_id", "code"),)
        indexes = (
            Index(fields=["workspace_id", "state", "asked_at"], name="entry_requests_by_state_asked_at"),
        )
