"""The day in figures: right, told once, and rung by the clock on every broker."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from desk.alerting.raising import raise_alerts
from desk.bus import EventBus
from desk.clock import ManualClock
from desk.jobs.bell import Bell
from desk.jobs.queueing import new_job
from desk.jobs.timetable import ENTRIES, Timetable
from desk.ports import Store
from desk.views import Filter, Page
from tests.support.paper_home import a_paper_home
from trading.errors import BadSetting
from trading.events import DaySummarised, PositionClosed
from trading.orders import Reason
from workers.broker import make_broker
from workers.daily_summary import tell_day
from workers.hand import Result
from workers.kinds import Bench
from workers.queue import Workers
from workers.schedule import Schedule

DAY = date(2026, 11, 22)
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
NEXT_MORNING = datetime(2026, 11, 23, 0, 5, tzinfo=UTC)


class NoFeed:
    """The day is read from the journal."""


async def a_desk(store: Store, profits: list[str]) -> tuple[str, str]:
    """A workspace with an owner, an account, and positions closed at noon."""
    home = await a_paper_home(store)
    workspace, account = home.workspace, home.account
    async with store.transaction() as tx:
        facts = [
            PositionClosed(
                workspace_id=workspace.id,
                account_id=account.id,
                # The market's time does not matter: it may be a replay.
                occurred_at=datetime(2020, 1, 1, tzinfo=UTC),
                position_id=f"p{i}",
                trade_id=f"t{i}",
                exit_price=Decimal(100),
                pnl=Decimal(one),
                pnl_ratio=0.01,
                reason=Reason.TAKE_PROFIT_3,
            )
            for i, one in enumerate(profits)
        ]
        await tx.journal.append(workspace.id, facts, NOON)
    return workspace.id, account.id


async def tell(store: Store, workspace_id: str, day: date) -> None:
    job = new_job(workspace_id, "day_summary", title="", input={"day": day.isoformat()}, now=NEXT_MORNING)
    async with store.transaction() as tx:
        told = await tell_day(tx, job, Result(values={}), NEXT_MORNING)
        raised = await raise_alerts(tx, workspace_id, told, NEXT_MORNING)
        await tx.journal.append(workspace_id, [*told, *raised], NEXT_MORNING)


async def summaries(store: Store, workspace_id: str) -> list[DaySummarised]:
    async with store.reading() as tx:
        found = await tx.journal.after(workspace_id, 0, kinds=("day_summarised",))
    return [one.event for one in found if isinstance(one.event, DaySummarised)]


async def test_the_day_is_summed_from_what_was_closed_in_it(any_store: Store) -> None:
    workspace_id, account_id = await a_desk(any_store, ["10.5", "-4", "0"])

    await tell(any_store, workspace_id, DAY)

    (one,) = await summaries(any_store, workspace_id)
    assert (one.account_id, one.day, one.trades, one.wins, one.pnl) == (
        account_id,
        "2026-11-22",
        3,
        1,
        Decimal("6.5"),
    )


async def test_another_day_is_empty(sqlite_store: Store) -> None:
    workspace_id, _ = await a_desk(sqlite_store, ["10.5"])

    await tell(sqlite_store, workspace_id, DAY - timedelta(days=1))

    (one,) = await summaries(sqlite_store, workspace_id)
    assert (one.trades, one.pnl) == (0, Decimal(0))


async def test_however_often_it_is_asked_it_is_told_once_and_by_one_mail(any_store: Store) -> None:
    workspace_id, _ = await a_desk(any_store, ["1"])

    await asyncio.gather(*(tell(any_store, workspace_id, DAY) for _ in range(5)))

    async with any_store.reading() as tx:
        alerts = await tx.alerts.page(workspace_id, Filter(), Page())
        deliveries = await tx.alerts.deliveries(workspace_id, [one.id for one in alerts])
    assert len(await summaries(any_store, workspace_id)) == 1
    assert [one.kind for one in alerts] == ["day_summary"]
    assert [one.recipient for one in deliveries] == ["ada@example.org"]


async def told(store: Store, workspace_id: str) -> list[DaySummarised]:
    """Wait until something was told."""
    async with asyncio.timeout(60.0):
        while True:
            if found := await summaries(store, workspace_id):
                return found
            await asyncio.sleep(0.02)


@pytest.fixture(params=["stub", "redis"])
def broker_url(request: pytest.FixtureRequest) -> str:
    return "" if request.param == "stub" else str(request.getfixturevalue("redis_url"))


async def test_the_clock_has_the_day_told_by_a_worker_on_every_broker(
    sqlite_store: Store, broker_url: str
) -> None:
    workspace_id, _ = await a_desk(sqlite_store, ["2"])
    async with sqlite_store.reading() as tx:
        created = (await tx.workspaces.all())[0].created_at
    clock, bus, bell = ManualClock(created + timedelta(days=1)), EventBus(), Bell()
    bench = Bench(feed=NoFeed())  # type: ignore[arg-type]
    workers = Workers(sqlite_store, bus, clock, bell=bell, bench=bench, url=broker_url)
    timetable = Timetable(entries=[one for one in ENTRIES if one.name == "day_summary"])
    schedule = Schedule(sqlite_store, bus, clock, bell, timetable)
    await workers.start()
    try:
        taken = await schedule.look()
        found = await told(sqlite_store, workspace_id)
        again = await schedule.look()
    finally:
        await workers.stop()

    assert (taken, again) == (1, 0)
    assert [one.day for one in found] == [created.date().isoformat()]


def test_an_unknown_broker_is_refused() -> None:
    with pytest.raises(BadSetting, match="redis://"):
        make_broker("kafka://somewhere")
