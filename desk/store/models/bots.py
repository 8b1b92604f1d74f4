"""Bots, where they stand, and how they came there."""

from __future__ import annotations

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from desk.store.fields import JsonColumn, MomentColumn, TextColumn


class BotRow(Model):
    """A strategy with pairs, parameters and an allocation. Its account holds the trading state."""

    id = TextColumn(primary_key=True)
    workspace_id = TextColumn()
    account_id = TextColumn()
    name = TextColumn()
    strategy = TextColumn()
    pairs = JsonColumn()
    timeframe = TextColumn()
    parameters = JsonColumn()
    allocation = fields.FloatField()
    desired = TextColumn()
    condition = TextColumn()
    condition_reason = TextColumn()
    resume_at = MomentColumn(null=True)
    last_bar_at = MomentColumn(null=True)
    version = fields.BigIntField()
    config_version = fields.BigIntField()
    is_live = fields.BooleanField()
    created_at = MomentColumn()
    archived_at = MomentColumn(null=True)

    class Meta:
        table = "bots"
        indexes = (
            Index(fields=["workspace_id", "created_at"], name="bots_by_created_at"),
            Index(fields=["account_id"], name="bots_by_account_id"),
        )


class BotPhaseRow(Model):
    """Where a bot stands with one pair."""

    id = fields.BigIntField(primary_key=True)
    workspace_id = TextColumn()
    bot_id = TextColumn()
    pair = TextColumn()
    phase = TextColumn()
    since = MomentColumn()

    class Meta:
        table = "bot_phases"
        unique_together = (("bot_id", "pair"),)


class StateChangeRow(Model):
    """A move of one of the four axes, with its cause."""

    id = fields.BigIntField(primary_key=True)
    workspace_id = TextColumn()
    at = MomentColumn()
    bot_id = TextColumn()
    axis = TextColumn()
    pair = TextColumn()
    before = TextColumn()
    after = TextColumn()
    cause = TextColumn()
    actor = TextColumn()

    class Meta:
        table = "bot_state_history"
        indexes = (
            Index(fields=["workspace_id", "bot_id", "at", "id"], name="bot_state_history_by_bot_id_at_id"),
        )


class ConfigVersionRow(Model):
    """An immutable configuration of a bot."""

    id = TextColumn(primary_key=True)
    workspace_id = TextColumn()
    bot_id = TextColumn()
    version = fields.BigIntField()
    parameters = JsonColumn()
    author = TextColumn()
    reason = TextColumn()
    created_at = MomentColumn()

    class Meta:
        table = "config_versions"
        unique_together = (("bot_id", "version"),)
