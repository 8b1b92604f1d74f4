"""Workers as a part of a running house."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from desk.bus import EventBus
from desk.clock import Clock
from desk.ending import ended
from desk.jobs.bell import Bell
from desk.jobs.timetable import Timetable
from desk.ports import Store
from workers.kinds import Bench
from workers.queue import Workers
from workers.schedule import Schedule


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
    timetable: Timetable | None = None,
) -> AsyncIterator[Workers]:
    """Run workers and the clock of the house while the block runs."""
    bell = bell or Bell()
    workers = Workers(store, bus, clock, bell=bell, bench=bench, url=url, hands=hands)
    await workers.start()
    clockwork = Schedule(store, bus, clock, bell, timetable or Timetable())
    schedule = asyncio.create_task(clockwork.run(), name="schedule")
    try:
        yield workers
    finally:
        await ended(schedule)
        await workers.stop()
