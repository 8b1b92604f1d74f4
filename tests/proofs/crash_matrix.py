"""Kill a trading process (-9) at every point of an order's life and at random; nothing is lost and nothing is doubled.

    python tests/proofs/crash_matrix.py [--full] [--database sqlite|postgres|both] [--kills N] [--seed N] [--broken]

A witness (an exchange and a listener in a process of its own, with a ledger that reaches the disk) is never restarted.
After every 20 kills everything is healed and an independent judge compares the witness's book with the rows, and what
people heard with what was to be told. Compound cycles kill the start after a kill as well, up to three times in a row,
or restart the database (PostgreSQL) under the process that is killed. Short profile: every point once, five compound
cycles and random kills, 60 in all, on SQLite. Full profile: 500 kills on each database. `--broken` runs the same matrix
against four broken builds; each must be caught within 60 kills.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import structlog

_ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(_ROOT), str(_ROOT / "graphql")]

from desk.execution.executor import Executor  # noqa: E402
from desk.execution.faults import POINTS  # noqa: E402
from desk.store import migrate  # noqa: E402
from desk.store.repositories import alerts  # noqa: E402
from tests.support.broken_builds import BROKEN  # noqa: E402
from tests.support.kill_cycles import Cycle, WitnessProcess, an_account, matrix  # noqa: E402
from tests.support.live_trader import Job  # noqa: E402
from tests.support.services import PostgresServer  # noqa: E402

#: The state of bots is not in this process: its point is passed in `kill_demo.py`.
MATRIX_POINTS = tuple(one for one in POINTS if one != "k14")
#: Points of the comparison at a start: where a start after a kill is killed.
_STARTING = tuple(one for one in MATRIX_POINTS if one.startswith("k15"))
#: One account and one witness for so many kills, then others: the judge reads everything that ever happened.
_PER_ACCOUNT = 100


def plan(kills: int, seed: int) -> list[Cycle]:
    """Give cycles of about so many kills: half at points, a seventh compound, the others at random."""
    chance = random.Random(seed)
    rounds = max(1, round(kills * 0.48 / len(MATRIX_POINTS)))
    cycles = [Cycle(((point, 1 + turn % 3),)) for turn in range(rounds) for point in MATRIX_POINTS]
    for number in range(max(5, round(kills * 0.06))):
        first = ("", 0) if number % 2 else (chance.choice(MATRIX_POINTS), 1)
        again = [(chance.choice(_STARTING), 1) for _ in range(1 + number % 3)]
        cycles.append(Cycle((first, *again), shakes=number % 2 == 0))
    planned = sum(len(one.points) for one in cycles)
    cycles += [Cycle((("", 0),), shakes=number % 10 == 9) for number in range(max(0, kills - planned))]
    chance.shuffle(cycles)
    return cycles


def prove(
    url: str,
    kills: int,
    seed: int,
    *,
    build: type[Executor] = Executor,
    dedupe: str = "none",
    shake: Callable[[], None] | None = None,
) -> dict[str, Any]:
    """Run a matrix on a migrated database."""
    began = time.monotonic()
    found: list[str] = []
    by_point: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    ready: list[float] = []
    cycles = plan(kills, seed)
    while (cycles or counts["kills"] < kills) and not found:
        # A trader that a slow machine kept from its kill is made up for.
        cycles = cycles or [Cycle((("", 0),))] * (kills - counts["kills"])
        share: list[Cycle] = []
        while cycles and sum(len(one.points) for one in share) < _PER_ACCOUNT:
            share.append(cycles.pop())
        with tempfile.TemporaryDirectory() as folder:
            # Lists lag half a second behind: whoever takes silence for a no is caught by it.
            witness = WitnessProcess(Path(folder), dedupe=dedupe, delay_ms=500, partial=2)
            try:
                ids = asyncio.run(an_account(url, f"matrix {seed} {build.__name__} {counts['kills']}"))
                tally, found = matrix(
                    Job(
                        url=url,
                        port=witness.port,
                        workspace_id=ids[0],
                        account_id=ids[1],
                        seed=seed + counts["kills"],
                        is_telling=True,
                    ),
                    witness,
                    share,
                    seed=seed + counts["kills"],
                    build=build,
                    shake=shake,
                    say=partial(_say, counts["kills"]),
                )
                told = witness.told()
                counts += Counter(
                    kills=tally.kills,
                    compound_cycles=tally.compound,
                    orders_acknowledged=len(tally.acknowledged),
                    orders_at_venue=len(witness.witnessed().orders),
                    alerts_told=len(told),
                    alerts_repeated=len(told) - len({one["delivery_id"] for one in told}),
                )
            finally:
                witness.close()
        by_point += Counter(tally.by_point)
        ready += tally.ready_s
    ready.sort()
    return {
        **counts,
        "by_point": dict(sorted(by_point.items())),
        "points_missed": sorted(set(MATRIX_POINTS) - set(by_point)),
        "complaints": found[:10],
        "ready_s": {
            "median": round(statistics.median(ready), 3),
            "p95": round(ready[int(len(ready) * 0.95)], 3),
            "most": round(ready[-1], 3),
        },
        "seed": seed,
        "took_s": round(time.monotonic() - began),
    }


def _say(so_far: int, text: str) -> None:
    print(f"   {so_far} + {text}", file=sys.stderr, flush=True)


def main() -> int:
    """Prove it; 0 when the judge had nothing to say (and, with --broken, caught every broken build)."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--database", choices=("sqlite", "postgres", "both"), default="")
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--broken", action="store_true")
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    # A claim of a killed teller runs out sooner, so that healing does not take a minute; the rules are the same.
    alerts.CLAIM_TTL = timedelta(seconds=1)
    kills = options.kills or (500 if options.full else 60)
    database = options.database or ("both" if options.full else "sqlite")
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        if options.broken:
            return _broken(Path(folder), options.seed)
        if database in ("sqlite", "both"):
            url = f"sqlite:{Path(folder) / 'matrix.sqlite3'}"
            asyncio.run(migrate(url))
            results["sqlite"] = prove(url, kills, options.seed)
        if database in ("postgres", "both"):
            results["postgres"] = _on_postgres(kills, options.seed)
    print(json.dumps(results, indent=1))
    return 1 if any(one["complaints"] for one in results.values()) else 0


def _on_postgres(kills: int, seed: int) -> dict[str, Any]:
    server = PostgresServer(is_own=True, is_durable=True)

    def restart() -> None:
        server.stop()
        server.start()

    try:
        url = server.database_url("postgres")
        asyncio.run(migrate(url))
        return prove(url, kills, seed, shake=restart)
    finally:
        server.close()


def _broken(folder: Path, seed: int) -> int:
    missed = 0
    for number, (name, build) in enumerate(BROKEN.items()):
        url = f"sqlite:{folder / f'broken{number}.sqlite3'}"
        asyncio.run(migrate(url))
        found = prove(url, 60, seed, build=build)
        print(f"{name}: {found['kills']} kills: {found['complaints'][:1] or 'NOT CAUGHT'}")
        missed += not found["complaints"]
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
