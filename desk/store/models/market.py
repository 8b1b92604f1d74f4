"""Candles: float64 market data, the same for every workspace."""

from __future__ import annotations

from tortoise import fields
from tortoise.models import Model

from desk.store.fields import TextColumn


class CandleSeriesRow(Model):
    """A venue, a pair and a timeframe."""

    id = fields.BigIntField(primary_key=True)
    venue = TextColumn()
    pair = TextColumn()
    timeframe = TextColumn()

    class Meta:
        table = "candle_series"
        unique_together = (("venue", "pair", "timeframe"),)


class CandleRow(Model):
    """A closed bar."""

    id = fields.BigIntField(primary_key=True)
    series_id = fields.BigIntField()
    ts_ms = fields.BigIntField()
    open = fields.FloatField()
    high = fields.FloatField()
    low = fields.FloatField()
    close = fields.FloatField()
    volume = fields.FloatField()
    flags = fields.SmallIntField()

    class Meta:
        table = "candles"
        unique_together = (("series_id", "ts_ms"),)
