"""Removing files of models that no version names: what a training left that was never entered, or half a file."""

from __future__ import annotations

from datetime import timedelta

import structlog

from workers.forecasts.jobs import required_room
from workers.hand import Result
from workers.kinds import Kind, Task

log = structlog.get_logger(__name__)

#: A file may lie so long before a version names it: whoever trains puts the files first.
GRACE = timedelta(days=30)


async def tidy(task: Task) -> Result:
    """Remove them, if the shelf is this house's: two houses may have been given one place."""
    shelf, house = required_room(task.bench).shelf, task.job.workspace_id
    owner = await shelf.owner(house)
    if owner != house:
        log.warning("model_files_of_another_house", owner=owner)
        return Result(values={"removed": 0, "bytes": 0, "owner": owner})
    async with task.store.reading() as tx:
        named = await tx.models.digests()
    removed, size = await shelf.tidy(named, task.clock.now() - GRACE)
    return Result(values={"removed": removed, "bytes": size, "owner": owner})


KINDS = (Kind(name="model_retention", duty=tidy, time_limit_s=1_800.0),)
