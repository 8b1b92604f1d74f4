"""Reading market data and strategies."""

from __future__ import annotations

from datetime import datetime

import strawberry

from api.context import Info
from api.errors import ApiError, ErrorCode
from api.market.types import (
    Candle,
    CandleSeries,
    LeftOutPair,
    PairsOnOffer,
    Strategy,
    candle,
    offered,
    strategy,
)
from api.node import shaped
from api.pagination import bounded
from api.permissions import reads
from desk.clock import to_ms
from desk.offers import offer_of
from trading.timeframes import Timeframe

#: Most bars of one answer, and most pairs.
MAX_CANDLES = 1000
MAX_OFFERED = 500


@strawberry.type
class MarketQueries:
    """Root fields about markets and ideas."""

    @reads()
    async def candles(
        self,
        info: Info,
        pair: str,
        timeframe: str = "1h",
        venue: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        last: int = 200,
    ) -> list[Candle]:
        """The newest bars of a series (at most 1000) that open in [since, until), oldest first."""
        bounded_last = bounded(last, MAX_CANDLES)
        name = str(Timeframe.parse(timeframe))
        source = venue or info.context.house.feed.venue
        async with info.context.house.store.reading() as unit:
            if since is None and until is None:
                found = await unit.candles.last(source, pair, name, bounded_last)
            else:
                found = await unit.candles.load(
                    source,
                    pair,
                    name,
                    from_ms=to_ms(since) if since else None,
                    to_ms=to_ms(until) if until else None,
                )
        start = max(0, len(found) - bounded_last)
        return [candle(pair, name, found, at) for at in range(start, len(found))]

    @reads()
    async def candle_series(self, info: Info) -> list[CandleSeries]:
        """Stored candle series."""
        async with info.context.house.store.reading() as unit:
            return [shaped(CandleSeries, one) for one in await unit.candles.series()]

    @reads()
    async def pairs(self, info: Info) -> list[str]:
        """Pairs that the present feed offers."""
        return list(await info.context.house.feed.pairs())

    @reads()
    async def pair_offer(self, info: Info) -> PairsOnOffer:
        """Pairs on offer with their prices, and why other much traded ones are left out; made anew every hour."""
        house = info.context.house
        found = await offer_of(house.feed)
        return PairsOnOffer(
            venue=house.feed.venue,
            pairs=[offered(pair, house.prices.newest(pair)) for pair in found.pairs[:MAX_OFFERED]],
            left_out=[
                LeftOutPair(pair=pair, because=why)
                for pair, why in list(found.left_out.items())[:MAX_OFFERED]
            ],
            read_at=found.read_at,
            trouble=found.trouble,
        )

    @reads()
    async def strategies(self, info: Info) -> list[Strategy]:
        """Every registered strategy with its parameters."""
        return [strategy(one) for one in info.context.house.registry.list_strategies()]

    @reads()
    async def strategy(self, info: Info, name: str) -> Strategy | None:
        """One strategy by name."""
        if len(name) > 100:
            raise ApiError(ErrorCode.NOT_FOUND, "No strategy has a name that long.")
        return strategy(info.context.house.registry.info(name))
