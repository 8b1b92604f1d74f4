"""Market data as it comes: the newest wins for a slow reader, nothing is replayed."""

from __future__ import annotations

from collections.abc import AsyncIterator

import strawberry

from api.context import Info
from api.market.types import Candle, as_decimal
from api.permissions import streams
from desk.clock import from_ms
from trading.events import CandleClosed
from trading.timeframes import Timeframe


@strawberry.type
class MarketSubscriptions:
    """Streams of market data."""

    @streams()
    async def candles(self, info: Info, pair: str, timeframe: str = "1h") -> AsyncIterator[Candle]:
        """Bars as they close."""
        wanted = str(Timeframe.parse(timeframe))
        async for bar in info.context.journal.market(info.context.workspace_id, CandleClosed):
            if isinstance(bar, CandleClosed) and bar.pair == pair and bar.timeframe == wanted:
                yield Candle(
                    pair=bar.pair,
                    timeframe=bar.timeframe,
                    open_time=from_ms(bar.ts_ms),
                    open=as_decimal(bar.open),
                    high=as_decimal(bar.high),
                    low=as_decimal(bar.low),
                    close=as_decimal(bar.close),
                    volume=as_decimal(bar.volume),
                )
