"""Forgetting jobs that ended long ago, with their files."""

from __future__ import annotations

from datetime import timedelta

from workers.hand import Result
from workers.kinds import Kind, Task

#: Jobs of one transaction: a file may be megabytes, and others want to write too.
_AT_ONCE = 50

#: Where the settings are not at hand.
KEEP_DAYS = 90


async def forget_old_jobs(task: Task) -> Result:
    """Remove what ended before the span that the settings name."""
    settings = task.bench.settings
    before = task.clock.now() - timedelta(days=KEEP_DAYS if settings is None else settings.jobs_keep_days)
    forgotten = 0
    while True:
        async with task.store.transaction() as tx:
            found = await tx.jobs.forget(before, most=_AT_ONCE)
        forgotten += found
        if found < _AT_ONCE:
            return Result(values={"forgotten": forgotten})


KINDS = (Kind(name="job_retention", duty=forget_old_jobs, time_limit_s=1_800.0),)
