"""The clock of the house: each slot fires once, whoever looks, and missed ones as each entry says."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from desk.bus import EventBus
from desk.clock import ManualClock, SystemClock
from desk.identity import Role
from desk.jobs.bell import Bell
from desk.jobs.firings import Firing
from desk.jobs.queueing import new_job
from desk.jobs.slots import read_when
from desk.jobs.timetable import ENTRIES, Entry, Missed, Timetable, one_job
from desk.jobs.zones import zone_of
from desk.ports import Store, Unit
from desk.views import Filter, Job, Page
from tests.support.clock_process import JOBS
from trading.errors import BadSetting, InvalidInput
from workers.kinds import kinds
from workers.schedule import Schedule

PROCESS = Path(__file__).resolve().parents[1] / "support" / "clock_process.py"


def an_entry(when: str = "1h", missed: Missed = Missed.LATEST, **more: bool) -> Entry:
    return Entry(
        name="tick",
        words="",
        when=read_when("tick", when),
        plan=one_job("add", "tick"),
        missed=missed,
        **more,
    )


async def a_workspace(store: Store, name: str = "home") -> tuple[str, datetime]:
    async with store.transaction() as tx:
        found = await tx.workspaces.create(name)
    return found.id, found.created_at


def a_schedule(store: Store, clock: ManualClock, *entries: Entry, bell: Bell | None = None) -> Schedule:
    return Schedule(store, EventBus(), clock, bell or Bell(), Timetable(entries=entries))


async def queued(store: Store, workspace_id: str) -> list[Job]:
    async with store.reading() as tx:
        return list(await tx.jobs.page(workspace_id, Filter(), Page(first=1_000)))


def whole_hour(after: datetime) -> datetime:
    return after.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)


async def test_a_slot_is_fired_once_by_several_schedules_at_once_with_its_bell(any_store: Store) -> None:
    workspace_id, created = await a_workspace(any_store)
    clock, bell = ManualClock(whole_hour(created) + timedelta(seconds=3)), Bell()
    rung: list[str] = []
    bell.listen(rung.append)
    clocks = [a_schedule(any_store, clock, an_entry(), bell=bell) for _ in range(5)]

    taken = await asyncio.gather(*(one.look() for one in clocks))
    again = [await one.look() for one in clocks]

    (job,) = await queued(any_store, workspace_id)
    assert (sum(taken), sum(again)) == (1, 0)
    assert rung == [job.id]
    assert job.input["at"] == whole_hour(created).isoformat()


@pytest.mark.parametrize(
    ("missed", "expected", "outcome"),
    [(Missed.LATEST, 1, "fired"), (Missed.EACH, 4, "fired"), (Missed.SKIP, 0, "skipped")],
)
async def test_missed_slots_are_caught_up_with_as_the_entry_says(
    sqlite_store: Store, missed: Missed, expected: int, outcome: str
) -> None:
    workspace_id, created = await a_workspace(sqlite_store)
    clock = ManualClock(whole_hour(created))
    await a_schedule(sqlite_store, clock, an_entry(missed=missed)).look()
    clock.advance(timedelta(hours=4, minutes=30).total_seconds())
    late = a_schedule(sqlite_store, clock, an_entry(missed=missed))

    await late.look()
    await late.look()

    assert len(await queued(sqlite_store, workspace_id)) == 1 + expected
    async with sqlite_store.reading() as tx:
        newest = (await tx.firings.page(workspace_id, "tick", 10))[0]
    assert (newest.outcome, newest.slot_at) == (outcome, whole_hour(created) + timedelta(hours=4))


async def test_a_house_that_was_off_for_a_year_does_not_do_the_year(sqlite_store: Store) -> None:
    workspace_id, created = await a_workspace(sqlite_store)
    clock = ManualClock(whole_hour(created))
    schedule = a_schedule(sqlite_store, clock, an_entry(missed=Missed.EACH))
    await schedule.look()
    clock.advance(365 * 86_400.0)

    assert await schedule.look() == 7
    assert len(await queued(sqlite_store, workspace_id)) == 8


async def test_nothing_is_fired_for_the_time_before_the_workspace_unless_the_entry_is_eager(
    sqlite_store: Store,
) -> None:
    _, created = await a_workspace(sqlite_store)
    clock = ManualClock(created)

    assert await a_schedule(sqlite_store, clock, an_entry()).look() == 0
    assert await a_schedule(sqlite_store, clock, an_entry(is_eager=True)).look() == 1


async def test_a_shared_entry_fires_in_the_oldest_workspace_only(sqlite_store: Store) -> None:
    first, _ = await a_workspace(sqlite_store, "first")
    second, created = await a_workspace(sqlite_store, "second")
    clock = ManualClock(whole_hour(created))

    await a_schedule(sqlite_store, clock, an_entry(is_shared=True)).look()

    assert [len(await queued(sqlite_store, one)) for one in (first, second)] == [1, 0]


async def test_a_local_entry_follows_its_owners_zone_and_a_move_does_not_double_a_day(
    sqlite_store: Store,
) -> None:
    workspace_id, created = await a_workspace(sqlite_store)
    async with sqlite_store.transaction() as tx:
        owner = await tx.members.add(workspace_id, name="Ada", email="ada@example.org", role=Role.OWNER)
        await tx.members.set_preference(
            workspace_id, owner.user_id, language="en", time_zone="Pacific/Auckland"
        )
        zone = await zone_of(tx, workspace_id)
    entry = an_entry("12:00", is_local=True)
    noon = entry.next(created, zone)
    assert noon is not None
    clock = ManualClock(noon)
    assert await a_schedule(sqlite_store, clock, entry).look() == 1
    async with sqlite_store.transaction() as tx:
        await tx.members.set_preference(workspace_id, owner.user_id, language="en", time_zone="Europe/Berlin")
    clock.advance(23 * 3_600.0)
    moved = a_schedule(sqlite_store, clock, entry)

    await moved.look()

    async with sqlite_store.reading() as tx:
        fired = await tx.firings.page(workspace_id, "tick", 10)
    assert noon.astimezone(ZoneInfo("Pacific/Auckland")).hour == 12
    assert len({one.slot for one in fired}) == len(fired) == 1


async def test_a_firing_that_cannot_be_planned_is_written_down_and_not_tried_for_ever(
    sqlite_store: Store,
) -> None:
    workspace_id, created = await a_workspace(sqlite_store)
    tries: list[str] = []

    async def plan(tx: Unit, firing: Firing) -> Sequence[Job]:
        tries.append(firing.slot)
        await tx.jobs.add(new_job(workspace_id, "add", title="half", input={}, now=firing.fired_at))
        raise InvalidInput("No account is there.")

    entry = Entry(name="tick", words="", when=read_when("tick", "1h"), plan=plan)
    schedule = a_schedule(sqlite_store, ManualClock(whole_hour(created)), entry)

    await schedule.look()
    await schedule.look()

    async with sqlite_store.reading() as tx:
        (firing,) = await tx.firings.page(workspace_id, "tick", 10)
    assert (firing.outcome, firing.detail, len(tries)) == ("failed", "No account is there.", 1)
    assert await queued(sqlite_store, workspace_id) == []


async def test_racing_processes_and_one_killed_between_claim_and_commit_fire_each_slot_once(
    any_store: Store, any_url: str
) -> None:
    workspace_id, created = await a_workspace(any_store)
    slots = 40

    def begin(*more: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, str(PROCESS), any_url, "--slots", str(slots), *more]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ready(one: subprocess.Popen[bytes]) -> None:
        assert one.stdout is not None
        assert one.stdout.readline() == b"ready\n"

    processes = [begin(), begin(), begin("--die-in-plan", "2")]
    for one in processes:
        await asyncio.to_thread(ready, one)
    start = max(SystemClock().now(), created)
    minute = start.replace(second=0, microsecond=0)
    word = f"{start.isoformat()}\n".encode()
    outputs = await asyncio.gather(
        *(asyncio.to_thread(one.communicate, word, timeout=120) for one in processes)
    )

    jobs = await queued(any_store, workspace_id)
    async with any_store.reading() as tx:
        fired = await tx.firings.page(workspace_id, "tick", 1_000)
    assert processes[2].returncode == -9
    assert Counter(one.title for one in jobs) == {one.slot: JOBS for one in fired}
    expected = {f"{minute + timedelta(minutes=number):%Y-%m-%dT%H:%MZ}" for number in range(1, slots)}
    assert expected <= {one.slot for one in fired}
    assert sum(int(out.split()[-1]) for out, _ in outputs[:2]) == len(fired) - 1, (
        "the killed one had fired one slot before"
    )


#: Entries that find nothing to do in a workspace without accounts and models; their rooms have tests of their own.
BY_WHAT_IS_THERE = {"model_retrain", "model_drift", "report_day", "report_week", "report_month"}


async def test_every_entry_queues_kinds_that_workers_know(sqlite_store: Store) -> None:
    workspace_id, created = await a_workspace(sqlite_store)
    known = kinds()

    for entry in ENTRIES:
        assert entry.when is not None
        slot = next(entry.when.slots(created, created + timedelta(days=63), ZoneInfo("UTC")))
        firing = Firing(
            workspace_id=workspace_id,
            entry=entry.name,
            slot=slot.label,
            slot_at=slot.at,
            fired_at=slot.at,
            outcome="fired",
        )
        async with sqlite_store.reading() as tx:
            planned = await entry.plan(tx, firing)
        assert planned or entry.name in BY_WHAT_IS_THERE, entry.name
        assert {one.kind for one in planned} <= set(known), entry.name


def test_the_settings_change_and_switch_off_entries_and_refuse_what_is_unknown() -> None:
    changed = Timetable(["day_summary=off", "job_retention=6h"])
    when = changed.entries["job_retention"].when

    assert changed.entries["day_summary"].when is None
    assert when is not None
    assert when.text == "6h"
    with pytest.raises(BadSetting, match="day_summary"):
        Timetable(["day_sumary=off"])
    assert changed.entries["day_summary"].next(datetime(2026, 1, 1, tzinfo=UTC), ZoneInfo("UTC")) is None
