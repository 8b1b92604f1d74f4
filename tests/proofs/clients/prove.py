"""The real clients against the real server: graphql-ws, Apollo, gql, and the audit suite of graphql-http.

    python tests/proofs/clients/prove.py [--full] [--only audit|gql|graphql-ws|apollo]

Installs the JavaScript packages from npm into a temporary folder (npm and node are needed). Each client runs our
example with many subscribers and forced reconnects while facts flow; every subscriber must see every fact once and in
order. Short: 10 subscribers, 5 reconnects each, 500 facts; --full: 100, 20, 10,000. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "graphql"))
sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

import uvloop

from desk.clock import SystemClock
from desk.identity import Role
from desk.store import migrate, open_store
from tests.support.api_house import People, Running, StoreHouse, people, serving
from trading.events import PairUnlocked

ROOT = Path(__file__).resolve().parents[3]
HERE = Path(__file__).resolve().parent

PACKAGES = ("graphql@16", "graphql-http@1", "graphql-ws@6", "ws@8", "@apollo/client@4", "rxjs@7")
CLIENTS = ("audit", "gql", "graphql-ws", "apollo")

#: Facts of one transaction, and the pause between two.
BATCH = 10
PAUSE_S = 0.02


def install(folder: Path) -> None:
    """Put packages, examples and our scripts side by side."""
    (folder / "package.json").write_text('{"private": true, "type": "module"}', encoding="utf-8")
    command = [
        "npm",
        "install",
        "--no-audit",
        "--no-fund",
        "--ignore-scripts",
        "--prefix",
        str(folder),
        *PACKAGES,
    ]
    subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL)
    for one in (*(ROOT / "examples" / "javascript").glob("*.mjs"), *HERE.glob("*.mjs")):
        shutil.copy(one, folder)


@asynccontextmanager
async def server(folder: Path) -> AsyncIterator[tuple[StoreHouse, People, Running]]:
    """A server with a workspace of its own."""
    url = f"sqlite:{folder / 'proof.sqlite3'}"
    await migrate(url)
    house = StoreHouse(open_store(url))
    async with serving(house) as web:
        yield house, await people(house), web
    await house.store.close()


async def write_facts(house: StoreHouse, home: People, count: int) -> None:
    """Write facts; every third batch as another process would, so that only the store tells of it."""
    workspace, at = home.workspace.id, SystemClock().now()
    for start in range(0, count, BATCH):
        facts = [
            PairUnlocked(workspace_id=workspace, occurred_at=at, pair=f"P{start + one}/USDT", reason="proof")
            for one in range(min(BATCH, count - start))
        ]
        await house.write(workspace, *facts, publish=start // BATCH % 3 != 0)
        await asyncio.sleep(PAUSE_S)


async def output_of(*command: str, cwd: Path) -> dict[str, Any]:
    """Run a program that prints one JSON object."""
    process = await asyncio.create_subprocess_exec(
        *command, cwd=cwd, stdout=asyncio.subprocess.PIPE, env={**os.environ, "BREAKWATER_TOKEN": ""}
    )
    out, _ = await process.communicate()
    assert process.returncode == 0, f"{command} failed"
    found: dict[str, Any] = json.loads(out)
    return found


async def prove_client(
    name: str, folder: Path, subscribers: int, reconnects: int, facts: int
) -> dict[str, Any]:
    """Let one client's subscribers read everything."""
    scripts = {
        "gql": (sys.executable, str(HERE / "subscribers.py")),
        "graphql-ws": ("node", "subscribers.mjs", "./follow_journal.mjs"),
        "apollo": ("node", "subscribers.mjs", "./follow_with_apollo.mjs"),
    }
    work = folder / name
    work.mkdir()
    async with server(work) as (house, home, web):
        began = time.monotonic()
        writing = asyncio.create_task(write_facts(house, home, facts))
        sizes = [str(one) for one in (subscribers, reconnects, facts)]
        found = await output_of(*scripts[name], web.socket_url, home.tokens[Role.VIEWER], *sizes, cwd=folder)
        await writing
    assert found["reconnects"] == subscribers * reconnects, found
    assert found["missing"] == found["duplicate"] == found["out_of_order"] == 0, found
    return {**found, "facts": facts, "seconds": round(time.monotonic() - began, 1)}


async def prove_audit(folder: Path) -> dict[str, Any]:
    """Let graphql-http audit the server."""
    work = folder / "audit"
    work.mkdir()
    async with server(work) as (_, home, web):
        found = await output_of(
            "node", "audit.mjs", f"{web.url}/graphql", home.tokens[Role.VIEWER], cwd=folder
        )
    assert not found["errors"], found
    assert not found["warnings"], found
    assert len(found["notices"]) <= 3, found
    return found


async def main() -> None:
    """Prove and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--only", choices=CLIENTS)
    asked = parser.parse_args()
    sizes = (100, 20, 10_000) if asked.full else (10, 5, 500)
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if asked.only != "gql":
            install(folder)
        for client in CLIENTS:
            if asked.only in {None, client}:
                found[client] = (
                    await prove_audit(folder)
                    if client == "audit"
                    else await prove_client(client, folder, *sizes)
                )
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    uvloop.run(main())
