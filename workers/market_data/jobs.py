"""The care of stored candles as kinds of jobs."""

from __future__ import annotations

from workers.kinds import Kind
from workers.market_data.fetching import fill_back, refresh
from workers.market_data.tidying import derive, forget
from workers.market_data.verifying import KIND, verify

KINDS = (
    Kind(name="candle_refresh", duty=refresh, time_limit_s=1_800.0),
    Kind(name="candle_backfill", duty=fill_back, time_limit_s=6 * 3600.0),
    Kind(name=KIND, duty=verify, time_limit_s=3600.0),
    Kind(name="candle_resample", duty=derive, time_limit_s=1_800.0),
    Kind(name="candle_retention", duty=forget, time_limit_s=1_800.0),
)
