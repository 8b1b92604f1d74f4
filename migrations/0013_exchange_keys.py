"""Create keys to accounts at exchanges."""

from __future__ import annotations

from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops

from desk.store.fields import MomentColumn, TextColumn


class Migration(migrations.Migration):
    """Create keys to accounts at exchanges."""

    dependencies = [("models", "0012_sessions_and_hooks")]  # noqa: RUF012
    operations = [  # noqa: RUF012 - the form that Tortoise reads
        ops.CreateModel(
            name="ExchangeKeyRow",
            fields=[
                ("id", TextColumn(primary_key=True)),
                ("workspace_id", TextColumn()),
                ("venue", TextColumn()),
                ("version", fields.BigIntField()),
                ("key_ending", TextColumn()),
                ("sealed", TextColumn()),
                ("withdrawal", TextColumn()),
                ("is_sandbox", fields.BooleanField()),
                ("created_by", TextColumn()),
                ("created_at", MomentColumn()),
                ("rotated_at", MomentColumn(null=True)),
                ("disabled_at", MomentColumn(null=True)),
            ],
            options={
                "table": "exchange_keys",
                "app": "models",
                "indexes": [Index(fields=["workspace_id", "created_at"], name="exchange_keys_by_created_at")],
                "pk_attr": "id",
                "table_description": "A key to an account at an exchange, of which only the ending can be read.",
            },
            bases=["Model"],
        )
    ]
