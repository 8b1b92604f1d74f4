"""The day in figures, for each account: told once, however often and by however many workers it is asked for."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from desk.alerting.raising import raise_alerts
from desk.bus import EventBus
from desk.clock import Clock
from desk.ports import Store, Unit
from desk.views import Account
from trading.events import DaySummarised, PositionClosed, Recorded, kind_of

_CLOSED = kind_of(PositionClosed)


async def summarise(store: Store, bus: EventBus, clock: Clock, workspace_id: str, day: date) -> int:
    """Tell a workspace's people what was closed on a UTC day; give how many accounts were told of.

    The day is that of the desk, not of the market: a replayed year may pass within it.
    """
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    async with store.transaction() as tx:
        closed = await _recorded(tx, workspace_id, start)
        accounts = await tx.accounts.all(workspace_id)
        untold = [one for one in accounts if await _is_first(tx, one, day, clock.now())]
        facts = [await _fact(tx, account, day, closed, clock.now()) for account in untold]
        raised = await raise_alerts(tx, workspace_id, facts, clock.now())
        recorded = await tx.journal.append(workspace_id, [*facts, *raised], clock.now())
    bus.publish(recorded)
    return len(facts)


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
