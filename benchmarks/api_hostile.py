"""Hostile documents: what each costs before it is refused (limit 50 ms), and what other users feel of them.

    python benchmarks/api_hostile.py [--quick]

CPU time is that of parsing, measuring and validating with a cold cache. Then somebody with a token sends them, each
changed so that no cache knows it, while others ask 200 times a second: calm, the allowed rate and a flood take turns,
and the others' 99th percentile of each block is compared with that of the calm block of the same round. Numbers of a
shared machine wander; the ratio is the median of these pairs.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
import tracemalloc
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "graphql"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import orjson
import uvloop

from api.documents import Documents
from api.errors import shown
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

#: Hostile documents a second within what a person may send: new documents refill at five a second.
HOSTILE_PER_S = 5.0

#: Hostile documents a second from somebody who does not care: nearly all are refused.
FLOOD_PER_S = 100.0


def cpu_ms(text: str) -> float:
    """Give the best of three, each with a cold cache."""
    times = []
    for _ in range(3):
        documents = Documents()
        began = time.process_time()
        # Also to say what is wrong with it: a message may hold as much as the document.
        for error in documents.look_up(SCHEMA._schema, text).errors:
            shown(error, "")
        times.append((time.process_time() - began) * 1000)
    return min(times)


def memory_mb(text: str) -> float:
    """Give what is held at most meanwhile."""
    tracemalloc.start()
    try:
        Documents().look_up(SCHEMA._schema, text)
        return tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()


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
        "most_memory_mb": round(
            max(memory_mb(text) for text in HOSTILE.values() if len(text) <= MAX_BODY), 1
        ),
        "above_the_limit": [name for milliseconds, name in times if milliseconds > LIMIT_MS],
    }


class Attack(Load):
    """Sends hostile documents; every answer counts, whatever it says."""

    refused = 0

    def is_good(self, answer: bytes) -> bool:
        """Take any answer."""
        self.refused += b'"RATE_LIMITED"' in answer
        return True


def hostile_requests(port: int, count: int) -> list[bytes]:
    """Give so many hostile requests, each of a text that was never sent before: none is answered from a cache."""
    texts = [
        one for one in HOSTILE.values() if "\ud800" not in one and len(orjson.dumps(one)) < MAX_BODY - 100
    ]
    return [wire({"query": f"{texts[at % len(texts)]} # {at}"}, port, HOSTILE_TOKEN) for at in range(count)]


@dataclass(slots=True)
class Blocks:
    """Blocks of one kind: the others' answers, and what was sent meanwhile."""

    others: list[Tally] = field(default_factory=list)
    sent: int = 0
    refused: int = 0

    @property
    def pooled_p99_ms(self) -> float:
        """The 99th percentile over all blocks."""
        every = Tally(times_s=[seconds for one in self.others for seconds in one.times_s])
        return every.at(0.99)


async def attacked(
    server: Server, token: str, mix: list[dict[str, Any]], *, rounds: int, seconds: float
) -> dict[str, Any]:
    """Let others ask while nothing, the allowed, and far too much is sent: each round has one block of each.

    The order changes from round to round, and each block is compared with the calm one of its own round: a machine that
    slows down for a minute slows both down. The attack over its allowance begins with what the person has saved up
    spent, as after its first seconds.
    """
    others = [wire(one, server.port, token) for one in mix]
    fresh = iter(hostile_requests(server.port, int(rounds * seconds * (HOSTILE_PER_S + FLOOD_PER_S)) + 400))
    rates = {"calm": 0.0, "allowed": HOSTILE_PER_S, "flood": FLOOD_PER_S}
    found = {name: Blocks() for name in rates}
    await run(server.port, others, connections=4, seconds=2)
    spent = Attack(server.port, list(islice(fresh, 300)), connections=4)
    await spent.open()
    await spent.open_loop(100.0, 3.0)
    for number in range(rounds):
        order = list(rates)[number % 3 :] + list(rates)[: number % 3]
        for name in order:
            block = found[name]
            attack = None
            if rates[name]:
                count = int(rates[name] * seconds)
                attack = Attack(server.port, list(islice(fresh, count)), connections=8)
                await attack.open()
                attacking = asyncio.create_task(attack.open_loop(rates[name], seconds))
            tally = await run(server.port, others, connections=20, seconds=seconds, per_s=OTHERS_PER_S)
            assert tally.times_s, f"nobody was answered: {tally.first_error}"
            block.others.append(tally)
            if attack is not None:
                block.sent += len((await attacking).times_s)
                block.refused += attack.refused
    calm = found["calm"]
    shown: dict[str, Any] = {
        "rounds": rounds,
        "block_s": seconds,
        "errors_of_others": sum(one.errors for block in found.values() for one in block.others),
        "calm": {
            "p50_ms": median(one.at(0.5) for one in calm.others),
            "p99_ms": median(one.at(0.99) for one in calm.others),
            "pooled_p99_ms": calm.pooled_p99_ms,
        },
    }
    for name in ("allowed", "flood"):
        block = found[name]
        pairs = zip(block.others, calm.others, strict=True)
        shown[name] = {
            "hostile_per_s": rates[name],
            "hostile_requests": block.sent,
            "refused": block.refused,
            "p50_ms": median(one.at(0.5) for one in block.others),
            "p99_ms": median(one.at(0.99) for one in block.others),
            "pooled_p99_ms": block.pooled_p99_ms,
            "p99_ratio_of_pairs": round(median(one.at(0.99) / other.at(0.99) for one, other in pairs), 2),
            "p99_ratio_pooled": round(block.pooled_p99_ms / calm.pooled_p99_ms, 2),
        }
    return shown


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
            rounds, seconds = (3, 3.0) if asked.quick else (12, 5.0)
            mix = bodies(seeded.targets, 2000, seed=2)
            found["attack"] = await attacked(server, seeded.token, mix, rounds=rounds, seconds=seconds)
    print(json.dumps(found, indent=1))
    if not asked.quick:
        RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    uvloop.run(main())
