"""Whether one way of trading earned more than another on the same days, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trading.backtest.bootstrap import block_length, stationary_rows
from trading.errors import ShapeMismatch

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """ROI with less ROI without, over the same days.

    Attributes:
        with_roi, without_roi: of the record itself.
        point: their difference; low, high: 95 % interval.
        days: length of the record.
    """

    with_roi: float
    without_roi: float
    point: float
    low: float
    high: float
    days: int

    @property
    def contains_zero(self) -> bool:
        """Whether no difference at all would be no surprise."""
        return self.low <= 0.0 <= self.high


def paired_difference(
    with_it: FloatArray,
    without_it: FloatArray,
    *,
    draws: int = 5_000,
    seed: int = 1,
    confidence: float = 0.95,
) -> Difference:
    """Compare two records of daily returns, net of costs, by the stationary bootstrap of whole days.

    Both are drawn with the same days: what moved the market moved both.

    Raises:
        ShapeMismatch: the records differ in length, or hold fewer than two days.

    Source:
        Politis & Romano, The Stationary Bootstrap (1994).
    """
    if len(with_it) != len(without_it) or len(with_it) < 2:
        raise ShapeMismatch(
            f"Records of {len(with_it)} and {len(without_it)} days were given; two of one length, of 2 days at least, "
            "are needed."
        )
    block = block_length(with_it - without_it)
    rows = stationary_rows(len(with_it), draws, block, np.random.default_rng(seed))
    drawn = _roi(with_it[rows]) - _roi(without_it[rows])
    tail = (1.0 - confidence) / 2.0
    low, high = np.quantile(drawn, (tail, 1.0 - tail))
    ours, theirs = float(_roi(with_it[None, :])[0]), float(_roi(without_it[None, :])[0])
    return Difference(
        with_roi=ours,
        without_roi=theirs,
        point=ours - theirs,
        low=float(low),
        high=float(high),
        days=len(with_it),
    )


def _roi(daily: FloatArray) -> FloatArray:
    grown: FloatArray = np.prod(1.0 + daily, axis=1) - 1.0
    return grown
