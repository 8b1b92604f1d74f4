"""What people want to be told, troubles that last, and what waits for its time."""

from __future__ import annotations

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from desk.store.fields import JsonColumn, MomentColumn, MoneyColumn, TextColumn


class NoticeSettingsRow(Model):
    """What a person wants to be told, where and when."""

    user_id = TextColumn(primary_key=True)
    workspace_id = TextColumn()
    settings = JsonColumn()
    updated_at = MomentColumn()

    class Meta:
        table = "notice_settings"
        indexes = (Index(fields=["workspace_id", "user_id"], name="notice_settings_by_user_id"),)


class AlertRuleRow(Model):
    """Something that one person wants to be told, in numbers."""

    id = TextColumn(primary_key=True)
    workspace_id = TextColumn()
    user_id = TextColumn()
    kind = TextColumn()
    pair = TextColumn()
    bot_id = TextColumn()
    relation = TextColumn()
    threshold = MoneyColumn()
    is_repeating = fields.BooleanField()
    is_armed = fields.BooleanField()
    seen_ms = fields.BigIntField()
    created_at = MomentColumn()
    fired_at = MomentColumn(null=True)

    class Meta:
        table = "alert_rules"
        indexes = (Index(fields=["workspace_id", "user_id"], name="alert_rules_by_user_id"),)


class AlertIncidentRow(Model):
    """A trouble that lasts, one row per trouble."""

    id = fields.BigIntField(primary_key=True)
    workspace_id = TextColumn()
    key = TextColumn()
    kind = TextColumn()
    severity = TextColumn()
    first_alert_id = TextColumn()
    last_alert_id = TextColumn()
    count = fields.BigIntField()
    untold = fields.BigIntField()
    repeats = fields.BigIntField()
    opened_at = MomentColumn()
    last_at = MomentColumn()
    repeat_at = MomentColumn()
    resolved_at = MomentColumn(null=True)
    snoozed_until = MomentColumn(null=True)
    acknowledged_by = TextColumn()

    class Meta:
        table = "alert_incidents"
        unique_together = (("workspace_id", "key"),)


class HeldDeliveryRow(Model):
    """A delivery that waits for the end of quiet hours or for a digest."""

    delivery_id = TextColumn(primary_key=True)
    workspace_id = TextColumn()
    alert_id = TextColumn()
    channel = TextColumn()
    recipient = TextColumn()
    release_at = MomentColumn()
    is_digest = fields.BooleanField()

    class Meta:
        table = "held_deliveries"
        indexes = (Index(fields=["workspace_id", "release_at"], name="held_deliveries_by_release_at"),)


class EscalationRow(Model):
    """A critical alert that nobody has seen yet."""

    alert_id = TextColumn(primary_key=True)
    workspace_id = TextColumn()
    step = fields.BigIntField()
    due_at = MomentColumn()

    class Meta:
        table = "alert_escalations"
        indexes = (Index(fields=["workspace_id", "due_at"], name="alert_escalations_by_due_at"),)


class AlertMessageRow(Model):
    """The platform's own id of a message that an alert became."""

    delivery_id = TextColumn(primary_key=True)
    workspace_id = TextColumn()
    alert_id = TextColumn()
    channel = TextColumn()
    recipient = TextColumn()
    message_ref = TextColumn()

    class Meta:
        table = "alert_messages"
        indexes = (Index(fields=["workspace_id", "alert_id"], name="alert_messages_by_alert_id"),)


class HeartbeatRow(Model):
    """A process that says it is alive."""

    name = TextColumn(primary_key=True)
    role = TextColumn()
    beat_at = MomentColumn()
    patience_s = fields.BigIntField()
    stopped_at = MomentColumn(null=True)

    class Meta:
        table = "heartbeats"
