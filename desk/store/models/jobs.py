"""Background jobs: the queue of record, and the files that they leave."""

from __future__ import annotations

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from desk.store.fields import JsonColumn, MomentColumn, TextColumn


class JobRow(Model):
    """Work that somebody asked for, from the asking to the result."""

    id = TextColumn(primary_key=True)
    workspace_id = TextColumn()
    kind = TextColumn()
    title = TextColumn()
    state = TextColumn()
    input = JsonColumn()
    progress = JsonColumn()
    result = JsonColumn()
    error = TextColumn()
    asked_by = TextColumn()
    channel = TextColumn()
    group_id = TextColumn()
    dedupe_key = TextColumn()
    tries = fields.BigIntField()
    epoch = fields.BigIntField()
    holder = TextColumn()
    due_at = MomentColumn()
    lease_until = MomentColumn(null=True)
    created_at = MomentColumn()
    started_at = MomentColumn(null=True)
    finished_at = MomentColumn(null=True)
    cancel_at = MomentColumn(null=True)

    class Meta:
        table = "jobs"
        unique_together = (("workspace_id", "dedupe_key"),)
        indexes = (
            Index(fields=["workspace_id", "created_at", "id"], name="jobs_by_created_at_id"),
            Index(fields=["state", "due_at"], name="jobs_by_state_due_at"),
            Index(fields=["group_id"], name="jobs_by_group_id"),
        )


class JobFileRow(Model):
    """A file that a job left: a report, a picture, a table."""

    id = fields.BigIntField(primary_key=True)
    workspace_id = TextColumn()
    job_id = TextColumn()
    name = TextColumn()
    media_type = TextColumn()
    size = fields.BigIntField()
    data = fields.BinaryField()
    created_at = MomentColumn()

    class Meta:
        table = "job_files"
        unique_together = (("job_id", "name"),)
