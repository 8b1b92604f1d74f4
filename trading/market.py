"""MarketView: what a strategy may see, cut off at *now*."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from trading.candles import Candles, resample
from trading.errors import NotFound, nearest
from trading.timeframes import Timeframe

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """An external series: each value with the moment it became available, oldest first.

    Attributes:
        available_ms: int64 UTC epoch milliseconds, not decreasing, shape (n,).
        values: float64, shape (n,).
    """

    available_ms: IntArray
    values: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketView:
    """Closed bars of one pair, other pairs and external series; nothing later than each bar's close.

    `columns` of a strategy are computed over all rows of `candles`; row t may use rows ≤ t only. Everything else
    is reached through methods that align by time and never give a value before it was available.
    """

    candles: Candles
    others: Mapping[str, Candles] = field(default_factory=dict)
    series: Mapping[str, Series] = field(default_factory=dict)

    @property
    def close_ms(self) -> IntArray:
        """When each bar closed: the moment its row is decided, shape (n,)."""
        return self.candles.ts_ms + self.candles.timeframe.ms

    @property
    def now_ms(self) -> int:
        """Close time of the last bar."""
        return int(self.close_ms[-1])

    def until(self, stop: int) -> MarketView:
        """Give the view as it stood after `stop` bars: everything later is gone."""
        candles = self.candles.rows(0, stop)
        now = int(candles.ts_ms[-1]) + candles.timeframe.ms if stop else 0
        return MarketView(
            candles=candles,
            others={
                pair: other.rows(0, int(np.searchsorted(other.ts_ms + other.timeframe.ms, now, "right")))
                for pair, other in self.others.items()
            },
            series={
                name: Series(
                    available_ms=one.available_ms[
                        : (k := int(np.searchsorted(one.available_ms, now, "right")))
                    ],
                    values=one.values[:k],
                )
                for name, one in self.series.items()
            },
        )

    def higher(self, timeframe: Timeframe) -> tuple[Candles, IntArray]:
        """Give bars of a longer timeframe and, per own row, the index of the last one closed by then (-1: none)."""
        longer = resample(self.candles, timeframe)
        index = np.searchsorted(longer.ts_ms + timeframe.ms, self.close_ms, "right") - 1
        return longer, index.astype(np.int64)

    def other(self, pair: str) -> tuple[Candles, IntArray]:
        """Give another pair's bars and, per own row, the index of the last one closed by then (-1: none).

        Raises:
            NotFound: that pair is not in the view.
        """
        if pair not in self.others:
            raise NotFound(
                f"Pair '{pair}' is not in this view; {', '.join(self.others) or 'no other pair'} is.",
                hint=nearest(pair, self.others),
            )
        bars = self.others[pair]
        index = np.searchsorted(bars.ts_ms + bars.timeframe.ms, self.close_ms, "right") - 1
        return bars, index.astype(np.int64)

    def external(self, name: str) -> FloatArray:
        """Give an external series aligned to own rows: the last value available by each close, NaN before."""
        out = np.full(len(self.candles), np.nan)
        if name in self.series:
            one = self.series[name]
            index = np.searchsorted(one.available_ms, self.close_ms, "right") - 1
            known = index >= 0
            out[known] = one.values[index[known]]
        return out
