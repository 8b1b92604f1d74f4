"""What the filters of pairs go by: spread and movement as they are now, and age, asked for where a list leaves them out."""

from __future__ import annotations

from dataclasses import replace

from desk.clock import Clock
from desk.feeds.market_port import Market
from desk.feeds.quotes import STALE_S, Quote
from desk.feeds.venue_market import Ticker
from trading.timeframes import Timeframe

#: A pair's age is asked for so much further back than it has to be.
_AGE_MARGIN_DAYS = 5


class PairFacts:
    """Facts about pairs of one market."""

    def __init__(self, market: Market, clock: Clock, *, least_age_days: int) -> None:
        self._market, self._clock, self._least_age_days = market, clock, least_age_days
        #: Newest bid and ask of each pair that is followed, and when they came.
        self._quoted: dict[str, tuple[float, Quote]] = {}

    def hear(self, quote: Quote) -> None:
        """Hold a bid and ask; a trade says none."""
        if quote.bid is not None and quote.ask is not None:
            self._quoted[quote.pair] = (self._clock.monotonic(), quote)

    def as_quoted(self, ticker: Ticker) -> Ticker:
        """Give a ticker with the bid and ask that were told last, where they are fresh: lists may lag."""
        at_s, quote = self._quoted.get(ticker.pair, (0.0, None))
        if quote is None or self._clock.monotonic() - at_s > STALE_S:
            return ticker
        return replace(ticker, bid=quote.bid, ask=quote.ask)

    async def completed(self, ticker: Ticker) -> Ticker:
        """Ask for what the list of all tickers leaves out of one: bid and ask, and how far the price moved."""
        if ticker.bid is None or ticker.ask is None:
            alone = await self._market.ticker(ticker.pair)
            ticker = replace(ticker, bid=alone.bid, ask=alone.ask)
        if ticker.day_range is None:
            hour, now_ms = Timeframe.parse("1h"), self._market.now_ms()
            bars = await self._market.candles(ticker.pair, hour, hour.floor(now_ms) - 24 * hour.ms, now_ms)
            if bars:
                high, low = max(one.high for one in bars), min(one.low for one in bars)
                ticker = replace(ticker, day_range=high / low - 1.0)
        return ticker

    async def age_days(self, pair: str) -> float | None:
        """Give since when a pair is traded; None when nobody knows."""
        day, now_ms = Timeframe.parse("1d"), self._market.now_ms()
        oldest_ms = await self._market.oldest_ms(pair, day)
        if oldest_ms is None:
            # Some venues do not say where a list begins; whether it reaches back far enough can be asked.
            from_ms = day.floor(now_ms - (self._least_age_days + _AGE_MARGIN_DAYS) * day.ms)
            bars = await self._market.candles(pair, day, from_ms, now_ms)
            oldest_ms = bars[0].ts_ms if bars else None
        return None if oldest_ms is None else (now_ms - oldest_ms) / day.ms
