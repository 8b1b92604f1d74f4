"""Divergences between price and an oscillator, on confirmed pivots only: known at the second confirmation."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

#: Oscillator values older than this are forgotten, in the columns and in the stream alike.
MEMORY_BARS = 5_000

#: Values of a divergence column.
BULLISH, NONE, BEARISH = 1.0, 0.0, -1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Divergences:
    """Per bar: +1 bullish, -1 bearish, 0 none; set at the bar that confirms the second pivot.

    Attributes:
        regular: price goes further and the oscillator does not (a lower low with a higher oscillator low).
        hidden: the oscillator goes further and price does not (a higher low with a lower oscillator low).
    """

    regular: FloatArray
    hidden: FloatArray


def divergences(
    pivot_kind: FloatArray, pivot_index: FloatArray, pivot_price: FloatArray, oscillator: FloatArray
) -> Divergences:
    """Compare each confirmed pivot with the one of its kind before it.

    Args:
        pivot_kind: +1 where a high was confirmed at this bar, -1 a low, else 0 or NaN; shape (n,).
        pivot_index: bar of that pivot's extreme.
        pivot_price: its price.
        oscillator: read at the bars of the extremes, e.g. RSI.

    Source:
        trading-rules A.9: both pivots confirmed, RSI at the two pivot bars.
    """
    n = len(oscillator)
    regular, hidden = np.zeros(n), np.zeros(n)
    for kind in (1.0, -1.0):
        at = np.flatnonzero(pivot_kind == kind)
        if len(at) < 2:
            continue
        extreme = pivot_index[at].astype(np.int64)
        value = np.where(at - extreme < MEMORY_BARS, oscillator[extreme], np.nan)
        price = pivot_price[at]
        further = kind * (price[1:] - price[:-1])
        stronger = kind * (value[1:] - value[:-1])
        # A low diverges upwards, a high downwards.
        regular[at[1:][(further > 0.0) & (stronger < 0.0)]] = -kind
        hidden[at[1:][(further < 0.0) & (stronger > 0.0)]] = -kind
    return Divergences(regular=regular, hidden=hidden)


class DivergenceStream:
    """The running twin of `divergences`."""

    def __init__(self) -> None:
        self._values: deque[float] = deque(maxlen=MEMORY_BARS)
        self._last: dict[float, tuple[float, float]] = {}
        self._bar = -1

    def step(
        self, pivot_kind: float, pivot_index: float, pivot_price: float, oscillator: float
    ) -> tuple[float, float]:
        """Take a closed bar, give (regular, hidden)."""
        self._bar += 1
        self._values.append(oscillator)
        if pivot_kind not in (1.0, -1.0):
            return NONE, NONE
        age = self._bar - int(pivot_index)
        value = self._values[-1 - age] if age < len(self._values) else float("nan")
        before = self._last.get(pivot_kind)
        self._last[pivot_kind] = (pivot_price, value)
        if before is None:
            return NONE, NONE
        further = pivot_kind * (pivot_price - before[0])
        stronger = pivot_kind * (value - before[1])
        regular = -pivot_kind if further > 0.0 and stronger < 0.0 else NONE
        hidden = -pivot_kind if further < 0.0 and stronger > 0.0 else NONE
        return regular, hidden
