"""Compiled single passes over an equity curve: half a million points in well under a millisecond each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trading.jit import njit

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@njit
def first_bad_point(ts_ms: IntArray, value: FloatArray) -> int:
    """Give the first row that is not finite (row) or not after the row above (-2 - row); -1 if none is bad."""
    for row in range(len(value)):
        if not np.isfinite(value[row]):
            return row
        if row > 0 and ts_ms[row] <= ts_ms[row - 1]:
            return -2 - row
    return -1


@njit
def deepest_fall(start_ms: int, start: float, ts_ms: IntArray, value: FloatArray) -> tuple[float, int]:
    """Give the lowest value / peak - 1 and the longest time from a peak to its recovery (or to the end)."""
    peak = start
    peak_ms = start_ms
    lowest = peak
    deepest = 0.0
    longest_ms = 0
    for row in range(len(value)):
        now = value[row]
        if now >= peak:
            # The division waits for the recovery: once per drawdown instead of once per point.
            if lowest < peak:
                deepest = min(deepest, lowest / peak - 1.0)
                longest_ms = max(longest_ms, ts_ms[row] - peak_ms)
            peak = now
            peak_ms = ts_ms[row]
            lowest = now
        elif now < lowest:
            lowest = now
    if lowest < peak:
        deepest = min(deepest, lowest / peak - 1.0)
        longest_ms = max(longest_ms, ts_ms[len(value) - 1] - peak_ms)
    return deepest, longest_ms
