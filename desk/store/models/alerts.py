"""Alerts on their way to people, and messages on their way in."""

from __future__ import annotations

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from desk.store.fields import JsonColumn, MomentColumn, TextColumn


class AlertRow(Model):
    """Something people should know."""

    id = TextColumn(primary_key=True)
    workspace_id = TextColumn()
    severity = TextColumn()
    kind = TextColumn()
    params = JsonColumn()
    dedupe_key = TextColumn()
    bot_id = TextColumn()
    pair = TextColumn()
    created_at = MomentColumn()
    acknowledged_by = TextColumn()
    acknowledged_at = MomentColumn(null=True)

    class Meta:
        table = "alerts"
        unique_together = (("workspace_id", "dedupe_key"),)
        indexes = (Index(fields=["workspace_id", "created_at", "id"], name="alerts_by_created_at_id"),)


class DeliveryRow(Model):
    """One alert on its way to one person by one channel."""

    id = TextColumn(primary_key=True)
    workspace_id = TextColumn()
    alert_id = TextColumn()
    channel = TextColumn()
    recipient = TextColumn()
    status = TextColumn()
    attempts = fields.BigIntField()
    next_attempt_at = MomentColumn(null=True)
    sent_at = MomentColumn(null=True)
    error = TextColumn()

    class Meta:
        table = "deliveries"
        indexes = (Index(fields=["workspace_id", "alert_id"], name="deliveries_by_alert_id"),)


class OutboxRow(Model):
    """What must still leave the house, in order. Written in the transaction of the fact."""

    id = fields.BigIntField(primary_key=True)
    workspace_id = TextColumn()
    dedupe_key = TextColumn()
    delivery_id = TextColumn()
    alert_id = TextColumn()
    channel = TextColumn()
    recipient = TextColumn()
    queued_at = MomentColumn()
    available_at = MomentColumn()
    attempts = fields.BigIntField()

    class Meta:
        table = "outbox"
        unique_together = (
            ("dedupe_key",),
            ("delivery_id",),
        )
        indexes = (Index(fields=["channel", "recipient", "id"], name="outbox_by_channel_recipient_id"),)


class InboxRow(Model):
    """A message that was handled, the same one again does nothing."""

    id = fields.BigIntField(primary_key=True)
    workspace_id = TextColumn()
    source = TextColumn()
    message_id = TextColumn()
    received_at = MomentColumn()

    class Meta:
        table = "inbox"
        unique_together = (("source", "message_id"),)


class DeadLetterRow(Model):
    """A message that could not be handled, with its cause."""

    id = TextColumn(primary_key=True)
    workspace_id = TextColumn()
    source = TextColumn()
    kind = TextColumn()
    payload = JsonColumn()
    payload_hash = TextColumn()
    cause = TextColumn()
    trace_id = TextColumn()
    attempts = fields.BigIntField()
    created_at = MomentColumn()
    replayed_at = MomentColumn(null=True)
    discarded_at = MomentColumn(null=True)
    settled_by = TextColumn(null=True)

    class Meta:
        table = "dead_letters"
        indexes = (Index(fields=["workspace_id", "created_at", "id"], name="dead_letters_by_created_at_id"),)
