"""The clock of the house: looks at the timetable and fires what is due, once across all processes.

A firing is a row whose unique key decides whose it is; its jobs are queued in the same transaction, so a process that
dies in between leaves neither. There is no leader: a process that comes late finds the row and has lost one read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import structlog

from desk.bus import EventBus
from desk.clock import Clock
from desk.jobs.bell import Bell
from desk.jobs.firings import FAILED, FIRED, SKIPPED, Firing
from desk.jobs.queueing import changed, queue
from desk.jobs.slots import Slot
from desk.jobs.timetable import Entry, Timetable
from desk.jobs.zones import zone_of
from desk.ports import Store, Unit
from desk.views import Job, Workspace
from trading.errors import RequestProblem, StoreProblem
from trading.events import Event, Recorded

log = structlog.get_logger(__name__)

#: How often the clock is looked at.
LOOK_S = 5.0

#: How long a workspace's time zone is taken for known.
ZONES_S = 300.0

#: Firings are forgotten after this time; missed slots go back no further than the last one.
KEPT = timedelta(days=100)


class Schedule:
    """Fires the timetable of a house."""

    def __init__(self, store: Store, bus: EventBus, clock: Clock, bell: Bell, timetable: Timetable) -> None:
        self._store, self._bus, self._clock, self._bell = store, bus, clock, bell
        self._timetable = timetable
        self._zones: dict[str, ZoneInfo] = {}
        self._zones_until: datetime | None = None
        #: Slots that another process took, or that an earlier time of the same entry took.
        self._gone: set[tuple[str, str, str]] = set()

    async def run(self) -> None:
        """Look at the clock for ever; a database that is away is asked again."""
        while True:
            try:
                await self.look()
            except StoreProblem as problem:
                log.warning("schedule_failed", problem=str(problem))
            await self._clock.sleep(LOOK_S)

    async def look(self) -> int:
        """Fire what is due now; give how many slots this process took."""
        async with self._store.reading() as tx:
            workspaces = sorted(await tx.workspaces.all(), key=lambda one: (one.created_at, one.id))
            latest = await tx.firings.latest()
            zones = await self._zones_of(tx, workspaces)
        taken = 0
        for number, workspace in enumerate(workspaces):
            for entry in self._timetable:
                if entry.is_shared and number > 0:
                    continue
                last = latest.get((workspace.id, entry.name))
                taken += await self._fire_due(workspace, entry, last, zones[workspace.id])
        return taken

    async def _zones_of(self, tx: Unit, workspaces: list[Workspace]) -> Mapping[str, ZoneInfo]:
        now = self._clock.now()
        if self._zones_until is None or now >= self._zones_until:
            self._zones.clear()
            self._zones_until = now + timedelta(seconds=ZONES_S)
        for one in workspaces:
            if one.id not in self._zones:
                self._zones[one.id] = await zone_of(tx, one.id)
        return self._zones

    async def _fire_due(self, workspace: Workspace, entry: Entry, last: Firing | None, zone: ZoneInfo) -> int:
        since = None if last is None else last.slot_at
        fired, skipped = entry.due(since, workspace.created_at, self._clock.now(), zone)
        wanted = [(FIRED, slot) for slot in fired] + [(SKIPPED, slot) for slot in skipped]
        return sum([await self._fire(workspace.id, entry, slot, outcome) for outcome, slot in wanted])

    async def _fire(self, workspace_id: str, entry: Entry, slot: Slot, outcome: str) -> bool:
        """Take a slot and queue its jobs; False when it was taken before."""
        key = (workspace_id, entry.name, slot.label)
        if key in self._gone:
            return False
        now = self._clock.now()
        firing = Firing(
            workspace_id=workspace_id,
            entry=entry.name,
            slot=slot.label,
            slot_at=slot.at,
            fired_at=now,
            outcome=outcome,
        )
        try:
            jobs, recorded = await self._claimed(entry, firing)
        except RequestProblem as problem:
            # What cannot be planned now cannot be planned in five seconds either.
            jobs, recorded = await self._failed(firing, str(problem))
        if jobs is None:
            self._gone.add(key)
            return False
        self._bus.publish(recorded)
        for one in jobs:
            self._bell.ring(one.id)
        log.info("schedule_fired", entry=entry.name, slot=slot.label, outcome=outcome, jobs=len(jobs))
        return True

    async def _claimed(self, entry: Entry, firing: Firing) -> tuple[list[Job] | None, tuple[Recorded, ...]]:
        async with self._store.transaction() as tx:
            if not await tx.firings.claim(firing):
                return None, ()
            planned = [] if firing.outcome == SKIPPED else await entry.plan(tx, firing)
            await tx.firings.prune(firing.workspace_id, firing.entry, firing.fired_at - KEPT)
            queued = [await queue(tx, one) for one in planned]
            new = [job for job, is_new in queued if is_new]
            facts: list[Event] = [changed(one, firing.fired_at) for one in new]
            recorded = await tx.journal.append(firing.workspace_id, facts, firing.fired_at) if facts else ()
        return new, recorded

    async def _failed(self, firing: Firing, detail: str) -> tuple[list[Job] | None, tuple[Recorded, ...]]:
        log.warning("schedule_not_planned", entry=firing.entry, slot=firing.slot, problem=detail)
        async with self._store.transaction() as tx:
            is_ours = await tx.firings.claim(replace(firing, outcome=FAILED, detail=detail))
        return [] if is_ours else None, ()
