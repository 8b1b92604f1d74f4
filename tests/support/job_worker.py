"""A worker process for proofs: does the jobs of tests until it is killed, or its input ends.

    python tests/support/job_worker.py STORE_URL [BROKER_URL] --hands 2 [--rings SEED]

Each line of its input names a job that is rung for, as a door in this process would.
With --rings it rings for every open job one to ten times at its start, as a broker in this process would after a
burst of doubled messages.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
from pathlib import Path

import structlog

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from desk.bus import EventBus
from desk.clock import SystemClock
from desk.jobs.bell import Bell
from desk.store import open_store
from desk.views import Filter, Page
from tests.support.job_kinds import kinds
from workers.kinds import Bench
from workers.middleware import WAITS_S
from workers.queue import Workers


async def main() -> None:
    """Work until killed, or the input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("store")
    parser.add_argument("broker", nargs="?", default="")
    parser.add_argument("--hands", type=int, default=2)
    parser.add_argument("--rings", type=int)
    parser.add_argument(
        "--waits-s", type=lambda given: [float(one) for one in given.split(",")], default=WAITS_S
    )
    parser.add_argument("--time-limit-s", type=float, default=60.0)
    asked = parser.parse_args()
    # The proof reads one word from stdout: log lines would fill the pipe until this process stands still.
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    bell = Bell()
    store = open_store(asked.store, acquire_timeout_s=20.0)
    workers = Workers(
        store,
        EventBus(),
        SystemClock(),
        bell=bell,
        bench=Bench(feed=None),  # type: ignore[arg-type]  # these jobs need no market
        url=asked.broker,
        hands=asked.hands,
        known=kinds(time_limit_s=asked.time_limit_s),
        memory_bytes=1024**3,
        waits_s=asked.waits_s,
    )
    await workers.start()
    print("ready", flush=True)
    if asked.rings is not None:
        dice = random.Random(asked.rings)
        async with store.reading() as tx:
            found = [
                job.id
                for workspace in await tx.workspaces.all()
                for job in await tx.jobs.page(workspace.id, Filter(is_open=True), Page(first=10_000))
            ]
        messages = [one for one in found for _ in range(dice.randint(1, 10))]
        dice.shuffle(messages)
        for one in messages:
            bell.ring(one)
    heard = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(heard), sys.stdin)
    async for line in heard:
        bell.ring(line.decode().strip())
    await workers.stop()
    await store.close()


if __name__ == "__main__":
    asyncio.run(main())
