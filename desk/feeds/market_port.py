"""What a live feed needs of an exchange."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from desk.ports import Bar
from desk.venues.streaming import Gap
from trading.instruments import Instrument
from trading.timeframes import Timeframe

if TYPE_CHECKING:
    from desk.feeds.quotes import Quote
    from desk.feeds.venue_market import Ticker


class Market(Protocol):
    """What a live feed needs of an exchange; `VenueMarket` is one."""

    venue: str

    def now_ms(self) -> int: ...
    async def instruments(self) -> Mapping[str, Instrument]: ...
    async def candles(self, pair: str, step: Timeframe, from_ms: int, to_ms: int) -> list[Bar]: ...
    async def oldest_ms(self, pair: str, step: Timeframe) -> int | None: ...
    async def tickers(self, pairs: Sequence[str] = ()) -> list[Ticker]: ...
    async def ticker(self, pair: str) -> Ticker: ...
    def closed_bars(self, pairs: Sequence[str], step: Timeframe) -> AsyncIterator[Bar | Gap]: ...
    def quotes(self, pairs: Sequence[str], traded: Sequence[str]) -> AsyncIterator[Quote | Gap]: ...
    async def close(self) -> None: ...
