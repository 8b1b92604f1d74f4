"""Workers as a part of a running house."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from desk.bus import EventBus
from desk.clock import Clock
from desk.jobs.bell import Bell
from desk.ports import Store
from workers.kinds import Bench
from workers.queue import Workers


@asynccontextmanager
async def working(
    store: Store,
    bus: EventBus,
    clock: Clock,
    *,
    bell: Bell | None = None,
    bench: Bench | None = None,
    url: str = "",
    hands: int = 1,
) -> AsyncIterator[Workers]:
    """Run workers and their schedule while the block runs."""
    workers = Workers(store, bus, clock, bell=bell, bench=bench, url=url, hands=hands)
    await workers.start()
    schedule = asyncio.create_task(workers.schedule(), name="schedule")
    try:
        yield workers
    finally:
        schedule.cancel()
        with suppress(asyncio.CancelledError):
            await schedule
        await workers.stop()
