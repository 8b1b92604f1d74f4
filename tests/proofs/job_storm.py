"""Kill workers, double messages and mix in poison: every job has its effect once, and the good ones hardly wait.

    python tests/proofs/job_storm.py [--full] [--broker stub|redis|rabbitmq]

Prints one JSON object per broker; ends with an assertion where a promise does not hold. Without --broker the one in
the process (on SQLite) and Redis (with PostgreSQL); RabbitMQ needs the machine's package, see `make prove-rabbitmq`.
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
    """How much is done."""

    jobs: int
    kills: int
    deaths: int
    bells: int
    good: int
    poison: int
    good_per_s: float


SHORT = Profile(jobs=120, kills=4, deaths=1, bells=6, good=300, poison=4, good_per_s=20.0)
FULL = Profile(jobs=500, kills=20, deaths=5, bells=20, good=2_000, poison=20, good_per_s=20.0)


class Pack:
    """Worker processes, and the messages that reach them."""

    def __init__(self, store: SqlStore, store_url: str, broker_url: str) -> None:
        self.store, self.store_url, self.broker_url = store, store_url, broker_url
        self._sender = Workers(store, EventBus(), CLOCK, url=broker_url)
        self._running: list[subprocess.Popen[bytes]] = []

    def start(self, *, hands: int = 2, rings: int | None = None, time_limit_s: float = 60.0) -> None:
        """Start a worker and wait until it works."""
        command = [sys.executable, str(ROOT / "tests/support/job_worker.py"), self.store_url, self.broker_url]
        command += ["--hands", str(hands), "--time-limit-s", str(time_limit_s)]
        if rings is not None:
            command += ["--rings", str(rings)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n", "the worker did not start"
        self._running.append(process)

    def kill(self, which: int) -> None:
        """Kill a worker with -9."""
        process = self._running.pop(which)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def kill_all(self) -> None:
        """Kill every worker."""
        while self._running:
            self.kill(0)

    async def ring(self, job_id: str) -> None:
        """Send a message; where the broker lives in the workers themselves the sweep has to do."""
        if self.broker_url:
            await asyncio.to_thread(self._sender.run_job.send, job_id)


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
    for _ in range(2):
        await asyncio.to_thread(pack.start, rings=dice.randrange(10**6) if is_stub else None)
    for _ in range(profile.kills):
        await asyncio.sleep(dice.uniform(0.1, 1.5))
        pack.kill(dice.randrange(2))
        await asyncio.to_thread(pack.start, rings=dice.randrange(10**6) if is_stub else None)
    found = await all_ended(pack.store, workspace_id, 240.0)
    pack.kill_all()
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
    """Queue jobs without telling anybody."""
    workspace_id = await a_workspace(pack.store, "bells")
    await asyncio.to_thread(pack.start)
    await ask(pack.store, workspace_id, "add", a=1, b=1)
    await all_ended(pack.store, workspace_id, 60.0)
    for _ in range(profile.bells):
        await ask(pack.store, workspace_id, "add", a=1, b=1)
        await all_ended(pack.store, workspace_id, 60.0)
    pack.kill_all()
    async with pack.store.reading() as tx:
        found = await tx.jobs.page(workspace_id, Filter(), Page(first=1_000))
    waited = [(one.started_at - one.created_at).total_seconds() for one in found[:-1] if one.started_at]
    assert len(waited) == profile.bells
    return {"jobs": len(waited), "worst_s": round(max(waited), 2)}


async def dead_workers(pack: Pack, profile: Profile) -> dict[str, Any]:
    """Kill a worker in the middle of a job; another one takes it."""
    workspace_id = await a_workspace(pack.store, "deaths")
    waited: list[float] = []
    await asyncio.to_thread(pack.start, hands=1)
    for _ in range(profile.deaths):
        job = await ask(pack.store, workspace_id, "linger")
        await until_epoch(pack.store, job, 1)
        pack.kill(0)
        began = time.monotonic()
        await asyncio.to_thread(pack.start, hands=1)
        await until_epoch(pack.store, job, 2)
        waited.append(time.monotonic() - began)
        async with pack.store.transaction() as tx:
            await tx.jobs.ask_cancel(workspace_id, job.id, CLOCK.now())
        await all_ended(pack.store, workspace_id, 60.0)
    pack.kill_all()
    return {"deaths": len(waited), "worst_s": round(max(waited), 1)}


async def until_epoch(store: SqlStore, job: Job, epoch: int) -> None:
    """Wait until a job was claimed so many times."""
    async with asyncio.timeout(60.0):
        while True:
            async with store.reading() as tx:
                found = await tx.jobs.by_id(job.workspace_id, job.id)
            assert found is not None
            if found.epoch >= epoch:
                return
            await asyncio.sleep(0.05)


async def among_poison(pack: Pack, profile: Profile, dice: random.Random) -> dict[str, Any]:
    """Send good jobs at a steady rate, without and with poison among them."""
    clean = await steady(pack, profile, dice, "clean", 0)
    mixed = await steady(pack, profile, dice, "mixed", profile.poison)
    ratio = mixed / clean
    return {
        "good": profile.good,
        "poison": profile.poison,
        "p99_clean_s": round(clean, 3),
        "p99_among_poison_s": round(mixed, 3),
        "ratio": round(ratio, 2),
    }


async def steady(pack: Pack, profile: Profile, dice: random.Random, name: str, poison: int) -> float:
    """Give the 99th percentile of the good jobs' time from asking to end."""
    workspace_id = await a_workspace(pack.store, name)
    for _ in range(2):
        await asyncio.to_thread(pack.start, hands=2, time_limit_s=1.0)
    wanted: list[tuple[str, dict[str, Any]]] = [("add", {"a": 1, "b": 2})] * profile.good
    for number in range(poison):
        kind, given = POISON[number % len(POISON)]
        wanted.insert(dice.randrange(len(wanted)), (kind, given))
    began = time.monotonic()
    for number, (kind, given) in enumerate(wanted):
        await asyncio.sleep(max(0.0, began + number / profile.good_per_s - time.monotonic()))
        job = await ask(pack.store, workspace_id, kind, **given)
        await pack.ring(job.id)
    found = await all_ended(pack.store, workspace_id, 240.0)
    pack.kill_all()
    good = [one for one in found if one.kind == "add"]
    assert {one.state for one in good} == {JobState.DONE}
    bad = [one for one in found if one.kind != "add"]
    assert {one.state for one in bad} <= {JobState.FAILED}
    async with pack.store.reading() as tx:
        letters = await tx.messages.buried(workspace_id, Page(first=1_000))
    assert {one.payload["job_id"] for one in letters} == {one.id for one in bad}
    took = [(one.finished_at - one.created_at) / timedelta(seconds=1) for one in good if one.finished_at]
    return statistics.quantiles(took, n=100)[98]


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
        pack = Pack(store, store_url, broker_url)
        stack.callback(pack.kill_all)
        try:
            return {
                "broker": broker,
                "seed": seed,
                "storm": await storm(pack, folder, profile, dice),
                "lost_bells": await lost_bells(pack, profile),
                "dead_workers": await dead_workers(pack, profile),
                "poison": await among_poison(pack, profile, dice),
            }
        finally:
            await store.close()


def main() -> int:
    """Prove it on each broker; 75 when everything held but a speed was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--broker", choices=("stub", "redis", "rabbitmq"), action="append")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    slow = 0
    for broker in asked.broker or ("stub", "redis"):
        found = asyncio.run(prove(broker, FULL if asked.full else SHORT, asked.seed))
        print(json.dumps(found), flush=True)
        slow += found["poison"]["ratio"] >= POISON_RATIO
        slow += found["lost_bells"]["worst_s"] > LOST_BELL_S
        slow += found["dead_workers"]["worst_s"] > DEAD_WORKER_S
    return TOO_SLOW if slow else 0


if __name__ == "__main__":
    sys.exit(main())
