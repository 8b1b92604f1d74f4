"""Jobs, how far they are and what came of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import strawberry

from api.context import Info
from api.ids import global_id
from api.node import NamedValue, Node, computed, named_values, shaped
from desk import views
from desk.download_links import DownloadLink

strawberry.enum(views.JobState, description="Where a job stands.")


@strawberry.type(description="One of a job's bars: so much of so much.")
class JobProgress:
    """A bar."""

    name: str
    done: float
    total: float


@strawberry.type(description="A figure of a run; null with the reason why it is undefined.")
class JobFigure:
    """A figure."""

    name: str
    value: float | None
    reason: str


@strawberry.type(description="A file that a job left.")
class JobFile:
    """A file."""

    name: str
    media_type: str
    size: int
    url: str = strawberry.field(description="Path of the file; fetch it with the same token.")
    created_at: datetime
    job_id: strawberry.Private[str]

    @computed
    def link(self, info: Info) -> str:
        """Path that opens without a token for 15 minutes, as long as you are a member."""
        actor = info.context.actor
        return "/files/" + info.context.house.desk.downloads.make(
            DownloadLink(
                workspace_id=actor.workspace_id, user_id=actor.user_id, job_id=self.job_id, name=self.name
            )
        )


@strawberry.type(description="Work in the background.")
class Job(Node):
    """A job."""

    id: strawberry.ID
    kind: str
    title: str
    state: views.JobState
    ratio: float = strawberry.field(description="How far it is, 0 to 1.")
    progress: list[JobProgress]
    figures: list[JobFigure] = strawberry.field(description="The run's metrics, once it is done.")
    best: list[NamedValue] = strawberry.field(description="Parameters that a search picked.")
    is_clean: bool | None = strawberry.field(description="Verdict of bias checks; null for other kinds.")
    notes: list[str]
    error: str
    tries: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    cancel_at: datetime | None
    own_id: strawberry.Private[str]

    @computed
    async def files(self, info: Info) -> list[JobFile]:
        """Files that it left."""
        found = await info.context.load.job_files.load(self.own_id)
        return [shaped(JobFile, one, url=f"/jobs/{one.job_id}/files/{one.name}") for one in found]


def job(view: views.Job) -> Job:
    """Give a job."""
    result = view.result
    best = result.get("best") or {}
    return shaped(
        Job,
        view,
        id=global_id("Job", view.id),
        progress=[JobProgress(name=name, done=bar[0], total=bar[1]) for name, bar in view.progress.items()],
        figures=_figures(result),
        best=named_values(best.get("params") or {}),
        is_clean=result.get("clean"),
        notes=[str(one) for one in result.get("notes") or ()],
        own_id=view.id,
    )


def _figures(result: Any) -> list[JobFigure]:
    reasons = result.get("reasons") or {}
    values = result.get("metrics") or (result.get("best") or {}).get("figures") or {}
    return [
        JobFigure(name=name, value=None if value is None else float(value), reason=reasons.get(name) or "")
        for name, value in values.items()
        if value is None or isinstance(value, int | float)
    ]
