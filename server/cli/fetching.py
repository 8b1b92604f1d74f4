"""Fetching candles for the command line: several pairs one after the other, with a progress bar."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from server.cli import output
from trading.timeframes import Timeframe


async def fetch_all(
    venue: str,
    pairs: Sequence[str],
    step: Timeframe,
    *,
    from_ms: int | None,
    to_ms: int | None,
    data_dir: Path | None,
) -> list[dict[str, Any]]:
    """Fetch pairs of a venue into the store and give what came of each."""
    from desk.clock import SystemClock
    from desk.feeds.backfill import backfill
    from desk.feeds.venue_market import VenueMarket
    from desk.settings import VenueSettings
    from server.cli.house import opened_store, settings

    address = settings(data_dir).venues.get(venue, VenueSettings())
    market = VenueMarket(venue, address, SystemClock())
    rows = []
    try:
        async with opened_store(data_dir) as store:
            with output.progress() as bar:
                for pair in pairs:
                    task = bar.add_task(f"{venue} {pair} {step}", total=None)

                    def told(done: int, all_: int, task: Any = task) -> None:
                        bar.update(task, completed=done, total=all_)

                    found = await backfill(market, store, pair, step, from_ms=from_ms, to_ms=to_ms, told=told)
                    rows.append(
                        {
                            "series": f"{venue}:{pair}:{step}",
                            "new": found.new,
                            "known": found.known,
                            "corrected": len(found.corrected),
                            "bars": found.bars,
                            "gaps": found.gaps,
                            "missing_bars": found.missing_bars,
                            "checksum": found.checksum,
                        }
                    )
    finally:
        await market.close()
    return rows
