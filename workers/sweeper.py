"""The sweep: a free hand looks for jobs whose bell was lost, whose time has come, or whose worker died."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from desk.clock import Clock
from desk.ports import Store
from trading.errors import StoreProblem

log = structlog.get_logger(__name__)

#: How often the queue is looked over; what a lost bell costs at most.
SWEEP_S = 1.0


async def sweep_forever(store: Store, clock: Clock, take: Callable[[], None]) -> None:
    """Look every second whether something is due; a database that is away is asked again."""
    while True:
        try:
            async with store.reading() as tx:
                is_due = await tx.jobs.is_anything_due(clock.now())
        except StoreProblem as problem:
            log.warning("sweep_failed", problem=str(problem))
        else:
            if is_due:
                take()
        await clock.sleep(SWEEP_S)
