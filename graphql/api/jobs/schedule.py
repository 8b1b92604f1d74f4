"""What is done by the clock."""

from __future__ import annotations

from datetime import datetime

import strawberry

from api.context import Info
from api.permissions import reads
from desk.jobs.timetable import Line, Missed, schedule_of

strawberry.enum(Missed, description="What becomes of times at which no process was there.")


@strawberry.type(description="Something that is done by the clock.")
class ScheduleEntry:
    """An entry of the timetable."""

    name: str
    description: str
    when: str = strawberry.field(
        description='As in "every 15m" or "mon 07:30 Europe/Berlin"; "off" where the settings switch it off.'
    )
    missed: Missed
    last_at: datetime | None = strawberry.field(description="When it was due last.")
    last_outcome: str | None = strawberry.field(
        description="What became of that: fired, skipped or failed; null before the first time."
    )
    last_detail: str
    next_at: datetime | None


def entry(line: Line) -> ScheduleEntry:
    """Give an entry."""
    return ScheduleEntry(
        name=line.entry.name,
        description=line.entry.words,
        when=line.when,
        missed=line.entry.missed,
        last_at=line.last.slot_at if line.last else None,
        last_outcome=line.last.outcome if line.last else None,
        last_detail=line.last.detail if line.last else "",
        next_at=line.next_at,
    )


@strawberry.type
class ScheduleQueries:
    """Root fields about the clock."""

    @reads()
    async def schedule(self, info: Info) -> list[ScheduleEntry]:
        """What is done by the clock; what the whole house shares shows its last time in the oldest workspace."""
        house = info.context.house
        async with house.store.reading() as unit:
            lines = await schedule_of(unit, info.context.workspace_id, house.timetable, house.clock.now())
        return [entry(one) for one in lines]
