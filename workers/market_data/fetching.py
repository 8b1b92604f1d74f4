"""Bars from their venues: the newest ones often, older ones and holes once a day."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import structlog

from desk.clock import to_ms
from desk.settings import VenueSettings
from trading.candles import fill_gaps
from trading.errors import BreakwaterError
from workers.hand import Result
from workers.kinds import Task
from workers.market_data.series import Series, kept_series

if TYPE_CHECKING:
    from desk.feeds.venue_market import VenueMarket

log = structlog.get_logger(__name__)

#: The newest bars are left to whoever trades on them: only what they should have stored by now is fetched.
LEAVE_BARS, LEAVE_MS = 3, 600_000
#: Holes of a series that are asked for again in one run, largest first.
MOST_HOLES = 20


async def refresh(task: Task) -> Result:
    """Fetch what each series lacks at its end; a series that fails keeps none back."""
    return await _each(task, _refresh_one)


async def fill_back(task: Task) -> Result:
    """Fetch what each series lacks at its beginning and in its holes, back to what the settings name."""
    return await _each(task, _fill_one)


async def _each(task: Task, do: Callable[[Task, VenueMarket, Series], Any]) -> Result:
    async with task.store.reading() as tx:
        series = await kept_series(tx, task.bench.settings, task.clock.now())
    found: dict[str, Any] = {}
    async with _markets(task) as market_of:
        for number, one in enumerate(series):
            task.tell("series", number, len(series))
            try:
                found[one.name] = await do(task, market_of(one.venue), one)
            except BreakwaterError as problem:
                log.warning("candles_not_fetched", series=one.name, problem=str(problem))
                found[one.name] = {"error": str(problem)}
    task.tell("series", len(series), len(series))
    return Result(values={"series": found})


async def _refresh_one(task: Task, market: VenueMarket, series: Series) -> dict[str, int]:
    from desk.feeds.backfill import fetch_into, resume_ms

    step = series.step
    stop_ms = step.floor(to_ms(task.clock.now()) - max(LEAVE_BARS * step.ms, LEAVE_MS))
    async with task.store.reading() as tx:
        last = await tx.candles.last(series.venue, series.pair, series.timeframe, 1)
    start_ms = resume_ms(last, step, stop_ms)
    added = await fetch_into(market, task.store, series.pair, step, from_ms=start_ms, to_ms=stop_ms)
    return {"new": added.new, "corrected": len(added.corrected)}


async def _fill_one(task: Task, market: VenueMarket, series: Series) -> dict[str, int]:
    from desk.feeds.backfill import fetch_into

    new = 0
    for start_ms, stop_ms in await _missing(task, market, series):
        added = await fetch_into(
            market, task.store, series.pair, series.step, from_ms=start_ms, to_ms=stop_ms
        )
        new += added.new
    return {"new": new}


async def _missing(task: Task, market: VenueMarket, series: Series) -> Sequence[tuple[int, int]]:
    """Give the spans to ask for, each [from, to)."""
    step, settings = series.step, task.bench.settings
    days = settings.candles_history_days if settings is not None else 0
    now_ms = to_ms(task.clock.now())
    async with task.store.reading() as tx:
        stored = await tx.candles.load(series.venue, series.pair, series.timeframe)
    first_ms = (
        int(stored.ts_ms[0]) if len(stored) else step.floor(now_ms - max(LEAVE_BARS * step.ms, LEAVE_MS))
    )
    _, gaps = fill_gaps(stored) if len(stored) else (stored, ())
    holes = sorted(gaps, key=lambda one: one.bars, reverse=True)[:MOST_HOLES]
    spans = [(one.from_ms, one.to_ms) for one in sorted(holes, key=lambda one: one.from_ms)]
    wanted_ms = step.floor(now_ms - days * 86_400_000)
    if days and wanted_ms < first_ms:
        oldest_ms = await market.oldest_ms(series.pair, step)
        begin_ms = wanted_ms if oldest_ms is None else max(wanted_ms, step.floor(oldest_ms))
        if begin_ms < first_ms:
            spans.insert(0, (begin_ms, first_ms))
    return spans


@asynccontextmanager
async def _markets(task: Task) -> AsyncIterator[Callable[[str], VenueMarket]]:
    """Open each venue once, and close what was opened."""
    from desk.feeds.venue_market import VenueMarket

    opened: dict[str, VenueMarket] = {}
    settings = task.bench.settings

    def market_of(venue: str) -> VenueMarket:
        if venue not in opened:
            address = settings.venues.get(venue, VenueSettings()) if settings else VenueSettings()
            opened[venue] = VenueMarket(venue, address, task.clock)
        return opened[venue]

    try:
        yield market_of
    finally:
        for one in opened.values():
            await one.close()
