"""Price series for the tests of the wave engine: constructions of trading-rules.md A.10, walks, and real candles."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.support.data import shared_data
from trading.candles import Candles
from trading.timeframes import Timeframe

HOUR_MS = 3_600_000

#: T1: lead-in, p0…p5, tail.
IMPULSE = (130, 100, 120, 108, 145, 130, 155, 140)


def candles_of(
    open: NDArray[np.float64],
    high: NDArray[np.float64],
    low: NDArray[np.float64],
    close: NDArray[np.float64],
    volume: NDArray[np.float64] | None = None,
) -> Candles:
    """Give hourly candles of four price arrays."""
    n = len(close)
    return Candles(
        ts_ms=np.arange(n, dtype=np.int64) * HOUR_MS,
        open=open,
        high=high,
        low=low,
        close=close,
        volume=np.full(n, 10.0) if volume is None else volume,
        timeframe=Timeframe(HOUR_MS),
    )


def construction(pivots: Sequence[float], bars_per_leg: int = 10) -> Candles:
    """Join pivots by straight lines of closes; pivot k lies at bar `bars_per_leg`·k - 1."""
    steps = np.arange(1, bars_per_leg + 1) / bars_per_leg
    legs = [a + (b - a) * steps for a, b in pairwise(pivots)]
    close = np.concatenate(legs).astype(np.float64)
    open_ = np.r_[float(pivots[0]), close[:-1]]
    return candles_of(open_, np.maximum(open_, close), np.minimum(open_, close), close)


def walk(n: int, seed: int, volatility: float = 0.006, ticks: int = 8) -> Candles:
    """A driftless random walk of ln price, `ticks` moves per bar."""
    random = np.random.default_rng(seed)
    moves = random.normal(0.0, volatility / np.sqrt(ticks), (n, ticks))
    path = np.cumsum(moves.ravel()).reshape(n, ticks)
    close = path[:, -1]
    open_ = np.r_[0.0, close[:-1]]
    high, low = np.maximum(path.max(axis=1), open_), np.minimum(path.min(axis=1), open_)
    volume = random.gamma(4.0, 25.0, n)
    prices = 100.0 * np.exp(np.array([open_, high, low, close]))
    return candles_of(prices[0], prices[1], prices[2], prices[3], volume)


def scaled(candles: Candles, factor: float) -> Candles:
    """Multiply all prices."""
    return replace(
        candles,
        open=candles.open * factor,
        high=candles.high * factor,
        low=candles.low * factor,
        close=candles.close * factor,
    )


def read_candles(path: Path) -> Candles:
    """Read a tidy candle file of the shared data."""
    with gzip.open(path, "rt") as lines:
        rows = list(csv.reader(lines))[1:]
    table = np.array([[float(value) for value in row] for row in rows])
    ts_ms = table[:, 0].astype(np.int64)
    step_ms = int(np.diff(ts_ms).min())
    return Candles(
        ts_ms=ts_ms,
        open=table[:, 1],
        high=table[:, 2],
        low=table[:, 3],
        close=table[:, 4],
        volume=table[:, 5],
        timeframe=Timeframe(step_ms),
        pair=path.stem.split("_")[1],
    )


def real_series(limit: int, pattern: str = "*_1h.csv.gz") -> list[tuple[str, Candles]]:
    """Give up to `limit` real series by name; empty where the shared data are absent."""
    folder = shared_data()
    if folder is None:
        return []
    paths = sorted((folder / "ohlcv").glob(pattern))[:limit]
    return [(path.name, read_candles(path)) for path in paths]
