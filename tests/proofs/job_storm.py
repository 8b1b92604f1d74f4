"""Kill workers, double messages and mix in poison: every job has its effect once, and the good ones hardly wait.

    python tests/proofs/job_storm.py [--full] [--broker stub|redis|rabbitmq]

Prints one JSON object per broker; ends with an assertion where a promise does not hold. Without --broker the one in
the process (on SQLite) and Redis (with PostgreSQL), both at once in the short profile, where waiting is most of the
time; RabbitMQ needs the machine's package, see `make prove-rabbitmq`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from desk.bus import EventBus
from desk.clock import SystemClock
from desk.jobs.queueing import new_job
from desk.store import SqlStore, migrate, open_store
from desk.views import Filter, Job, JobState, Page
from tests.support.rabbit import RabbitServer
from tests.support.services import PostgresServer, RedisServer
from tests.support.stores import PostgresTemplate
from trading.events import JobChanged
from workers.middleware import WAITS_S
from workers.queue import Workers

ROOT = Path(__file__).resolve().parents[2]
CLOCK = SystemClock()

#: Exit code when only a speed was missed; `tools/prove.py` tries once more.
TOO_SLOW = 75

#: What a lost bell and a dead worker may cost.
LOST_BELL_S = 2.0
DEAD_WORKER_S = 15.0

#: How much slower the slowest hundredth of the good ones may get beside poison.
POISON_RATIO = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """How much is done.

    Attributes:
        waits_s: before each try of poison after the first.
        least_s: a p99 below that counts as that: of a few hundred jobs, two slow ones are the machine's.
    """

    jobs: int
    kills: int
    deaths: int
    bells: int
    good: int
    poison: int
    good_per_s: float
    waits_s: Sequence[float] = WAITS_S
    least_s: float = 0.0


#: Poison as dense as it gets, since there is little time: its tries come within five seconds.
SHORT = Profile(
    jobs=120,
    kills=4,
    deaths=1,
    bells=5,
    good=200,
    poison=15,
    good_per_s=25.0,
    waits_s=(0.1, 0.2, 0.4, 0.8, 1.6),
    least_s=0.25,
)
FULL = Profile(jobs=500, kills=20, deaths=5, bells=20, good=2_000, poison=20, good_per_s=40.0)


class Pack:
    """Worker processes, and the messages that reach them."""

    def __init__(self, store: SqlStore, store_url: str, broker_url: str, waits_s: Sequence[float]) -> None:
        self.store, self.store_url, self.broker_url = store, store_url, broker_url
        self._waits_s = ",".join(map(str, waits_s))
        self._sender = Workers(store, EventBus(), CLOCK, url=broker_url)
        self._running: list[subprocess.Popen[bytes]] = []

    def start(self, *rings: int | None) -> None:
        """Start workers, one for each of `rings`, and wait until they work."""
        started = []
        for seed in rings or (None,):
            command = [
                sys.executable,
                str(ROOT / "tests/support/job_worker.py"),
                self.store_url,
                self.broker_url,
            ]
            command += ["--hands", "2", "--time-limit-s", "1.0", "--waits-s", self._waits_s]
            if seed is not None:
                command += ["--rings", str(seed)]
            started.append(
                subprocess.Popen(
                    command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
                )
            )
            self._running.append(started[-1])
        for process in started:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n", "the worker did not start"

    def kill(self, which: int) -> None:
        """Kill a worker with -9."""
        process = self._running.pop(which)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def kill_all(self, *, but: int = 0) -> None:
        """Kill every worker, or all but the youngest so many."""
        while len(self._running) > but:
            self.kill(0)

    async def ring(self, job_id: str) -> None:
        """Send a message, or tell the workers that are there where the broker lives in themselves."""
        if self.broker_url:
            await asyncio.to_thread(self._sender.run_job.send, job_id)
            return
        for one in self._running:
            assert one.stdin is not None
            one.stdin.write(f"{job_id}\n".encode())
            one.stdin.flush()


async def ask(store: SqlStore, workspace_id: str, kind: str, **given: Any) -> Job:
    """Queue a job; nobody is told."""
    job = new_job(workspace_id, kind, title=kind, input=given, now=CLOCK.now())
    async with store.transaction() as tx:
        await tx.jobs.add(job)
    return job


async def all_ended(store: SqlStore, workspace_id: str, within_s: float) -> list[Job]:
    """Wait until nothing is open; give every job."""
    async with asyncio.timeout(within_s):
        while True:
            async with store.reading() as tx:
                found = list(await tx.jobs.page(workspace_id, Filter(), Page(first=10_000)))
            if not any(one.state.is_open for one in found):
                return found
            await asyncio.sleep(0.2)


async def a_workspace(store: SqlStore, name: str) -> str:
    """Give a fresh workspace."""
    async with store.transaction() as tx:
        return (await tx.workspaces.create(name)).id


async def storm(pack: Pack, folder: Path, profile: Profile, dice: random.Random) -> dict[str, Any]:
    """Ring one to ten times for each job while workers are killed: each effect comes once."""
    workspace_id = await a_workspace(pack.store, "storm")
    trace = folder / "trace"
    trace.touch()
    jobs = [
        await ask(pack.store, workspace_id, "note", trace=str(trace), seconds=dice.uniform(0.05, 0.4))
        for _ in range(profile.jobs)
    ]
    messages = [one.id for one in jobs for _ in range(dice.randint(1, 10))]
    dice.shuffle(messages)
    for one in messages:
        await pack.ring(one)
    is_stub = not pack.broker_url

    def seed() -> int | None:
        return dice.randrange(10**6) if is_stub else None

    await asyncio.to_thread(pack.start, seed(), seed())
    for _ in range(profile.kills):
        await asyncio.sleep(dice.uniform(0.1, 1.5))
        pack.kill(dice.randrange(2))
        await asyncio.to_thread(pack.start, seed())
    found = await all_ended(pack.store, workspace_id, 240.0)
    done = await done_facts(pack.store, workspace_id)
    async with pack.store.reading() as tx:
        files = Counter(one.job_id for one in await tx.jobs.files(workspace_id, [one.id for one in jobs]))
    tries = Counter(trace.read_text().split())
    assert {one.state for one in found} == {JobState.DONE}
    assert set(done) == {one.id for one in jobs}
    assert set(done.values()) == {1}, "a job ended twice"
    assert set(tries) == {one.id for one in jobs}
    assert files == {one.id: 1 for one in jobs}, "a job's file is missing or there twice"
    return {
        "jobs": len(jobs),
        "messages": len(messages),
        "kills": profile.kills,
        "tries": sum(tries.values()),
        "effects": sum(done.values()),
        "lost": 0,
        "doubled": 0,
    }


async def done_facts(store: SqlStore, workspace_id: str) -> Counter[str]:
    """Count how often each job's end is in the journal."""
    found: Counter[str] = Counter()
    sequence = 0
    async with store.reading() as tx:
        while page := await tx.journal.after(workspace_id, sequence, limit=1_000, kinds=("job_changed",)):
            sequence = page[-1].sequence
            found.update(
                one.event.job_id
                for one in page
                if isinstance(one.event, JobChanged) and one.event.state == JobState.DONE
            )
    return found


async def lost_bells(pack: Pack, profile: Profile) -> dict[str, Any]:
    """Queue jobs without telling anybody; the workers of the storm are still there."""
    workspace_id = await a_workspace(pack.store, "bells")
    await ask(pack.store, workspace_id, "add", a=1, b=1)
    await all_ended(pack.store, workspace_id, 60.0)
    for _ in range(profile.bells):
        await ask(pack.store, workspace_id, "add", a=1, b=1)
        await all_ended(pack.store, workspace_id, 60.0)
    async with pack.store.reading() as tx:
        found = await tx.jobs.page(workspace_id, Filter(), Page(first=1_000))
    waited = [(one.started_at - one.created_at).total_seconds() for one in found[:-1] if one.started_at]
    assert len(waited) == profile.bells
    return {"jobs": len(waited), "worst_s": round(max(waited), 2)}


async def dead_workers(pack: Pack, profile: Profile) -> dict[str, Any]:
    """Kill whoever is in the middle of a job; a worker that was there before takes it."""
    workspace_id = await a_workspace(pack.store, "deaths")
    waited: list[float] = []
    for _ in range(profile.deaths):
        job = await ask(pack.store, workspace_id, "hold")
        epoch = await until_epoch(pack.store, job, 1)
        await asyncio.to_thread(pack.start)
        began = time.monotonic()
        pack.kill_all(but=1)
        await until_epoch(pack.store, job, epoch + 1)
        waited.append(time.monotonic() - began)
        async with pack.store.transaction() as tx:
            await tx.jobs.ask_cancel(workspace_id, job.id, CLOCK.now())
        await all_ended(pack.store, workspace_id, 60.0)
    return {"deaths": len(waited), "worst_s": round(max(waited), 1)}


async def until_epoch(store: SqlStore, job: Job, epoch: int) -> int:
    """Wait until a job was claimed so many times; give how many it was."""
    async with asyncio.timeout(180.0):
        while True:
            async with store.reading() as tx:
                found = await tx.jobs.by_id(job.workspace_id, job.id)
            assert found is not None
            if found.epoch >= epoch:
                return found.epoch
            await asyncio.sleep(0.05)


async def among_poison(pack: Pack, profile: Profile, dice: random.Random) -> dict[str, Any]:
    """Send good jobs at a steady rate to one worker, first alone, then with poison among them."""
    pack.kill_all()
    await asyncio.to_thread(pack.start)
    _, clean = await flow(pack, profile, dice, "clean", 0)
    workspace_id, mixed = await flow(pack, profile, dice, "mixed", profile.poison)
    # In the full profile the poison's last tries come half a minute after its first.
    found = await all_ended(pack.store, workspace_id, 240.0)
    pack.kill_all()
    bad = [one for one in found if one.kind != "add"]
    assert len(bad) == profile.poison
    assert {one.state for one in bad} == {JobState.FAILED}
    async with pack.store.reading() as tx:
        letters = await tx.messages.buried(workspace_id, Page(first=1_000))
    assert {one.payload["job_id"] for one in letters} == {one.id for one in bad}
    ratio = max(mixed, profile.least_s) / max(clean, profile.least_s)
    return {
        "good": profile.good,
        "poison": profile.poison,
        "p99_clean_s": round(clean, 3),
        "p99_among_poison_s": round(mixed, 3),
        "ratio": round(ratio, 2),
    }


async def flow(
    pack: Pack, profile: Profile, dice: random.Random, name: str, poison: int
) -> tuple[str, float]:
    """Give the workspace, and the 99th percentile of the good jobs' time from asking to end."""
    workspace_id = await a_workspace(pack.store, name)
    wanted: list[tuple[str, dict[str, Any]]] = [("add", {"a": 1, "b": 2})] * profile.good
    for number in range(poison):
        kind, given = POISON[number % len(POISON)]
        # Early enough that its first tries are among the good ones.
        wanted.insert(dice.randrange(max(1, len(wanted) // 2)), (kind, given))
    began = time.monotonic()
    good: list[Job] = []
    for number, (kind, given) in enumerate(wanted):
        await asyncio.sleep(max(0.0, began + number / profile.good_per_s - time.monotonic()))
        job = await ask(pack.store, workspace_id, kind, **given)
        good += [job] if kind == "add" else []
        await pack.ring(job.id)
    ended = await ended_of(pack.store, workspace_id, len(good), 240.0)
    took = [(one.finished_at - one.created_at) / timedelta(seconds=1) for one in ended if one.finished_at]
    assert len(took) == len(good)
    return workspace_id, statistics.quantiles(took, n=100)[98]


async def ended_of(store: SqlStore, workspace_id: str, count: int, within_s: float) -> list[Job]:
    """Wait until so many good jobs are done; give them."""
    wanted = Filter(extra={"kind": "add", "state": JobState.DONE})
    async with asyncio.timeout(within_s):
        while True:
            async with store.reading() as tx:
                found = list(await tx.jobs.page(workspace_id, wanted, Page(first=10_000)))
            if len(found) == count:
                return found
            await asyncio.sleep(0.2)


#: Jobs that raise, hang, eat memory, kill their process, or cannot be done as asked.
POISON: Sequence[tuple[str, dict[str, Any]]] = (
    ("stumble", {"good_try": 99}),
    ("die", {}),
    ("gorge", {"bytes": 3 * 1024**3}),
    ("linger", {}),
    ("refuse", {}),
)


async def prove(broker: str, profile: Profile, seed: int) -> dict[str, Any]:
    """Run everything on one broker."""
    dice = random.Random(seed)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="breakwater-storm-")))
        broker_url = ""
        if broker == "stub":
            store_url = f"sqlite:{folder / 'jobs.sqlite3'}"
            await migrate(store_url)
        else:
            server = PostgresServer(is_own=True)
            stack.callback(server.close)
            template = await asyncio.to_thread(PostgresTemplate, server)
            stack.callback(template.close)
            store_url = await asyncio.to_thread(template.lend)
            bus: RedisServer | RabbitServer = RedisServer() if broker == "redis" else RabbitServer()
            stack.callback(bus.close)
            broker_url = bus.url
        store = open_store(store_url, acquire_timeout_s=20.0)
        pack = Pack(store, store_url, broker_url, profile.waits_s)
        stack.callback(pack.kill_all)
        try:
            began = time.monotonic()
            found: dict[str, Any] = {"broker": broker, "seed": seed}
            found["storm"] = await storm(pack, folder, profile, dice)
            found["lost_bells"] = await lost_bells(pack, profile)
            found["dead_workers"] = await dead_workers(pack, profile)
            found["poison"] = await among_poison(pack, profile, dice)
            return found | {"took_s": round(time.monotonic() - began, 1)}
        finally:
            await store.close()


def main() -> int:
    """Prove it on each broker; 75 when everything held but a speed was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--broker", choices=("stub", "redis", "rabbitmq"), action="append")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    profile = FULL if asked.full else SHORT
    slow = 0
    for found in asyncio.run(prove_all(asked.broker or ["stub", "redis"], profile, asked.seed)):
        print(json.dumps(found), flush=True)
        slow += found["poison"]["ratio"] >= POISON_RATIO
        slow += found["lost_bells"]["worst_s"] > LOST_BELL_S
        slow += found["dead_workers"]["worst_s"] > DEAD_WORKER_S
    return TOO_SLOW if slow else 0


async def prove_all(brokers: Sequence[str], profile: Profile, seed: int) -> list[dict[str, Any]]:
    """Prove it on each broker: at once in the short profile, one after the other where figures are taken."""
    if profile is SHORT:
        return list(await asyncio.gather(*(prove(one, profile, seed) for one in brokers)))
    return [await prove(one, profile, seed) for one in brokers]


if __name__ == "__main__":
    sys.exit(main())
