"""Positions, finished trades, what happened to them, and figures kept for people."""

from __future__ import annotations

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from desk.store.fields import JsonColumn, MomentColumn, MoneyColumn, TextColumn


class PositionRow(Model):
    """An open or closed position."""

    id = TextColumn(primary_key=True)
    workspace_id = TextColumn()
    account_id = TextColumn()
    bot_id = TextColumn()
    pair = TextColumn()
    is_long = fields.BooleanField()
    quantity = MoneyColumn()
    entry_quantity = MoneyColumn()
    entry_price = MoneyColumn()
    mark_price = MoneyColumn()
    stop = MoneyColumn(null=True)
    initial_stop = MoneyColumn(null=True)
    legs = JsonColumn()
    trail_ratio = fields.FloatField(null=True)
    realized_pnl = MoneyColumn()
    unrealized_pnl = MoneyColumn()
    fees = MoneyColumn()
    signal_id = TextColumn()
    tag = TextColumn()
    opened_at = MomentColumn()
    closed_at = MomentColumn(null=True)
    as_of = MomentColumn()

    class Meta:
        table = "positions"
        indexes = (
            Index(fields=["workspace_id", "opened_at", "id"], name="positions_by_opened_at_id"),
            Index(fields=["bot_id", "opened_at"], name="positions_by_bot_id_opened_at"),
        )


class TradeRow(Model):
    """A finished round trip, net of all costs."""

    id = TextColumn(primary_key=True)
    number = fields.BigIntField()
    workspace_id = TextColumn()
    account_id = TextColumn()
    bot_id = TextColumn()
    position_id = TextColumn()
    pair = TextColumn()
    is_long = fields.BooleanField()
    quantity = MoneyColumn()
    entry_price = MoneyColumn()
    exit_price = MoneyColumn()
    pnl = MoneyColumn()
    pnl_ratio = fields.FloatField()
    fees = MoneyColumn()
    reason = TextColumn()
    tag = TextColumn()
    exit_tag = TextColumn()
    bars = fields.BigIntField()
    signal_id = TextColumn()
    opened_at = MomentColumn()
    closed_at = MomentColumn()

    class Meta:
        table = "trades"
        unique_together = (("workspace_id", "number"),)
        indexes = (
            Index(fields=["workspace_id", "closed_at", "id"], name="trades_by_closed_at_id"),
            Index(fields=["bot_id", "closed_at"], name="trades_by_bot_id_closed_at"),
            Index(fields=["position_id"], name="trades_by_position_id"),
        )


class ArchivedTradeRow(Model):
    """A trade that lists and statistics leave out."""

    trade_id = TextColumn(primary_key=True)
    workspace_id = TextColumn()
    archived_by = TextColumn()
    archived_at = MomentColumn()

    class Meta:
        table = "archived_trades"


class TradeEventRow(Model):
    """What happened to a position, line by line."""

    id = fields.BigIntField(primary_key=True)
    workspace_id = TextColumn()
    position_id = TextColumn()
    at = MomentColumn()
    kind = TextColumn()
    detail = JsonColumn()

    class Meta:
        table = "trade_events"
        indexes = (Index(fields=["position_id", "id"], name="trade_events_by_position_id_id"),)


class RiskEventRow(Model):
    """A risk rule that spoke."""

    id = fields.BigIntField(primary_key=True)
    workspace_id = TextColumn()
    account_id = TextColumn()
    bot_id = TextColumn()
    at = MomentColumn()
    rule = TextColumn()
    detail = JsonColumn()

    class Meta:
        table = "risk_events"
        indexes = (Index(fields=["workspace_id", "at", "id"], name="risk_events_by_at_id"),)


class BotMetricsRow(Model):
    """A bot's figures of one day."""

    id = fields.BigIntField(primary_key=True)
    workspace_id = TextColumn()
    bot_id = TextColumn()
    day = MomentColumn()
    values = JsonColumn()

    class Meta:
        table = "bot_metrics"
        unique_together = (("bot_id", "day"),)


class StrategyPerformanceRow(Model):
    """A strategy's figures over a period."""

    id = fields.BigIntField(primary_key=True)
    workspace_id = TextColumn()
    strategy = TextColumn()
    period = TextColumn()
    values = JsonColumn()

    class Meta:
        table = "strategy_performance"
        unique_together = (("workspace_id", "strategy", "period"),)
