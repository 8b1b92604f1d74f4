"""Crash the store again and again: kills (-9), cut logs, restarted and crashed servers.

    python tests/proofs/store_crashes.py [--full]

Prints one JSON object with what was done; ends with an assertion where a promise does not hold. With --full: 40 kills
of a writer on SQLite, 200 cuts of its log, 10 restarts of a durable PostgreSQL under load, half of them crashes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from desk.store import migrate, open_store
from tests.support.crashes import (
    cut_the_log,
    kill_a_writer,
    nothing_told_of_is_lost,
    restart_under_load,
    write_transactions,
)
from tests.support.services import PostgresServer


async def prove_kills(folder: Path, kills: int, seed: int) -> dict[str, Any]:
    """Kill writers at random moments."""
    url = f"sqlite:{folder / 'killed.sqlite3'}"
    await migrate(url)
    dice = random.Random(seed)
    told = [one for _ in range(kills) for one in kill_a_writer(url, dice.randint(1, 60))]
    await nothing_told_of_is_lost(url, told, kills)
    return {"kills": kills, "commits_told_of": len(told), "lost": 0}


async def prove_cuts(folder: Path, cuts: int, seed: int) -> dict[str, Any]:
    """Cut a log at random bytes."""
    url = f"sqlite:{folder / 'cut.sqlite3'}"
    await migrate(url)
    store = open_store(url)
    await write_transactions(store, 20)
    heads = cut_the_log(store.location.path, folder, cuts, seed)
    await store.close()
    return {"cuts": cuts, "whole_transactions": [min(heads), max(heads)], "torn": 0}


async def prove_restarts(restarts: int) -> dict[str, Any]:
    """Restart and crash a durable server in turns."""
    server = PostgresServer(is_own=True, is_durable=True)
    try:
        ways = [signal.SIGINT if i % 2 == 0 else signal.SIGQUIT for i in range(restarts)]
        healed_s = await restart_under_load(server, ways)
    finally:
        server.close()
    return {"restarts": restarts, "slowest_healing_s": round(max(healed_s), 2), "lost": 0, "leaked_slots": 0}


async def prove(*, is_full: bool, seed: int) -> dict[str, Any]:
    """Do all three."""
    kills, cuts, restarts = (40, 200, 10) if is_full else (5, 60, 4)
    with tempfile.TemporaryDirectory() as folder:
        return {
            "seed": seed,
            "kill": await prove_kills(Path(folder), kills, seed),
            "cut": await prove_cuts(Path(folder), cuts, seed),
            "restart": await prove_restarts(restarts),
        }


def main() -> None:
    """Prove and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="many of each")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print(json.dumps(asyncio.run(prove(is_full=options.full, seed=options.seed)), indent=1))


if __name__ == "__main__":
    main()
