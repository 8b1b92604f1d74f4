"""Create what people want to be told, troubles that last, and what waits for its time."""

from __future__ import annotations

from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops

from desk.store.fields import JsonColumn, MomentColumn, MoneyColumn, TextColumn


class Migration(migrations.Migration):
    """Create what people want to be told, troubles that last, and what waits for its time."""

    dependencies = [("models", "0005_jobs")]  # noqa: RUF012

    operations = [  # noqa: RUF012 - the form that Tortoise reads
        ops.CreateModel(
            name="AlertIncidentRow",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("workspace_id", TextColumn()),
                ("key", TextColumn()),
                ("kind", TextColumn()),
                ("severity", TextColumn()),
                ("first_alert_id", TextColumn()),
                ("last_alert_id", TextColumn()),
                ("count", fields.BigIntField()),
                ("untold", fields.BigIntField()),
                ("repeats", fields.BigIntField()),
                ("opened_at", MomentColumn()),
                ("last_at", MomentColumn()),
                ("repeat_at", MomentColumn()),
                ("resolved_at", MomentColumn(null=True, generated=False, unique=False)),
                ("snoozed_until", MomentColumn(null=True, generated=False, unique=False)),
                ("acknowledged_by", TextColumn()),
            ],
            options={
                "table": "alert_incidents",
                "app": "models",
                "unique_together": (("workspace_id", "key"),),
                "pk_attr": "id",
                "table_description": "A trouble that lasts, one row per trouble.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="AlertMessageRow",
            fields=[
                ("delivery_id", TextColumn(primary_key=True)),
                ("workspace_id", TextColumn()),
                ("alert_id", TextColumn()),
                ("channel", TextColumn()),
                ("recipient", TextColumn()),
                ("message_ref", TextColumn()),
            ],
            options={
                "table": "alert_messages",
                "app": "models",
                "indexes": [Index(fields=["workspace_id", "alert_id"], name="alert_messages_by_alert_id")],
                "pk_attr": "delivery_id",
                "table_description": "The platform's own id of a message that an alert became.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="AlertRuleRow",
            fields=[
                ("id", TextColumn(primary_key=True)),
                ("workspace_id", TextColumn()),
                ("user_id", TextColumn()),
                ("kind", TextColumn()),
                ("pair", TextColumn()),
                ("bot_id", TextColumn()),
                ("relation", TextColumn()),
                ("threshold", MoneyColumn()),
                ("is_repeating", fields.BooleanField()),
                ("is_armed", fields.BooleanField()),
                ("seen_ms", fields.BigIntField()),
                ("created_at", MomentColumn()),
                ("fired_at", MomentColumn(null=True, generated=False, unique=False)),
            ],
            options={
                "table": "alert_rules",
                "app": "models",
                "indexes": [Index(fields=["workspace_id", "user_id"], name="alert_rules_by_user_id")],
                "pk_attr": "id",
                "table_description": "Something that one person wants to be told, in numbers.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="EscalationRow",
            fields=[
                ("alert_id", TextColumn(primary_key=True)),
                ("workspace_id", TextColumn()),
                ("step", fields.BigIntField()),
                ("due_at", MomentColumn()),
            ],
            options={
                "table": "alert_escalations",
                "app": "models",
                "indexes": [Index(fields=["workspace_id", "due_at"], name="alert_escalations_by_due_at")],
                "pk_attr": "alert_id",
                "table_description": "A critical alert that nobody has seen yet.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="HeartbeatRow",
            fields=[
                ("name", TextColumn(primary_key=True)),
                ("role", TextColumn()),
                ("beat_at", MomentColumn()),
                ("patience_s", fields.BigIntField()),
                ("stopped_at", MomentColumn(null=True, generated=False, unique=False)),
            ],
            options={
                "table": "heartbeats",
                "app": "models",
                "pk_attr": "name",
                "table_description": "A process that says it is alive.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="HeldDeliveryRow",
            fields=[
                ("delivery_id", TextColumn(primary_key=True)),
                ("workspace_id", TextColumn()),
                ("alert_id", TextColumn()),
                ("channel", TextColumn()),
                ("recipient", TextColumn()),
                ("release_at", MomentColumn()),
                ("is_digest", fields.BooleanField()),
            ],
            options={
                "table": "held_deliveries",
                "app": "models",
                "indexes": [
                    Index(fields=["workspace_id", "release_at"], name="held_deliveries_by_release_at")
                ],
                "pk_attr": "delivery_id",
                "table_description": "A delivery that waits for the end of quiet hours or for a digest.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="NoticeSettingsRow",
            fields=[
                ("user_id", TextColumn(primary_key=True)),
                ("workspace_id", TextColumn()),
                ("settings", JsonColumn()),
                ("updated_at", MomentColumn()),
            ],
            options={
                "table": "notice_settings",
                "app": "models",
                "indexes": [Index(fields=["workspace_id", "user_id"], name="notice_settings_by_user_id")],
                "pk_attr": "user_id",
                "table_description": "What a person wants to be told, where and when.",
            },
            bases=["Model"],
        ),
    ]
