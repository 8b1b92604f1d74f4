"""Drawdowns of a curve: how deep, from when to when, and how long until the old peak was seen again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trading.backtest.returns import DAY_MS, Curve, FloatArray, IntArray
from trading.backtest.scan import deepest_fall


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawdown:
    """One fall below a peak.

    Attributes:
        depth: lowest value / peak - 1, negative.
        peak_ms, trough_ms: when the peak and the lowest value were.
        recovered_ms: when the peak was seen again; None while under water.
        days: peak to recovery, or to the end of the curve while under water.
    """

    depth: float
    peak_ms: int
    trough_ms: int
    recovered_ms: int | None
    days: float


def under_water(curve: Curve) -> FloatArray:
    """Give value / peak so far - 1 at the start and at each mark: 0 at a peak, the start is one."""
    _, value = curve.points()
    ratio: FloatArray = np.maximum.accumulate(value)
    np.divide(value, ratio, out=ratio)
    ratio -= 1.0
    return ratio


def deepest_and_longest(curve: Curve) -> tuple[float, float]:
    """Give the maximum drawdown (≤ 0) and the longest time from a peak to its recovery in days."""
    deepest, longest_ms = deepest_fall(curve.start_ms, curve.start, curve.ts_ms, curve.value)
    return deepest, longest_ms / DAY_MS


def drawdowns(curve: Curve, *, most: int | None = None) -> tuple[Drawdown, ...]:
    """List the drawdowns, deepest first, at most `most` of them."""
    water = under_water(curve)
    below = water < 0.0
    edges = np.diff(np.concatenate(([False], below, [False])).astype(np.int8))
    starts = np.flatnonzero(edges == 1)
    ends = np.flatnonzero(edges == -1)  # first row that is at a peak again, or n
    if len(starts) == 0:
        return ()
    depths = np.minimum.reduceat(water, starts)
    order = np.argsort(depths, kind="stable")[:most]
    times, _ = curve.points()
    return tuple(_drawdown(times, water, int(starts[k]), int(ends[k])) for k in order)


def _drawdown(times: IntArray, water: FloatArray, start: int, end: int) -> Drawdown:
    trough = start + int(np.argmin(water[start:end]))
    is_open = end == len(water)
    peak_ms = int(times[start - 1])
    until_ms = int(times[-1] if is_open else times[end])
    return Drawdown(
        depth=float(water[trough]),
        peak_ms=peak_ms,
        trough_ms=int(times[trough]),
        recovered_ms=None if is_open else until_ms,
        days=(until_ms - peak_ms) / DAY_MS,
    )
