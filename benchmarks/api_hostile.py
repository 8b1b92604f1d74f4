"""Hostile documents: what each costs before it is refused (limit 50 ms), and what other users feel of them.

    python benchmarks/api_hostile.py [--quick]

CPU time is that of parsing, measuring and validating with a cold cache. Then somebody with a token sends all of them
over and over, 20 times a second, while others ask 200 times a second: calm and attack take turns, and the
99th percentiles of the others are compared. Numbers of a shared machine wander; the ratio is of the medians.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "graphql"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import orjson
import uvloop

from api.documents import Documents
from api.schema import SCHEMA
from api.view import MAX_BODY
from benchmarks.api_parts.client import Load, Tally, run, wire
from benchmarks.api_parts.documents import bodies
from benchmarks.api_parts.processes import Server, started
from benchmarks.api_parts.seed import HOSTILE_TOKEN, seed
from desk.store import migrate, open_store
from tests.support.hostile import HOSTILE

RESULTS = Path(__file__).resolve().parent / "results" / "api_hostile.json"

LIMIT_MS = 50.0

#: Requests a second of the others.
OTHERS_PER_S = 200.0

#: Hostile documents a second.
HOSTILE_PER_S = 20.0


def cpu_ms(text: str) -> float:
    """Give the best of three, each with a cold cache."""
    times = []
    for _ in range(3):
        documents = Documents()
        began = time.process_time()
        documents.look_up(SCHEMA._schema, text)
        times.append((time.process_time() - began) * 1000)
    return min(times)


def costs() -> dict[str, Any]:
    """Give the slowest documents."""
    Documents().look_up(SCHEMA._schema, "{ viewer { role } }")
    times = sorted(
        ((cpu_ms(text), name) for name, text in HOSTILE.items() if len(text) <= MAX_BODY), reverse=True
    )
    return {
        "documents": len(times),
        "over_the_body_limit": len(HOSTILE) - len(times),
        "slowest_ms": {name: round(milliseconds, 2) for milliseconds, name in times[:10]},
        "above_the_limit": [name for milliseconds, name in times if milliseconds > LIMIT_MS],
    }


class Attack(Load):
    """Sends hostile documents; every answer counts, whatever it says."""

    def is_good(self, answer: bytes) -> bool:
        """Take any answer."""
        return True


async def attacked(
    server: Server, token: str, mix: list[dict[str, Any]], *, rounds: int, seconds: float
) -> dict[str, Any]:
    """Let others ask, in turns with and without the attack."""
    others = [wire(one, server.port, token) for one in mix]
    texts = [text for text in HOSTILE.values() if "\ud800" not in text]
    hostile = [
        wire({"query": text}, server.port, HOSTILE_TOKEN)
        for text in texts
        if len(orjson.dumps(text)) < MAX_BODY - 100
    ]
    await run(server.port, others, connections=4, seconds=2)
    calm: list[Tally] = []
    stormy: list[Tally] = []
    sent = 0
    for _ in range(rounds):
        calm.append(await run(server.port, others, connections=20, seconds=seconds, per_s=OTHERS_PER_S))
        attack = Attack(server.port, hostile, connections=8)
        await attack.open()
        attacking = asyncio.create_task(attack.open_loop(HOSTILE_PER_S, seconds))
        stormy.append(await run(server.port, others, connections=20, seconds=seconds, per_s=OTHERS_PER_S))
        sent += len((await attacking).times_s)
    before, during = median(one.at(0.99) for one in calm), median(one.at(0.99) for one in stormy)
    return {
        "hostile_requests": sent,
        "errors_of_others": sum(one.errors for one in (*calm, *stormy)),
        "p99_ms_calm": before,
        "p99_ms_attacked": during,
        "p99_ratio": round(during / before, 2),
        "p50_ms": [median(one.at(0.5) for one in calm), median(one.at(0.5) for one in stormy)],
    }


async def main() -> None:
    """Measure and print; write the results unless --quick."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="short rounds, nothing is written")
    asked = parser.parse_args()
    found: dict[str, Any] = {"cost": costs()}
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:{Path(folder) / 'bench.sqlite3'}"
        await migrate(url)
        store = open_store(url)
        seeded = await seed(store)
        await store.close()
        with started("real.py", url) as server:
            await server.ready()
            rounds, seconds = (2, 3.0) if asked.quick else (7, 5.0)
            mix = bodies(seeded.targets, 2000, seed=2)
            found["attack"] = await attacked(server, seeded.token, mix, rounds=rounds, seconds=seconds)
    print(json.dumps(found, indent=1))
    if not asked.quick:
        RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    uvloop.run(main())
