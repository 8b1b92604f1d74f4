"""What the house does by the clock: the one table of it. A firing only queues jobs; workers do them.

A new entry is a line in `ENTRIES`; the kind of its job is entered in `workers.rooms`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from desk.jobs.firings import Firing
from desk.jobs.period_reports import plan_reports
from desk.jobs.queueing import new_job
from desk.jobs.slots import ALLOWED, At, Every, Slot, When, read_when
from desk.jobs.zones import UTC_ZONE, zone_of
from desk.ports import Unit
from desk.reports.periods import Period
from desk.views import Job
from trading.errors import BadSetting, nearest

#: A slot that is older than this was missed: nobody looked at the clock then.
LATE = timedelta(minutes=5)


class Missed(StrEnum):
    """What becomes of slots at which no process was there."""

    SKIP = "skip"
    LATEST = "latest"
    EACH = "each"


#: Gives the jobs of a firing, inside the transaction that writes it.
Plan = Callable[[Unit, Firing], Awaitable[Sequence[Job]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the timetable.

    Attributes:
        words: what is done, for people.
        when: None = off.
        missed: what becomes of slots at which nobody was there; `most` = how many of them are caught up with.
        is_local: on the calendar of the workspace (its owner's time zone), not in UTC.
        is_shared: once for the whole house, in the oldest workspace; otherwise once in each.
        is_eager: done at once where it was never done.
    """

    name: str
    words: str
    when: When | None
    plan: Plan
    missed: Missed = Missed.LATEST
    most: int = 7
    is_local: bool = False
    is_shared: bool = False
    is_eager: bool = False

    def due(
        self, last: datetime | None, since: datetime, now: datetime, zone: ZoneInfo
    ) -> tuple[tuple[Slot, ...], tuple[Slot, ...]]:
        """Give the slots to fire and those to skip, oldest first.

        Args:
            last: the latest slot that was fired or skipped; None before the first.
            since: when the workspace began.
        """
        if self.when is None:
            return (), ()
        begin = since - timedelta(days=31) if last is None and self.is_eager else last or since
        found = tuple(self.when.slots(begin, now, zone if self.is_local else UTC_ZONE))
        if not found:
            return (), ()
        if self.missed is Missed.EACH and last is not None:
            return found[-self.most :], ()
        newest = found[-1:]
        if self.missed is Missed.SKIP and now - newest[0].at > LATE:
            return (), newest
        return newest, ()

    def next(self, now: datetime, zone: ZoneInfo) -> datetime | None:
        """Give when it is due next; None where it is off."""
        if self.when is None:
            return None
        later = self.when.slots(now, now + timedelta(days=63), zone if self.is_local else UTC_ZONE)
        found = next(later, None)
        return None if found is None else found.at


def one_job(kind: str, title: str, **more: Any) -> Plan:
    """Plan one job of a kind; its input holds the slot's label and time, and `more`."""

    async def plan(tx: Unit, firing: Firing) -> Sequence[Job]:
        given = {"slot": firing.slot, "at": firing.slot_at.isoformat(), **more}
        return [new_job(firing.workspace_id, kind, title=title, input=given, now=firing.fired_at)]

    return plan


async def plan_day_summary(tx: Unit, firing: Firing) -> Sequence[Job]:
    """Plan the summary of the day that has just ended."""
    day = (date.fromisoformat(firing.slot) - timedelta(days=1)).isoformat()
    return [
        new_job(
            firing.workspace_id,
            "day_summary",
            title=f"The day {day} in figures",
            input={"day": day},
            now=firing.fired_at,
        )
    ]


async def plan_retraining(tx: Unit, firing: Firing) -> Sequence[Job]:
    """Plan the trainings that are due."""
    from desk.models import retraining

    return await retraining.plan_retraining(tx, firing)


async def plan_drift(tx: Unit, firing: Firing) -> Sequence[Job]:
    """Plan a look at every model that speaks."""
    from desk.models import retraining

    return await retraining.plan_drift(tx, firing)


#: Everything that is done by the clock.
ENTRIES: tuple[Entry, ...] = (
    Entry(
        name="day_summary",
        words="Tell each account's day in figures.",
        when=At(time=time(0, 0)),
        plan=plan_day_summary,
        missed=Missed.EACH,
    ),
    Entry(
        name="news",
        words="Collect headlines and the Fear & Greed index from the sources that are on.",
        when=Every(span=timedelta(minutes=15)),
        plan=one_job("news", "Collect news"),
        is_shared=True,
        is_eager=True,
    ),
    Entry(
        name="candles",
        words="Fetch the newest bars of every series that is kept.",
        when=Every(span=timedelta(minutes=15)),
        plan=one_job("candle_refresh", "Refresh stored candles"),
        is_shared=True,
    ),
    Entry(
        name="candle_backfill",
        words="Fetch older bars and fill holes, back to BREAKWATER_CANDLES_HISTORY_DAYS.",
        when=At(time=time(1, 10)),
        plan=one_job("candle_backfill", "Fill stored candles back"),
        is_shared=True,
    ),
    Entry(
        name="candle_resample",
        words="Derive the longer timeframes of BREAKWATER_CANDLES_RESAMPLE.",
        when=Every(span=timedelta(hours=1)),
        plan=one_job("candle_resample", "Derive longer candles"),
        is_shared=True,
    ),
    Entry(
        name="candle_verify",
        words="Verify stored candles: order, holes, checksums.",
        when=At(time=time(3, 40)),
        plan=one_job("candle_verify", "Verify stored candles"),
        is_shared=True,
    ),
    Entry(
        name="candle_retention",
        words="Forget bars that are older than BREAKWATER_CANDLES_KEEP.",
        when=Every(span=timedelta(days=1)),
        plan=one_job("candle_retention", "Forget old candles"),
        is_shared=True,
    ),
    Entry(
        name="model_retrain",
        words="Train the next version of each model that speaks, where its walk-forward would have.",
        when=At(time=time(2, 20)),
        plan=plan_retraining,
    ),
    Entry(
        name="model_drift",
        words="Look whether the market moved away from what each model that speaks has learned.",
        when=At(time=time(4, 30)),
        plan=plan_drift,
    ),
    Entry(
        name="report_day",
        words="Report each account's and bot's day: trades, risk events, drift from the backtest.",
        when=At(time=time(0, 20)),
        plan=plan_reports(Period.DAY),
        is_local=True,
    ),
    Entry(
        name="report_week",
        words="Report each account's and bot's week.",
        when=At(time=time(0, 30), weekday=0),
        plan=plan_reports(Period.WEEK),
        is_local=True,
    ),
    Entry(
        name="report_month",
        words="Report each account's and bot's month.",
        when=At(time=time(0, 40), day=1),
        plan=plan_reports(Period.MONTH),
        is_local=True,
    ),
    Entry(
        name="job_retention",
        words="Forget ended jobs and their files after BREAKWATER_JOBS_KEEP_DAYS.",
        when=Every(span=timedelta(days=1)),
        plan=one_job("job_retention", "Forget old jobs"),
        is_shared=True,
    ),
    Entry(
        name="model_retention",
        words="Remove files of models that no version names, 30 days after they were written.",
        when=At(time=time(3, 50), weekday=6),
        plan=one_job("model_retention", "Remove files of models that nobody names"),
        is_shared=True,
    ),
    Entry(
        name="record_retention",
        words="Forget facts after BREAKWATER_JOURNAL_KEEP_DAYS, and what was received or answered after "
        "BREAKWATER_MESSAGES_KEEP_DAYS.",
        when=Every(span=timedelta(days=1)),
        plan=one_job("record_retention", "Forget old records"),
        is_shared=True,
    ),
)


class Timetable:
    """The entries as this house's settings have them.

    Args:
        changes: "NAME=WHEN" or "NAME=off" for each entry that differs.

    Raises:
        BadSetting: an unknown entry, or a time that cannot be read.
    """

    def __init__(self, changes: Iterable[str] = (), entries: Sequence[Entry] = ENTRIES) -> None:
        known = {one.name: one for one in entries}
        assert len(known) == len(entries), "an entry is there twice"
        for change in changes:
            name, equals, text = change.partition("=")
            name = name.strip()
            if name not in known or not equals:
                raise BadSetting(
                    f"'{change}' was given for the schedule; NAME={ALLOWED} is allowed, with the names {', '.join(known)}.",
                    hint=nearest(name, known) or None,
                )
            known[name] = replace(known[name], when=read_when(name, text))
        self.entries: Mapping[str, Entry] = known

    def __iter__(self) -> Any:
        return iter(self.entries.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """An entry as a workspace sees it.

    Attributes:
        when: the rule with its zone, e.g. "07:30 Europe/Berlin"; "off".
        last: None where it was never due.
    """

    entry: Entry
    when: str
    last: Firing | None
    next_at: datetime | None


async def schedule_of(tx: Unit, workspace_id: str, timetable: Timetable, now: datetime) -> tuple[Line, ...]:
    """Give the timetable of a workspace with what became of each entry, in its order."""
    latest = await tx.firings.latest_of(workspace_id)
    zone = await zone_of(tx, workspace_id)
    return tuple(
        Line(
            entry=entry,
            when=_told(entry, zone),
            last=latest.get(entry.name),
            next_at=entry.next(now, zone),
        )
        for entry in timetable.entries.values()
    )


def _told(entry: Entry, zone: ZoneInfo) -> str:
    if entry.when is None:
        return "off"
    if isinstance(entry.when, Every):
        return f"every {entry.when.text}"
    return f"{entry.when.text} {zone if entry.is_local else UTC_ZONE}"
