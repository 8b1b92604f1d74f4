"""Kill the demo with -9, again and again, and prove that it goes on as if nothing had happened.

    python tests/proofs/kill_demo.py --kills 20

Each round starts the demo in a process of its own, lets it trade for a random while and kills it; every third one ends
itself inside a bar's transaction, after the engine's state was written and before the commit (point k14). Afterwards
the database alone must tell one story: the one that a run without any kill tells, up to the same bar.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "graphql")]

from desk.assembly import HouseOptions, open_house, seed_demo  # noqa: E402
from desk.clock import SystemClock, to_ms  # noqa: E402
from desk.execution.faults import arm  # noqa: E402
from desk.ports import Store  # noqa: E402
from desk.store import migrate, open_store  # noqa: E402
from desk.views import Filter, Page  # noqa: E402
from trading.orders import OrderState  # noqa: E402

SEED = 7
#: Inside the transaction of a bar, after the engine's state was written.
POINT = "k14"
SPEED = 400.0
ALL = Page(first=10_000)


async def child(folder: Path, bars: int, passes: int) -> None:
    """Run the demo and tell its last bar, until killed or until enough bars were played.

    Args:
        passes: end inside the transaction of the bar after so many; 0 = only others end it.
    """
    if passes:
        _arm(passes)
    async with open_house(HouseOptions(data_dir=folder, seed=SEED, speed_bars_per_s=SPEED)) as house:
        demo = await seed_demo(house)
        while True:
            await asyncio.sleep(0.02)
            loop = house.supervisor.loops.get(demo.account.id)
            async with house.store.reading() as tx:
                equity = await tx.accounts.equity(demo.workspace.id, demo.account.id)
            if loop is not None and loop.last_ms is not None:
                print(f"bar {loop.last_ms}", flush=True)
            if bars and len(equity) >= bars:
                return


def _arm(passes: int) -> None:
    left = passes

    def hook(name: str) -> None:
        nonlocal left
        left -= name == POINT
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    arm(hook)


def play(folder: Path, bars: int = 0, passes: int = 0) -> subprocess.Popen[str]:
    """Start the demo in a process of its own."""
    command = [sys.executable, str(Path(__file__)), "--child", str(folder)]
    return subprocess.Popen(
        [*command, "--bars", str(bars), "--passes", str(passes)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=ROOT,
    )


def kill_after_first_bar(process: subprocess.Popen[str], wait_s: float) -> None:
    """Let it come to its first bar, wait, kill."""
    assert process.stdout is not None
    # Log lines come first.
    assert any(line.startswith("bar ") for line in process.stdout), "the demo ended by itself"
    time.sleep(wait_s)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()


def wait_for_its_end(process: subprocess.Popen[str]) -> None:
    """Wait until a process has ended itself at its point."""
    process.communicate(timeout=120.0)
    assert process.returncode == -signal.SIGKILL, f"it ended with {process.returncode} before its point"


@dataclass(frozen=True, slots=True)
class Story:
    """What a database tells."""

    bots: tuple[Any, ...]
    fills: tuple[Any, ...]
    trades: tuple[Any, ...]
    equity: tuple[Any, ...]
    last_ms: int

    def until(self, last_ms: int) -> Story:
        """Give the story up to the close of a bar."""
        return Story(
            bots=self.bots,
            fills=tuple(one for one in self.fills if one[0] <= last_ms),
            trades=tuple(one for one in self.trades if one[0] <= last_ms),
            equity=tuple(one for one in self.equity if one[0] <= last_ms + 900_000),
            last_ms=last_ms,
        )


async def read_story(folder: Path) -> Story:
    """Read a database and check what holds in every one of them."""
    url = f"sqlite:{folder / 'breakwater.db'}"
    await migrate(url)
    store: Store = open_store(url, clock=SystemClock())
    async with store.reading() as tx:
        [workspace] = await tx.workspaces.all()
        [account] = await tx.accounts.all(workspace.id)
        bots = await tx.bots.all(workspace.id)
        orders = await tx.orders.page(workspace.id, Filter(), ALL)
        fills = await tx.fills.page(workspace.id, Filter(), ALL)
        trades = await tx.positions.trades(workspace.id, Filter(), ALL)
        held = await tx.positions.open(workspace.id)
        equity = await tx.accounts.equity(workspace.id, account.id)
        status = await tx.accounts.status(workspace.id, account.id)
        saved = await tx.accounts.snapshot(workspace.id, account.id)
        journal = await tx.journal.after(workspace.id, 0, limit=1_000_000)
        first_bad = await tx.audit.first_bad(workspace.id)
    await store.close()
    assert status is not None
    assert saved is not None
    assert len({one.client_order_id for one in orders}) == len(orders), "an order was placed twice"
    assert len({one.venue_trade_id for one in fills}) == len(fills), "a fill was booked twice"
    assert not [one for one in orders if one.state in (OrderState.CLAIMED, OrderState.INTENT)]
    moved = sum(
        ((1 if one.side.value == "sell" else -1) * one.price * one.quantity - one.fee for one in fills),
        start=Decimal(0),
    )
    assert status.cash == account.capital + moved, "cash is not what the fills moved"
    by_position: dict[str, Decimal] = {}
    for fill in fills:
        sign = 1 if fill.side.value == "buy" else -1
        by_position[fill.position_id] = by_position.get(fill.position_id, Decimal(0)) + sign * fill.quantity
    assert {k: v for k, v in by_position.items() if v} == {one.id: one.quantity for one in held}
    assert [one.sequence for one in journal] == list(range(1, len(journal) + 1)), "the journal has a gap"
    assert first_bad is None, "the audit chain is broken"
    return Story(
        bots=tuple((one.name, one.strategy, one.pairs, one.desired) for one in bots),
        fills=tuple(
            sorted(
                (to_ms(one.filled_at), one.pair, one.reason.value, one.price, one.quantity, one.fee)
                for one in fills
            )
        ),
        trades=tuple(
            sorted((to_ms(one.closed_at), one.pair, one.pnl, one.reason.value, one.bars) for one in trades)
        ),
        equity=tuple((to_ms(one.at), one.equity) for one in equity),
        last_ms=saved[0],
    )


def prove(kills: int, *, seed: int, folder: Path) -> dict[str, Any]:
    """Kill so many times; compare with an uninterrupted run; give the figures."""
    choose = random.Random(seed)
    killed = folder / "killed"
    waits = [round(choose.uniform(0.0, 1.0), 3) for _ in range(kills)]
    restarts_s = []
    for number, wait_s in enumerate(waits):
        if number % 3 == 1:
            wait_for_its_end(play(killed, passes=choose.randint(1, 12)))
            continue
        started = time.monotonic()
        kill_after_first_bar(play(killed), wait_s)
        restarts_s.append(time.monotonic() - started - wait_s)
    story = asyncio.run(read_story(killed))
    reference_folder = folder / "whole"
    whole = play(reference_folder, bars=len(story.equity) + 1)
    whole.communicate()
    assert whole.returncode == 0, "the uninterrupted run failed"
    reference = asyncio.run(read_story(reference_folder)).until(story.last_ms)
    assert story == reference, "the killed run tells another story"
    return {
        "kills": kills,
        f"kills_at_{POINT}": (len(waits) + 1) // 3,
        "waits_s": waits,
        "bars": len(story.equity),
        "fills": len(story.fills),
        "trades": len(story.trades),
        "slowest_start_s": round(max(restarts_s), 2),
    }


def main() -> None:
    """Run the proof from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--child", type=Path)
    parser.add_argument("--bars", type=int, default=0)
    parser.add_argument("--passes", type=int, default=0)
    given = parser.parse_args()
    if given.child is not None:
        asyncio.run(child(given.child, given.bars, given.passes))
        return
    with tempfile.TemporaryDirectory() as folder:
        print(prove(given.kills, seed=given.seed, folder=Path(folder)))


if __name__ == "__main__":
    main()
