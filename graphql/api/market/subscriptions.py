"""Market data as it comes: the newest wins for a slow reader, nothing is replayed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import strawberry

from api.context import Info
from api.errors import ApiError, ErrorCode
from api.ids import Cursor, wave_cursor, wave_place
from api.market.studies import MAX_PAIRS, WAVE_BARS, stored
from api.market.study_types import Ticker, WaveEventFact, live_ticker, wave_event, waves_subscribed
from api.market.types import Candle, as_decimal
from api.permissions import streams
from desk.clock import from_ms
from trading.analysis.elliott import WaveDetector
from trading.candles import Candles
from trading.events import CandleClosed, PriceMoved
from trading.timeframes import Timeframe

#: A place behind every fact of a bar; a bar has a handful.
BEHIND_ALL = 9_999


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

    @streams()
    async def tickers(self, info: Info, pairs: list[str]) -> AsyncIterator[Ticker]:
        """The price of each pair (at most 20), live or as bars close; a slow reader is shown the newest only."""
        if not 1 <= len(pairs) <= MAX_PAIRS:
            raise ApiError(
                ErrorCode.VALIDATION_FAILED, f"{len(pairs)} pairs were given; 1 to {MAX_PAIRS} are allowed."
            )
        wanted = frozenset(pairs)
        context = info.context
        async for found in context.journal.market(context.workspace_id, CandleClosed, PriceMoved):
            if found.pair not in wanted:
                continue
            if isinstance(found, PriceMoved):
                yield live_ticker(found)
            elif isinstance(found, CandleClosed) and context.house.prices.newest(found.pair) is None:
                # A bar that closes says nothing new of a pair whose price is told every second.
                yield Ticker(
                    pair=found.pair,
                    venue=found.venue,
                    timeframe=found.timeframe,
                    price=as_decimal(found.close),
                    change_ratio=None,
                    as_of=from_ms(found.ts_ms + Timeframe.parse(found.timeframe).ms),
                )

    @streams()
    async def wave_events(
        self, info: Info, pair: str, timeframe: str = "1h", after: Cursor | None = None
    ) -> AsyncIterator[WaveEventFact]:
        """What becomes known of the Elliott waves as bars close; `after` tells what was known since, first."""
        name = str(Timeframe.parse(timeframe))
        start = info.context.resume_after or after
        seen = wave_place(start) if start else None
        # Heard before the stored bars are read, so that no bar falls between the two.
        journal = info.context.journal
        listening = journal.listen(CandleClosed)
        try:
            waves = await _Waves.warm(info, pair, name)
            if seen and seen[0] < waves.since_ms:
                raise ApiError(
                    ErrorCode.CURSOR_EXPIRED,
                    f"The cursor names a bar before the last {WAVE_BARS}. Query `waveCounts` and subscribe without `after`.",
                )
            newest = from_ms(waves.last_ms) if waves.last_ms else info.context.house.clock.now()
            info.context.place = start or wave_cursor(waves.last_ms, BEHIND_ALL)
            yield waves_subscribed(pair, name, Cursor(info.context.place), newest)
            for one in waves.known if seen else ():
                if wave_place(one.cursor) > (seen or (0, 0)):
                    info.context.place = one.cursor
                    yield one
            async for bar in journal.heard(listening, info.context.workspace_id):
                if isinstance(bar, CandleClosed) and bar.pair == pair and bar.timeframe == name:
                    for one in await waves.take(info, bar):
                        info.context.place = one.cursor
                        yield one
        finally:
            listening.close()


class _Waves:
    """The wave engine over one series: warm from stored bars, then fed as bars close.

    Attributes:
        known: what the stored bars say, oldest first.
        since_ms: what became known before this bar may be missing from `known`; 0 = nothing is missing.
        last_ms: the newest bar that was seen; 0 = none.
    """

    def __init__(
        self, detector: WaveDetector, known: list[WaveEventFact], *, since_ms: int = 0, last_ms: int = 0
    ) -> None:
        self._detector = detector
        self.known = known
        self.since_ms = since_ms
        self.last_ms = last_ms

    @classmethod
    async def warm(cls, info: Info, pair: str, timeframe: str) -> _Waves:
        """Read stored bars; an empty store begins with the next bar."""
        candles = await stored(info, None, pair, timeframe, WAVE_BARS)
        return await asyncio.to_thread(cls._run, candles, pair, timeframe)

    @classmethod
    def _run(cls, candles: Candles, pair: str, timeframe: str) -> _Waves:
        detector = WaveDetector(symbol=pair, timeframe=timeframe)
        if not len(candles):
            return cls(detector, [])
        known: list[WaveEventFact] = []
        place = 0
        for event in detector.run(candles):
            place = place + 1 if known and known[-1].bar_at == from_ms(event.ts_ms) else 0
            known.append(wave_event(event, place))
        since_ms = int(candles.ts_ms[0]) if len(candles) >= WAVE_BARS else 0
        return cls(detector, known, since_ms=since_ms, last_ms=int(candles.ts_ms[-1]))

    async def take(self, info: Info, bar: CandleClosed) -> list[WaveEventFact]:
        """Take a closed bar; conflation may have dropped bars before it, then the store is read again."""
        if bar.ts_ms <= self.last_ms:
            return []
        step = Timeframe.parse(bar.timeframe).ms
        if self.last_ms and bar.ts_ms != self.last_ms + step:
            before, told = self.last_ms, await self.warm(info, bar.pair, bar.timeframe)
            self._detector, self.last_ms = told._detector, max(told.last_ms, before)
            return [one for one in told.known if one.bar_at > from_ms(before)]
        self.last_ms = bar.ts_ms
        events = self._detector.step(bar.ts_ms, bar.open, bar.high, bar.low, bar.close, bar.volume)
        return [wave_event(event, place) for place, event in enumerate(events)]
