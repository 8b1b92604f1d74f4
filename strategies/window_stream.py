"""The default way to carry a strategy forward: keep the last bars and recompute the columns over them."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import numpy as np

from trading.candles import Candles
from trading.market import MarketView
from trading.signals import Signal
from trading.timeframes import Timeframe

if TYPE_CHECKING:
    from strategies.base import ColumnStrategy, Condition

Row = tuple[int, float, float, float, float, float, int]


def candle_rows(candles: Candles) -> list[Row]:
    """Give a series bar by bar as plain numbers."""
    return list(
        zip(
            candles.ts_ms.tolist(),
            candles.open.tolist(),
            candles.high.tolist(),
            candles.low.tolist(),
            candles.close.tolist(),
            candles.volume.tolist(),
            candles.flags.tolist(),
            strict=True,
        )
    )


class WindowStream:
    """Recompute the columns over the last `window_bars` at each bar.

    The rows equal those of a run over the whole history as long as the strategy's memory is shorter than the
    window; a strategy with longer memory gives a stream of its own.
    """

    def __init__(self, strategy: ColumnStrategy, history: MarketView | None) -> None:
        self._strategy = strategy
        self._rows: deque[Row] = deque(maxlen=strategy.window_bars)
        self._timeframe: Timeframe | None = None
        self._pair = ""
        self._view: MarketView | None = None
        if history is not None:
            candles = history.candles
            self._timeframe = candles.timeframe
            self._pair = candles.pair
            self._rows.extend(
                candle_rows(candles.rows(max(0, len(candles) - strategy.window_bars), len(candles)))
            )

    def step(
        self,
        ts_ms: int,
        open: float,
        high: float,
        low: float,
        close: float,
        volume: float,
        flags: int = 0,
        *,
        market: MarketView | None = None,
    ) -> Signal:
        """Take a closed bar, give its row."""
        self._rows.append((ts_ms, open, high, low, close, volume, flags))
        self._view = self._market(market)
        return self._strategy.signal(self._view)

    def explain(self) -> tuple[Condition, ...]:
        """Give the conditions of the last row; none before the first bar."""
        return self._strategy.explain(self._view) if self._view is not None else ()

    def _market(self, market: MarketView | None) -> MarketView:
        if market is not None:
            self._timeframe = market.candles.timeframe
            self._pair = market.candles.pair
        timeframe = self._timeframe
        if timeframe is None:
            # Without history the length of a bar is read off the last two.
            timeframe = Timeframe(self._rows[-1][0] - self._rows[-2][0] if len(self._rows) > 1 else 60_000)
        columns = list(zip(*self._rows, strict=True))
        candles = Candles(
            ts_ms=np.asarray(columns[0], np.int64),
            open=np.asarray(columns[1], np.float64),
            high=np.asarray(columns[2], np.float64),
            low=np.asarray(columns[3], np.float64),
            close=np.asarray(columns[4], np.float64),
            volume=np.asarray(columns[5], np.float64),
            flags=np.asarray(columns[6], np.uint8),
            timeframe=timeframe,
            pair=self._pair,
        )
        return MarketView(
            candles=candles,
            others=market.others if market is not None else {},
            series=market.series if market is not None else {},
        )
