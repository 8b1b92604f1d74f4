"""Workers inside the house: actors, threads that fetch their messages, and the schedule that rings them."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from typing import Any

import dramatiq
import structlog

from desk.bus import EventBus
from desk.clock import Clock
from desk.ports import Store
from workers.broker import make_broker
from workers.daily_summary import summarise
from workers.middleware import HouseLoop

log = structlog.get_logger(__name__)

#: How often the schedule looks at the clock.
LOOK_S = 30.0


class Workers:
    """The jobs of one process.

    Args:
        url: of the broker; empty works in this process only.
        threads: that fetch messages; the jobs themselves run on the house's loop.
    """

    def __init__(self, store: Store, bus: EventBus, clock: Clock, *, url: str = "", threads: int = 2) -> None:
        self._store, self._bus, self._clock = store, bus, clock
        self.broker = make_broker(url)
        self._threads = threads
        self._worker: dramatiq.Worker | None = None
        declare: Any = dramatiq.actor(broker=self.broker, actor_name="summarise_day", queue_name="reports")
        self.summarise_day = declare(self._summarise_day)

    async def start(self) -> None:
        """Begin to fetch messages."""
        self.broker.add_middleware(HouseLoop(asyncio.get_running_loop()))
        self._worker = dramatiq.Worker(self.broker, worker_threads=self._threads, worker_timeout=100)
        await asyncio.to_thread(self._worker.start)

    async def stop(self) -> None:
        """Let running jobs end, then stop."""
        if self._worker is not None:
            await asyncio.to_thread(self._worker.stop)
            self._worker = None
        await asyncio.to_thread(self.broker.close)

    async def schedule(self) -> None:
        """Ring each workspace's summary of the day before, after every midnight UTC and after each start."""
        rung: date | None = None
        while True:
            yesterday = self._clock.now().date() - timedelta(days=1)
            if rung != yesterday:
                await self.ring(yesterday)
                rung = yesterday
            await self._clock.sleep(LOOK_S)

    async def ring(self, day: date) -> int:
        """Ask for the summaries of a day, for every workspace that existed then; doing it again changes nothing."""
        async with self._store.reading() as tx:
            workspaces = [one for one in await tx.workspaces.all() if one.created_at.date() <= day]
        for one in workspaces:
            await asyncio.to_thread(self.summarise_day.send, one.id, day.isoformat())
        return len(workspaces)

    async def _summarise_day(self, workspace_id: str, day: str) -> None:
        told = await summarise(self._store, self._bus, self._clock, workspace_id, date.fromisoformat(day))
        log.info("day_summarised", workspace_id=workspace_id, day=day, accounts=told)
