"""Create the registry of learned models: versions, promotions, drift readings."""

from __future__ import annotations

from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops

from desk.store.fields import JsonColumn, MomentColumn, TextColumn


class Migration(migrations.Migration):
    """Create the registry of learned models."""

    dependencies = [("models", "0017_stop_reasons_and_settled_letters")]  # noqa: RUF012
    operations = [  # noqa: RUF012 - the form that Tortoise reads
        ops.CreateModel(
            name="ModelVersionRow",
            fields=[
                ("id", TextColumn(primary_key=True)),
                ("workspace_id", TextColumn()),
                ("model", TextColumn()),
                ("version", fields.IntField()),
                ("kind", TextColumn()),
                ("pairs", JsonColumn()),
                ("timeframe", TextColumn()),
                ("horizon_bars", fields.IntField()),
                ("window_bars", fields.IntField()),
                ("retrain_at", MomentColumn()),
                ("files", JsonColumn()),
                ("made_at", MomentColumn()),
                ("state", TextColumn()),
                ("artefact", TextColumn()),
                ("data_hash", TextColumn()),
                ("code_hash", TextColumn()),
                ("seed", fields.IntField()),
                ("plan", JsonColumn()),
                ("card", JsonColumn()),
                ("skill", fields.FloatField(null=True)),
                ("job_id", TextColumn()),
                ("made_by", TextColumn()),
            ],
            options={
                "table": "model_versions",
                "app": "models",
                "unique_together": (("workspace_id", "model", "version"), ("job_id",)),
                "indexes": [
                    Index(fields=["workspace_id", "made_at", "id"], name="model_versions_by_made_at_id")
                ],
                "pk_attr": "id",
                "table_description": "A trained model, its files lie on the shelf.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="ModelPromotionRow",
            fields=[
                ("id", TextColumn(primary_key=True)),
                ("workspace_id", TextColumn()),
                ("model", TextColumn()),
                ("version", fields.IntField()),
                ("before", fields.IntField()),
                ("at", MomentColumn()),
                ("reason", TextColumn()),
                ("by", TextColumn()),
            ],
            options={
                "table": "model_promotions",
                "app": "models",
                "indexes": [Index(fields=["workspace_id", "at", "id"], name="model_promotions_by_at_id")],
                "pk_attr": "id",
                "table_description": "From a time on a version speaks.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="ModelDriftRow",
            fields=[
                ("id", TextColumn(primary_key=True)),
                ("workspace_id", TextColumn()),
                ("model", TextColumn()),
                ("version", fields.IntField()),
                ("at", MomentColumn()),
                ("worst", TextColumn()),
                ("share_moved", fields.FloatField()),
                ("skill", fields.FloatField(null=True)),
                ("expected", fields.FloatField(null=True)),
                ("samples", fields.IntField()),
                ("is_alarming", fields.BooleanField()),
                ("psi", JsonColumn()),
            ],
            options={
                "table": "model_drifts",
                "app": "models",
                "indexes": [
                    Index(fields=["workspace_id", "model", "at", "id"], name="model_drifts_by_model_at_id")
                ],
                "pk_attr": "id",
                "table_description": "How far the market moved away from what a version learned.",
            },
            bases=["Model"],
        ),
    ]
