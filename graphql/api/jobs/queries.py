"""Reading jobs."""

from __future__ import annotations

import strawberry

from api.context import Info
from api.ids import Cursor, own_id
from api.jobs.schedule import ScheduleQueries
from api.jobs.types import Job, job
from api.pagination import DEFAULT_FIRST, Connection, connect, wanted_page
from api.permissions import reads
from desk.cursors import cursor_of
from desk.views import Filter, JobState
from trading.errors import NotFound


@strawberry.input(description="Which jobs; what is left out does not filter.")
class JobFilter:
    """For jobs."""

    state: JobState | None = None
    kind: str | None = None
    is_open: bool | None = strawberry.field(
        default=None, description="Whether something may still come of it."
    )


@strawberry.type
class JobQueries(ScheduleQueries):
    """Root fields about jobs."""

    @reads()
    async def jobs(
        self,
        info: Info,
        first: int = DEFAULT_FIRST,
        after: Cursor | None = None,
        filter: JobFilter | None = None,
    ) -> Connection[Job]:
        """Jobs in the background, newest first."""
        page = wanted_page(first, after)
        rows = await info.context.glance.jobs.page(info.context.workspace_id, _wanted(filter), page)
        return connect(rows, first=first, after=after, node=job, position=cursor_of)

    @reads()
    async def job(self, info: Info, id: strawberry.ID) -> Job | None:
        """A job by id; null where there is none."""
        try:
            own = own_id("Job", id)
        except NotFound:
            return None
        found = await info.context.glance.jobs.by_id(info.context.workspace_id, own)
        return job(found) if found else None


def _wanted(given: JobFilter | None) -> Filter:
    if given is None:
        return Filter()
    extra = {"state": given.state, "kind": given.kind}
    return Filter(is_open=given.is_open, extra={name: value for name, value in extra.items() if value})
