"""Firings of the timetable."""

from __future__ import annotations

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from desk.store.fields import MomentColumn, TextColumn


class FiringRow(Model):
    """A slot of the timetable that was fired or skipped, once."""

    id = fields.BigIntField(primary_key=True)
    workspace_id = TextColumn()
    entry = TextColumn()
    slot = TextColumn()
    slot_at = MomentColumn()
    fired_at = MomentColumn()
    outcome = TextColumn()
    detail = TextColumn()

    class Meta:
        table = "firings"
        unique_together = (("workspace_id", "entry", "slot"),)
        indexes = (Index(fields=["workspace_id", "entry", "slot_at"], name="firings_by_slot_at"),)
