"""Returns per calendar month and year (UTC), compounded from every point of the curve."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trading.backtest.returns import Curve


@dataclass(frozen=True, slots=True, kw_only=True)
class YearRow:
    """One year: a return per month, None where the curve holds nothing of that month.

    Attributes:
        months: January … December.
        year_return: compounded over the months that are there.
    """

    year: int
    months: tuple[float | None, ...]
    year_return: float


def monthly_table(curve: Curve) -> tuple[YearRow, ...]:
    """Give one row per year, oldest first; the first and last month may be partial.

    A month's return is the last value known by its end over the last value known by its start. Rows stop at ruin.
    """
    moments, value = curve.points()
    alive = len(value) if not curve.is_ruined else int(np.argmax(value <= 0.0))
    if alive < 2:
        return ()
    times = moments[:alive].astype("datetime64[ms]")
    first = times[0].astype("datetime64[M]")
    # A last point at exactly 00:00 on the 1st closes the month before; it opens nothing.
    last = (times[-1] - np.timedelta64(1, "ms")).astype("datetime64[M]")
    starts = np.arange(first, last + 2).astype("datetime64[ms]")
    rows = np.searchsorted(times, starts, "right") - 1
    marks = value[np.maximum(rows, 0)]
    marks[-1] = value[alive - 1]
    returns = marks[1:] / marks[:-1] - 1.0
    by_year: dict[int, list[float | None]] = {}
    for month, gain in zip(starts[:-1].astype("datetime64[M]").astype(np.int64), returns, strict=True):
        year, index = 1970 + int(month) // 12, int(month) % 12
        by_year.setdefault(year, [None] * 12)[index] = float(gain)
    return tuple(
        YearRow(
            year=year,
            months=tuple(months),
            year_return=float(np.prod([1.0 + gain for gain in months if gain is not None])) - 1.0,
        )
        for year, months in by_year.items()
    )
