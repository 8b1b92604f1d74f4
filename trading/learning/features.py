"""What a model sees at the close of a bar: returns, ranges, places and volumes, each over a window that ends there.

Every column is free of units, so that one model learns from many pairs. None looks further back than `WARMUP_BARS`,
and none looks ahead: there is no function here that could.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trading.candles import MISSING, SYNTHETIC, Candles
from trading.learning.rolling import earlier, trailing_max, trailing_mean, trailing_min, trailing_sum
from trading.market import MarketView

FloatArray = NDArray[np.float64]

#: Bars of an hour to a week, on hourly candles.
_SPANS = (4, 12, 24, 72, 168)
_LONG = 168
_DAY = 24

#: Rows before this one have no features: the longest window of returns, which itself lacks the first bar.
WARMUP_BARS = _LONG + 1

#: A market that stood still has no volatility; so little stands in for it.
_LEAST_VOLATILITY = 1e-5

_DAY_MS = 86_400_000
_WEEK_MS = 7 * _DAY_MS

#: Names of the columns, in order. Their order is part of a model: it is written into its card.
FEATURES = (
    "return_1",
    *(f"return_{span}" for span in _SPANS),
    "volatility_ratio",
    "volatility_level",
    "range_ratio",
    "close_in_range",
    "place_24",
    "place_168",
    "mean_gap_24",
    "mean_gap_168",
    "up_share_14",
    "volume_ratio",
    "volume_trend",
    "signed_volume_24",
    "hour_sin",
    "hour_cos",
    "weekday_sin",
    "weekday_cos",
)

#: Bits of bars that nobody traded.
UNREAL = int(SYNTHETIC | MISSING)


def log_returns(close: FloatArray) -> FloatArray:
    """Give the log return of each bar; NaN for the first."""
    return np.log(close) - np.log(earlier(close, 1))


def volatility(close: FloatArray, window_bars: int = _LONG) -> FloatArray:
    """Give the root mean square log return of a bar over a window, never 0: what returns are measured in."""
    change = log_returns(close)
    return np.maximum(np.sqrt(trailing_mean(change * change, window_bars)), _LEAST_VOLATILITY)


def features(candles: Candles) -> FloatArray:
    """Compute every column of FEATURES.

    Returns:
        float64, shape (n, len(FEATURES)); NaN during warm-up.
    """
    close, high, low, volume = candles.close, candles.high, candles.low, candles.volume
    with np.errstate(invalid="ignore", divide="ignore"):
        change = log_returns(close)
        day, week = volatility(close, _DAY), volatility(close, _LONG)
        columns = [change / day]
        columns += [trailing_sum(change, span) / (week * np.sqrt(span)) for span in _SPANS]
        columns += [np.log(day / week), np.log(week)]
        columns += _ranges(high, low, close, change, week)
        columns += _volumes(volume, change)
    columns += _calendar(candles)
    table = np.column_stack(columns)
    # A row is whole or it is not there: a model must not be fed half of one.
    table[~np.isfinite(table).all(axis=1)] = np.nan
    return table


def feature_columns(market: MarketView) -> dict[str, FloatArray]:
    """Give the columns by name: the form in which they are checked for looking ahead."""
    table = features(market.candles)
    return {name: table[:, k] for k, name in enumerate(FEATURES)}


def is_real(candles: Candles) -> NDArray[np.bool_]:
    """Tell which bars somebody traded."""
    real: NDArray[np.bool_] = (candles.flags & UNREAL) == 0
    return real


def _ranges(
    high: FloatArray, low: FloatArray, close: FloatArray, change: FloatArray, week: FloatArray
) -> list[FloatArray]:
    span = np.log(high / low)
    usual = np.maximum(trailing_mean(span, _DAY), _LEAST_VOLATILITY)
    width = high - low
    inside = np.divide(2.0 * close - high - low, width, out=np.zeros(len(close)), where=width > 0.0)
    rises = np.where(np.isnan(change), np.nan, np.sign(change))
    return [
        np.log((span + 0.01 * usual) / usual),
        inside,
        _place(high, low, close, _DAY),
        _place(high, low, close, _LONG),
        np.log(close / trailing_mean(close, _DAY)) / (week * np.sqrt(_DAY)),
        np.log(close / trailing_mean(close, _LONG)) / (week * np.sqrt(_LONG)),
        trailing_mean(rises, 14),
    ]


def _place(high: FloatArray, low: FloatArray, close: FloatArray, window_bars: int) -> FloatArray:
    """Give where the close lies between the lowest low (-1) and the highest high (1)."""
    top, bottom = trailing_max(high, window_bars), trailing_min(low, window_bars)
    width = top - bottom
    flat = np.where(np.isnan(width), np.nan, 0.0)
    return np.divide(2.0 * close - top - bottom, width, out=flat, where=width > 0.0)


def _volumes(volume: FloatArray, change: FloatArray) -> list[FloatArray]:
    day, week = trailing_mean(volume, _DAY), trailing_mean(volume, _LONG)
    # A pair without trades has no usual volume to compare with; it counts as neither much nor little.
    quiet = np.where(np.isnan(week), np.nan, 0.0)
    has_week = week > 0.0
    ratio = np.divide(volume + 0.01 * week, 1.01 * week, out=np.ones(len(volume)), where=has_week)
    trend = np.divide(day + 0.01 * week, 1.01 * week, out=np.ones(len(volume)), where=has_week)
    signed = trailing_sum(np.sign(change) * volume, _DAY)
    return [
        np.where(has_week, np.log(ratio), quiet),
        np.where(has_week, np.log(trend), quiet),
        np.divide(signed, day * _DAY, out=np.where(np.isnan(signed), np.nan, 0.0), where=day > 0.0),
    ]


def _calendar(candles: Candles) -> list[FloatArray]:
    closes = candles.ts_ms + candles.timeframe.ms
    day = 2.0 * np.pi * (closes % _DAY_MS) / _DAY_MS
    week = 2.0 * np.pi * (closes % _WEEK_MS) / _WEEK_MS
    return [np.sin(day), np.cos(day), np.sin(week), np.cos(week)]
