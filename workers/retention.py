"""Forgetting what nobody needs any more: jobs that ended long ago, old facts, answers and messages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from desk.ports import Unit
from workers.hand import Result
from workers.kinds import Kind, Task

#: Jobs of one transaction: a file may be megabytes, and others want to write too.
_JOBS_AT_ONCE = 50
#: Rows of one transaction.
_ROWS_AT_ONCE = 500

#: Where the settings are not at hand.
JOBS_DAYS, JOURNAL_DAYS, MESSAGES_DAYS = 90, 365, 30


async def forget_old_jobs(task: Task) -> Result:
    """Remove what ended before the span that the settings name."""
    settings = task.bench.settings
    before = _before(task, JOBS_DAYS if settings is None else settings.jobs_keep_days)
    return Result(
        values={"forgotten": await _all(task, lambda tx: tx.jobs.forget(before, most=_JOBS_AT_ONCE))}
    )


async def forget_old_records(task: Task) -> Result:
    """Retire old facts, and forget what was received or answered long ago. Orders, trades and the audit stay."""
    settings = task.bench.settings
    facts = _before(task, JOURNAL_DAYS if settings is None else settings.journal_keep_days)
    words = _before(task, MESSAGES_DAYS if settings is None else settings.messages_keep_days)
    return Result(
        values={
            "facts": await _all(task, lambda tx: tx.journal.forget(facts, most=_ROWS_AT_ONCE)),
            "answers": await _all(task, lambda tx: tx.keys.forget(words, most=_ROWS_AT_ONCE)),
            "messages": await _all(task, lambda tx: tx.messages.forget(words, most=_ROWS_AT_ONCE)),
        }
    )


def _before(task: Task, days: int) -> datetime:
    return task.clock.now() - timedelta(days=days)


async def _all(task: Task, forget: Callable[[Unit], Awaitable[int]]) -> int:
    """Forget in small transactions until nothing is left that is old enough; give how much it was."""
    forgotten = 0
    while True:
        async with task.store.transaction() as tx:
            found = await forget(tx)
        forgotten += found
        if not found:
            return forgotten


KINDS = (
    Kind(name="job_retention", duty=forget_old_jobs, time_limit_s=1_800.0),
    Kind(name="record_retention", duty=forget_old_records, time_limit_s=1_800.0),
)
