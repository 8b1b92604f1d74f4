"""The registry of learned models: versions, who speaks since when, how far the market moved away."""

from __future__ import annotations

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from desk.store.fields import JsonColumn, MomentColumn, TextColumn


class ModelVersionRow(Model):
    """A trained model, its files lie on the shelf."""

    id = TextColumn(primary_key=True)
    workspace_id = TextColumn()
    model = TextColumn()
    version = fields.IntField()
    kind = TextColumn()
    pairs = JsonColumn()
    timeframe = TextColumn()
    horizon_bars = fields.IntField()
    window_bars = fields.IntField()
    retrain_at = MomentColumn()
    files = JsonColumn()
    made_at = MomentColumn()
    state = TextColumn()
    artefact = TextColumn()
    data_hash = TextColumn()
    code_hash = TextColumn()
    seed = fields.IntField()
    plan = JsonColumn()
    card = JsonColumn()
    skill = fields.FloatField(null=True)
    job_id = TextColumn()
    made_by = TextColumn()

    class Meta:
        table = "model_versions"
        unique_together = (("workspace_id", "model", "version"), ("job_id",))
        indexes = (Index(fields=["workspace_id", "made_at", "id"], name="model_versions_by_made_at_id"),)


class ModelPromotionRow(Model):
    """From a time on a version speaks."""

    id = TextColumn(primary_key=True)
    workspace_id = TextColumn()
    model = TextColumn()
    version = fields.IntField()
    before = fields.IntField()
    at = MomentColumn()
    reason = TextColumn()
    by = TextColumn()

    class Meta:
        table = "model_promotions"
        indexes = (Index(fields=["workspace_id", "at", "id"], name="model_promotions_by_at_id"),)


class ModelDriftRow(Model):
    """How far the market moved away from what a version learned."""

    id = TextColumn(primary_key=True)
    workspace_id = TextColumn()
    model = TextColumn()
    version = fields.IntField()
    at = MomentColumn()
    worst = TextColumn()
    share_moved = fields.FloatField()
    skill = fields.FloatField(null=True)
    expected = fields.FloatField(null=True)
    samples = fields.IntField()
    is_alarming = fields.BooleanField()
    psi = JsonColumn()

    class Meta:
        table = "model_drifts"
        indexes = (Index(fields=["workspace_id", "model", "at", "id"], name="model_drifts_by_model_at_id"),)
