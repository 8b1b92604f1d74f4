"""The journal, the audit and the counters that keep both without gaps."""

from __future__ import annotations

from tortoise import fields
from tortoise.models import Model

from desk.store.fields import JsonColumn, MomentColumn, TextColumn


class CounterRow(Model):
    """One row per workspace, locked by whoever counts: so nobody waits crosswise."""

    workspace_id = TextColumn(primary_key=True)
    journal = fields.BigIntField()
    trades = fields.BigIntField()
    audit = fields.BigIntField()
    audit_head = TextColumn()

    class Meta:
        table = "counters"


class EventRow(Model):
    """A fact with its place in its workspace's journal."""

    id = fields.BigIntField(primary_key=True)
    workspace_id = TextColumn()
    sequence = fields.BigIntField()
    kind = TextColumn()
    occurred_at = MomentColumn()
    recorded_at = MomentColumn()
    payload = JsonColumn()

    class Meta:
        table = "event_log"
        unique_together = (("workspace_id", "sequence"),)


class AuditRow(Model):
    """A line of the audit, chained by hash, append-only."""

    id = fields.BigIntField(primary_key=True)
    workspace_id = TextColumn()
    sequence = fields.BigIntField()
    at = MomentColumn()
    actor = TextColumn()
    channel = TextColumn()
    action = TextColumn()
    subject = TextColumn()
    detail = TextColumn()
    outcome = TextColumn()
    previous_hash = TextColumn()
    hash = TextColumn()

    class Meta:
        table = "audit"
        unique_together = (("workspace_id", "sequence"),)
