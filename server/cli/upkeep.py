"""What the jobs that look after stored candles did last, for the command line."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from desk.ports import Unit
    from desk.views import Job

#: Kinds of jobs that look after candles, and what each is called here.
KINDS = {
    "candle_refresh": "refreshed",
    "candle_backfill": "filled back",
    "candle_resample": "derived",
    "candle_verify": "verified",
    "candle_retention": "forgotten",
}


async def upkeep(data_dir: Path | None) -> dict[str, Any]:
    """Give each kept series with its state, and each kind of job with its last run."""
    from desk.clock import SystemClock
    from server.cli.house import opened_store, settings
    from workers.market_data.series import kept_series

    found, now = settings(data_dir), SystemClock().now()
    async with opened_store(data_dir) as store, store.reading() as tx:
        kept = await kept_series(tx, found, now)
        infos = {(one.venue, one.pair, one.timeframe): one for one in await tx.candles.series()}
        jobs = {kind: await _last(tx, kind) for kind in KINDS}
    verified = _series_of(jobs["candle_verify"])
    refreshed = _series_of(jobs["candle_refresh"])
    rows = []
    for one in kept:
        info = infos.get((one.venue, one.pair, one.timeframe))
        seen = verified.get(one.name, {})
        rows.append(
            {
                "series": one.name,
                "bars": info.bars if info else 0,
                "from": info.first if info else None,
                "to": info.last if info else None,
                "late_bars": _late(one.step.ms, info.last, now) if info else None,
                "gaps": seen.get("gaps"),
                "problem": refreshed.get(one.name, {}).get("error"),
            }
        )
    return {
        "series": rows,
        "jobs": {kind: _told(job) for kind, job in jobs.items()},
        "findings": list(jobs["candle_verify"].result.get("findings", ())) if jobs["candle_verify"] else [],
    }


async def _last(tx: Unit, kind: str) -> Job | None:
    from desk.views import Filter, Page

    workspaces = sorted(await tx.workspaces.all(), key=lambda one: (one.created_at, one.id))
    if not workspaces:
        return None
    found = await tx.jobs.page(workspaces[0].id, Filter(extra={"kind": kind}), Page(first=1))
    return found[0] if found else None


def _series_of(job: Job | None) -> Mapping[str, Any]:
    found: Mapping[str, Any] = job.result.get("series", {}) if job else {}
    return found


def _late(step_ms: int, last: Any, now: Any) -> int:
    """Give how many closed bars are missing at the end."""
    return max(0, int((now - last).total_seconds() * 1000) // step_ms - 1)


def _told(job: Job | None) -> dict[str, Any] | None:
    if job is None:
        return None
    return {
        "id": job.id,
        "state": str(job.state),
        "at": job.finished_at or job.created_at,
        "error": job.error,
    }
