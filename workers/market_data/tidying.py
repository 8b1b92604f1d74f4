"""Stored series put in order: longer timeframes derived from shorter ones, and bars forgotten that are too old."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from desk.clock import to_ms
from trading.candles import Candles, resample
from trading.timeframes import Timeframe
from workers.hand import Result
from workers.kinds import Task
from workers.market_data.series import Series, kept_series, longer, read_spans

#: Bars that go in one transaction.
_AT_ONCE = 20_000
_COLUMNS = ("ts_ms", "open", "high", "low", "close", "volume", "flags")


async def derive(task: Task) -> Result:
    """Derive the longer timeframes that the settings name, each from the shortest series of its pair."""
    settings = task.bench.settings
    async with task.store.reading() as tx:
        kept = await kept_series(tx, settings, task.clock.now())
    shortest: dict[tuple[str, str], Series] = {}
    for one in sorted(kept, key=lambda one: one.step.ms):
        shortest.setdefault((one.venue, one.pair), one)
    wanted = longer(settings) if settings is not None else []
    work = [
        (one, target)
        for one in shortest.values()
        for target in wanted
        if target.ms > one.step.ms and target.ms % one.step.ms == 0
    ]
    found: dict[str, Any] = {}
    for number, (source, target) in enumerate(work):
        task.tell("series", number, len(work))
        name = Series(venue=source.venue, pair=source.pair, timeframe=str(target)).name
        found[name] = {"new": await _derive_one(task, source, target), "from": source.timeframe}
    task.tell("series", len(work), len(work))
    return Result(values={"series": found})


async def _derive_one(task: Task, source: Series, target: Timeframe) -> int:
    from desk.feeds.candle_rows import merged

    async with task.store.transaction() as tx:
        last = await tx.candles.last(source.venue, source.pair, str(target), 1)
        from_ms = int(last.ts_ms[-1]) if len(last) else None
        bars = await tx.candles.load(source.venue, source.pair, source.timeframe, from_ms=from_ms)
        whole = whole_bars(bars, target)
        if not len(whole):
            return 0
        end_ms = int(whole.ts_ms[-1]) + target.ms
        stored = await tx.candles.load(
            source.venue, source.pair, str(target), from_ms=int(whole.ts_ms[0]), to_ms=end_ms
        )
        # What the venue itself told of a time stays.
        kept, _ = merged(whole, stored)
        new, _ = await tx.candles.add(kept)
    return new


def whole_bars(bars: Candles, target: Timeframe) -> Candles:
    """Give the longer bars of which every shorter one is there."""
    if not len(bars):
        return bars
    opens, counts = np.unique((bars.ts_ms - target.offset_ms) // target.ms, return_counts=True)
    full = opens[counts == target.ms // bars.timeframe.ms] * target.ms + target.offset_ms
    found = resample(bars, target)
    is_whole = np.isin(found.ts_ms, full)
    return replace(found, **{name: getattr(found, name)[is_whole] for name in _COLUMNS})


async def forget(task: Task) -> Result:
    """Remove bars that are older than the settings keep them."""
    settings = task.bench.settings
    spans = read_spans(settings) if settings is not None else {}
    async with task.store.reading() as tx:
        stored = [one for one in await tx.candles.series() if one.timeframe in spans]
    found: dict[str, int] = {}
    for number, one in enumerate(stored):
        task.tell("series", number, len(stored))
        before_ms = to_ms(task.clock.now() - spans[one.timeframe])
        forgotten = 0
        while True:
            async with task.store.transaction() as tx:
                gone = await tx.candles.forget(one.venue, one.pair, one.timeframe, before_ms, most=_AT_ONCE)
            forgotten += gone
            if gone < _AT_ONCE:
                break
        if forgotten:
            found[f"{one.venue}:{one.pair}:{one.timeframe}"] = forgotten
    task.tell("series", len(stored), len(stored))
    return Result(values={"forgotten": found})
