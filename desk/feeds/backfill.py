"""Candles of a venue into the store: page by page, from where it stopped, checked against what is there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from desk.feeds.candle_rows import checksum, merged, series_of
from desk.feeds.venue_market import PAGE_BARS, VenueMarket
from desk.ports import Store
from trading.candles import Candles, fill_gaps
from trading.timeframes import Timeframe

#: The first bars of a run that are known already are fetched once more, and must be the same.
OVERLAP_BARS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """What was fetched of a span.

    Attributes:
        corrected: bars that the venue now tells differently; the stored ones stay.
    """

    new: int
    known: int
    corrected: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled(Added):
    """What a back-fill did.

    Attributes:
        gaps, missing_bars: holes of the whole stored series.
        checksum: of the whole stored series.
    """

    gaps: int
    missing_bars: int
    bars: int
    checksum: str


async def backfill(
    market: VenueMarket,
    store: Store,
    pair: str,
    step: Timeframe,
    *,
    from_ms: int | None,
    to_ms: int | None,
    told: Callable[[int, int], None] = lambda done, all_: None,
) -> Filled:
    """Fetch what the store lacks of a series; stopped at any moment, the next run goes on.

    Args:
        from_ms: None goes on after the last stored bar, or begins 500 bars ago.
        to_ms: None fetches up to the last closed bar.
        told: hears how far it is, in bars.

    Raises:
        VenueProblem: the venue could not be asked; what came before is stored.
    """
    await market.instruments()
    stop_ms = step.floor(market.now_ms() if to_ms is None else min(to_ms, market.now_ms()))
    async with store.reading() as tx:
        last = await tx.candles.last(market.venue, pair, str(step), 1)
    start_ms = step.floor(from_ms) if from_ms is not None else resume_ms(last, step, stop_ms)
    added = await fetch_into(market, store, pair, step, from_ms=start_ms, to_ms=stop_ms, told=told)
    async with store.reading() as tx:
        whole = await tx.candles.load(market.venue, pair, str(step))
    _, gaps = fill_gaps(whole)
    return Filled(
        new=added.new,
        known=added.known,
        corrected=added.corrected,
        gaps=len(gaps),
        missing_bars=sum(one.bars for one in gaps),
        bars=len(whole),
        checksum=checksum(whole),
    )


async def fetch_into(
    market: VenueMarket,
    store: Store,
    pair: str,
    step: Timeframe,
    *,
    from_ms: int,
    to_ms: int,
    told: Callable[[int, int], None] = lambda done, all_: None,
) -> Added:
    """Fetch the bars that open in [from_ms, to_ms) into the store, a transaction a page.

    Raises:
        VenueProblem: the venue could not be asked; what came before is stored.
    """
    new = known = 0
    corrected: list[int] = []
    start_ms = from_ms
    while start_ms < to_ms:
        end_ms = min(to_ms, start_ms + PAGE_BARS * step.ms)
        bars = await market.candles(pair, step, start_ms, end_ms)
        page = series_of(bars, pair=pair, step=step, venue=market.venue)
        async with store.transaction() as tx:
            stored = await tx.candles.load(market.venue, pair, str(step), from_ms=start_ms, to_ms=end_ms)
            page, differing = merged(page, stored)
            fresh, before = await tx.candles.add(page)
        new, known = new + fresh, known + before
        corrected += differing
        start_ms = end_ms
        told((start_ms - from_ms) // step.ms, (to_ms - from_ms) // step.ms)
    return Added(new=new, known=known, corrected=tuple(corrected))


def resume_ms(last: Candles, step: Timeframe, stop_ms: int) -> int:
    """Give where a series goes on: a few bars before its end, or 500 bars ago where there is none."""
    if not len(last):
        return stop_ms - 500 * step.ms
    return max(0, int(last.ts_ms[-1]) - (OVERLAP_BARS - 1) * step.ms)
