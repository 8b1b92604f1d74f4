"""Kill a trading process (-9) at every point of an order's life and at random; nothing is lost and nothing is doubled.

    python tests/proofs/crash_matrix.py [--full] [--database sqlite|postgres|both] [--kills N] [--seed N] [--broken]

A witness (an exchange in a process of its own, with a ledger that reaches the disk) is never restarted. After every 20
kills everything is healed and an independent judge compares the witness's book with the rows. Short profile: every
point once and 33 random kills, 60 in all, on SQLite. Full profile: 500 kills on each database. `--broken` runs the
same matrix against four broken builds; each must be caught within 60 kills.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import structlog

_ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(_ROOT), str(_ROOT / "graphql")]

from desk.execution.executor import Executor  # noqa: E402
from desk.execution.faults import POINTS  # noqa: E402
from desk.store import migrate  # noqa: E402
from tests.support.broken_builds import BROKEN  # noqa: E402
from tests.support.kill_cycles import WitnessProcess, an_account, matrix  # noqa: E402
from tests.support.live_trader import Job  # noqa: E402
from tests.support.services import PostgresServer  # noqa: E402

#: Alerts and snapshots are not in this process: their points are passed elsewhere.
MATRIX_POINTS = tuple(one for one in POINTS if one not in ("k12", "k13", "k14"))


def prove(
    url: str, kills: int, seed: int, *, build: type[Executor] = Executor, dedupe: str = "none"
) -> dict[str, Any]:
    """Run a matrix on a migrated database."""
    with tempfile.TemporaryDirectory() as folder:
        # Lists lag half a second behind: whoever takes silence for a no is caught by it.
        witness = WitnessProcess(Path(folder), dedupe=dedupe, delay_ms=500, partial=2)
        try:
            workspace_id, account_id = asyncio.run(an_account(url, f"matrix {seed} {build.__name__}"))
            job = Job(url=url, port=witness.port, account_id=account_id, workspace_id=workspace_id, seed=seed)
            rounds = max(1, round(kills * 0.48 / len(MATRIX_POINTS)))
            points = [(point, 1 + turn % 3) for turn in range(rounds) for point in MATRIX_POINTS]
            began = time.monotonic()
            tally, found = matrix(
                job,
                witness,
                points,
                random_kills=max(0, kills - len(points)),
                seed=seed,
                build=build,
                say=lambda text: print(f"   {text}", file=sys.stderr, flush=True),
            )
            orders = len(witness.witnessed().orders)
        finally:
            witness.close()
    ready = sorted(tally.ready_s)
    return {
        "kills": tally.kills,
        "by_point": dict(sorted(tally.by_point.items())),
        "orders_acknowledged": len(tally.acknowledged),
        "orders_at_venue": orders,
        "complaints": found[:10],
        "ready_s": {
            "median": round(statistics.median(ready), 3),
            "p95": round(ready[int(len(ready) * 0.95)], 3),
            "most": round(ready[-1], 3),
        },
        "seed": seed,
        "took_s": round(time.monotonic() - began),
    }


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
            server = PostgresServer(is_own=True, is_durable=True)
            try:
                url = server.database_url("postgres")
                asyncio.run(migrate(url))
                results["postgres"] = prove(url, kills, options.seed)
            finally:
                server.close()
    print(json.dumps(results, indent=1))
    return 1 if any(one["complaints"] for one in results.values()) else 0


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
