"""What the API bears: 70 % small queries, 30 % pages of twenty, authenticated, next to a bare Strawberry server.

    python benchmarks/api_load.py [--quick | --full] [--database sqlite|postgres]

Server and generator share the machine. Both servers get the same documents in the same run, in turns, so that noise
hits both alike; CPU per request of the server's process says more than wall time on a shared machine. Throughput is
closed loop over 32 connections; then 1,000 requests a second arrive whatever the server does (open loop), for 20 s,
or 300 s with --full (about twelve minutes for both databases). With one database only nothing is written.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "graphql"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import uvloop

from benchmarks.api_parts.client import run, wire
from benchmarks.api_parts.documents import bodies
from benchmarks.api_parts.processes import children_cpu_s, started
from benchmarks.api_parts.seed import seed
from desk.store import migrate, open_store
from tests.support.services import PostgresServer

ROOT = Path(__file__).resolve().parents[1]

RESULTS = ROOT / "benchmarks" / "results" / "api_load.json"
RATE_PER_S = 1000.0


async def measure(
    url: str, *, rounds: int, round_s: float, open_s: float, database_pid: int = 0
) -> dict[str, Any]:
    """Measure both servers over a database.

    Args:
        database_pid: the database's process, if it has one of its own.
    """
    await migrate(url)
    store = open_store(url)
    seeded = await seed(store)
    await store.close()
    mix = bodies(seeded.targets, 2000, seed=1)
    with started("real.py", url) as real, started("bare.py") as bare:
        servers = {"breakwater": real, "bare": bare}
        requests = {
            name: [wire(one, server.port, seeded.token) for one in mix] for name, server in servers.items()
        }
        for name, server in servers.items():
            await server.ready()
            warm = await run(server.port, requests[name], connections=8, seconds=2)
            assert warm.errors == 0, f"{name}: {warm.first_error}"
        speeds: dict[str, list[float]] = {name: [] for name in servers}
        cpu_ms: dict[str, list[float]] = {name: [] for name in servers}
        database_ms: list[float] = []
        errors = 0
        for _ in range(rounds):
            for name, server in servers.items():
                before, database = server.cpu_s, children_cpu_s(database_pid) if database_pid else 0.0
                tally = await run(server.port, requests[name], connections=32, seconds=round_s)
                speeds[name].append(tally.per_s)
                cpu_ms[name].append((server.cpu_s - before) * 1000 / max(1, len(tally.times_s)))
                errors += tally.errors
                if database_pid and server is real:
                    spent = children_cpu_s(database_pid) - database
                    database_ms.append(spent * 1000 / max(1, len(tally.times_s)))
        before = real.cpu_s
        steady = await run(
            real.port, requests["breakwater"], connections=200, seconds=open_s, per_s=RATE_PER_S
        )
        steady_cpu = (real.cpu_s - before) / steady.seconds
    ratio = median(a / b for a, b in zip(speeds["breakwater"], speeds["bare"], strict=True))
    return {
        "real_candles": seeded.is_real,
        "throughput_per_s": {name: round(median(found), 1) for name, found in speeds.items()},
        "cpu_ms_per_request": {name: round(median(found), 3) for name, found in cpu_ms.items()},
        "database_cpu_ms_per_request": round(median(database_ms), 3) if database_ms else 0.0,
        "throughput_ratio": round(ratio, 2),
        "headroom_over_the_rate": round(median(speeds["breakwater"]) / RATE_PER_S - 1, 2),
        "closed_loop_errors": errors,
        "open_loop": {
            "rate_per_s": RATE_PER_S,
            "seconds": open_s,
            "answered": len(steady.times_s),
            "errors": steady.errors,
            "first_error": steady.first_error,
            "p50_ms": steady.at(0.50),
            "p95_ms": steady.at(0.95),
            "p99_ms": steady.at(0.99),
            "server_cpu_share": round(steady_cpu, 2),
        },
    }


async def main() -> None:
    """Measure and print; write the results unless --quick."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="short rounds, nothing is written")
    parser.add_argument("--full", action="store_true", help="1,000 requests a second for five minutes")
    parser.add_argument("--database", choices=("sqlite", "postgres"), help="only this one")
    parser.add_argument("--open-s", type=float, help="seconds of the open loop; nothing is written")
    asked = parser.parse_args()
    rounds, round_s, open_s = (2, 2.0, 5.0) if asked.quick else (5, 4.0, 300.0 if asked.full else 20.0)
    open_s = asked.open_s or open_s
    found: dict[str, Any] = {}
    if asked.database != "postgres":
        with tempfile.TemporaryDirectory() as folder:
            url = f"sqlite:{Path(folder) / 'bench.sqlite3'}"
            found["sqlite"] = await measure(url, rounds=rounds, round_s=round_s, open_s=open_s)
    if asked.database != "sqlite":
        server = PostgresServer(is_own=True, is_durable=True)
        try:
            url = server.database_url("postgres")
            found["postgres"] = await measure(
                url, rounds=rounds, round_s=round_s, open_s=open_s, database_pid=server.pid
            )
        finally:
            server.close()
    print(json.dumps(found, indent=1))
    if not (asked.quick or asked.open_s or asked.database):
        RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    uvloop.run(main())
