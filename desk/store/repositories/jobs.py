"""Background jobs: claimed by one holder at a time, every later write conditional on that claim."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from desk.store.codec import moment
from desk.store.connection import Connection, Dialect
from desk.store.cursors import filtered, newest
from desk.store.models import JobFileRow, JobRow
from desk.store.table import Table, Where, insert_new, update
from desk.views import Filter, Job, JobEnd, JobFile, JobsOpen, JobState, Page
from trading.errors import Conflict, NotFound

JOBS = Table(JobRow, Job)
FILES = Table(JobFileRow, JobFile)


class SqlJobs:
    """Background jobs."""

    def __init__(self, tx: Connection) -> None:
        self._tx = tx

    async def add(self, job: Job) -> bool:
        """Queue a job; False when its dedupe key was used before."""
        return await JOBS.insert_new(self._tx, job, holder="", lease_until=None)

    async def by_id(self, workspace_id: str, job_id: str) -> Job | None:
        """Give a job."""
        return await JOBS.one(self._tx, Where(workspace_id=workspace_id, id=job_id))

    async def by_key(self, workspace_id: str, dedupe_key: str) -> Job | None:
        """Give the job of a dedupe key."""
        return await JOBS.one(self._tx, Where(workspace_id=workspace_id, dedupe_key=dedupe_key))

    async def page(self, workspace_id: str, wanted: Filter, page: Page) -> Sequence[Job]:
        """Give jobs, newest first; `extra` may name state, kind, asked_by and group_id."""
        extra = ("state", "kind", "asked_by", "group_id")
        where = filtered(JOBS, workspace_id, wanted, moment="created_at", extra=extra)
        if "group_id" not in wanted.extra:
            # The parts of a sweep are its own business.
            where.add("group_id = ''")
        if wanted.is_open is not None:
            states = [one for one in JobState if one.is_open == wanted.is_open]
            where.one_of("state", states)
        return await newest(self._tx, JOBS, where, page, moment="created_at")

    async def group(self, workspace_id: str, group_id: str) -> Sequence[Job]:
        """Give the parts of a job, in the order in which they were made."""
        return await JOBS.find(
            self._tx, Where(workspace_id=workspace_id, group_id=group_id), order="dedupe_key"
        )

    async def claim(self, job_id: str, holder: str, now: datetime, lease_s: float) -> Job | None:
        """Take a due job, or one whose holder has not been heard of; None when there is nothing to do."""
        return await self._take("id = ?", (job_id,), holder, now, lease_s)

    async def claim_next(
        self,
        holder: str,
        now: datetime,
        lease_s: float,
        *,
        only: Collection[str] = (),
        but: Collection[str] = (),
    ) -> Job | None:
        """Take the job that has been due for longest, of or but of some kinds; None when there is none."""
        skips = " FOR UPDATE SKIP LOCKED" if self._tx.dialect is Dialect.POSTGRES else ""
        due, values = _due(now, only, but)
        chosen = f"id = (SELECT id FROM jobs WHERE {due} ORDER BY due_at, id LIMIT 1{skips})"  # noqa: S608
        return await self._take(chosen, values, holder, now, lease_s)

    async def kind_of(self, job_id: str) -> str:
        """Give a job's kind; empty where there is no such job."""
        row = await self._tx.row("SELECT kind FROM jobs WHERE id = ?", job_id)
        return "" if row is None else str(row[0])

    async def _take(
        self, chosen: str, values: Sequence[Any], holder: str, now: datetime, lease_s: float
    ) -> Job | None:
        row = await self._tx.row(
            "UPDATE jobs SET state = ?, holder = ?, epoch = epoch + 1, tries = tries + 1, lease_until = ?, "  # noqa: S608
            f"started_at = COALESCE(started_at, ?) WHERE {chosen} AND {_DUE} RETURNING {JOBS.listed}",
            JobState.RUNNING,
            holder,
            now + timedelta(seconds=lease_s),
            now,
            *values,
            *_due_values(now),
        )
        return None if row is None else JOBS.value(row, self._tx.dialect)

    async def keep(
        self, job: Job, now: datetime, lease_s: float, progress: Mapping[str, Any]
    ) -> datetime | None:
        """Renew a claim and show progress; give when a cancel was asked for.

        Raises:
            Conflict: the claim went to somebody else.
        """
        lease = now + timedelta(seconds=lease_s)
        row = await self._tx.row(
            "UPDATE jobs SET lease_until = ?, progress = ? WHERE id = ? AND state = ? AND epoch = ? "
            "RETURNING cancel_at",
            lease,
            JOBS.stored("progress", dict(progress)),
            job.id,
            JobState.RUNNING,
            job.epoch,
        )
        if row is None:
            raise _lost(job)
        found = row[0]
        return found if found is None or isinstance(found, datetime) else datetime.fromisoformat(found)

    async def finish(
        self,
        job: Job,
        state: JobState,
        *,
        at: datetime,
        result: Mapping[str, Any] | None = None,
        error: str = "",
    ) -> bool:
        """End a job for good; False when its claim went to somebody else, and nothing of this try may stay."""
        changes: dict[str, Any] = {
            "state": state,
            "finished_at": at,
            "error": error,
            "holder": "",
            "lease_until": None,
        }
        if result is not None:
            changes |= {"result": dict(result), "progress": {}}
        return await self._mine(job, changes)

    async def put_back(self, job: Job, *, due_at: datetime, error: str = "", counts: bool = True) -> bool:
        """Queue a claimed job again; `counts` False takes its try back."""
        changes = {
            "state": JobState.QUEUED,
            "due_at": due_at,
            "error": error,
            "holder": "",
            "lease_until": None,
            "tries": job.tries if counts else job.tries - 1,
        }
        return await self._mine(job, changes)

    async def wait_for_parts(self, job: Job, progress: Mapping[str, Any]) -> bool:
        """Let a claimed job wait until its parts are done."""
        changes = {
            "state": JobState.WAITING,
            "holder": "",
            "lease_until": None,
            "progress": dict(progress),
            "tries": job.tries - 1,
        }
        return await self._mine(job, changes)

    async def part_ended(self, workspace_id: str, group_id: str, now: datetime) -> int:
        """Count a group's ended parts into its head, and queue the head when none is left; give how many are left;
        -1 where the head no longer waits.

        The head's row is locked first, so of two parts that end at once the later one sees the earlier.
        """
        head = Where(workspace_id=workspace_id, id=group_id, state=JobState.WAITING)
        if not await update(self._tx, "jobs", {"holder": ""}, head):
            return -1
        row = await self._tx.row(
            "SELECT COUNT(*), COUNT(finished_at) FROM jobs WHERE workspace_id = ? AND group_id = ?",
            workspace_id,
            group_id,
        )
        assert row is not None, "a count always gives a row"
        total, ended = int(row[0]), int(row[1])
        changes: dict[str, Any] = {"progress": {"parts": [ended, total]}}
        if ended == total:
            changes |= {"state": JobState.QUEUED, "due_at": now}
        await update(self._tx, "jobs", changes, head, ("progress",))
        return total - ended

    async def ask_cancel(self, workspace_id: str, job_id: str, now: datetime) -> Job:
        """Ask for a job's end: a waiting one ends at once with its parts, a running one when its holder hears of it.

        Raises:
            NotFound: no such job in this workspace.
            Conflict: it has ended.
        """
        own = Where(workspace_id=workspace_id, id=job_id).add("finished_at IS NULL")
        if not await update(self._tx, "jobs", {"cancel_at": now}, own):
            raise await self._not_open(workspace_id, job_id)
        for mine in ("id", "group_id"):
            still = Where(workspace_id=workspace_id, **{mine: job_id}).one_of(
                "state", (JobState.QUEUED, JobState.WAITING)
            )
            await update(
                self._tx, "jobs", {"state": JobState.CANCELED, "finished_at": now, "cancel_at": now}, still
            )
        parts = Where(workspace_id=workspace_id, group_id=job_id).add("finished_at IS NULL")
        await update(self._tx, "jobs", {"cancel_at": now}, parts)
        found = await self.by_id(workspace_id, job_id)
        assert found is not None, "the row was just changed"
        return found

    async def retry(self, workspace_id: str, job_id: str, now: datetime) -> Job:
        """Queue a failed or canceled job anew.

        Raises:
            NotFound: no such job in this workspace.
            Conflict: it did not fail.
        """
        ended = Where(workspace_id=workspace_id, id=job_id).one_of(
            "state", (JobState.FAILED, JobState.CANCELED)
        )
        changes = {
            "state": JobState.QUEUED,
            "due_at": now,
            "tries": 0,
            "error": "",
            "finished_at": None,
            "cancel_at": None,
            "progress": {},
        }
        if not await update(self._tx, "jobs", changes, ended, ("progress",)):
            found = await self.by_id(workspace_id, job_id)
            if found is None:
                raise _unknown(job_id)
            raise Conflict(f"This job is {found.state}; only one that failed or was canceled is tried again.")
        again = Where(workspace_id=workspace_id, group_id=job_id).one_of(
            "state", (JobState.FAILED, JobState.CANCELED)
        )
        await update(self._tx, "jobs", changes, again, ("progress",))
        found = await self.by_id(workspace_id, job_id)
        assert found is not None, "the row was just changed"
        return found

    async def is_anything_due(
        self, now: datetime, *, only: Collection[str] = (), but: Collection[str] = ()
    ) -> bool:
        """Tell whether `claim_next` would give anything; needs no write lock."""
        due, values = _due(now, only, but)
        return await self._tx.row(f"SELECT 1 FROM jobs WHERE {due} LIMIT 1", *values) is not None  # noqa: S608

    async def counts(self) -> Mapping[str, int]:
        """Give how many jobs are in each state that is not ended."""
        rows = await self._tx.rows(
            "SELECT state, COUNT(*) FROM jobs WHERE finished_at IS NULL GROUP BY state"
        )
        return {str(state): int(count) for state, count in rows}

    async def open_by_kind(self) -> Sequence[JobsOpen]:
        """Give how many jobs of each kind are in each state that is not ended, and when the first was due."""
        rows = await self._tx.rows(
            "SELECT kind, state, COUNT(*), MIN(due_at) FROM jobs WHERE finished_at IS NULL GROUP BY kind, state"
        )
        return [
            JobsOpen(
                kind=str(row[0]), state=JobState(row[1]), count=int(row[2]), oldest_due_at=moment(row[3])
            )
            for row in rows
        ]

    async def ended_after(self, at: datetime, job_id: str, *, most: int) -> Sequence[JobEnd]:
        """Give jobs that ended after a position, oldest first."""
        rows = await self._tx.rows(
            "SELECT id, kind, state, tries, created_at, started_at, finished_at FROM jobs "
            "WHERE (finished_at, id) > (?, ?) ORDER BY finished_at, id LIMIT ?",
            at,
            job_id,
            most,
        )
        return [
            JobEnd(
                id=str(row[0]),
                kind=str(row[1]),
                state=JobState(row[2]),
                tries=int(row[3]),
                created_at=moment(row[4]),
                started_at=None if row[5] is None else moment(row[5]),
                finished_at=moment(row[6]),
            )
            for row in rows
        ]

    async def forget(self, before: datetime, *, most: int) -> int:
        """Remove jobs that ended before a time with their parts and files, at most so many; give how many."""
        rows = await self._tx.rows(
            "SELECT id FROM jobs WHERE group_id = '' AND finished_at < ? ORDER BY finished_at LIMIT ?",
            before,
            most,
        )
        heads = [str(row[0]) for row in rows]
        if not heads:
            return 0
        marks = ", ".join("?" * len(heads))
        parts = f"id IN ({marks}) OR group_id IN ({marks})"
        await self._tx.change(
            f"DELETE FROM job_files WHERE job_id IN (SELECT id FROM jobs WHERE {parts})",  # noqa: S608
            *heads,
            *heads,
        )
        await self._tx.change(f"DELETE FROM jobs WHERE {parts}", *heads, *heads)  # noqa: S608
        return len(heads)

    async def add_file(
        self, workspace_id: str, job_id: str, *, name: str, media_type: str, data: bytes, at: datetime
    ) -> None:
        """Keep a file of a job; one of the same name stays as it is."""
        row = {
            "workspace_id": workspace_id,
            "job_id": job_id,
            "name": name,
            "media_type": media_type,
            "size": len(data),
            "data": data,
            "created_at": at,
        }
        await insert_new(self._tx, "job_files", row)

    async def files(self, workspace_id: str, job_ids: Sequence[str]) -> Sequence[JobFile]:
        """Give what files jobs left, without their contents."""
        where = Where(workspace_id=workspace_id).one_of("job_id", list(job_ids))
        return await FILES.find(self._tx, where, order="name")

    async def file(self, workspace_id: str, job_id: str, name: str) -> bytes | None:
        """Give a file's contents."""
        row = await self._tx.row(
            "SELECT data FROM job_files WHERE workspace_id = ? AND job_id = ? AND name = ?",
            workspace_id,
            job_id,
            name,
        )
        return None if row is None else bytes(row[0])

    async def _mine(self, job: Job, changes: Mapping[str, Any]) -> bool:
        where = Where(id=job.id, state=JobState.RUNNING, epoch=job.epoch)
        return await update(self._tx, "jobs", changes, where, ("result", "progress")) == 1

    async def _not_open(self, workspace_id: str, job_id: str) -> Exception:
        found = await self.by_id(workspace_id, job_id)
        if found is None:
            return _unknown(job_id)
        return Conflict(f"This job is {found.state} already; there is nothing to cancel.")


#: A queued job whose time has come, or a running one whose holder has not been heard of.
_DUE = "((state = ? AND due_at <= ?) OR (state = ? AND lease_until < ?))"


def _due_values(now: datetime) -> tuple[Any, ...]:
    return (JobState.QUEUED, now, JobState.RUNNING, now)


def _due(now: datetime, only: Collection[str], but: Collection[str]) -> tuple[str, tuple[Any, ...]]:
    """Give the condition of a due job of some kinds, and its values."""
    condition, values = _DUE, _due_values(now)
    for word, names in (("IN", only), ("NOT IN", but)):
        if names:
            condition += f" AND kind {word} ({', '.join('?' * len(names))})"
            values += tuple(names)
    return condition, values


def _unknown(job_id: str) -> NotFound:
    return NotFound(f"No job '{job_id}' is in this workspace.", hint="List the jobs.")


def _lost(job: Job) -> Conflict:
    return Conflict(f"Job {job.id} went to another worker; what this one did is thrown away.")
