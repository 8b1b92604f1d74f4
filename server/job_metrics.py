"""Metrics of background jobs, read from the queue of record: the same figures wherever the workers are.

Workers have no web door. So whichever process is asked counts what has ended since it was asked last, from the rows;
before the first time it counts nothing, and a restart begins at nought, as Prometheus expects of counters.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from desk.ports import Unit
from desk.views import JobEnd, JobState

_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0)

#: Ended jobs that one look counts; a busier house is caught up with at the next.
_MOST = 10_000

#: A transaction that wrote an end takes at most so long to be seen.
_LATE = timedelta(seconds=30)


class JobMetrics:
    """The queue and what became of its jobs."""

    def __init__(self, at: CollectorRegistry) -> None:
        self.open = Gauge("breakwater_jobs", "Jobs that are not ended.", ["kind", "state"], registry=at)
        self.age = Gauge(
            "breakwater_jobs_oldest_due_seconds",
            "How long the first due job has waited.",
            ["kind"],
            registry=at,
        )
        self.duration = Histogram(
            "breakwater_job_duration_seconds", "From the first try to the end.", ["kind"], buckets=_SECONDS, registry=at
        )  # fmt: skip
        self.wait = Histogram(
            "breakwater_job_wait_seconds", "From the asking to the first try.", ["kind"], buckets=_SECONDS, registry=at
        )  # fmt: skip
        self.ended = Counter(
            "breakwater_jobs_ended", "Jobs by how they ended.", ["kind", "state"], registry=at
        )
        self.retries = Counter(
            "breakwater_job_retries", "Tries after the first, of jobs that ended.", ["kind"], registry=at
        )
        self._since: datetime | None = None
        self._begin = datetime.min.replace(tzinfo=UTC)
        #: Ends that were counted lately: of two transactions the later end may be written first.
        self._counted: dict[str, datetime] = {}

    async def look(self, tx: Unit, now: datetime) -> None:
        """Read the queue, and count what ended since the last look."""
        self.open.clear()
        self.age.clear()
        oldest: dict[str, float] = defaultdict(float)
        for one in await tx.jobs.open_by_kind():
            self.open.labels(one.kind, one.state).set(one.count)
            if one.state is JobState.QUEUED:
                oldest[one.kind] = max(oldest[one.kind], (now - one.oldest_due_at).total_seconds())
        for kind, seconds in oldest.items():
            self.age.labels(kind).set(seconds)
        if self._since is None:
            self._since = self._begin = now
            return
        since = self._since - _LATE
        for end in await tx.jobs.ended_after(since, "", most=_MOST):
            if end.id not in self._counted and end.finished_at >= self._begin:
                self._count(end)
        self._since = max([self._since, *self._counted.values()])
        self._counted = {name: at for name, at in self._counted.items() if at > self._since - 2 * _LATE}

    def _count(self, end: JobEnd) -> None:
        self._counted[end.id] = end.finished_at
        self.ended.labels(end.kind, end.state).inc()
        self.retries.labels(end.kind).inc(max(0, end.tries - 1))
        if end.started_at is not None:
            self.duration.labels(end.kind).observe((end.finished_at - end.started_at).total_seconds())
            self.wait.labels(end.kind).observe((end.started_at - end.created_at).total_seconds())
