"""Create the journal, the audit, alerts on their way, and one-time guards."""

from __future__ import annotations

from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops

from desk.store.fields import JsonColumn, MomentColumn, TextColumn


class Migration(migrations.Migration):
    """Create the journal, the audit, alerts on their way, and one-time guards."""

    dependencies = [("models", "0002_market_and_orders")]  # noqa: RUF012
    operations = [  # noqa: RUF012 - the form that Tortoise reads
        ops.CreateModel(
            name="CounterRow",
            fields=[
                ("workspace_id", TextColumn(primary_key=True)),
                ("journal", fields.BigIntField()),
                ("trades", fields.BigIntField()),
                ("audit", fields.BigIntField()),
                ("audit_head", TextColumn()),
            ],
            options={
                "table": "counters",
                "app": "models",
                "pk_attr": "workspace_id",
                "table_description": "One row per workspace, locked by whoever counts: so nobody waits crosswise.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="EventRow",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("workspace_id", TextColumn()),
                ("sequence", fields.BigIntField()),
                ("kind", TextColumn()),
                ("occurred_at", MomentColumn()),
                ("recorded_at", MomentColumn()),
                ("payload", JsonColumn()),
            ],
            options={
                "table": "event_log",
                "app": "models",
                "unique_together": (("workspace_id", "sequence"),),
                "pk_attr": "id",
                "table_description": "A fact with its place in its workspace's journal.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="AuditRow",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("workspace_id", TextColumn()),
                ("sequence", fields.BigIntField()),
                ("at", MomentColumn()),
                ("actor", TextColumn()),
                ("channel", TextColumn()),
                ("action", TextColumn()),
                ("subject", TextColumn()),
                ("detail", TextColumn()),
                ("outcome", TextColumn()),
                ("previous_hash", TextColumn()),
                ("hash", TextColumn()),
            ],
            options={
                "table": "audit",
                "app": "models",
                "unique_together": (("workspace_id", "sequence"),),
                "pk_attr": "id",
                "table_description": "A line of the audit, chained by hash, append-only.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="AlertRow",
            fields=[
                ("id", TextColumn(primary_key=True)),
                ("workspace_id", TextColumn()),
                ("severity", TextColumn()),
                ("kind", TextColumn()),
                ("params", JsonColumn()),
                ("dedupe_key", TextColumn()),
                ("bot_id", TextColumn()),
                ("pair", TextColumn()),
                ("created_at", MomentColumn()),
                ("acknowledged_by", TextColumn()),
                ("acknowledged_at", MomentColumn(null=True, generated=False, unique=False)),
            ],
            options={
                "table": "alerts",
                "app": "models",
                "unique_together": (("workspace_id", "dedupe_key"),),
                "indexes": [
                    Index(fields=["workspace_id", "created_at", "id"], name="alerts_by_created_at_id")
                ],
                "pk_attr": "id",
                "table_description": "Something people should know.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="DeliveryRow",
            fields=[
                ("id", TextColumn(primary_key=True)),
                ("workspace_id", TextColumn()),
                ("alert_id", TextColumn()),
                ("channel", TextColumn()),
                ("recipient", TextColumn()),
                ("status", TextColumn()),
                ("attempts", fields.BigIntField()),
                ("next_attempt_at", MomentColumn(null=True, generated=False, unique=False)),
                ("sent_at", MomentColumn(null=True, generated=False, unique=False)),
                ("error", TextColumn()),
            ],
            options={
                "table": "deliveries",
                "app": "models",
                "indexes": [Index(fields=["workspace_id", "alert_id"], name="deliveries_by_alert_id")],
                "pk_attr": "id",
                "table_description": "One alert on its way to one person by one channel.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="OutboxRow",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("workspace_id", TextColumn()),
                ("dedupe_key", TextColumn()),
                ("delivery_id", TextColumn()),
                ("alert_id", TextColumn()),
                ("channel", TextColumn()),
                ("recipient", TextColumn()),
                ("queued_at", MomentColumn()),
                ("available_at", MomentColumn()),
                ("attempts", fields.BigIntField()),
            ],
            options={
                "table": "outbox",
                "app": "models",
                "unique_together": (("dedupe_key",), ("delivery_id",)),
                "indexes": [
                    Index(fields=["channel", "recipient", "id"], name="outbox_by_channel_recipient_id")
                ],
                "pk_attr": "id",
                "table_description": "What must still leave the house, in order. Written in the transaction of the fact.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="InboxRow",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("workspace_id", TextColumn()),
                ("source", TextColumn()),
                ("message_id", TextColumn()),
                ("received_at", MomentColumn()),
            ],
            options={
                "table": "inbox",
                "app": "models",
                "unique_together": (("source", "message_id"),),
                "pk_attr": "id",
                "table_description": "A message that was handled, the same one again does nothing.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="DeadLetterRow",
            fields=[
                ("id", TextColumn(primary_key=True)),
                ("workspace_id", TextColumn()),
                ("source", TextColumn()),
                ("kind", TextColumn()),
                ("payload", JsonColumn()),
                ("payload_hash", TextColumn()),
                ("cause", TextColumn()),
                ("trace_id", TextColumn()),
                ("attempts", fields.BigIntField()),
                ("created_at", MomentColumn()),
                ("replayed_at", MomentColumn(null=True, generated=False, unique=False)),
            ],
            options={
                "table": "dead_letters",
                "app": "models",
                "indexes": [
                    Index(fields=["workspace_id", "created_at", "id"], name="dead_letters_by_created_at_id")
                ],
                "pk_attr": "id",
                "table_description": "A message that could not be handled, with its cause.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="LeaseRow",
            fields=[
                ("name", TextColumn(primary_key=True)),
                ("holder", TextColumn()),
                ("epoch", fields.BigIntField()),
                ("expires_at", MomentColumn()),
            ],
            options={
                "table": "leases",
                "app": "models",
                "pk_attr": "name",
                "table_description": "Who owns what, the epoch counts up at each change of hands.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="IdempotencyKeyRow",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("workspace_id", TextColumn()),
                ("key", TextColumn()),
                ("input_hash", TextColumn()),
                ("answer", JsonColumn()),
                ("created_at", MomentColumn()),
            ],
            options={
                "table": "idempotency_keys",
                "app": "models",
                "unique_together": (("workspace_id", "key"),),
                "pk_attr": "id",
                "table_description": "The answer to a request that must have one effect.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="ConfirmationRow",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("workspace_id", TextColumn()),
                ("token_hash", TextColumn()),
                ("user_id", TextColumn()),
                ("channel", TextColumn()),
                ("command_hash", TextColumn()),
                ("expires_at", MomentColumn()),
                ("used_at", MomentColumn(null=True, generated=False, unique=False)),
            ],
            options={
                "table": "confirmations",
                "app": "models",
                "unique_together": (("workspace_id", "token_hash"),),
                "pk_attr": "id",
                "table_description": "A second tap that is waited for, used once.",
            },
            bases=["Model"],
        ),
    ]
