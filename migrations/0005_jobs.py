"""Create the jobs and their files."""

from __future__ import annotations

from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops

from desk.store.fields import JsonColumn, MomentColumn, TextColumn


class Migration(migrations.Migration):
    """Create the jobs and their files."""

    dependencies = [("models", "0004_partial_keys_and_append_only")]  # noqa: RUF012
    operations = [  # noqa: RUF012 - the form that Tortoise reads
        ops.CreateModel(
            name="JobRow",
            fields=[
                ("id", TextColumn(primary_key=True)),
                ("workspace_id", TextColumn()),
                ("kind", TextColumn()),
                ("title", TextColumn()),
                ("state", TextColumn()),
                ("input", JsonColumn()),
                ("progress", JsonColumn()),
                ("result", JsonColumn()),
                ("error", TextColumn()),
                ("asked_by", TextColumn()),
                ("channel", TextColumn()),
                ("group_id", TextColumn()),
                ("dedupe_key", TextColumn()),
                ("tries", fields.BigIntField()),
                ("epoch", fields.BigIntField()),
                ("holder", TextColumn()),
                ("due_at", MomentColumn()),
                ("lease_until", MomentColumn(null=True, generated=False, unique=False)),
                ("created_at", MomentColumn()),
                ("started_at", MomentColumn(null=True, generated=False, unique=False)),
                ("finished_at", MomentColumn(null=True, generated=False, unique=False)),
                ("cancel_at", MomentColumn(null=True, generated=False, unique=False)),
            ],
            options={
                "table": "jobs",
                "app": "models",
                "unique_together": (("workspace_id", "dedupe_key"),),
                "indexes": [
                    Index(fields=["workspace_id", "created_at", "id"], name="jobs_by_created_at_id"),
                    Index(fields=["state", "due_at"], name="jobs_by_state_due_at"),
                    Index(fields=["group_id"], name="jobs_by_group_id"),
                ],
                "pk_attr": "id",
                "table_description": "Work that somebody asked for, from the asking to the result.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="JobFileRow",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("workspace_id", TextColumn()),
                ("job_id", TextColumn()),
                ("name", TextColumn()),
                ("media_type", TextColumn()),
                ("size", fields.BigIntField()),
                ("data", fields.BinaryField()),
                ("created_at", MomentColumn()),
            ],
            options={
                "table": "job_files",
                "app": "models",
                "unique_together": (("job_id", "name"),),
                "pk_attr": "id",
                "table_description": "A file that a job left: a report, a picture, a table.",
            },
            bases=["Model"],
        ),
    ]
