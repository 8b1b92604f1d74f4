"""Trailing sums, means and extremes whose rows depend on their own window and on nothing else, bit for bit.

A running sum would carry the rounding of every bar before it, so that a model trained on years would see other numbers
than the same model fed the last few hundred bars. Here each row adds its own window, always in the same order.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


def earlier(values: FloatArray, bars: int) -> FloatArray:
    """Give the values of some bars ago, NaN where there were none."""
    out = np.full(len(values), np.nan)
    if bars < len(values):
        out[bars:] = values[: len(values) - bars]
    return out


def trailing_sum(values: FloatArray, window_bars: int) -> FloatArray:
    """Add the last bars, newest first; NaN before the first whole window."""
    return _folded(np.add, values, window_bars)


def trailing_mean(values: FloatArray, window_bars: int) -> FloatArray:
    """Average the last bars."""
    return trailing_sum(values, window_bars) / window_bars


def trailing_max(values: FloatArray, window_bars: int) -> FloatArray:
    """Give the highest of the last bars."""
    return _folded(np.maximum, values, window_bars)


def trailing_min(values: FloatArray, window_bars: int) -> FloatArray:
    """Give the lowest of the last bars."""
    return _folded(np.minimum, values, window_bars)


def _folded(join: np.ufunc, values: FloatArray, window_bars: int) -> FloatArray:
    n = len(values)
    out = np.full(n, np.nan)
    if n < window_bars:
        return out
    total = values[window_bars - 1 :].copy()
    for bars in range(1, window_bars):
        join(total, values[window_bars - 1 - bars : n - bars], out=total)
    out[window_bars - 1 :] = total
    return out
