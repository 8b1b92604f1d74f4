"""Candles: a struct of arrays, oldest first, and the laws that every series obeys."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from trading.errors import BadCandles, ShapeMismatch
from trading.timeframes import Timeframe

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
FlagArray = NDArray[np.uint8]

#: The bar was made up to fill a hole: it repeats the last close and can never trigger an entry.
SYNTHETIC = np.uint8(1)
#: The bar failed a sanity check against its neighbours or a second source: no entries on it.
QUARANTINED = np.uint8(2)
#: No bar came for this pair at this time (several pairs on one account).
MISSING = np.uint8(4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candles:
    """One series of closed bars.

    Attributes:
        ts_ms: open times, int64 UTC epoch milliseconds, strictly increasing, shape (n,).
        open, high, low, close: float64 prices in quote currency, shape (n,).
        volume: float64 base asset, ≥ 0, shape (n,).
        flags: uint8 bits SYNTHETIC, QUARANTINED, MISSING, shape (n,).
        timeframe: length of a bar.
        pair, venue: where the series is from, e.g. "BTC/USDT" at "binance".
    """

    ts_ms: IntArray
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray
    timeframe: Timeframe
    pair: str = ""
    venue: str = ""
    flags: FlagArray = field(default_factory=lambda: np.empty(0, np.uint8))

    def __post_init__(self) -> None:
        n = len(self.ts_ms)
        if len(self.flags) == 0 and n:
            object.__setattr__(self, "flags", np.zeros(n, np.uint8))
        for name in ("open", "high", "low", "close", "volume", "flags"):
            if len(getattr(self, name)) != n:
                raise ShapeMismatch(
                    f"Candle column '{name}' has {len(getattr(self, name))} rows; ts_ms has {n}."
                )

    def __len__(self) -> int:
        return len(self.ts_ms)

    def rows(self, start: int, stop: int) -> Candles:
        """Give rows start … stop - 1 as views, without copying."""
        part = slice(start, stop)
        return replace(
            self,
            ts_ms=self.ts_ms[part],
            open=self.open[part],
            high=self.high[part],
            low=self.low[part],
            close=self.close[part],
            volume=self.volume[part],
            flags=self.flags[part],
        )

    def between(self, from_ms: int | None, to_ms: int | None) -> Candles:
        """Give the bars that open in [from_ms, to_ms)."""
        start = 0 if from_ms is None else int(np.searchsorted(self.ts_ms, from_ms, "left"))
        stop = len(self) if to_ms is None else int(np.searchsorted(self.ts_ms, to_ms, "left"))
        return self.rows(start, stop)


def check(candles: Candles, *, has_whole_bodies: bool = True) -> Candles:
    """Give the series back if it obeys the laws of candles.

    Args:
        has_whole_bodies: open and close must lie between low and high, as every venue's do; constructed series
            for research may leave the open outside.

    Raises:
        BadCandles: names the first bad row and the reason: order, duplicate, off the grid, NaN or infinite,
            price not positive, high below low or outside open/close, negative volume.
    """
    ts = candles.ts_ms
    _refuse(candles, ~_finite(candles), "a price or volume is not a finite number")
    steps = np.diff(ts)
    _refuse(candles, np.r_[False, steps == 0], "the time repeats the row before")
    _refuse(candles, np.r_[False, steps < 0], "the time is before the row above (not sorted)")
    off_grid = (ts - candles.timeframe.offset_ms) % candles.timeframe.ms != 0
    _refuse(candles, off_grid, f"the time is off the {candles.timeframe} grid")
    _refuse(candles, candles.low <= 0.0, "a price is not positive")
    _refuse(candles, candles.high < candles.low, "high is below low")
    _refuse(candles, (candles.open <= 0.0) | (candles.close <= 0.0), "a price is not positive")
    _refuse(candles, candles.volume < 0.0, "volume is negative")
    if not has_whole_bodies:
        return candles
    body_high = np.maximum(candles.open, candles.close)
    body_low = np.minimum(candles.open, candles.close)
    _refuse(candles, candles.high < body_high, "high is below open or close")
    _refuse(candles, candles.low > body_low, "low is above open or close")
    return candles


def _finite(candles: Candles) -> NDArray[np.bool_]:
    finite = np.isfinite(candles.open)
    for column in (candles.high, candles.low, candles.close, candles.volume):
        finite &= np.isfinite(column)
    return finite


def _refuse(candles: Candles, bad: NDArray[np.bool_], reason: str) -> None:
    if not bad.any():
        return
    row = int(np.argmax(bad))
    raise BadCandles(
        f"Candle row {row} (ts_ms {int(candles.ts_ms[row])}): {reason}; found open {candles.open[row]:g}, "
        f"high {candles.high[row]:g}, low {candles.low[row]:g}, close {candles.close[row]:g}, "
        f"volume {candles.volume[row]:g}.",
        hint="Correct or remove the row; nothing was imported.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Bars that a series lacks: [from_ms, to_ms) in open times."""

    from_ms: int
    to_ms: int
    bars: int


def fill_gaps(candles: Candles) -> tuple[Candles, tuple[Gap, ...]]:
    """Fill holes with the previous close, zero volume, marked SYNTHETIC; tell where the holes were."""
    step = candles.timeframe.ms
    jumps = np.flatnonzero(np.diff(candles.ts_ms) > step)
    if len(jumps) == 0:
        return candles, ()
    gaps = tuple(
        Gap(
            from_ms=int(candles.ts_ms[i]) + step,
            to_ms=int(candles.ts_ms[i + 1]),
            bars=int((candles.ts_ms[i + 1] - candles.ts_ms[i]) // step) - 1,
        )
        for i in jumps
    )
    ts = np.arange(candles.ts_ms[0], candles.ts_ms[-1] + step, step, dtype=np.int64)
    source = np.searchsorted(candles.ts_ms, ts, "right") - 1
    real = candles.ts_ms[source] == ts
    last_close = candles.close[source]
    filled = replace(
        candles,
        ts_ms=ts,
        open=np.where(real, candles.open[source], last_close),
        high=np.where(real, candles.high[source], last_close),
        low=np.where(real, candles.low[source], last_close),
        close=last_close,
        volume=np.where(real, candles.volume[source], 0.0),
        flags=np.where(real, candles.flags[source], SYNTHETIC).astype(np.uint8),
    )
    return filled, gaps


def resample(candles: Candles, timeframe: Timeframe) -> Candles:
    """Aggregate to a longer timeframe; only whole longer bars are given, so none is still forming.

    Raises:
        BadCandles: the longer timeframe is not a multiple of the shorter one.
    """
    if timeframe.ms == candles.timeframe.ms:
        return candles
    if timeframe.ms % candles.timeframe.ms or timeframe.ms < candles.timeframe.ms:
        raise BadCandles(
            f"{candles.timeframe} bars cannot be aggregated to {timeframe}; a multiple is allowed."
        )
    bucket = (candles.ts_ms - timeframe.offset_ms) // timeframe.ms
    starts = np.flatnonzero(np.r_[True, np.diff(bucket) != 0]) if len(candles) else np.empty(0, np.intp)
    ends = np.r_[starts[1:], len(candles)] - 1 if len(starts) else starts
    opens = bucket[starts] * timeframe.ms + timeframe.offset_ms
    closed = candles.ts_ms[ends] + candles.timeframe.ms >= opens + timeframe.ms
    # A long bar whose tail is missing counts as closed once a later bar was seen.
    closed[:-1] = True
    # A first bar that starts in the middle lacks its open.
    if len(starts) and candles.ts_ms[starts[0]] != opens[0]:
        closed[0] = False
    flags = np.bitwise_and.reduceat(candles.flags, starts) if len(starts) else candles.flags[:0]
    if not len(starts):
        return replace(candles.rows(0, 0), timeframe=timeframe)
    return Candles(
        ts_ms=opens[closed],
        open=candles.open[starts][closed],
        high=np.maximum.reduceat(candles.high, starts)[closed],
        low=np.minimum.reduceat(candles.low, starts)[closed],
        close=candles.close[ends][closed],
        volume=np.add.reduceat(candles.volume, starts)[closed],
        flags=flags[closed],
        timeframe=timeframe,
        pair=candles.pair,
        venue=candles.venue,
    )
