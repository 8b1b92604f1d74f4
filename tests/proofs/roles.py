"""One house as two processes: `trade` trades, `serve` streams what it does, while Redis is flushed and restarted.

Prints how often Redis was flushed and restarted, how many facts a subscriber of `serve` got of those that `trade`
committed, and how late they came. A fact that is missing, doubled or out of order breaks the promise.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import redis
from websockets.asyncio.client import ClientConnection, connect

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "graphql")]

from server.warm import use_cache  # noqa: E402 - the path is set above
from tests.support.services import PostgresServer, RedisServer  # noqa: E402 - the path is set above

SUBSCRIPTION = "subscription { events { sequence recordedAt } }"

CREATE = (
    "mutation($input: CreateBotInput!) { createBot(input: $input) { bot { id } userErrors { message } } }"
)
START = (
    "mutation($key: UUID!, $bot: ID!) "
    "{ startBot(input: { idempotencyKey: $key, botId: $bot }) { userErrors { message } } }"
)

#: The exit code of "only a speed was missed".
TOO_SLOW = 75

#: With Redis at hand a fact of the other process is there sooner than the database would be asked again.
TOLD_S = 0.25


def start(
    role: str, folder: Path, environment: dict[str, str]
) -> tuple[subprocess.Popen[str], dict[str, Any]]:
    """Start a role; give the process and its ready line."""
    command = [sys.executable, "-m", "server", role, "--json", "--port", "0", "--data-dir", str(folder)]
    with (folder.parent / f"{role}.err").open("a") as errors:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True
        )
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise SystemExit((folder.parent / f"{role}.err").read_text()[-2_000:])
    return process, json.loads(line)


class Follower:
    """A subscriber of `serve` that keeps what it was sent."""

    def __init__(self, ready: dict[str, Any]) -> None:
        self._ready = ready
        self.sequences: list[int] = []
        self.late_s: list[float] = []
        self.began = asyncio.Event()

    async def run(self) -> None:
        """Follow until cancelled."""
        async with connect(self._ready["subscriptions"], subprotocols=["graphql-transport-ws"]) as wire:  # type: ignore[list-item]
            await _begin(wire, self._ready["token"])
            self.began.set()
            async for message in wire:
                body = json.loads(message)
                if body["type"] == "ping":
                    await wire.send('{"type":"pong"}')
                if body["type"] != "next":
                    continue
                if body["payload"].get("errors"):
                    raise SystemExit(str(body))
                self._keep(body["payload"]["data"]["events"])

    def _keep(self, found: dict[str, Any]) -> None:
        # The first message says where the stream begins; it is no fact.
        if found.get("recordedAt") is None or (self.sequences and found["sequence"] == 0):
            return
        self.sequences.append(found["sequence"])
        committed = datetime.fromisoformat(found["recordedAt"])
        self.late_s.append((datetime.now(UTC) - committed).total_seconds())

    @property
    def gaps(self) -> int:
        """How many steps were not to the very next fact."""
        return sum(later != before + 1 for before, later in pairwise(self.sequences))


async def _begin(wire: ClientConnection, token: str) -> None:
    await wire.send(json.dumps({"type": "connection_init", "payload": {"authorization": f"Bearer {token}"}}))
    await wire.recv()
    await wire.send(json.dumps({"id": "1", "type": "subscribe", "payload": {"query": SUBSCRIPTION}}))


async def ask(ready: dict[str, Any], query: str, **variables: Any) -> Any:
    """Ask the API of `serve`."""
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        answer = await client.post(
            ready["graphql"],
            json={"query": query, "variables": variables},
            headers={"authorization": f"Bearer {ready['token']}"},
        )
    body = answer.json()
    if body.get("errors"):
        raise SystemExit(str(body))
    return body["data"]


async def live(serving: dict[str, Any], server: RedisServer, *, rounds: int) -> tuple[Follower, int, int]:
    """Follow the house while Redis is flushed and restarted; give the follower and how often."""
    made = await ask(
        serving,
        CREATE,
        input={
            "idempotencyKey": str(uuid4()),
            "name": "tide",
            "strategy": "trend_following",
            "pairs": ["BTC/USDT", "ETH/USDT"],
            "timeframe": "15m",
        },
    )
    follower = Follower(serving)
    following = asyncio.create_task(follower.run())
    await asyncio.wait_for(follower.began.wait(), 30)
    await ask(serving, START, key=str(uuid4()), bot=made["createBot"]["bot"]["id"])
    flushed = restarted = 0
    while flushed < rounds or len(follower.sequences) < 5 * rounds:
        await asyncio.sleep(0.3)
        if following.done():
            following.result()
        if flushed % 7 == 6:
            await asyncio.to_thread(server.stop)
            await asyncio.sleep(0.3)
            await asyncio.to_thread(server.start)
            restarted += 1
        flushed += await asyncio.to_thread(_flush, server.url)
    # A calm while: with Redis there, words arrive at once.
    calm = len(follower.late_s)
    await asyncio.sleep(4)
    follower.late_s = follower.late_s[calm:]
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    return follower, flushed, restarted


def _flush(url: str) -> int:
    with redis.Redis.from_url(url, socket_timeout=5) as client:
        client.flushall()
    return 1


def main() -> int:
    """Start both roles at once on an empty PostgreSQL, follow them, and judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="flush Redis 60 times instead of 20")
    rounds = 60 if parser.parse_args().full else 20
    use_cache(ROOT / ".cache")
    database, relay = PostgresServer(is_own=True), RedisServer(is_own=True)
    processes: list[subprocess.Popen[str]] = []
    try:
        with tempfile.TemporaryDirectory() as place, ThreadPoolExecutor(2) as pool:
            folder = Path(place) / "data"
            folder.mkdir()
            environment = {
                **{name: value for name, value in os.environ.items() if not name.startswith("BREAKWATER_")},
                "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'graphql'}",
                "BREAKWATER_DATABASE_URL": database.database_url("postgres"),
                "BREAKWATER_REDIS_URL": relay.url,
                "BREAKWATER_DEMO_SPEED": "40",
            }
            began = time.monotonic()
            both = [pool.submit(start, role, folder, environment) for role in ("serve", "trade")]
            (serve, serving), (trade, trading) = [one.result() for one in both]
            processes += [serve, trade]
            print(f"Both ready after {time.monotonic() - began:.1f} s", flush=True)
            follower, flushed, restarted = asyncio.run(live(serving, relay, rounds=rounds))
            for one in processes:
                one.send_signal(signal.SIGTERM)
            codes = [one.wait(timeout=30) for one in processes]
    finally:
        for one in processes:
            if one.poll() is None:
                one.kill()
        relay.close()
        database.close()
    late = sorted(follower.late_s)
    p95 = late[int(len(late) * 0.95)] if late else float("inf")
    print(
        f"Redis flushed {flushed} times and restarted {restarted} times: {len(follower.sequences)} facts of `trade` came "
        f"through `serve`, {follower.gaps} missing, doubled or out of order; with Redis at hand {p95 * 1000:.0f} ms after "
        f"their commit (p95 of {len(late)}). Exit codes {codes}; `trade` gave no API: {trading['graphql'] is None}.",
        flush=True,
    )
    if follower.gaps or any(codes) or trading["graphql"] is not None or not late:
        return 1
    return 0 if p95 <= TOLD_S else TOO_SLOW


if __name__ == "__main__":
    sys.exit(main())
