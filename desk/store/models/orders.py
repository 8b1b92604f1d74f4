"""The order path: signals, intents, orders, evidence and fills."""

from __future__ import annotations

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from desk.store.fields import JsonColumn, MomentColumn, MoneyColumn, TextColumn


class SignalRow(Model):
    """A signal with its conditions, its sizing and its risk checks."""

    id = TextColumn(primary_key=True)
    workspace_id = TextColumn()
    bot_id = TextColumn()
    pair = TextColumn()
    bar_at = MomentColumn()
    direction = fields.SmallIntField()
    tag = TextColumn()
    price = MoneyColumn()
    stop = MoneyColumn(null=True)
    targets = JsonColumn()
    score = fields.FloatField()
    conditions = JsonColumn()
    sizing = JsonColumn()
    checks = JsonColumn()
    outcome = TextColumn()
    reason = TextColumn()

    class Meta:
        table = "signals"
        indexes = (
            Index(fields=["workspace_id", "bar_at", "id"], name="signals_by_bar_at_id"),
            Index(fields=["bot_id", "bar_at"], name="signals_by_bot_id_bar_at"),
        )


class OrderIntentRow(Model):
    """What was committed before anything was sent, never changed."""

    order_id = TextColumn(primary_key=True)
    workspace_id = TextColumn()
    account_id = TextColumn()
    client_order_id = TextColumn()
    idempotency_key = TextColumn()
    request = JsonColumn()
    created_at = MomentColumn()

    class Meta:
        table = "order_intents"
        unique_together = (
            ("client_order_id",),
            ("workspace_id", "idempotency_key"),
        )


class OrderRow(Model):
    """An order with its state."""

    id = TextColumn(primary_key=True)
    workspace_id = TextColumn()
    account_id = TextColumn()
    bot_id = TextColumn()
    pair = TextColumn()
    client_order_id = TextColumn()
    venue_order_id = TextColumn()
    side = TextColumn()
    order_type = TextColumn()
    quantity = MoneyColumn()
    price = MoneyColumn(null=True)
    stop_price = MoneyColumn(null=True)
    filled_quantity = MoneyColumn()
    average_price = MoneyColumn(null=True)
    state = TextColumn()
    state_reason = TextColumn()
    evidence = TextColumn()
    reason = TextColumn()
    leg = fields.SmallIntField()
    binding = TextColumn()
    signal_id = TextColumn()
    position_id = TextColumn()
    is_reduce_only = fields.BooleanField()
    attempts = fields.BigIntField()
    created_at = MomentColumn()
    updated_at = MomentColumn()

    class Meta:
        table = "orders"
        unique_together = (("client_order_id",),)
        indexes = (
            Index(fields=["workspace_id", "created_at", "id"], name="orders_by_created_at_id"),
            Index(fields=["bot_id", "created_at"], name="orders_by_bot_id_created_at"),
            Index(fields=["position_id"], name="orders_by_position_id"),
            Index(fields=["account_id", "venue_order_id"], name="orders_by_account_id_venue_order_id"),
        )


class OrderEventRow(Model):
    """A step of an order with its evidence, append-only."""

    id = fields.BigIntField(primary_key=True)
    workspace_id = TextColumn()
    order_id = TextColumn()
    sequence = fields.BigIntField()
    at = MomentColumn()
    before = TextColumn()
    after = TextColumn()
    evidence = TextColumn()
    detail = TextColumn()

    class Meta:
        table = "order_events"
        unique_together = (("order_id", "sequence"),)


class FillRow(Model):
    """An execution, the only thing that moves positions."""

    id = TextColumn(primary_key=True)
    workspace_id = TextColumn()
    account_id = TextColumn()
    bot_id = TextColumn()
    order_id = TextColumn()
    position_id = TextColumn()
    pair = TextColumn()
    venue_trade_id = TextColumn()
    side = TextColumn()
    price = MoneyColumn()
    quantity = MoneyColumn()
    fee = MoneyColumn()
    liquidity = TextColumn()
    reason = TextColumn()
    leg = fields.SmallIntField()
    source = TextColumn()
    filled_at = MomentColumn()
    base_fee = MoneyColumn(null=True)

    class Meta:
        table = "fills"
        unique_together = (("account_id", "venue_trade_id"),)
        indexes = (
            Index(fields=["workspace_id", "filled_at", "id"], name="fills_by_filled_at_id"),
            Index(fields=["order_id"], name="fills_by_order_id"),
            Index(fields=["position_id"], name="fills_by_position_id"),
            Index(fields=["bot_id", "filled_at"], name="fills_by_bot_id_filled_at"),
        )
