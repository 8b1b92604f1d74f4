"""Keys rotate under load, killed (-9) half way too: no request fails, no order is lost, no value becomes unreadable.

    python tests/proofs/api_key_rotation.py [--full]

`breakwater up` with a live account at `breakwater sim-exchange` whose key is sealed, and members whose addresses are.
People sign in and refresh, addresses are read, orders are placed, hooks are heard, while `keys rotate` seals everything
anew, again and again. Some rotations are killed: before the new key file is in place, after it, before the signing
key, and in the middle of the rows. After each one every sealed value is opened by the running server, and by
a process that starts then; in the end the server itself is killed and starts again.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import multiprocessing
import os
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import httpx
import structlog

_ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(_ROOT), str(_ROOT / "graphql")]

from server.warm import use_cache  # noqa: E402 - the path is set above

use_cache(_ROOT / ".cache")

from desk import assembly  # noqa: E402
from desk.keyring import FILE_NAME, KeyRing, key_ring_at, save_key_ring  # noqa: E402
from desk.settings import Settings  # noqa: E402
from desk.store import open_store  # noqa: E402
from tests.support.live_server import PASSWORD, LiveServer, Load, Prepared, code_of, prepare  # noqa: E402
from tests.support.sim_process import SimProcess  # noqa: E402

#: One process imports everything; each rotation is a fork of it, so that it costs no start.
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.support.live_server"])

#: Where a rotation dies.
POINTS = ("before_file", "after_file", "in_rows", "before_commit")

SIGN_IN = (
    "mutation($input: SignInInput!) "
    "{ signIn(input: $input) { accessToken refreshToken userErrors { code message } } }"
)
REFRESH = (
    "mutation($input: RefreshSessionInput!) "
    "{ refreshSession(input: $input) { accessToken userErrors { code message } } }"
)
MEMBERS = "{ members(first: 50) { edges { node { email } } } }"


def die() -> NoReturn:
    """End as a power cut would."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("nothing goes on after -9")


def rotate_and_die(folder: Path, point: str) -> None:
    """Rotate the keys of a folder, as `keys rotate` does, and die at a point; none lives."""
    if point == "before_file":
        vars(assembly)["save_key_ring"] = lambda _path, _ring: die()
    elif point == "after_file":

        def then_die(path: Path, ring: KeyRing) -> None:
            save_key_ring(path, ring)
            die()

        vars(assembly)["save_key_ring"] = then_die
    elif point == "in_rows":
        from desk.store.repositories.personal import Personal

        Personal._sealed_key = _after(Personal._sealed_key, 7)  # type: ignore[method-assign]
    elif point == "before_commit":
        from desk.store.repositories.personal import Personal

        whole = Personal.rewrap

        async def rewrap(self: Personal) -> int:
            await whole(self)
            die()

        Personal.rewrap = rewrap  # type: ignore[method-assign]
    asyncio.run(assembly.rotate_keys(Settings(data_dir=folder)))


def _after(call: Callable[..., str], times: int) -> Callable[..., str]:
    """Give a call that dies after so many times."""
    left = iter(range(times))

    def counted(*given: Any) -> str:
        if next(left, None) is None:
            die()
        return call(*given)

    return counted


async def rotated(folder: Path, point: str) -> int:
    """Rotate in a process of its own; give its exit code."""
    process = FORKS.Process(target=rotate_and_die, args=(folder, point))
    process.start()
    await asyncio.to_thread(process.join)
    return process.exitcode or 0


async def unreadable(folder: Path, prepared: Prepared, members: int) -> list[str]:
    """Open every sealed value as a process that starts now; give what does not open."""
    store = open_store(f"sqlite:{folder / 'breakwater.db'}", ring=key_ring_at(folder / FILE_NAME))
    try:
        async with store.reading() as tx:
            people = await tx.members.all(prepared.workspace_id)
            secret = await tx.exchange_keys.open(prepared.workspace_id, prepared.account_id)
        wrong = [f"{one.name} has the address '{one.email}'" for one in people if "@home" not in one.email]
        wrong += [] if len(people) == members + 1 else [f"{len(people)} people"]
        return wrong + (
            [] if secret is not None and secret.api_secret.reveal() == "sim-secret" else ["no key"]
        )
    finally:
        await store.close()


class People:
    """People at the door of a running server."""

    def __init__(self, load: Load) -> None:
        self._load = load

    async def addresses(self, _number: int) -> str:
        """Read sealed addresses through the running server; give `ok`, or what came."""
        found = await self._load.ask(MEMBERS)
        if found.get("errors"):
            return str(found["errors"][0]["extensions"]["code"])
        edges = found["data"]["members"]["edges"]
        return "ok" if all("@home" in one["node"]["email"] for one in edges) else "an address is missing"

    async def sign_in(self, _number: int) -> str:
        """Sign in, use the token, refresh it, use that."""
        found = await self._load.ask(SIGN_IN, input={"login": "olga", "password": PASSWORD})
        if (code := code_of(found, "signIn")) != "ok":
            return code
        session = found["data"]["signIn"]
        for token in (session["accessToken"], await self._refreshed(session["refreshToken"])):
            seen = await self._load.ask("{ viewer { name } }", token=token)
            if seen.get("errors"):
                return str(seen["errors"][0]["extensions"]["code"])
        return "ok"

    async def _refreshed(self, refresh: str) -> str:
        found = await self._load.ask(REFRESH, input={"refreshToken": refresh})
        return str(found["data"]["refreshSession"]["accessToken"])


async def proven(
    server: LiveServer, prepared: Prepared, folder: Path, points: list[str], members: int
) -> tuple[dict[str, Any], list[str]]:
    """Rotate at every point under load; give the figures and what is wrong."""
    wrong: list[str] = []
    async with httpx.AsyncClient(base_url=server.address, trust_env=False, timeout=30) as web:
        load = Load(web, prepared)
        people = People(load)
        await load.until_ready()
        codes: list[int] = []
        is_over = asyncio.Event()

        async def rotate_all() -> None:
            for point in points:
                codes.append(await rotated(folder, point))
                wrong.extend(f"after '{point}': {one}" for one in await unreadable(folder, prepared, members))
                # Everybody asks with the new keys for a moment.
                await asyncio.sleep(0.1)
            is_over.set()

        async def ask() -> None:
            while not is_over.is_set():
                await load.run(
                    [
                        ("addresses", 10.0, people.addresses),
                        ("sign-in", 2.0, people.sign_in),
                        ("order", 5.0, load.order),
                        ("hook", 5.0, load.hook),
                    ],
                    seconds=1.0,
                )

        async with asyncio.TaskGroup() as group:
            group.create_task(rotate_all())
            group.create_task(ask())
        for kind, one in load.answers.items():
            wrong += one.wrong
            wrong += [f"{kind} was answered {code}" for code in sorted(set(one.codes) - {"ok", "202"})]
    expected = [0 if one == "none" else -signal.SIGKILL for one in points]
    if codes != expected:
        wrong.append(f"rotations ended with {codes}; {expected} was meant")
    figures: dict[str, Any] = {
        "rotations": len(points),
        "killed": sum(one != "none" for one in points),
        "people": members + 1,
        "requests": {kind: sum(one.codes.values()) for kind, one in load.answers.items()},
        "p99_ms": {kind: round(one.share(0.99) * 1000) for kind, one in load.answers.items()},
    }
    return figures, wrong


async def orders_of(folder: Path) -> int:
    """Count the orders that the rows hold."""
    store = open_store(f"sqlite:{folder / 'breakwater.db'}", ring=key_ring_at(folder / FILE_NAME))
    try:
        async with store.reading() as tx:
            row = await tx.connection.row("SELECT COUNT(*) FROM orders")
            return int(row[0]) if row else 0
    finally:
        await store.close()


async def after_a_crash(server: LiveServer, prepared: Prepared) -> list[str]:
    """Ask a server that starts after its predecessor was killed; its account opens its key to become ready."""
    async with httpx.AsyncClient(base_url=server.address, trust_env=False, timeout=30) as web:
        load = Load(web, prepared)
        await load.until_ready()
        people = People(load)
        said = [await people.addresses(0), await people.sign_in(0), await load.hook(0)]
    return [f"after the crash: {one}" for one in said if one not in ("ok", "202")]


def prove(rounds: int, members: int) -> int:
    """Prove it; 0 when nothing failed."""
    points = [*POINTS, "none"] * rounds
    with tempfile.TemporaryDirectory() as place:
        folder, log = Path(place) / "data", Path(place) / "server.log"
        exchange = SimProcess(Path(place) / "ledger.jsonl")
        servers: list[LiveServer] = []
        try:
            prepared = asyncio.run(prepare(folder, exchange, hooks=10, members=members))
            servers.append(LiveServer(folder, exchange, log))
            figures, wrong = asyncio.run(proven(servers[0], prepared, folder, points, members))
            placed = figures["requests"]["order"]
            servers[0].process.kill()
            servers[0].process.wait()
            servers.append(LiveServer(folder, exchange, log))
            wrong += asyncio.run(after_a_crash(servers[1], prepared))
            held = asyncio.run(orders_of(folder))
            wrong += [f"{held} orders of {placed} are there"] if held < placed else []
            exchange.read()
            seen = [str(one["client_id"]) for one in exchange.of("order")]
            wrong += [f"{one} was sent twice" for one in sorted(set(seen)) if seen.count(one) > 1]
        finally:
            for running in servers:
                running.end()
            exchange.close()
    print(json.dumps(figures))
    for one in wrong:
        print(f"  {one}")
    return 1 if wrong else 0


def main() -> int:
    """Prove it; 0 when nothing failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--full",
        action="store_true",
        help="100 rotations, 80 of them killed, over 1,000 people; otherwise 15 and 12 over 100",
    )
    is_full = parser.parse_args().full
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    # The process that forks finds our rooms by it.
    os.environ["PYTHONPATH"] = f"{_ROOT}{os.pathsep}{_ROOT / 'graphql'}"
    return prove(20, 1_000) if is_full else prove(3, 100)


if __name__ == "__main__":
    sys.exit(main())
