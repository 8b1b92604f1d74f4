"""Kill traders again and again, heal, and judge: the machinery of the crash matrix.

Traders are forked from this process, which has no threads and no loop, so that a start costs milliseconds; each is a
process of its own that is ended with SIGKILL, by itself at a named point or by the clock.
"""

from __future__ import annotations

import asyncio
import os
import random
import select
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson

from desk.clock import SystemClock
from desk.execution.client_ids import stable_id
from desk.execution.executor import Executor
from desk.identity import Role
from desk.store import open_store
from tests.support.live_trader import HEAL_S, Job, trade
from tests.support.order_checker import Witnessed, complaints
from tests.support.records import a_live_account
from tests.support.told_checker import untold
from tests.support.witness import order_of, trade_of
from tests.support.witness_venue import WitnessVenue
from trading.orders import TERMINAL

_ROOT = Path(__file__).resolve().parents[2]
CASH = Decimal(1_000_000)
#: A trader that does not reach its point is killed by the clock.
_LONGEST_S = 4.0
#: What the exchange does to orders, by chance.
_FATES: tuple[dict[str, float], ...] = (
    {},
    {},
    {"accept_then_drop": 0.2},
    {"drop": 0.1, "late": 0.1, "late_s": 2.0},
)
#: The point inside a stop in good order, and those of whoever carries alerts.
_STOPPING, _TELLING = "k17", ("k12", "k13")


@dataclass(frozen=True, slots=True)
class Cycle:
    """Processes that are started one after the other, each to be killed.

    Attributes:
        points: where each of them is killed, and at the how manyth passing; an empty point means by the clock.
        shakes: the database is restarted under the last of them.
    """

    points: tuple[tuple[str, int], ...]
    shakes: bool = False


@dataclass(slots=True)
class Tally:
    """What the cycles came to.

    Attributes:
        tellers: processes that carried alerts and were killed.
        compound: cycles in which a start after a kill was killed too, or the database restarted.
    """

    kills: int = 0
    tellers: int = 0
    compound: int = 0
    by_point: dict[str, int] = field(default_factory=dict)
    acknowledged: list[str] = field(default_factory=list)
    ready_s: list[float] = field(default_factory=list)
    has_healed: bool = False


class WitnessProcess:
    """The exchange, for a whole run."""

    def __init__(self, folder: Path, *, dedupe: str = "always", delay_ms: int = 0, partial: int = 1) -> None:
        command = [sys.executable, "-m", "tests.support.witness", str(folder), "--dedupe", dedupe]
        command += ["--delay-ms", str(delay_ms), "--partial", str(partial)]
        environment = {**os.environ, "PYTHONPATH": f"{_ROOT}{os.pathsep}{_ROOT / 'graphql'}"}
        self.process = subprocess.Popen(
            command, cwd=_ROOT, stdout=subprocess.PIPE, text=True, env=environment
        )
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())
        self.folder = folder

    def call(self, op: str, **given: Any) -> dict[str, Any]:
        """Ask it something."""
        return asyncio.run(WitnessVenue(self.port).call(op, **given))

    def witnessed(self) -> Witnessed:
        """Give its book, and from its ledger the requests that arrived."""
        book = self.call("book")
        orders = [order_of(one) for one in book["orders"]]
        trades = [trade_of(one) for one in book["trades"]]
        lines = [orjson.loads(one) for one in (self.folder / "ledger.jsonl").read_bytes().splitlines()]
        return Witnessed(
            orders=[(one.client_order_id, one.venue_order_id) for one in orders],
            trades={
                one.venue_trade_id: (
                    one.client_order_id,
                    one.quantity if one.side.value == "buy" else -one.quantity,
                    one.base_fee,
                )
                for one in trades
            },
            open_ids=frozenset(one.client_order_id for one in orders if one.state not in TERMINAL),
            totals={asset: Decimal(one) for asset, one in book["totals"].items()},
            requests=[one["client_order_id"] for one in lines if one["kind"] == "request"],
        )

    def told(self) -> list[dict[str, Any]]:
        """Give the alerts that people heard, in order."""
        lines = [orjson.loads(one) for one in (self.folder / "ledger.jsonl").read_bytes().splitlines()]
        return [one for one in lines if one["kind"] == "told"]

    def close(self) -> None:
        """End it."""
        self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


async def an_account(url: str, name: str = "live") -> tuple[str, str]:
    """Make a workspace with a live account; give both ids."""
    store = open_store(url, clock=SystemClock(), acquire_timeout_s=10.0)
    async with store.transaction() as tx:
        await tx.workspaces.install()
        workspace = await tx.workspaces.create(name)
        account = await a_live_account(tx, workspace.id, capital=CASH)
        # Somebody to tell.
        await tx.members.add(workspace.id, name="ann", email="ann@example.org", role=Role.OWNER)
    await store.close()
    return workspace.id, account.id


def run_one(
    job: Job, *, after_s: float | None, tally: Tally, during: Callable[[], None] | None = None
) -> bool:
    """Fork a trader and see it end; tell whether it was killed (rather than finished).

    Args:
        after_s: kill it by the clock so long after it was ready; None = it ends itself at its point.
        during: done once after it was ready, beside it.
    """
    told_r, told_w = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(told_r)
        code = 1
        try:
            trade(job, lambda text: _write(told_w, text))
            code = 0
        except Exception:
            if not job.orders_per_s:
                traceback.print_exc()
        finally:
            os._exit(code)
    os.close(told_w)
    # A healer ends by itself; a trader that hangs before it is ready is ended by the clock.
    deadline = time.monotonic() + (HEAL_S + 30.0 if not job.orders_per_s else 30.0)
    kill_at = None
    buffer = b""
    reached = ""
    status: int | None = None
    while status is None:
        readable, _, _ = select.select([told_r], [], [], 0.02)
        if readable:
            chunk = os.read(told_r, 65_536)
            buffer += chunk
            if not chunk:
                status = os.waitpid(pid, 0)[1]
                break
        *lines, buffer = buffer.split(b"\n")
        for line in lines:
            kind, _, rest = line.decode().partition(" ")
            if kind == "ready":
                tally.ready_s.append(float(rest))
                kill_at = time.monotonic() + (_LONGEST_S if after_s is None else after_s)
                if during is not None:
                    during()
                    during = None
            elif kind == "ok":
                tally.acknowledged.append(rest)
            elif kind == "at":
                reached = rest
            elif kind == "quiet":
                tally.has_healed = True
        now = time.monotonic()
        if (kill_at is not None and now >= kill_at and job.orders_per_s) or now >= deadline:
            os.kill(pid, signal.SIGKILL)
            status = os.waitpid(pid, 0)[1]
    os.close(told_r)
    for line in buffer.split(b"\n"):
        if line.startswith(b"ok "):
            tally.acknowledged.append(line.decode().partition(" ")[2])
    was_killed = os.WIFSIGNALED(status)
    if was_killed:
        tally.kills += 1
        tally.tellers += job.is_telling
        # A point that was not passed in time is no kill at that point.
        name = reached or "random"
        tally.by_point[name] = tally.by_point.get(name, 0) + 1
    return was_killed


def _write(pipe: int, text: str) -> None:
    os.write(pipe, text.encode() + b"\n")


def heal_and_judge(job: Job, witness: WitnessProcess, tally: Tally) -> list[str]:
    """Let everything work again, then compare the witness with the rows; give every broken promise."""
    while witness.call("control", fates={})["under_way"]:
        time.sleep(0.05)
    healer = replace(job, point="", orders_per_s=0.0, seed=job.seed + 1)
    healing = Tally()
    # On a machine that is too busy to renew a lease in time the owner ends, and is started again as in service.
    for _ in range(3):
        run_one(healer, after_s=HEAL_S, tally=healing)
        if healing.has_healed:
            break
    else:
        return [f"I5: it did not heal within {HEAL_S:.0f} s."]
    # Alerts of a workspace that nobody tells wait for ever.
    told = witness.told() if job.is_telling else None
    return asyncio.run(_judge(job, witness.witnessed(), tally, told))


async def _judge(job: Job, seen: Witnessed, tally: Tally, told: Sequence[dict[str, Any]] | None) -> list[str]:
    store = open_store(job.url, clock=SystemClock(), acquire_timeout_s=10.0)
    try:
        async with store.reading() as tx:
            found = await complaints(tx, job.workspace_id, job.account_id, seen, start={"USDT": CASH})
            found += await _kept_word(tx, job, tally.acknowledged)
            if told is not None:
                found += await untold(tx, job.workspace_id, told, kills=tally.tellers)
        found += await store.check()
        return found
    finally:
        await store.close()


async def _kept_word(tx: Any, job: Job, acknowledged: Sequence[str]) -> list[str]:
    """I2: every order that was acknowledged to the asker is a row."""
    return [
        f"I2: the order of {key} was acknowledged and is gone."
        for key in acknowledged
        if await tx.orders.by_id(job.workspace_id, stable_id(job.account_id, "order", key)) is None
    ]


def matrix(
    job: Job,
    witness: WitnessProcess,
    cycles: Sequence[Cycle],
    *,
    seed: int,
    build: type[Executor] = Executor,
    shake: Callable[[], None] | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> tuple[Tally, list[str]]:
    """Go through the cycles in a random order; heal and judge after every 20 kills and at the end.

    Args:
        shake: restarts the database; without it nobody does.
    """
    chance = random.Random(seed)
    tally, found = Tally(), []
    todo = list(cycles)
    chance.shuffle(todo)
    judged = number = 0
    for cycle in todo:
        tally.compound += len(cycle.points) > 1 or (cycle.shakes and shake is not None)
        for place, (point, passes) in enumerate(cycle.points, 1):
            number += 1
            fates = chance.choice(_FATES)
            witness.call("control", fates=fates)
            one = replace(job, point=point, passes=max(1, passes), seed=seed + number, build=build)
            if point == _STOPPING:
                one.most_s = 0.4
            one.is_telling = job.is_telling and (point in _TELLING or (not point and chance.random() < 0.3))
            is_shaken = cycle.shakes and place == len(cycle.points)
            run_one(
                one,
                after_s=None if point else chance.uniform(0.0, 1.0),
                tally=tally,
                during=shake if is_shaken else None,
            )
        if tally.kills - judged >= 20 or cycle is todo[-1]:
            judged = tally.kills
            found += heal_and_judge(job, witness, tally)
            say(f"{tally.kills} kills, {len(found)} complaints")
            if found:
                break
    return tally, found
