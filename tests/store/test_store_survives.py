"""Crashes: what was committed is there afterwards, what was not leaves no trace, and the store heals by itself."""

from __future__ import annotations

import asyncio
import random
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from desk.store import SqlStore, migrate, open_store
from desk.store.postgres import PostgresDatabase
from desk.views import Filter, Page
from tests.support.records import NOON, a_fill, an_order
from tests.support.services import PostgresServer
from trading.errors import StoreProblem
from trading.events import BotCreated

_ROOT = Path(__file__).resolve().parents[2]


def _killed(url: str, lines: int) -> list[tuple[int, str]]:
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


async def test_a_writer_killed_at_any_moment_loses_nothing_it_told_of(sqlite_url: str) -> None:
    dice = random.Random(5)
    told = [one for _ in range(3) for one in _killed(sqlite_url, dice.randint(1, 60))]

    store = open_store(sqlite_url)
    async with store.reading() as tx:
        facts = await tx.journal.after("w1", 0, limit=10_000)
        orders = {one.id for one in await tx.orders.page("w1", Filter(), Page(first=10_000))}
        fills = {one.order_id for one in await tx.fills.page("w1", Filter(), Page(first=10_000))}
        head = await tx.journal.head("w1")
    await store.close()

    named = {one.sequence: one.event.name for one in facts if isinstance(one.event, BotCreated)}
    assert sorted(named) == list(range(1, head + 1))
    assert set(told) <= set(named.items())
    # A commit that was never told of may be there, but only whole: at most one per kill.
    assert orders == fills == set(named.values())
    assert len(told) <= head <= len(told) + 3


async def _transactions(store: SqlStore, number: int) -> None:
    for i in range(number):
        order = an_order("w1", seconds=i)
        async with store.transaction() as tx:
            await tx.orders.add(order, idempotency_key=order.id)
            await tx.fills.add(a_fill(order, order.id))
            fact = BotCreated(workspace_id="w1", occurred_at=NOON, name=order.id, strategy="x")
            await tx.journal.append("w1", [fact], NOON)


async def test_a_log_cut_at_any_byte_leaves_whole_transactions(
    sqlite_store: SqlStore, tmp_path: Path
) -> None:
    await _transactions(sqlite_store, 40)
    source = sqlite_store.location.path
    log = source.with_name(source.name + "-wal")
    size = log.stat().st_size
    whole = tmp_path / "whole"
    whole.mkdir()
    shutil.copy(source, whole / "db")
    shutil.copy(log, whole / "db-wal")
    dice = random.Random(11)
    heads = []

    for _ in range(60):
        cut = tmp_path / "cut"
        shutil.copytree(whole, cut)
        with (cut / "db-wal").open("r+b") as handle:
            handle.truncate(dice.randrange(size))
        heads.append(_whole_transactions(cut / "db"))
        shutil.rmtree(cut)

    assert min(heads) < max(heads) <= 40


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


@pytest.fixture
def own_server() -> Iterator[PostgresServer]:
    """A PostgreSQL that this test may stop."""
    server = PostgresServer(is_own=True)
    yield server
    server.close()


async def test_a_pool_of_two_heals_after_restarts_under_load(own_server: PostgresServer) -> None:
    url = own_server.database_url("postgres")
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
            try:
                async with store.transaction() as tx:
                    await tx.orders.add(order, idempotency_key=order.id)
                    fact = BotCreated(workspace_id="w1", occurred_at=NOON, name=order.id, strategy="x")
                    await tx.journal.append("w1", [fact], NOON)
                committed.add(order.id)
            except StoreProblem:
                failures += 1
                await asyncio.sleep(0.02)

    tasks = [asyncio.create_task(trade()) for _ in range(5)]
    healed_s = []
    for _ in range(2):
        await asyncio.sleep(0.3)
        await asyncio.to_thread(own_server.stop)
        await asyncio.sleep(0.3)
        await asyncio.to_thread(own_server.start)
        returned, before = time.monotonic(), len(committed)
        while len(committed) < before + 5:
            await asyncio.sleep(0.01)
            assert time.monotonic() - returned < 5.0, "the pool did not heal"
        healed_s.append(time.monotonic() - returned)
    stop.set()
    await asyncio.gather(*tasks)

    assert failures > 0
    assert database.connections_in_use == 0
    async with store.reading() as tx:
        facts = await tx.journal.after("w1", 0, limit=100_000)
    assert [one.sequence for one in facts] == list(range(1, len(facts) + 1))
    # Server restarts are clean, so every acknowledged commit is there; one whose answer was lost may be too.
    assert committed <= {one.event.name for one in facts if isinstance(one.event, BotCreated)}
    assert len(facts) <= len(committed) + failures
    await store.close()
