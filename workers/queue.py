"""Workers of one process: the actor, threads that fetch its messages, hands that do the heavy jobs, and the sweep."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import dramatiq
import structlog

from desk.bus import EventBus
from desk.clock import Clock
from desk.ending import ended
from desk.identity import new_id
from desk.jobs.bell import Bell
from desk.ports import Store
from workers.broker import make_broker
from workers.hands import MEMORY_BYTES, Hands
from workers.kinds import Bench, Kind, kinds
from workers.lanes import DUTIES_AT_ONCE
from workers.middleware import WAITS_S
from workers.runner import JobRunner
from workers.sweeper import sweep_forever

log = structlog.get_logger(__name__)


class Workers:
    """The jobs of one process.

    Args:
        bell: rung where a job is queued in this process.
        bench: what jobs need of the house; None = this process does no jobs, it only rings.
        url: of the broker; empty works in this process only.
        hands: long jobs at once; as many short ones are done beside them.
        known: kinds of jobs; stand-ins for tests.
        waits_s: before each try after the first.
    """

    def __init__(
        self,
        store: Store,
        bus: EventBus,
        clock: Clock,
        *,
        bell: Bell | None = None,
        bench: Bench | None = None,
        url: str = "",
        hands: int = 1,
        memory_bytes: int = MEMORY_BYTES,
        known: dict[str, Kind] | None = None,
        waits_s: Sequence[float] = WAITS_S,
    ) -> None:
        self._store, self._bus, self._clock = store, bus, clock
        self._bell = bell or Bell()
        self.broker = make_broker(url)
        self._hands = Hands(hands, memory_bytes=memory_bytes)
        self._count = hands if bench is not None else 0
        self._worker: dramatiq.Worker | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._sweeping: asyncio.Task[None] | None = None
        self._deafen: Callable[[], None] = lambda: None
        self.runner = JobRunner(
            store,
            bus,
            clock,
            self._bell,
            hands=self._hands,
            kinds=known if known is not None else kinds(),
            bench=bench,
            spawn=self._spawn,
            waits_s=waits_s,
            holder=f"{socket.gethostname()}:{os.getpid()}:{new_id()[-8:]}",
        )
        declare: Any = dramatiq.actor
        # The row counts the tries and knows the time limit; a message only says where to look.
        self.run_job = declare(
            self._run_job,
            broker=self.broker,
            actor_name="run_job",
            queue_name="jobs",
            time_limit=float("inf"),
        )

    async def start(self) -> None:
        """Begin to fetch messages, to hear the bell and to sweep."""
        self._loop = asyncio.get_running_loop()
        self._deafen = self._bell.listen(self.ring_for)
        if not self._count:
            return
        # A thread waits as long as its job takes: one for each that may run at once, long ones too, and one that hears the bell.
        self._worker = dramatiq.Worker(
            self.broker,
            queues={"jobs"},
            worker_threads=2 * self._count + DUTIES_AT_ONCE + 1,
            worker_timeout=100,
        )
        await asyncio.to_thread(self._worker.start)
        self._sweeping = asyncio.create_task(
            sweep_forever(self._store, self._clock, self._take), name="sweep"
        )

    async def stop(self) -> None:
        """Give running jobs back, then stop."""
        self._deafen()
        if self._sweeping is not None:
            await ended(self._sweeping)
        self.runner.stop()
        await self._settled()
        if self._worker is not None:
            await asyncio.to_thread(self._worker.stop)
            self._worker = None
            # Jobs that its threads had begun may have moved meanwhile.
            await self._settled()
        await self._hands.end()
        await asyncio.to_thread(self.broker.close)

    def ring_for(self, job_id: str) -> None:
        """Send the message for a job; a broker that is away costs time until the next sweep, no more."""
        self._spawn(self._send(job_id))

    async def _settled(self) -> None:
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _take(self) -> None:
        self._spawn(self.runner.run_due())

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("worker_task_failed", problem=repr(task.exception()))

    async def _send(self, job_id: str) -> None:
        try:
            await asyncio.to_thread(self.run_job.send, job_id)
        except Exception as problem:  # noqa: BLE001 - whichever client library it is, the sweep comes again
            log.warning("ring_failed", job=job_id, problem=repr(problem))

    def _run_job(self, job_id: str) -> None:
        """Run on the loop of the house, whose store and bus are there, and wait for it in this thread."""
        assert self._loop is not None, "messages are fetched after the start only"
        asyncio.run_coroutine_threadsafe(self.runner.run(job_id), self._loop).result()
