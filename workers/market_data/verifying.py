"""Stored series verified: in order, without holes that were not there, and the same as when they were verified last."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from desk.ports import Store
from desk.views import Filter, JobState, Page
from trading.candles import Candles, check, fill_gaps
from trading.errors import BadCandles
from workers.hand import Result
from workers.kinds import Task
from workers.market_data.series import read_spans

#: Name of the kind; the last one that is done says what was found then.
KIND = "candle_verify"


async def verify(task: Task) -> Result:
    """Check every stored series, and compare each year with what its checksum was before."""
    async with task.store.reading() as tx:
        stored = await tx.candles.series()
    before = await last_found(task.store, task.job.workspace_id)
    settings = task.bench.settings
    forgotten = read_spans(settings) if settings is not None else {}
    found: dict[str, Any] = {}
    findings: list[str] = []
    for number, one in enumerate(stored):
        task.tell("series", number, len(stored))
        name = f"{one.venue}:{one.pair}:{one.timeframe}"
        async with task.store.reading() as tx:
            series = await tx.candles.load(one.venue, one.pair, one.timeframe)
        state, wrong = await asyncio.to_thread(
            _looked_at, series, before.get(name, {}), may_forget=one.timeframe in forgotten
        )
        found[name] = state
        findings += [f"{name}: {what}" for what in wrong]
    task.tell("series", len(stored), len(stored))
    return Result(values={"series": found, "findings": findings})


async def last_found(store: Store, workspace_id: str) -> Mapping[str, Any]:
    """Give what the last verification found of each series."""
    async with store.reading() as tx:
        done = await tx.jobs.page(
            workspace_id, Filter(extra={"kind": KIND, "state": JobState.DONE}), Page(first=1)
        )
    found: Mapping[str, Any] = done[0].result.get("series", {}) if done else {}
    return found


def _looked_at(
    series: Candles, before: Mapping[str, Any], *, may_forget: bool
) -> tuple[dict[str, Any], list[str]]:
    """Give what a series is like now, and what is wrong with it.

    Args:
        may_forget: old bars are removed by the settings.
    """
    wrong = []
    try:
        check(series)
    except BadCandles as broken:
        wrong.append(broken.message)
    _, gaps = fill_gaps(series)
    years = _years(series)
    first_ms, last_ms = int(series.ts_ms[0]), int(series.ts_ms[-1])
    for year, then in before.get("years", {}).items():
        if not _is_same(series, then, may_forget=may_forget):
            wrong.append(f"the bars of {year} are not those that were verified before")
    state = {
        "bars": len(series),
        "from_ms": first_ms,
        "to_ms": last_ms,
        "gaps": len(gaps),
        "missing_bars": sum(one.bars for one in gaps),
        "years": years,
    }
    return state, wrong


def _years(series: Candles) -> dict[str, dict[str, Any]]:
    """Give each year's span and checksum."""
    found = {}
    for year in range(_year_of(int(series.ts_ms[0])), _year_of(int(series.ts_ms[-1])) + 1):
        part = series.between(_begin_ms(year), _begin_ms(year + 1))
        if len(part):
            span = {"from_ms": int(part.ts_ms[0]), "to_ms": int(part.ts_ms[-1]), "bars": len(part)}
            found[str(year)] = {**span, "checksum": _checksum(part)}
    return found


def _is_same(series: Candles, then: Mapping[str, Any], *, may_forget: bool) -> bool:
    """Tell whether the bars that were verified then are still there as they were."""
    part = series.between(then["from_ms"], then["to_ms"] + 1)
    if len(part) == then["bars"]:
        return _checksum(part) == str(then["checksum"])
    # Holes may have been filled since: that makes more bars. Fewer are only right where old ones are forgotten.
    return len(part) > int(then["bars"]) or (may_forget and int(series.ts_ms[0]) > int(then["from_ms"]))


def _checksum(part: Candles) -> str:
    from desk.feeds.candle_rows import checksum

    return checksum(part)[:16]


def _year_of(ts_ms: int) -> int:
    return datetime.fromtimestamp(ts_ms / 1000, UTC).year


def _begin_ms(year: int) -> int:
    return round(datetime(year, 1, 1, tzinfo=UTC).timestamp() * 1000)
