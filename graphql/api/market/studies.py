"""Reading what candles say: computed from stored bars, away from the event loop."""

from __future__ import annotations

import asyncio
import math
from datetime import timedelta

import strawberry

from api.context import Info
from api.errors import ApiError, ErrorCode
from api.market.study_types import (
    FibonacciLevels,
    IndicatorColumn,
    IndicatorInfo,
    IndicatorTable,
    Ticker,
    VolumeAtPrice,
    WaveCount,
    fibonacci_levels,
    indicator_info,
    live_ticker,
    volume_at_price,
    wave_count,
)
from api.market.types import as_decimal
from api.pagination import bounded
from api.permissions import reads
from desk.clock import from_ms
from desk.reports.waves import seen_waves
from trading.analysis.elliott import WaveDetector, WaveSettings
from trading.analysis.indicators import list_indicators, parse
from trading.analysis.volume_profile import volume_profile
from trading.candles import Candles
from trading.errors import InvalidInput
from trading.timeframes import Timeframe

#: Most indicators, rows and pairs of one answer, and bins of a profile.
MAX_SPECS = 10
MAX_ROWS = 1000
MAX_PAIRS = 20
MAX_BINS = 200

#: Most bars that are read to warm something up.
MAX_HISTORY = 10_000

#: Bars that the wave engine reads before what it shows.
WAVE_BARS = 2_000


@strawberry.type
class StudyQueries:
    """Root fields about what candles say."""

    @reads()
    async def indicator_catalogue(self, info: Info) -> list[IndicatorInfo]:
        """Every indicator with its settings."""
        return [indicator_info(one) for one in list_indicators()]

    @reads()
    async def indicators(
        self,
        info: Info,
        pair: str,
        specs: list[str],
        timeframe: str = "1h",
        venue: str | None = None,
        last: int = 200,
    ) -> IndicatorTable:
        """Indicators of the newest stored bars (at most 10 of them over 1000 bars), warmed up by the bars before."""
        rows = bounded(last, MAX_ROWS)
        if not 1 <= len(specs) <= MAX_SPECS:
            raise ApiError(
                ErrorCode.VALIDATION_FAILED, f"{len(specs)} specs were given; 1 to {MAX_SPECS} are allowed."
            )
        parsed = [parse(one[:100]) for one in specs]
        warm_up = min(MAX_HISTORY, max(one.settled_bars for one in parsed))
        candles = await stored(info, venue, pair, timeframe, rows + warm_up)

        def work() -> list[IndicatorColumn]:
            return [
                IndicatorColumn(name=name, values=[_finite(one) for one in column[-rows:].tolist()])
                for each in parsed
                for name, column in zip(each.names, each.columns(candles), strict=True)
            ]

        columns = await asyncio.to_thread(work)
        times = [from_ms(int(one)) for one in candles.ts_ms[-rows:]]
        return IndicatorTable(
            pair=pair, timeframe=str(Timeframe.parse(timeframe)), open_times=times, columns=columns
        )

    @reads()
    async def wave_counts(
        self,
        info: Info,
        pair: str,
        timeframe: str = "1h",
        venue: str | None = None,
        degrees: list[float] | None = None,
    ) -> list[WaveCount]:
        """Elliott counts that stand after the newest stored bar; degrees are ATR multiples, rising."""
        settings = WaveSettings(degrees=tuple(degrees)) if degrees else WaveSettings()
        candles = await stored(info, venue, pair, timeframe, WAVE_BARS)

        def work() -> list[WaveCount]:
            detector = WaveDetector(settings, symbol=pair, timeframe=str(candles.timeframe))
            detector.run(candles)
            return [wave_count(one) for one in detector.counts()]

        return await asyncio.to_thread(work)

    @reads()
    async def fibonacci_levels(
        self,
        info: Info,
        pair: str,
        timeframe: str = "1h",
        venue: str | None = None,
        start: float | None = None,
        end: float | None = None,
        base: float | None = None,
    ) -> FibonacciLevels | None:
        """Levels of a move: of the given one, or of the swing that the best wave count measures; null without one."""
        if (start is None) != (end is None):
            raise InvalidInput("Give both start and end of the move, or neither.")
        if start is None or end is None:
            candles = await stored(info, venue, pair, timeframe, WAVE_BARS)
            seen = await asyncio.to_thread(seen_waves, candles, shown_bars=WAVE_BARS)
            if seen.move is None:
                return None
            start, end = seen.move[0].price, seen.move[1].price
        if not all(math.isfinite(one) and one > 0 for one in (start, end, base or end)):
            raise InvalidInput(f"A move from {start} to {end} was given; prices above 0 are allowed.")
        return fibonacci_levels(start, end, end if base is None else base)

    @reads()
    async def volume_profile(
        self,
        info: Info,
        pair: str,
        timeframe: str = "1h",
        venue: str | None = None,
        last: int = 500,
        bins: int = 50,
    ) -> VolumeAtPrice | None:
        """Volume at price over the newest stored bars; null where no bar is stored."""
        if not 1 <= bins <= MAX_BINS:
            raise InvalidInput(f"{bins} bins were asked for; 1 to {MAX_BINS} are allowed.")
        candles = await stored(info, venue, pair, timeframe, bounded(last, MAX_ROWS))
        if not len(candles):
            return None
        span = float(candles.high.max() - candles.low.min())
        # A flat stretch has one bin, of a thousandth of the price.
        width = span / bins if span > 0 else float(candles.close[-1]) / 1000
        profile = await asyncio.to_thread(
            volume_profile, candles.low, candles.high, candles.volume, width=width
        )
        return volume_at_price(pair, str(candles.timeframe), len(candles), profile)

    @reads()
    async def tickers(
        self, info: Info, pairs: list[str], timeframe: str = "1h", venue: str | None = None
    ) -> list[Ticker]:
        """The newest price of each pair (at most 20) that has stored bars."""
        if not 1 <= len(pairs) <= MAX_PAIRS:
            raise ApiError(
                ErrorCode.VALIDATION_FAILED, f"{len(pairs)} pairs were given; 1 to {MAX_PAIRS} are allowed."
            )
        day = timedelta(days=1) // timedelta(milliseconds=Timeframe.parse(timeframe).ms)
        bars = min(MAX_HISTORY, max(1, day) + 1)
        found = {one: await stored(info, venue, one, timeframe, bars) for one in pairs}
        return [
            one for pair, candles in found.items() if (one := _newest(info, venue, pair, candles)) is not None
        ]


def _newest(info: Info, venue: str | None, pair: str, candles: Candles) -> Ticker | None:
    """Give the live price of a pair of the house's market, else what its bars say."""
    live = info.context.house.prices.newest(pair)
    if live is None or venue not in (None, live.venue):
        return ticker(candles) if len(candles) else None
    before = _day_before(candles) if len(candles) else None
    return live_ticker(live, None if before is None else float(live.last) / before - 1.0)


def _day_before(candles: Candles) -> float | None:
    """Give the close a day before the newest bar; None where it is not stored."""
    day_before = int(candles.ts_ms[-1]) - 86_400_000
    at = int(candles.ts_ms.searchsorted(day_before))
    is_there = len(candles) > 1 and int(candles.ts_ms[at]) == day_before
    return float(candles.close[at]) if is_there else None


def ticker(candles: Candles) -> Ticker:
    """Give a pair's newest price from its newest bars."""
    price, step = float(candles.close[-1]), candles.timeframe.ms
    before = _day_before(candles)
    return Ticker(
        pair=candles.pair,
        venue=candles.venue,
        timeframe=str(candles.timeframe),
        price=as_decimal(price),
        change_ratio=None if before is None else price / before - 1.0,
        as_of=from_ms(int(candles.ts_ms[-1]) + step),
    )


async def stored(info: Info, venue: str | None, pair: str, timeframe: str, bars: int) -> Candles:
    """Give the newest stored bars of a series; none where it is not stored, as `candles` does."""
    name = str(Timeframe.parse(timeframe))
    source = venue or info.context.house.feed.venue
    async with info.context.house.store.reading() as unit:
        return await unit.candles.last(source, pair, name, bars)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
