"""Charts of a report as plain geometry: the same lines and ticks become SVG on a page and shapes in a PDF."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

#: Points of a line that a page can show; more are reduced to the lowest and highest of each stretch.
MOST_POINTS = 900


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A labelled place on an axis, 0 … 1 from left or bottom."""

    at: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LinePlot:
    """One line over time.

    Attributes:
        points: (x, y), each 0 … 1 from the lower left.
        base: height of the reference value (start, zero), 0 … 1; None where it lies outside.
    """

    points: tuple[tuple[float, float], ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    base: float | None


def line_plot(
    ts_ms: IntArray,
    values: FloatArray,
    *,
    base: float | None = None,
    as_percent: bool = False,
    is_zero_on_top: bool = False,
    reach: tuple[float, float] | None = None,
) -> LinePlot:
    """Lay out a line.

    Args:
        base: a value to mark with a line across.
        as_percent: label 0.05 as 5 %.
        is_zero_on_top: the axis ends at zero (drawdowns).
        reach: values that the axis must hold too, so that a second line fits beside this one.
    """
    times, shown = reduced(ts_ms, values)
    low, high = float(shown.min()), float(shown.max())
    for one in (*(reach or ()), *(() if base is None else (base,))):
        low, high = min(low, one), max(high, one)
    if is_zero_on_top:
        high = 0.0
    if high - low <= 1e-12 * max(abs(high), abs(low), 1e-9):
        low, high = (
            low - max(abs(low) * 0.01, 1e-6),
            high + (0.0 if is_zero_on_top else max(abs(high) * 0.01, 1e-6)),
        )
    else:
        margin = 0.04 * (high - low)
        low, high = low - margin, high + (0.0 if is_zero_on_top else margin)
    start, end = int(times[0]), int(times[-1])
    width = max(end - start, 1)
    steps = nice_steps(low, high, 5)
    return LinePlot(
        points=tuple(
            ((int(when) - start) / width, (float(value) - low) / (high - low))
            for when, value in zip(times, shown, strict=True)
        ),
        x_ticks=time_ticks(start, end),
        y_ticks=tuple(
            Tick(at=(value - low) / (high - low), label=_label(value, steps, as_percent=as_percent))
            for value in steps
        ),
        base=None if base is None else (base - low) / (high - low),
    )


def reduced(ts_ms: IntArray, values: FloatArray, most: int = MOST_POINTS) -> tuple[IntArray, FloatArray]:
    """Keep the first, last, lowest and highest point of each stretch, so that no peak or trough is lost."""
    n = len(values)
    if n <= most:
        return ts_ms, values
    edges = np.linspace(0, n, most // 4 + 1).astype(np.int64)
    keep: set[int] = set()
    for start, stop in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        part = values[start:stop]
        keep.update((start, stop - 1, start + int(np.argmin(part)), start + int(np.argmax(part))))
    rows = np.array(sorted(keep), np.int64)
    return ts_ms[rows], values[rows]


def nice_steps(low: float, high: float, count: int) -> tuple[float, ...]:
    """Give round values inside a range, about `count` of them."""
    rough = (high - low) / count
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(size * factor for factor in (1.0, 2.0, 2.5, 5.0, 10.0) if size * factor >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return tuple(k * step for k in range(first, last + 1))


def _label(value: float, steps: Sequence[float], *, as_percent: bool) -> str:
    step = abs(steps[1] - steps[0]) if len(steps) > 1 else abs(value) or 1.0
    scale = 100.0 if as_percent else 1.0
    places = max(0, -math.floor(math.log10(step * scale) + 1e-9))
    # 2.5 needs one place more than its power of ten says.
    if abs(round(step * scale, places) - step * scale) > 1e-9 * step * scale:
        places += 1
    text = f"{value * scale + 0.0:,.{places}f}"
    text = text.replace("-", "\u2212") if float(text.replace(",", "")) else text.replace("-", "")
    return text + (" %" if as_percent else "")


def time_ticks(start_ms: int, end_ms: int) -> tuple[Tick, ...]:
    """Give about six round UTC times: hours, days, months or years, whatever fits."""
    start, end = (datetime.fromtimestamp(ms / 1000, UTC) for ms in (start_ms, end_ms))
    days = (end_ms - start_ms) / 86_400_000
    if days <= 0:
        return (Tick(at=0.0, label=f"{start:%Y-%m-%d}"),)
    if days > 365 * 6:
        moments, pattern = _months(start, end, 12 * math.ceil(days / 365 / 7)), "%Y"
    elif days > 75:
        step = next(one for one in (1, 2, 3, 6, 12) if days / 30.4 / one <= 9)
        moments, pattern = _months(start, end, step), "%b %Y"
    elif days > 3:
        moments, pattern = _every(start, end, timedelta(days=math.ceil(days / 7))), "%d %b"
    else:
        hours = next(one for one in (1, 2, 3, 6, 12) if days * 24 / one <= 9)
        moments, pattern = _every(start, end, timedelta(hours=hours)), "%d %b %H:%M"
    width = (end - start) / timedelta(milliseconds=1)
    return tuple(
        Tick(at=((moment - start) / timedelta(milliseconds=1)) / width, label=f"{moment:{pattern}}")
        for moment in moments
    )


def _months(start: datetime, end: datetime, step: int) -> list[datetime]:
    month = start.year * 12 + start.month - 1
    month = -(-month // step) * step
    out = []
    while (moment := datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC)) <= end:
        if moment >= start:
            out.append(moment)
        month += step
    return out


def _every(start: datetime, end: datetime, step: timedelta) -> list[datetime]:
    moment = datetime(start.year, start.month, start.day, tzinfo=UTC)
    out = []
    while moment <= end:
        if moment >= start:
            out.append(moment)
        moment += step
    return out
