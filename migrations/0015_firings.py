"""Create the firings of the timetable."""

from __future__ import annotations

from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops

from desk.store.fields import MomentColumn, TextColumn


class Migration(migrations.Migration):
    """Create the firings of the timetable."""

    dependencies = [("models", "0014_entries_and_archive")]  # noqa: RUF012
    operations = [  # noqa: RUF012 - the form that Tortoise reads
        ops.CreateModel(
            name="FiringRow",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("workspace_id", TextColumn()),
                ("entry", TextColumn()),
                ("slot", TextColumn()),
                ("slot_at", MomentColumn()),
                ("fired_at", MomentColumn()),
                ("outcome", TextColumn()),
                ("detail", TextColumn()),
            ],
            options={
                "table": "firings",
                "app": "models",
                "unique_together": (("workspace_id", "entry", "slot"),),
                "indexes": [
                    Index(fields=["workspace_id", "entry", "slot_at"], name="firings_by_slot_at"),
                ],
                "pk_attr": "id",
                "table_description": "A slot of the timetable that was fired or skipped, once.",
            },
            bases=["Model"],
        )
    ]
