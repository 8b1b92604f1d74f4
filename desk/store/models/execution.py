"""What the order path keeps beside orders: watches, protection, incidents, comparisons with the venue, requests."""

from __future__ import annotations

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from desk.store.fields import JsonColumn, MomentColumn, MoneyColumn, TextColumn


class OrderWatchRow(Model):
    """How an order is looked after: claim, wish to cancel, what the venue's silence amounts to."""

    order_id = TextColumn(primary_key=True)
    workspace_id = TextColumn()
    account_id = TextColumn()
    valid_until = MomentColumn(null=True)
    rest_until = MomentColumn(null=True)
    reprices_left = fields.BigIntField()
    claimed_at = MomentColumn(null=True)
    epoch = fields.BigIntField()
    cancel_reason = TextColumn()
    negatives = fields.BigIntField()
    first_negative_at = MomentColumn(null=True)
    next_look_at = MomentColumn(null=True)
    is_burned = fields.BooleanField()
    target_order_id = TextColumn()

    class Meta:
        table = "order_watches"
        indexes = (Index(fields=["account_id", "claimed_at"], name="order_watches_by_account_id_claimed_at"),)


class ProtectionRow(Model):
    """The exits of one open position."""

    position_id = TextColumn(primary_key=True)
    workspace_id = TextColumn()
    account_id = TextColumn()
    bot_id = TextColumn()
    pair = TextColumn()
    is_long = fields.BooleanField()
    quantity = MoneyColumn()
    stop = MoneyColumn(null=True)
    targets = JsonColumn()
    trail_ratio = fields.FloatField(null=True)
    revision = fields.BigIntField()
    updated_at = MomentColumn()
    stop_reason = TextColumn(null=True)

    class Meta:
        table = "protections"
        indexes = (Index(fields=["account_id"], name="protections_by_account_id"),)


class IncidentRow(Model):
    """Something that people must look at, open until it is settled."""

    id = TextColumn(primary_key=True)
    workspace_id = TextColumn()
    account_id = TextColumn()
    kind = TextColumn()
    subject = TextColumn()
    detail = JsonColumn()
    opened_at = MomentColumn()
    closed_at = MomentColumn(null=True)
    closed_by = TextColumn()

    class Meta:
        table = "incidents"
        indexes = (Index(fields=["workspace_id", "opened_at", "id"], name="incidents_by_opened_at_id"),)


class ReconciliationRow(Model):
    """One comparison of an account with its venue."""

    id = TextColumn(primary_key=True)
    workspace_id = TextColumn()
    account_id = TextColumn()
    began_at = MomentColumn()
    ended_at = MomentColumn(null=True)
    outcome = TextColumn()
    seen_ms = fields.BigIntField()
    detail = JsonColumn()

    class Meta:
        table = "reconciliations"
        indexes = (Index(fields=["account_id", "began_at"], name="reconciliations_by_account_id_began_at"),)


class AccountRequestRow(Model):
    """Something that the process owning an account is asked to do, once."""

    id = TextColumn(primary_key=True)
    workspace_id = TextColumn()
    account_id = TextColumn()
    kind = TextColumn()
    params = JsonColumn()
    actor = TextColumn()
    asked_at = MomentColumn()
    taken_at = MomentColumn(null=True)
    answer = TextColumn()

    class Meta:
        table = "account_requests"
        indexes = (Index(fields=["account_id", "asked_at"], name="account_requests_by_account_id_asked_at"),)


class BaselineRow(Model):
    """What a venue held when we first looked."""

    account_id = TextColumn(primary_key=True)
    workspace_id = TextColumn()
    holdings = JsonColumn()
    flows = JsonColumn()
    taken_at = MomentColumn()

    class Meta:
        table = "baselines"


class OrderNumberRow(Model):
    """Counts the orders of an account that no engine numbered: by hand, protection at a venue."""

    account_id = TextColumn(primary_key=True)
    workspace_id = TextColumn()
    number = fields.BigIntField()

    class Meta:
        table = "order_numbers"
