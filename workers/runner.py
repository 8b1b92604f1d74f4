"""Doing jobs: claim one, work on it in a process of its own or as a duty, and write what came of it if the claim holds.

A message may come twice, a worker may die, a claim may be lost: the row decides. Whoever claims a job writes under
the claim's epoch; what a lost claim found is thrown away, so each job has its effect once.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import orjson
import structlog

from desk.alerting.raising import raise_alerts
from desk.bus import EventBus
from desk.clock import Clock
from desk.ending import ended
from desk.identity import new_id
from desk.jobs.bell import Bell
from desk.jobs.queueing import changed, new_job
from desk.ports import Store
from desk.views import DeadLetter, Job, JobState
from trading.errors import BreakwaterError, Conflict, RequestProblem
from trading.events import Event, Recorded
from workers.hand import Result
from workers.hands import HandDied, Hands, JobFailed
from workers.kinds import Bench, Kind, Task
from workers.lanes import Lane, lanes_for, moves_on
from workers.middleware import WAITS_S

log = structlog.get_logger(__name__)

#: A holder that has not been heard of for so long is dead; its job goes to another.
LEASE_S = 10.0

#: How often a holder renews its claim, shows progress and asks whether to go on.
KEEP_S = 1.0

#: Progress that is worth a fact in the journal.
TOLD_STEP = 0.05


class _Canceled(Exception):
    """Somebody asked for the job's end."""


class _Stopping(Exception):
    """This process is stopping; the job goes back."""


class JobRunner:
    """Does jobs, as many at once as the lanes have places; a free place takes whatever is due next.

    Args:
        holder: names this process in the claims.
        spawn: keeps what goes on beside, and waits for it in the end.
        waits_s: before each try after the first.
    """

    def __init__(
        self,
        store: Store,
        bus: EventBus,
        clock: Clock,
        bell: Bell,
        *,
        hands: Hands,
        kinds: Mapping[str, Kind],
        bench: Bench | None,
        holder: str,
        spawn: Callable[[Coroutine[Any, Any, None]], object],
        waits_s: Sequence[float] = WAITS_S,
    ) -> None:
        self._store, self._bus, self._clock, self._bell = store, bus, clock, bell
        self._hands, self._kinds, self._bench, self._holder = hands, kinds, bench, holder
        self._stopping = asyncio.Event()
        self._spawn, self._waits_s = spawn, waits_s
        self._lanes = lanes_for(kinds.values(), hands.count)

    def stop(self) -> None:
        """Give running jobs back, so that another process takes them at once."""
        self._stopping.set()

    async def run(self, job_id: str) -> None:
        """Do a job if it is there to be done, then whatever else is due; nothing while every place is taken.

        Places that are taken take the next job themselves, so nothing is lost by not waiting here.
        """
        async with self._store.reading() as tx:
            kind = await tx.jobs.kind_of(job_id)
        if kind:
            await self._run(next(one for one in self._lanes if one.takes(kind)), job_id)

    async def run_due(self) -> None:
        """Do whatever is due, where a place is free."""
        await asyncio.gather(*(self._run(one) for one in self._lanes))

    async def _run(self, lane: Lane, job_id: str = "") -> None:
        while await self._next(lane, job_id):
            job_id = ""

    async def _next(self, lane: Lane, job_id: str = "") -> bool:
        """Do a job in a place of its lane; tell whether there may be another."""
        if lane.places.locked() or self._stopping.is_set():
            return False
        await lane.places.acquire()
        try:
            if not job_id and not await self._is_anything_due(lane):
                return False
            job = await self._claim(lane, job_id)
            if job is not None:
                await self._do_here_or_onward(lane, job)
        finally:
            lane.places.release()
        return True

    async def _do_here_or_onward(self, lane: Lane, job: Job) -> None:
        """Do a job, or see it off to a place for long ones: then it goes on there, and this place is free."""
        doing = asyncio.create_task(self._do(job), name=f"job {job.id}")
        has_moved = False
        try:
            has_moved = await moves_on(lane, job, doing)
        finally:
            if not has_moved:
                await ended(doing)
        if has_moved and lane.onward is not None:
            self._hands.keep_spare()
            self._spawn(self._do_onward(doing, lane.onward))

    async def _do_onward(self, doing: asyncio.Task[None], places: asyncio.Semaphore) -> None:
        """Wait for a long job, then give its place to the next that waits for one."""
        try:
            await doing
        finally:
            places.release()
        await self.run_due()

    async def _is_anything_due(self, lane: Lane) -> bool:
        async with self._store.reading() as tx:
            return await tx.jobs.is_anything_due(self._clock.now(), only=lane.only, but=lane.but)

    async def _do(self, job: Job) -> None:
        try:
            result = await self._result(job)
        except _Canceled:
            await self._end(job, JobState.CANCELED)
        except _Stopping:
            await self._back(job, timedelta(0), "", counts=False)
        except Conflict as lost:
            log.warning("job_lost", job=job.id, kind=job.kind, problem=str(lost))
        except RequestProblem as problem:
            await self._end(job, JobState.FAILED, error=str(problem))
        except (HandDied, JobFailed, TimeoutError) as problem:
            await self._try_again(job, str(problem) or "It took longer than it may.")
        except BreakwaterError as problem:
            # The store is away: the claim runs out by itself, and somebody takes the job anew.
            log.warning("job_interrupted", job=job.id, kind=job.kind, problem=str(problem))
        except Exception as problem:
            log.exception("job_broke", job=job.id, kind=job.kind)
            await self._try_again(job, f"{type(problem).__name__}: {problem}")
        else:
            if result is not None:
                await self._end(job, JobState.DONE, result=result)

    async def _result(self, job: Job) -> Result | None:
        """Give what a job finds; None when it now waits for its parts."""
        kind = self._kinds.get(job.kind)
        if kind is None:
            raise RequestProblem(f"Kind '{job.kind}' is unknown to this version.")
        if job.cancel_at is not None:
            raise _Canceled
        return None if await self._is_cut(job, kind) else await self._work(job, kind)

    async def _claim(self, lane: Lane, job_id: str = "") -> Job | None:
        async with self._store.transaction() as tx:
            now = self._clock.now()
            job = (
                await tx.jobs.claim(job_id, self._holder, now, LEASE_S)
                if job_id
                else await tx.jobs.claim_next(self._holder, now, LEASE_S, only=lane.only, but=lane.but)
            )
            if job is None:
                return None
            recorded: tuple[Recorded, ...] = ()
            if job.tries == 1 and not job.group_id:
                recorded = await tx.journal.append(job.workspace_id, [changed(job, now)], now)
        self._bus.publish(recorded)
        if job.tries > len(self._waits_s) + 1:
            # Its worker died each time, so nobody wrote why.
            await self._end(job, JobState.FAILED, error=job.error or "Every worker that took it died.")
            return None
        return job

    async def _is_cut(self, job: Job, kind: Kind) -> bool:
        """Queue a job's parts, once, and let it wait for them."""
        if kind.split is None:
            return False
        async with self._store.reading() as tx:
            if await tx.jobs.group(job.workspace_id, job.id):
                return False
        inputs = kind.split(job)
        if not inputs:
            return False
        parts = [
            new_job(
                job.workspace_id,
                kind.part,
                title=job.title,
                input=one,
                now=self._clock.now(),
                asked_by=job.asked_by,
                group_id=job.id,
                dedupe_key=f"{job.id}:{number:05d}",
            )
            for number, one in enumerate(inputs)
        ]
        async with self._store.transaction() as tx:
            if not await tx.jobs.wait_for_parts(job, {"parts": [0, len(parts)]}):
                raise Conflict(f"Job {job.id} went to another worker.")
            for one in parts:
                await tx.jobs.add(one)
        for one in parts:
            self._bell.ring(one.id)
        return True

    async def _work(self, job: Job, kind: Kind) -> Result:
        assert self._bench is not None, "a process without a bench takes no jobs"
        progress: dict[str, list[float]] = {}

        def tell(bar: str, done: float, total: float) -> None:
            progress[bar] = [done, total]

        if kind.duty is not None:
            task = Task(job=job, store=self._store, clock=self._clock, bench=self._bench, tell=tell)
            return await self._kept(job, kind, kind.duty(task), progress)
        assert kind.prepare is not None, "heavy work has a preparation"
        async with self._store.reading() as tx:
            payload = await kind.prepare(tx, self._bench, job)
        hand = await self._hands.take(kind.function)
        try:
            return await self._kept(job, kind, hand.work(kind.function, payload, tell), progress)
        finally:
            await self._hands.give(hand)

    async def _kept(
        self, job: Job, kind: Kind, doing: Coroutine[Any, Any, Result], progress: dict[str, list[float]]
    ) -> Result:
        """Do the work within its time limit, and keep the claim meanwhile."""
        work = asyncio.create_task(doing, name=f"job {job.id}")
        try:
            async with asyncio.timeout(kind.time_limit_s):
                await self._watch(job, work, progress)
            return work.result()
        finally:
            if not work.done():
                work.cancel()
            # Whatever it ended with was looked at above, or is of no interest any more.
            await asyncio.gather(work, return_exceptions=True)

    async def _watch(self, job: Job, work: asyncio.Task[Result], progress: dict[str, list[float]]) -> None:
        """Keep the claim while the work goes on."""
        stopping = asyncio.create_task(self._stopping.wait())
        told = 0.0
        try:
            while True:
                await asyncio.wait({work, stopping}, timeout=KEEP_S, return_when=asyncio.FIRST_COMPLETED)
                if work.done():
                    return
                if stopping.done():
                    raise _Stopping
                seen = replace(job, progress=dict(progress))
                facts: list[Event] = []
                if not job.group_id and seen.ratio >= told + TOLD_STEP:
                    told = seen.ratio
                    facts.append(changed(seen, self._clock.now()))
                async with self._store.transaction() as tx:
                    now = self._clock.now()
                    cancel_at = await tx.jobs.keep(job, now, LEASE_S, progress)
                    recorded = await tx.journal.append(job.workspace_id, facts, now) if facts else ()
                self._bus.publish(recorded)
                if cancel_at is not None:
                    raise _Canceled
        finally:
            stopping.cancel()

    async def _end(self, job: Job, state: JobState, *, result: Result | None = None, error: str = "") -> None:
        """Write a job's end with everything that belongs to it, or nothing where the claim is lost."""
        now = self._clock.now()
        async with self._store.transaction() as tx:
            if not await tx.jobs.finish(
                job, state, at=now, result=None if result is None else result.values, error=error
            ):
                log.warning("job_lost", job=job.id, kind=job.kind)
                return
            for name, (media_type, data) in (result.files if result else {}).items():
                await tx.jobs.add_file(
                    job.workspace_id, job.id, name=name, media_type=media_type, data=data, at=now
                )
            if state is JobState.FAILED:
                await tx.messages.bury(_letter(job, error, now))
            is_complete = bool(job.group_id) and not await tx.jobs.part_ended(
                job.workspace_id, job.group_id, now
            )
            facts: list[Event] = []
            kind = self._kinds.get(job.kind)
            if result is not None and kind is not None and kind.conclude is not None:
                facts += await kind.conclude(tx, job, result, now)
                facts += await raise_alerts(tx, job.workspace_id, facts, now)
            if not job.group_id:
                facts.append(changed(job, now, state=state, detail=error))
            recorded = await tx.journal.append(job.workspace_id, facts, now) if facts else ()
        self._bus.publish(recorded)
        if is_complete:
            self._bell.ring(job.group_id)
        log.info("job_ended", job=job.id, kind=job.kind, state=state, tries=job.tries, problem=error)

    async def _try_again(self, job: Job, error: str) -> None:
        """Put a failed job back for later, or give it up after the last try."""
        log.warning("job_failed", job=job.id, kind=job.kind, tries=job.tries, problem=error)
        if job.tries > len(self._waits_s):
            await self._end(job, JobState.FAILED, error=error)
        else:
            await self._back(job, timedelta(seconds=self._waits_s[job.tries - 1]), error, counts=True)

    async def _back(self, job: Job, wait: timedelta, error: str, *, counts: bool) -> None:
        async with self._store.transaction() as tx:
            await tx.jobs.put_back(job, due_at=self._clock.now() + wait, error=error, counts=counts)


def _letter(job: Job, cause: str, now: datetime) -> DeadLetter:
    payload = {"job_id": job.id, "title": job.title}
    return DeadLetter(
        id=new_id(),
        workspace_id=job.workspace_id,
        source="jobs",
        kind=job.kind,
        payload=payload,
        payload_hash=hashlib.sha256(orjson.dumps(payload, option=orjson.OPT_SORT_KEYS)).hexdigest(),
        cause=cause,
        trace_id="",
        attempts=job.tries,
        created_at=now,
        replayed_at=None,
    )
