"""Headlines and index readings: the same for every workspace."""

from __future__ import annotations

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from desk.store.fields import JsonColumn, MomentColumn, TextColumn


class NewsRow(Model):
    """A headline and how it sounds."""

    id = TextColumn(primary_key=True)
    source = TextColumn()
    key = TextColumn()
    title = TextColumn()
    summary = TextColumn()
    url = TextColumn()
    language = TextColumn()
    assets = JsonColumn()
    label = fields.SmallIntField(null=True)
    score = fields.FloatField(null=True)
    model = TextColumn()
    published_at = MomentColumn()
    known_at = MomentColumn()

    class Meta:
        table = "news"
        unique_together = (("key",),)
        indexes = (Index(fields=["known_at", "id"], name="news_by_known_at_id"),)


class NewsAssetRow(Model):
    """An asset that a headline is about."""

    id = fields.BigIntField(primary_key=True)
    news_id = TextColumn()
    asset = TextColumn()
    known_at = MomentColumn()

    class Meta:
        table = "news_assets"
        unique_together = (("news_id", "asset"),)
        indexes = (Index(fields=["asset", "known_at"], name="news_assets_by_asset_known_at"),)


class IndexReadingRow(Model):
    """A published index value."""

    id = fields.BigIntField(primary_key=True)
    index = TextColumn()
    at = MomentColumn()
    value = fields.SmallIntField()
    words = TextColumn()
    known_at = MomentColumn()

    class Meta:
        table = "index_readings"
        unique_together = (("index", "at"),)
