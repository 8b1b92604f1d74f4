"""The day in figures, for each account: told once, however often and by however many workers it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from desk.ports import Unit
from desk.views import Account, Job
from trading.events import DaySummarised, PositionClosed, Recorded, kind_of
from workers.hand import Result
from workers.kinds import Kind, Task

_CLOSED = kind_of(PositionClosed)


async def read_day(task: Task) -> Result:
    """Refuse a day that is none; the figures are read where they are told."""
    date.fromisoformat(task.job.input["day"])
    return Result(values={})


async def tell_day(tx: Unit, job: Job, result: Result, now: datetime) -> Sequence[DaySummarised]:
    """Tell a workspace's people what was closed on a UTC day.

    The day is that of the desk, not of the market: a replayed year may pass within it.
    """
    day = date.fromisoformat(job.input["day"])
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    closed = await _recorded(tx, job.workspace_id, start)
    accounts = await tx.accounts.all(job.workspace_id)
    untold = [one for one in accounts if await _is_first(tx, one, day, now)]
    return [await _fact(tx, account, day, closed, now) for account in untold]


async def _is_first(tx: Unit, account: Account, day: date, now: datetime) -> bool:
    """Claim an account's day; of several workers at once one gets it, and keeps it when it commits."""
    return await tx.keys.store_answer(
        account.workspace_id, f"day-summary:{account.id}:{day.isoformat()}", "", {}, now
    )


async def _recorded(tx: Unit, workspace_id: str, start: datetime) -> list[Recorded]:
    found: list[Recorded] = []
    sequence = 0
    while page := await tx.journal.after(workspace_id, sequence, limit=1_000, kinds=(_CLOSED,)):
        sequence = page[-1].sequence
        found += [one for one in page if start <= one.recorded_at < start + timedelta(days=1)]
    return found


async def _fact(
    tx: Unit, account: Account, day: date, closed: list[Recorded], now: datetime
) -> DaySummarised:
    profits = [
        one.event.pnl
        for one in closed
        if isinstance(one.event, PositionClosed) and one.event.account_id == account.id
    ]
    status = await tx.accounts.status(account.workspace_id, account.id)
    return DaySummarised(
        workspace_id=account.workspace_id,
        account_id=account.id,
        occurred_at=now,
        day=day.isoformat(),
        trades=len(profits),
        wins=sum(one > 0 for one in profits),
        pnl=sum(profits, Decimal(0)),
        equity=None if status is None else status.equity,
    )


KINDS = (Kind(name="day_summary", duty=read_day, conclude=tell_day, time_limit_s=600.0),)
