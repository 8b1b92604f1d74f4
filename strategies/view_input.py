"""Inputs that are read off the market view row by row: other pairs, other venues, external series."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

from strategies.frame import InputStream
from trading.analysis.streams import Bar
from trading.candles import Candles
from trading.market import MarketView

FloatArray = NDArray[np.float64]


class ViewInput(ABC):
    """An input whose row t depends on the view at the close of bar t only, not on earlier rows."""

    outputs: tuple[str, ...] = ("",)
    warmup_bars: int = 1

    @abstractmethod
    def columns(self, market: MarketView) -> tuple[FloatArray, ...]:
        """Give the columns of every row."""

    def stream(self) -> InputStream:
        return _ViewInputStream(self)


class _ViewInputStream:
    def __init__(self, source: ViewInput) -> None:
        self._source = source

    def step(self, bar: Bar, ts_ms: int, market: MarketView | None) -> tuple[float, ...]:
        if market is None:
            return (float("nan"),) * len(self._source.outputs)
        last = Candles(
            ts_ms=np.array([ts_ms], np.int64),
            open=np.array([bar[0]]),
            high=np.array([bar[1]]),
            low=np.array([bar[2]]),
            close=np.array([bar[3]]),
            volume=np.array([bar[4]]),
            timeframe=market.candles.timeframe,
            pair=market.candles.pair,
            venue=market.candles.venue,
        )
        view = MarketView(candles=last, others=market.others, series=market.series)
        return tuple(float(column[0]) for column in self._source.columns(view))
