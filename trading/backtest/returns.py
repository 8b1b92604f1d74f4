"""From an equity curve or a list of returns to daily returns at 00:00 UTC, idle days included."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trading.backtest.scan import first_bad_point
from trading.errors import InvalidInput, ShapeMismatch

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Mark-to-market value over time: a starting point, and the marks after it.

    The start is kept apart so that a long equity curve is never copied.

    Attributes:
        start_ms, start: when and with what it began, start > 0.
        ts_ms: when each later value was known, strictly increasing, after `start_ms`, shape (n,), n ≥ 0.
        value: account value per unit (deposits and withdrawals taken out), shape (n,).
    """

    start_ms: int
    start: float
    ts_ms: IntArray
    value: FloatArray

    @property
    def end_ms(self) -> int:
        """Time of the last mark, or of the start."""
        return int(self.ts_ms[-1]) if len(self.ts_ms) else self.start_ms

    @property
    def end(self) -> float:
        """The last value, or the start."""
        return float(self.value[-1]) if len(self.value) else self.start

    @property
    def is_ruined(self) -> bool:
        """Say whether the value ever reached zero: what follows has no return."""
        return len(self.value) > 0 and bool(self.value.min() <= 0.0)

    def points(self) -> tuple[IntArray, FloatArray]:
        """Give times and values with the start in front, as copies."""
        return (
            np.concatenate((np.array([self.start_ms], np.int64), self.ts_ms)),
            np.concatenate((np.array([self.start]), self.value)),
        )


def curve_of(
    ts_ms: ArrayLike,
    equity: ArrayLike,
    *,
    initial: float | None = None,
    start_ms: int | None = None,
    flows: Sequence[tuple[int, float]] = (),
) -> Curve:
    """Check an equity curve, tell its start apart and take cash flows out.

    Args:
        ts_ms: when each value was known (the close of a bar), strictly increasing.
        initial: value before the first point; None: the first point is the start.
        start_ms: time of `initial`; None: one usual step before the first point.
        flows: (time, amount) of deposits (> 0) and withdrawals (< 0). A flow is part of the first point at or
            after its time; the return up to that point is taken without it (unitised value).

    Raises:
        InvalidInput: a value is not finite, times do not increase, the start is not positive, nothing is given.
    """
    times = np.asarray(ts_ms, dtype=np.int64)
    values = np.asarray(equity, dtype=np.float64)
    if times.shape != values.shape or times.ndim != 1:
        raise ShapeMismatch(f"Equity has shape {values.shape} and its times {times.shape}; they must agree.")
    if len(values) == 0:
        raise InvalidInput("The equity curve is empty; at least one point is needed.")
    _refuse_bad_points(times, values)
    if initial is None:
        base_ms, base, times, values = int(times[0]), float(values[0]), times[1:], values[1:]
    else:
        step = int(np.median(np.diff(times[:1000]))) if len(times) > 1 else DAY_MS
        base_ms, base = int(times[0]) - step if start_ms is None else start_ms, initial
        if base_ms >= times[0]:
            raise InvalidInput(f"start_ms {base_ms} is not before the first equity point at {int(times[0])}.")
    if not (base > 0.0 and np.isfinite(base)):
        raise InvalidInput(f"The starting equity is {base:g}; a positive amount is needed.")
    curve = Curve(start_ms=base_ms, start=base, ts_ms=times, value=values)
    return replace(curve, value=_unitised(curve, flows)) if flows and len(values) else curve


def _refuse_bad_points(times: IntArray, values: FloatArray) -> None:
    bad = first_bad_point(times, values)
    if bad >= 0:
        raise InvalidInput(f"Equity row {bad} is {values[bad]}; a finite number is needed.")
    if bad < -1:
        row = -2 - bad
        raise InvalidInput(f"Equity row {row} has time {int(times[row])}, which is not after the row above.")


def _unitised(curve: Curve, flows: Sequence[tuple[int, float]]) -> FloatArray:
    added = np.zeros(len(curve.value))
    for flow_ms, amount in flows:
        if flow_ms <= curve.start_ms:
            continue  # already part of the starting value
        row = int(np.searchsorted(curve.ts_ms, flow_ms, "left"))
        if row < len(added):
            added[row] += amount
    before = np.concatenate((np.array([curve.start]), curve.value[:-1]))
    grown: FloatArray = curve.start * np.cumprod((curve.value - added) / before)
    return grown


def net_flows(curve: Curve, flows: Sequence[tuple[int, float]]) -> float:
    """Sum the deposits and withdrawals inside the curve's time."""
    return float(sum(amount for when, amount in flows if curve.start_ms < when <= curve.end_ms))


def at_midnights(curve: Curve) -> tuple[IntArray, FloatArray]:
    """Give the times and values at each 00:00 UTC inside the curve: the last value known by then."""
    first = -(-curve.start_ms // DAY_MS)
    last = curve.end_ms // DAY_MS
    midnights = np.arange(first, last + 1, dtype=np.int64) * DAY_MS
    rows = np.searchsorted(curve.ts_ms, midnights, "right") - 1
    if len(rows) and rows[0] < 0:
        marks = np.where(rows < 0, curve.start, curve.value[np.maximum(rows, 0)] if len(curve.value) else 0.0)
        return midnights, marks
    return midnights, curve.value[rows]


def daily_returns(curve: Curve) -> FloatArray:
    """Give simple returns between successive 00:00 UTC marks; idle days are zero returns, ruin is the last."""
    _, marks = at_midnights(curve)
    if len(marks) < 2:
        return np.empty(0)
    if (marks <= 0.0).any():
        marks = marks[: int(np.argmax(marks <= 0.0)) + 1]
    return marks[1:] / marks[:-1] - 1.0


def compounded(ts_ms: ArrayLike | None, returns: ArrayLike) -> Curve:
    """Build a curve that starts at 1 from simple returns, each stamped with the time at which it was complete.

    Returns a day or more apart are taken as daily: each is put on its own day, and days between are idle.
    Without times, one return a day is assumed.
    """
    values = np.asarray(returns, dtype=np.float64)
    if values.ndim != 1:
        raise ShapeMismatch(f"Returns have shape {values.shape}; one column is needed.")
    bad = ~np.isfinite(values)
    if bad.any():
        row = int(np.argmax(bad))
        raise InvalidInput(f"Return row {row} is {values[row]}; a finite number is needed.")
    if ts_ms is None:
        times = np.arange(1, len(values) + 1, dtype=np.int64) * DAY_MS
    else:
        times = np.asarray(ts_ms, dtype=np.int64)
        if times.shape != values.shape:
            raise ShapeMismatch(f"{len(values)} returns and {len(times)} times were given; they must agree.")
    if len(values) == 0:
        return Curve(start_ms=0, start=1.0, ts_ms=times, value=values)
    steps = np.diff(times)
    if len(steps) and steps.min() <= 0:
        row = int(np.argmax(steps <= 0)) + 1
        raise InvalidInput(f"Return row {row} has time {int(times[row])}, which is not after the row above.")
    seen = times[0] // DAY_MS + np.round((times - times[0]) / DAY_MS).astype(np.int64)
    # Rounding gives an hour or so of slack: daily stamps from a wall clock shift with daylight saving.
    if (np.diff(seen) > 0).all():
        days = np.arange(seen[0], seen[-1] + 1, dtype=np.int64)
        with_idle = np.zeros(len(days))
        with_idle[seen - seen[0]] = values
        times, values, step = days * DAY_MS, with_idle, DAY_MS
    else:
        step = int(np.median(steps))
    grown = np.cumprod(1.0 + values).astype(np.float64, copy=False)
    return Curve(start_ms=int(times[0]) - step, start=1.0, ts_ms=times, value=grown)
