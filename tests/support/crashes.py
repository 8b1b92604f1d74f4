"""Crashes made on purpose, and what must hold afterwards; used by the tests (few) and by the proof (many)."""

from __future__ import annotations

import asyncio
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

from desk.store import SqlStore, migrate, open_store
from desk.store.postgres import PostgresDatabase
from desk.views import Filter, Page
from tests.support.records import NOON, a_fill, an_order
from tests.support.services import PostgresServer
from trading.errors import StoreProblem
from trading.events import BotCreated

_ROOT = Path(__file__).resolve().parents[2]

#: A pool must work again this long after its server came back (order-path.md, C4).
HEAL_S = 5.0


def kill_a_writer(url: str, lines: int) -> list[tuple[int, str]]:
    """Run a writer, kill it (-9) once it told of so many commits, and give all it told of."""
    command = [sys.executable, "-m", "tests.support.crash_writer", url]
    with subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        told = [writer.stdout.readline() for _ in range(lines)]
        writer.kill()
        told += writer.stdout.readlines()
    # The kill may cut the last line.
    whole = [line.split() for line in told if line.endswith("\n")]
    return [(int(sequence), order_id) for sequence, order_id in whole]


async def nothing_told_of_is_lost(url: str, told: list[tuple[int, str]], kills: int) -> None:
    """Check a database whose writers were killed.

    A commit that was never told of may be there, but only whole: at most one per kill.
    """
    store = open_store(url)
    async with store.reading() as tx:
        facts = await tx.journal.after("w1", 0, limit=1_000_000)
        orders = {one.id for one in await tx.orders.page("w1", Filter(), Page(first=10_000))}
        fills = {one.order_id for one in await tx.fills.page("w1", Filter(), Page(first=10_000))}
        head = await tx.journal.head("w1")
    await store.close()
    named = {one.sequence: one.event.name for one in facts if isinstance(one.event, BotCreated)}
    assert sorted(named) == list(range(1, head + 1))
    assert set(told) <= set(named.items())
    assert orders == fills == set(named.values())
    assert len(told) <= head <= len(told) + kills


async def write_transactions(store: SqlStore, number: int) -> None:
    """Commit orders, each with its fill and its fact."""
    for i in range(number):
        order = an_order("w1", seconds=i)
        async with store.transaction() as tx:
            await tx.orders.add(order, idempotency_key=order.id)
            await tx.fills.add(a_fill(order, order.id))
            fact = BotCreated(workspace_id="w1", occurred_at=NOON, name=order.id, strategy="x")
            await tx.journal.append("w1", [fact], NOON)


def cut_the_log(source: Path, folder: Path, cuts: int, seed: int) -> list[int]:
    """Cut copies of a database's write-ahead log at random bytes; give how many whole transactions each one holds."""
    log = source.with_name(source.name + "-wal")
    whole = folder / "whole"
    whole.mkdir()
    shutil.copy(source, whole / "db")
    shutil.copy(log, whole / "db-wal")
    dice = random.Random(seed)
    heads = []
    for _ in range(cuts):
        cut = folder / "cut"
        shutil.copytree(whole, cut)
        with (cut / "db-wal").open("r+b") as handle:
            handle.truncate(dice.randrange(log.stat().st_size))
        heads.append(_whole_transactions(cut / "db"))
        shutil.rmtree(cut)
    return heads


def _whole_transactions(path: Path) -> int:
    """Give how many transactions a file holds, after proving that each of them is whole."""
    connection = sqlite3.connect(path)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        sequences = [row[0] for row in connection.execute("SELECT sequence FROM event_log ORDER BY sequence")]
        counted = connection.execute("SELECT journal FROM counters").fetchone() or (0,)
        rows = [
            connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0]
            for table in ("order_intents", "orders", "order_events", "fills")
        ]
    finally:
        connection.close()
    assert sequences == list(range(1, counted[0] + 1))
    assert rows == [counted[0]] * 4
    return int(counted[0])


async def restart_under_load(server: PostgresServer, ways: list[signal.Signals]) -> list[float]:
    """Stop and start a server while five tasks share a pool of two; give how long each healing took.

    Every acknowledged commit must be there afterwards, no slot may be leaked, the journal may have no gap.
    """
    url = server.database_url("postgres")
    await migrate(url)
    store = open_store(url, pool_size=2)
    database = store.transactions.database
    assert isinstance(database, PostgresDatabase)
    committed: set[str] = set()
    stop = asyncio.Event()
    failures = 0

    async def trade() -> None:
        nonlocal failures
        while not stop.is_set():
            order = an_order("w1")
            fact = BotCreated(workspace_id="w1", occurred_at=NOON, name=order.id, strategy="x")
            try:
                async with store.transaction() as tx:
                    await tx.orders.add(order, idempotency_key=order.id)
                    await tx.journal.append("w1", [fact], NOON)
                committed.add(order.id)
            except StoreProblem:
                failures += 1
                await asyncio.sleep(0.02)

    tasks = [asyncio.create_task(trade()) for _ in range(5)]
    healed_s = []
    for way in ways:
        await asyncio.sleep(0.3)
        await asyncio.to_thread(server.stop, way)
        await asyncio.sleep(0.3)
        await asyncio.to_thread(server.start)
        returned, before = time.monotonic(), len(committed)
        while len(committed) < before + 5:
            await asyncio.sleep(0.01)
            assert time.monotonic() - returned < HEAL_S, "the pool did not heal"
        healed_s.append(time.monotonic() - returned)
    stop.set()
    await asyncio.gather(*tasks)

    assert failures > 0
    assert database.connections_in_use == 0
    async with store.reading() as tx:
        facts = await tx.journal.after("w1", 0, limit=1_000_000)
    await store.close()
    assert [one.sequence for one in facts] == list(range(1, len(facts) + 1))
    assert committed <= {one.event.name for one in facts if isinstance(one.event, BotCreated)}
    # A commit whose answer was lost may be there too.
    assert len(facts) <= len(committed) + failures
    return healed_s
