"""Personal data, each person's sealed with a key of their own; erasing the key erases the person."""

from __future__ import annotations

from tortoise import fields
from tortoise.models import Model

from desk.store.fields import MomentColumn, TextColumn


class PersonKeyRow(Model):
    """A person's key, itself sealed with the key file's, gone after erasure."""

    user_id = TextColumn(primary_key=True)
    workspace_id = TextColumn()
    sealed_key = TextColumn()
    created_at = MomentColumn()

    class Meta:
        table = "person_keys"


class PersonalDataRow(Model):
    """One fact about a person, sealed, the only table that holds any."""

    id = fields.BigIntField(primary_key=True)
    workspace_id = TextColumn()
    user_id = TextColumn()
    kind = TextColumn()
    digest = TextColumn()
    sealed = TextColumn()

    class Meta:
        table = "personal_data"
        unique_together = (("user_id", "kind"),)
