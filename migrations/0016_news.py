"""Create headlines, what they are about, and index readings."""

from __future__ import annotations

from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops

from desk.store.fields import JsonColumn, MomentColumn, TextColumn


class Migration(migrations.Migration):
    """Create headlines, what they are about, and index readings."""

    dependencies = [("models", "0015_firings")]  # noqa: RUF012
    operations = [  # noqa: RUF012 - the form that Tortoise reads
        ops.CreateModel(
            name="NewsRow",
            fields=[
                ("id", TextColumn(primary_key=True)),
                ("source", TextColumn()),
                ("key", TextColumn()),
                ("title", TextColumn()),
                ("summary", TextColumn()),
                ("url", TextColumn()),
                ("language", TextColumn()),
                ("assets", JsonColumn()),
                ("label", fields.SmallIntField(null=True)),
                ("score", fields.FloatField(null=True)),
                ("model", TextColumn()),
                ("published_at", MomentColumn()),
                ("known_at", MomentColumn()),
            ],
            options={
                "table": "news",
                "app": "models",
                "unique_together": (("key",),),
                "indexes": [Index(fields=["known_at", "id"], name="news_by_known_at_id")],
                "pk_attr": "id",
                "table_description": "A headline and how it sounds.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="NewsAssetRow",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("news_id", TextColumn()),
                ("asset", TextColumn()),
                ("known_at", MomentColumn()),
            ],
            options={
                "table": "news_assets",
                "app": "models",
                "unique_together": (("news_id", "asset"),),
                "indexes": [Index(fields=["asset", "known_at"], name="news_assets_by_asset_known_at")],
                "pk_attr": "id",
                "table_description": "An asset that a headline is about.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="IndexReadingRow",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("index", TextColumn()),
                ("at", MomentColumn()),
                ("value", fields.SmallIntField()),
                ("words", TextColumn()),
                ("known_at", MomentColumn()),
            ],
            options={
                "table": "index_readings",
                "app": "models",
                "unique_together": (("index", "at"),),
                "pk_attr": "id",
                "table_description": "A published index value.",
            },
            bases=["Model"],
        ),
    ]
