"""What strategies need from outside, as protocols: the house hands the objects in."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from trading.market import MarketView

FloatArray = NDArray[np.float64]


class Forecaster(Protocol):
    """A learned model behind one question."""

    @property
    def horizon_bars(self) -> int:
        """How far ahead it looks."""
        ...

    def forecast(self, market: MarketView) -> FloatArray:
        """Give the expected log return over the horizon for every row, from rows ≤ t only; NaN where it has none."""
        ...
