"""Create what the order path keeps beside orders: watches, exits, incidents, comparisons, requests."""

from __future__ import annotations

from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops

from desk.store.fields import JsonColumn, MomentColumn, MoneyColumn, TextColumn


class Migration(migrations.Migration):
    """Create what the order path keeps beside orders."""

    dependencies = [("models", "0007_chat_doors")]  # noqa: RUF012

    operations = [  # noqa: RUF012 - the form that Tortoise reads
        ops.CreateModel(
            name="AccountRequestRow",
            fields=[
                ("id", TextColumn(primary_key=True)),
                ("workspace_id", TextColumn()),
                ("account_id", TextColumn()),
                ("kind", TextColumn()),
                ("params", JsonColumn()),
                ("actor", TextColumn()),
                ("asked_at", MomentColumn()),
                ("taken_at", MomentColumn(null=True)),
                ("answer", TextColumn()),
            ],
            options={
                "table": "account_requests",
                "app": "models",
                "indexes": [
                    Index(fields=["account_id", "asked_at"], name="account_requests_by_account_id_asked_at")
                ],
                "pk_attr": "id",
                "table_description": "Something that the process owning an account is asked to do, once.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="BaselineRow",
            fields=[
                ("account_id", TextColumn(primary_key=True)),
                ("workspace_id", TextColumn()),
                ("holdings", JsonColumn()),
                ("flows", JsonColumn()),
                ("taken_at", MomentColumn()),
            ],
            options={
                "table": "baselines",
                "app": "models",
                "pk_attr": "account_id",
                "table_description": "What a venue held when we first looked.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="IncidentRow",
            fields=[
                ("id", TextColumn(primary_key=True)),
                ("workspace_id", TextColumn()),
                ("account_id", TextColumn()),
                ("kind", TextColumn()),
                ("subject", TextColumn()),
                ("detail", JsonColumn()),
                ("opened_at", MomentColumn()),
                ("closed_at", MomentColumn(null=True)),
                ("closed_by", TextColumn()),
            ],
            options={
                "table": "incidents",
                "app": "models",
                "indexes": [
                    Index(fields=["workspace_id", "opened_at", "id"], name="incidents_by_opened_at_id")
                ],
                "pk_attr": "id",
                "table_description": "Something that people must look at, open until it is settled.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="OrderWatchRow",
            fields=[
                ("order_id", TextColumn(primary_key=True)),
                ("workspace_id", TextColumn()),
                ("account_id", TextColumn()),
                ("valid_until", MomentColumn(null=True)),
                ("rest_until", MomentColumn(null=True)),
                ("reprices_left", fields.BigIntField()),
                ("claimed_at", MomentColumn(null=True)),
                ("epoch", fields.BigIntField()),
                ("cancel_reason", TextColumn()),
                ("negatives", fields.BigIntField()),
                ("first_negative_at", MomentColumn(null=True)),
                ("next_look_at", MomentColumn(null=True)),
                ("is_burned", fields.BooleanField()),
                ("target_order_id", TextColumn()),
            ],
            options={
                "table": "order_watches",
                "app": "models",
                "indexes": [
                    Index(fields=["account_id", "claimed_at"], name="order_watches_by_account_id_claimed_at")
                ],
                "pk_attr": "order_id",
                "table_description": "How an order is looked after: claim, wish to cancel, what the venue's silence amounts to.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="ProtectionRow",
            fields=[
                ("position_id", TextColumn(primary_key=True)),
                ("workspace_id", TextColumn()),
                ("account_id", TextColumn()),
                ("bot_id", TextColumn()),
                ("pair", TextColumn()),
                ("is_long", fields.BooleanField()),
                ("quantity", MoneyColumn()),
                ("stop", MoneyColumn(null=True)),
                ("targets", JsonColumn()),
                ("trail_ratio", fields.FloatField(null=True)),
                ("revision", fields.BigIntField()),
                ("updated_at", MomentColumn()),
            ],
            options={
                "table": "protections",
                "app": "models",
                "indexes": [Index(fields=["account_id"], name="protections_by_account_id")],
                "pk_attr": "position_id",
                "table_description": "The exits of one open position.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="ReconciliationRow",
            fields=[
                ("id", TextColumn(primary_key=True)),
                ("workspace_id", TextColumn()),
                ("account_id", TextColumn()),
                ("began_at", MomentColumn()),
                ("ended_at", MomentColumn(null=True)),
                ("outcome", TextColumn()),
                ("seen_ms", fields.BigIntField()),
                ("detail", JsonColumn()),
            ],
            options={
                "table": "reconciliations",
                "app": "models",
                "indexes": [
                    Index(fields=["account_id", "began_at"], name="reconciliations_by_account_id_began_at")
                ],
                "pk_attr": "id",
                "table_description": "One comparison of an account with its venue.",
            },
            bases=["Model"],
        ),
        ops.AddField(
            model_name="FillRow",
            name="base_fee",
            field=MoneyColumn(null=True),
        ),
    ]
