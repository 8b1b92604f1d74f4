"""Live many seeded histories of a live account and judge each one against the exchange's own book.

    python tests/proofs/simulated_histories.py [--full] [--count 300] [--first 0] [--processes 2] [--broken]

A history is 50 steps of orders, cancels, prices, trades by hand, deposits, silence, lies of the stream, an exchange
that goes away, refuses or finds no match, and crashes at named points; then everything is healed and judged: nothing
lost or doubled, and every coin that is there under its stop. `--broken` shows how soon the judge catches each of five
broken builds. A failing seed is printed with its complaints and is the whole reproduction.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import multiprocessing
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import structlog

_ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(_ROOT), str(_ROOT / "graphql")]

from desk.execution.executor import Executor  # noqa: E402
from desk.store import migrate  # noqa: E402
from tests.support.broken_builds import BARE, BROKEN  # noqa: E402
from tests.support.histories import History, StepClock  # noqa: E402
from tests.support.memory_store import memory_store  # noqa: E402

#: Histories that share a database; then a fresh one, so that statements stay fast.
_PER_STORE = 50
#: A broken build has to be caught within so many histories.
CAUGHT_WITHIN = 60


async def live(
    template: Path, seeds: range, build: type[Executor] = Executor
) -> tuple[Counter[str], list[str]]:
    """Live some histories; give what they came to, and what the judge says."""
    found: list[str] = []
    counts: Counter[str] = Counter()
    for number, seed in enumerate(seeds):
        if number % _PER_STORE == 0:
            store = memory_store(template, StepClock())
        told = await History(store, seed, executor_class=build).run()
        counts += Counter(
            histories=1, crashes=told.crashes, unknown=told.unknown, orders=told.orders, resent=told.resent
        )
        found += [f"seed {seed}: {one}" for one in told.complaints]
    return counts, found


def _share(template: str, seeds: range) -> tuple[Counter[str], list[str]]:
    _quiet()
    return asyncio.run(live(Path(template), seeds))


def caught(template: Path, build: type[Executor]) -> int:
    """Give how many histories it took to catch a broken build; 0 when it was not."""
    for seed in range(CAUGHT_WITHIN):
        _, found = asyncio.run(live(template, range(seed, seed + 1), build))
        if found:
            return seed + 1
    return 0


def _quiet() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


def main() -> int:
    """Live them; 0 when the judge had nothing to say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="10,000 histories")
    parser.add_argument("--count", type=int, default=0)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--broken", action="store_true")
    options = parser.parse_args()
    _quiet()
    with tempfile.TemporaryDirectory() as folder:
        template = Path(folder) / "template.sqlite3"
        asyncio.run(migrate(f"sqlite:{template}"))
        if options.broken:
            return _show_broken(template)
        began = time.monotonic()
        counts: Counter[str] = Counter()
        found: list[str] = []
        stop = options.first + (options.count or (10_000 if options.full else 300))
        shares = [range(at, min(at + 100, stop)) for at in range(options.first, stop, 100)]
        with ProcessPoolExecutor(options.processes, mp_context=multiprocessing.get_context("spawn")) as pool:
            for some, complaints in pool.map(_share, [str(template)] * len(shares), shares):
                counts += some
                found += complaints
                print(f"   {counts['histories']} lived, {len(found)} complaints", file=sys.stderr, flush=True)
    took = time.monotonic() - began
    numbers = ", ".join(f"{value} {name}" for name, value in sorted(counts.items()))
    print(f"{numbers}; {counts['resent']} resent; {len(found)} complaints; {took:.0f} s")
    for one in found[:20]:
        print(f"  {one}")
    return 1 if found or counts["resent"] else 0


def _show_broken(template: Path) -> int:
    missed = 0
    for name, build in {**BROKEN, **BARE}.items():
        number = caught(template, build)
        print(f"{name}: {f'caught by history {number}' if number else 'NOT CAUGHT'}")
        missed += not number
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
