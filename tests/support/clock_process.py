"""A process that looks at the timetable again and again, for proofs and tests.

    python tests/support/clock_process.py STORE_URL [--slots 40] [--die-in-plan N]

Its one entry fires every minute of a clock that runs a minute for every twentieth of a second, from the time that comes
as a line on its input: whoever started it waits until every process is there. With --die-in-plan it kills itself with -9 in the middle of the N-th firing: after the slot was
claimed and some of its jobs were queued, before the commit.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import signal
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from desk.bus import EventBus
from desk.clock import SystemClock
from desk.jobs.bell import Bell
from desk.jobs.firings import Firing
from desk.jobs.queueing import new_job
from desk.jobs.slots import read_when
from desk.jobs.timetable import Entry, Missed, Timetable
from desk.ports import Unit
from desk.store import open_store
from desk.views import Job
from trading.errors import StoreProblem
from workers.schedule import Schedule

#: Jobs of a firing, so that a half-written one would be seen.
JOBS = 3


class RunningClock(SystemClock):
    """Runs 1,200 times as fast as the machine's, from a shared start."""

    def __init__(self, start: datetime) -> None:
        self._start = start

    def now(self) -> datetime:
        """Give the time of this clock."""
        return self._start + (super().now() - self._start) * 1_200


async def main() -> None:
    """Look until enough slots have passed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("store")
    parser.add_argument("--slots", type=int, default=40)
    parser.add_argument("--die-in-plan", type=int, default=0)
    asked = parser.parse_args()
    planned = 0

    async def plan(tx: Unit, firing: Firing) -> Sequence[Job]:
        nonlocal planned
        planned += 1
        jobs = [
            new_job(
                firing.workspace_id, "add", title=firing.slot, input={"number": number}, now=firing.fired_at
            )
            for number in range(JOBS)
        ]
        if planned == asked.die_in_plan:
            await tx.jobs.add(jobs[0])
            os.kill(os.getpid(), signal.SIGKILL)
        return jobs

    entry = Entry(
        name="tick", words="", when=read_when("tick", "1m"), plan=plan, missed=Missed.EACH, most=1_000
    )
    store = open_store(asked.store, acquire_timeout_s=20.0)
    print("ready", flush=True)
    start = datetime.fromisoformat(sys.stdin.readline().strip())
    clock = RunningClock(start)
    schedule = Schedule(store, EventBus(), clock, Bell(), Timetable(entries=(entry,)))
    taken = 0
    while clock.now() < start + timedelta(minutes=asked.slots):
        try:
            taken += await schedule.look()
        except StoreProblem:
            continue
        await asyncio.sleep(random.uniform(0.0, 0.06))
    await store.close()
    print(taken, flush=True)


if __name__ == "__main__":
    asyncio.run(main())
