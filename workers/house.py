"""Workers as a part of a running house."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from desk.bus import EventBus
from desk.clock import Clock
from desk.ports import Store
from workers.queue import Workers


@asynccontextmanager
async def working(store: Store, bus: EventBus, clock: Clock, *, url: str = "") -> AsyncIterator[Workers]:
    """Run workers and their schedule while the block runs."""
    workers = Workers(store, bus, clock, url=url)
    await workers.start()
    schedule = asyncio.create_task(workers.schedule(), name="schedule")
    try:
        yield workers
    finally:
        schedule.cancel()
        with suppress(asyncio.CancelledError):
            await schedule
        await workers.stop()
