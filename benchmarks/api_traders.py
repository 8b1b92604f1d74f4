"""Many traders at once: each with a socket, three subscriptions and a paper order every five seconds.

    python benchmarks/api_traders.py [--quick] [--traders 250] [--seconds 30] [--database postgres|sqlite]

Every trader has a workspace of their own. Measured is the time from the fact's commit (its `recordedAt`) to the
moment when the trader's program has read it, on the clock of one machine; sequences must follow each other without a
gap in each trader's journal.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "graphql"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import orjson
import uvloop
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from benchmarks.api_parts.processes import started
from desk.desk import token_hash
from desk.identity import Role
from desk.store import SqlStore, migrate, open_store
from tests.support.records import a_bot
from tests.support.services import PostgresServer

RESULTS = Path(__file__).resolve().parent / "results" / "api_traders.json"

ORDERS_PER_TRADER_PER_S = 0.2

_EVENT = "{ cursor sequence kind recordedAt }"
STREAMS = (
    f"subscription {{ orderEvents {_EVENT} }}",
    f"subscription {{ positionUpdates {_EVENT} }}",
    f"subscription {{ botEvents {_EVENT} }}",
)

#: Facts of one order that these streams show: placed, changed, filled, position opened.
FACTS_PER_ORDER = 4


async def people(store: SqlStore, count: int) -> list[str]:
    """Make a workspace with account, bot and token per trader; give the tokens."""
    tokens = []
    for number in range(count):
        token = f"bwk_trader_{number}_token"
        async with store.transaction() as tx:
            own = await tx.workspaces.create(f"trader-{number}")
            member = await tx.members.add(own.id, name="trader", email="", role=Role.TRADER)
            await tx.members.add_token(
                own.id,
                user_id=member.user_id,
                label="bench",
                role=Role.TRADER,
                secret_hash=token_hash(token),
                expires_at=None,
            )
            account = await tx.accounts.create(
                own.id,
                name="paper",
                venue="simulated",
                is_live=False,
                currency="USDT",
                capital=Decimal(10_000),
                settings={},
            )
            await tx.bots.create(a_bot(own.id, account.id, "bot"))
        tokens.append(token)
    return tokens


class Trader:
    """A program that follows its orders, positions and bots."""

    def __init__(self, port: int, token: str) -> None:
        self._url = f"ws://127.0.0.1:{port}/graphql"
        self._token = token
        self.ready = asyncio.Event()
        self.delays_s: list[float] = []
        self.sequences: list[int] = []

    async def follow(self, coming: asyncio.Semaphore) -> None:
        """Read until it is stopped; a few come at a time, as people do."""
        await coming.acquire()
        async with connect(
            self._url, subprotocols=[Subprotocol("graphql-transport-ws")], proxy=None
        ) as socket:
            hello = {"type": "connection_init", "payload": {"Authorization": f"Bearer {self._token}"}}
            await socket.send(orjson.dumps(hello).decode())
            await socket.recv()
            for number, text in enumerate(STREAMS):
                body = {"id": str(number), "type": "subscribe", "payload": {"query": text}}
                await socket.send(orjson.dumps(body).decode())
            begun = 0
            async for raw in socket:
                now = time.time()
                message = orjson.loads(raw)
                if message["type"] == "ping":
                    await socket.send('{"type":"pong"}')
                    continue
                assert message["type"] == "next", message
                (event,) = message["payload"]["data"].values()
                if event["kind"] == "SUBSCRIBED":
                    begun += 1
                    if begun == len(STREAMS):
                        self.ready.set()
                        coming.release()
                    continue
                self.delays_s.append(now - datetime.fromisoformat(event["recordedAt"]).timestamp())
                self.sequences.append(event["sequence"])

    @property
    def gaps(self) -> int:
        """Facts that are missing or came twice; the three streams together show the whole journal."""
        return len(set(range(1, len(self.sequences) + 1)) ^ set(self.sequences))


async def measure(url: str, count: int, seconds: float) -> dict[str, Any]:
    """Let the traders follow while orders are placed."""
    await migrate(url)
    store = open_store(url)
    tokens = await people(store, count)
    await store.close()
    per_s = count * ORDERS_PER_TRADER_PER_S
    with started("trading.py", url, str(per_s), takes_lines=True) as server:
        await server.ready()
        traders = [Trader(server.port, one) for one in tokens]
        coming = asyncio.Semaphore(10)
        tasks = [asyncio.create_task(one.follow(coming)) for one in traders]
        async with asyncio.timeout(120):
            await asyncio.gather(*(one.ready.wait() for one in traders))
        cpu, began = server.cpu_s, time.monotonic()
        server.tell("go")
        await asyncio.sleep(seconds)
        share = (server.cpu_s - cpu) / (time.monotonic() - began)
        broken = [one for one in tasks if one.done()]
        for one in tasks:
            one.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    delays = sorted(delay for one in traders for delay in one.delays_s)
    assert delays, "no order was placed; the server's log says why"
    return {
        "traders": count,
        "subscriptions": count * len(STREAMS),
        "orders_per_s": per_s,
        "seconds": seconds,
        "events": len(delays),
        "expected_events": round(per_s * seconds * FACTS_PER_ORDER),
        "gaps": sum(one.gaps for one in traders),
        "lost_sockets": len(broken),
        "p50_ms": round(delays[len(delays) // 2] * 1000, 1),
        "p95_ms": round(delays[int(len(delays) * 0.95)] * 1000, 1),
        "p99_ms": round(delays[int(len(delays) * 0.99)] * 1000, 1),
        "server_cpu_share": round(share, 2),
    }


async def main() -> None:
    """Measure and print; write the results unless --quick."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few seconds, nothing is written")
    parser.add_argument("--traders", type=int, default=250)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--database", choices=("postgres", "sqlite"), default="postgres")
    asked = parser.parse_args()
    seconds = 6.0 if asked.quick else asked.seconds
    if asked.database == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            found = await measure(f"sqlite:{Path(folder) / 'bench.sqlite3'}", asked.traders, seconds)
    else:
        server = PostgresServer(is_own=True, is_durable=True)
        try:
            found = await measure(server.database_url("postgres"), asked.traders, seconds)
        finally:
            server.close()
    print(json.dumps(found, indent=1))
    if not asked.quick and asked.database == "postgres":
        RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    uvloop.run(main())
