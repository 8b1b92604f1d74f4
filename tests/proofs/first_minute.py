"""The first minute of the demo: a position, shown by the console, streamed over GraphQL, told by mail; stop, start, kill -9.

Prints each figure with what was promised, and exits 1 when a promise is broken. Wall times are printed beside what they
should be on an idle machine, but a busy machine breaks no promise.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from websockets.asyncio.client import connect

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "graphql")]

from server.warm import use_cache  # noqa: E402 - the path is set above

#: Promises of the product, in seconds.
POSITION_S, STOP_S, RESTART_S = 60.0, 5.0, 3.0

_PROMISES: list[tuple[str, str, bool]] = []


class Mailbox:
    """A mail server that keeps what it is sent."""

    def __init__(self) -> None:
        self.letters: list[bytes] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """Keep a letter."""
        self.letters.append(envelope.content)
        return "250 OK"


def promise(what: str, found: str, is_kept: bool) -> None:
    """Note a promise and print it."""
    _PROMISES.append((what, found, is_kept))
    print(f"  {'ok ' if is_kept else 'NOT'} {what}: {found}", flush=True)


def timed(what: str, seconds: float, limit_s: float) -> None:
    """Print a wall time beside its limit."""
    print(
        f"  {'ok ' if seconds <= limit_s else 'slow'} {what}: {seconds:.1f} s (limit {limit_s:.0f} s when idle)",
        flush=True,
    )


def start(folder: Path, mail_port: int) -> tuple[subprocess.Popen[str], dict[str, Any], float]:
    """Start the demo; give the process, its ready line and how long that took."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("BREAKWATER_")},
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'graphql'}",
        "BREAKWATER_OWNER_EMAIL": "owner@example.org",
        "BREAKWATER_SMTP_HOST": "127.0.0.1",
        "BREAKWATER_SMTP_PORT": str(mail_port),
        "BREAKWATER_SMTP_TLS": "none",
    }
    began = time.monotonic()
    command = [
        sys.executable,
        "-m",
        "server",
        "up",
        "--demo",
        "--json",
        "--port",
        "0",
        "--data-dir",
        str(folder),
    ]
    with (folder.parent / "up.err").open("a") as errors:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True
        )
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise SystemExit((folder.parent / "up.err").read_text()[-2_000:])
    return process, json.loads(line), time.monotonic() - began


def console(folder: Path, line: str) -> Any:
    """Ask the console of another process; gives the card."""
    done = subprocess.run(
        [sys.executable, "-m", "server", "console", line, "--json", "--data-dir", str(folder)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'graphql'}"},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


async def first_position(ready: dict[str, Any]) -> float | None:
    """Wait on the subscription for the fact that a position was opened; give the seconds, None when the stream ends."""
    began = time.monotonic()
    async with connect(ready["subscriptions"], subprotocols=["graphql-transport-ws"]) as wire:  # type: ignore[list-item]
        await wire.send(
            json.dumps({"type": "connection_init", "payload": {"authorization": f"Bearer {ready['token']}"}})
        )
        await wire.recv()
        query = "subscription { events { kind cursor } }"
        await wire.send(json.dumps({"id": "1", "type": "subscribe", "payload": {"query": query}}))
        async for message in wire:
            body = json.loads(message)
            if body["type"] == "error" or (body["type"] == "next" and body["payload"].get("errors")):
                raise SystemExit(str(body))
            if body["type"] == "next":
                kind = body["payload"]["data"]["events"]["kind"]
                if kind.lower() == "position_opened":
                    return time.monotonic() - began
    return None


def rows(folder: Path, query: str) -> list[Any]:
    """Read the database."""
    with sqlite3.connect(f"file:{folder / 'breakwater.db'}?mode=ro", uri=True) as connection:
        return connection.execute(query).fetchall()


def holdings(folder: Path) -> tuple[list[Any], list[Any]]:
    """Give bots and fills as the database has them."""
    bots = rows(folder, "SELECT id, name, desired FROM bots ORDER BY id")
    return bots, rows(folder, "SELECT venue_trade_id, price, quantity FROM fills ORDER BY venue_trade_id")


def stop(process: subprocess.Popen[str], sign: int) -> float:
    """Send a signal and give how long the end took."""
    began = time.monotonic()
    process.send_signal(sign)
    process.wait(timeout=30)
    return time.monotonic() - began


def main() -> int:
    """Live through the first minutes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="kill five times instead of once")
    kills = 5 if parser.parse_args().full else 1
    # Compiled code is shared between the data folders of proofs and tests.
    use_cache(ROOT / ".cache")
    mailbox = Mailbox()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        mail_port = probe.getsockname()[1]
    mail = Controller(mailbox, hostname="127.0.0.1", port=mail_port)
    mail.start()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "data"
        folder.mkdir()
        process, ready, took = start(folder, mail_port)
        print(f"First start ready after {took:.1f} s (compiles where nothing is cached)", flush=True)
        try:
            found = asyncio.run(asyncio.wait_for(first_position(ready), POSITION_S * 2))
        except TimeoutError:
            found = None
        promise(
            "a position is opened and streamed",
            "nothing came" if found is None else "it came",
            found is not None,
        )
        timed("from ready to the first position", found or POSITION_S * 2, POSITION_S)
        card = console(folder, "/status")
        name = card.get("name") or card.get("card")
        promise("the console of another process answers /status", str(name), name == "status")
        limit = time.monotonic() + 15
        while not any(b"Position opened" in one for one in mailbox.letters) and time.monotonic() < limit:
            time.sleep(0.2)
        told = sum(b"Position opened" in one for one in mailbox.letters)
        promise("its alert is at the mail server", f"{told} letters", told >= 1)
        seconds = stop(process, signal.SIGINT)
        promise("Ctrl-C stops it cleanly", f"exit {process.returncode}", process.returncode == 0)
        timed("from Ctrl-C to the end", seconds, STOP_S)
        process, ready, seconds = start(folder, mail_port)
        timed("a restart until ready", seconds, RESTART_S)
        for _ in range(kills):
            time.sleep(6)
            stop(process, signal.SIGKILL)
            bots, fills = holdings(folder)
            process, ready, seconds = start(folder, mail_port)
            time.sleep(4)
            bots_after, fills_after = holdings(folder)
            promise(
                "after kill -9 the same bots go on",
                f"{len(bots)} bots, ready in {seconds:.1f} s",
                bots_after == bots,
            )
            promise(
                "no fill was lost",
                f"{len(fills)} fills, {len(fills_after)} now",
                set(fills) <= set(fills_after),
            )
            (ids,) = rows(folder, "SELECT count(*), count(DISTINCT client_order_id) FROM orders")
            promise("no order twice", f"{ids[0]} orders, {ids[1]} ids", ids[0] == ids[1])
        stop(process, signal.SIGTERM)
    mail.stop()
    return 0 if all(kept for _, _, kept in _PROMISES) else 1


if __name__ == "__main__":
    sys.exit(main())
