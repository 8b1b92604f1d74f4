"""Real candles from the shared folder, one file per venue, pair and timeframe."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np

from trading.candles import Candles, fill_gaps
from trading.timeframes import Timeframe


def candles_from(file: Path) -> Candles:
    """Read `venue_BASE-QUOTE_timeframe.csv.gz`; holes are filled and marked."""
    venue, pair, timeframe = file.name.removesuffix(".csv.gz").split("_")
    with gzip.open(file, "rt") as rows:
        table = np.loadtxt(rows, delimiter=",", skiprows=1)
    open, high, low, close, volume = (np.ascontiguousarray(table[:, i]) for i in range(1, 6))
    filled, _ = fill_gaps(
        Candles(
            ts_ms=table[:, 0].astype(np.int64),
            open=open,
            high=high,
            low=low,
            close=close,
            volume=volume,
            timeframe=Timeframe.parse(timeframe),
            pair=pair.replace("-", "/"),
            venue=venue,
        )
    )
    return filled


def hourly_files(folder: Path) -> tuple[Path, ...]:
    """Give the 1h files of the pairs that may be shown."""
    return tuple(sorted((folder / "ohlcv").glob("binance_*_1h.csv.gz")))
