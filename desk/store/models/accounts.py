"""Accounts, what they were worth and what is locked."""

from __future__ import annotations

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from desk.store.fields import JsonColumn, MomentColumn, MoneyColumn, TextColumn


class AccountRow(Model):
    """Money at one venue."""

    id = TextColumn(primary_key=True)
    workspace_id = TextColumn()
    name = TextColumn()
    venue = TextColumn()
    is_live = fields.BooleanField()
    currency = TextColumn()
    capital = MoneyColumn()
    trading_state = TextColumn()
    state_reason = TextColumn()
    settings = JsonColumn()
    version = fields.BigIntField()
    created_at = MomentColumn()

    class Meta:
        table = "accounts"
        unique_together = (("workspace_id", "name"),)


class AccountStatusRow(Model):
    """An account as of its last closed bar."""

    account_id = TextColumn(primary_key=True)
    workspace_id = TextColumn()
    as_of = MomentColumn()
    cash = MoneyColumn()
    equity = MoneyColumn()
    peak_equity = MoneyColumn()
    day_start_equity = MoneyColumn()
    drawdown = fields.FloatField()
    day_change = fields.FloatField()
    open_positions = fields.BigIntField()
    max_positions = fields.BigIntField()
    open_risk = MoneyColumn()
    trading_state = TextColumn()

    class Meta:
        table = "account_status"
        indexes = (Index(fields=["workspace_id", "account_id"], name="account_status_by_account_id"),)


class EquityPointRow(Model):
    """Equity at the close of a bar."""

    id = fields.BigIntField(primary_key=True)
    workspace_id = TextColumn()
    account_id = TextColumn()
    at = MomentColumn()
    equity = MoneyColumn()

    class Meta:
        table = "equity_points"
        unique_together = (("account_id", "at"),)


class AccountSnapshotRow(Model):
    """Engine state, it only makes a start faster."""

    account_id = TextColumn(primary_key=True)
    workspace_id = TextColumn()
    bar_ms = fields.BigIntField()
    data = fields.BinaryField()
    saved_at = MomentColumn()

    class Meta:
        table = "account_snapshots"
        indexes = (Index(fields=["workspace_id", "account_id"], name="account_snapshots_by_account_id"),)


class LockRow(Model):
    """Entries refused for a pair until a time."""

    id = TextColumn(primary_key=True)
    workspace_id = TextColumn()
    account_id = TextColumn()
    pair = TextColumn()
    until = MomentColumn()
    reason = TextColumn()
    actor = TextColumn()
    released_at = MomentColumn(null=True)

    class Meta:
        table = "locks"
        indexes = (Index(fields=["account_id", "until"], name="locks_by_account_id_until"),)
