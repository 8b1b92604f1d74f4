"""What a durable step costs, next to the driver's own one-row commit in the same run, on both databases.

    python benchmarks/store.py [--quick]

Rounds take turns, so that noise hits every work alike. A shared disk makes medians jump by whole flushes: the tenth
percentile and the CPU time of this process say more. PostgreSQL runs with fsync on. `p10_ratio` is the price of our
layer over the raw commit.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sqlite3
import statistics
import sys
import tempfile
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import count
from pathlib import Path
from time import perf_counter_ns, process_time_ns
from typing import Any

import asyncpg
import numpy as np
from tortoise.context import TortoiseContext

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from desk.store import SqlStore, migrate, open_store
from desk.store.location import locate
from desk.store.migrate import tortoise_config
from desk.store.models import OrderRow
from desk.views import EquityPoint, StateChange
from tests.support.records import NOON, a_change, a_fill, a_position, an_order, later
from tests.support.services import PostgresServer
from trading.candles import Candles
from trading.events import BotCreated, Event
from trading.orders import OrderState
from trading.timeframes import Timeframe

ROOT = Path(__file__).resolve().parents[1]

Work = Callable[[], Awaitable[object]]

_RAW_TABLE = "CREATE TABLE IF NOT EXISTS raw_rows (id BIGINT PRIMARY KEY, body TEXT)"
_BODY = "x" * 200


def works_of(store: SqlStore) -> dict[str, Work]:
    """Give the steps that trading takes again and again."""
    numbers = count(1)

    def facts(n: int) -> list[Event]:
        return [BotCreated(workspace_id="w1", occurred_at=NOON, name="x", strategy="y")] * n

    async def empty() -> None:
        async with store.transaction():
            pass

    async def intent() -> None:
        order = an_order("w1", seconds=next(numbers))
        async with store.transaction() as tx:
            await tx.orders.add(order, idempotency_key=order.id)
            await tx.journal.append("w1", facts(1), NOON)

    async def bar() -> None:
        """A bar with an entry: intent, claim, fill, position, phase, history, equity and five facts."""
        second = next(numbers)
        order = an_order("w1", seconds=second)
        change: StateChange = a_change("b1", second)
        async with store.transaction() as tx:
            await tx.orders.add(order, idempotency_key=order.id)
            await tx.orders.move("w1", order.id, OrderState.CLAIMED, evidence="paper", at=NOON)
            await tx.orders.move("w1", order.id, OrderState.FILLED, evidence="paper", at=NOON)
            await tx.fills.add(a_fill(order, order.id))
            await tx.positions.save(a_position("w1", seconds=second))
            await tx.bots.add_state_change("w1", change)
            await tx.accounts.add_equity("w1", "a1", [EquityPoint(at=later(second), equity=order.quantity)])
            await tx.journal.append("w1", facts(5), NOON)

    async def read() -> None:
        async with store.reading() as tx:
            await tx.journal.after("w1", 0, limit=20)

    return {
        "empty transaction": empty,
        "durable intent": intent,
        "bar with an entry": bar,
        "read 20 facts": read,
    }


def raw_sqlite(path: Path) -> Work:
    """Give a one-row durable commit by the bare driver, in a thread as ours."""
    pool = ThreadPoolExecutor(max_workers=1)
    numbers = count(1)
    connections: list[sqlite3.Connection] = []

    def commit() -> None:
        if not connections:
            connection = sqlite3.connect(path, isolation_level=None)
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute(_RAW_TABLE)
            connections.append(connection)
        connection = connections[0]
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO raw_rows VALUES (?, ?)", (next(numbers), _BODY))
        connection.execute("COMMIT")

    async def work() -> None:
        await asyncio.get_running_loop().run_in_executor(pool, commit)

    return work


async def raw_postgres(url: str, *, in_transaction: bool = False) -> Work:
    """Give a one-row durable commit by the bare driver: one trip by itself, or three with its BEGIN and COMMIT."""
    connection: Any = await asyncpg.connect(url)
    await connection.execute(_RAW_TABLE)
    # Both kinds fill one table in the same run: their keys never meet.
    numbers = count(-1, -1) if in_transaction else count(1)

    async def row() -> None:
        await connection.execute("INSERT INTO raw_rows VALUES ($1, $2)", next(numbers), _BODY)

    async def transaction() -> None:
        await connection.execute("BEGIN")
        await row()
        await connection.execute("COMMIT")

    return transaction if in_transaction else row


async def measured(works: dict[str, Work], rounds: int) -> dict[str, tuple[float, float, float]]:
    """Give the median and the least tenth of the wall time, and the mean CPU time of each work, in ms."""
    wall: dict[str, list[int]] = {name: [] for name in works}
    cpu = dict.fromkeys(works, 0)
    for number in range(rounds + 5):
        for name, work in works.items():
            began, began_cpu = perf_counter_ns(), process_time_ns()
            await work()
            if number >= 5:
                wall[name].append(perf_counter_ns() - began)
                cpu[name] += process_time_ns() - began_cpu
    return {
        name: (
            statistics.median(wall[name]) / 1e6,
            statistics.quantiles(wall[name], n=10)[0] / 1e6,
            cpu[name] / rounds / 1e6,
        )
        for name in works
    }


async def rows_by_layer(store: SqlStore, rows: int) -> dict[str, float]:
    """Give the CPU time per order row, written by our table layer and by Tortoise's own `create`, in ms."""
    orders = [replace(an_order("w9"), bot_id="b") for _ in range(rows)]
    began = process_time_ns()
    async with store.transaction() as tx:
        for order in orders:
            await tx.orders.add(order, idempotency_key=order.id)
    ours = (process_time_ns() - began) / rows / 1e6
    config = tortoise_config(locate(f"sqlite:{store.location.path}"))
    async with TortoiseContext() as context:
        await context.init(config)
        connection = context.connections.get("sqlite")
        names = [one for one in OrderRow._meta.fields_map if one not in ("id", "client_order_id")]
        began = process_time_ns()
        async with connection._in_transaction() as client:
            for order in orders:
                values = {name: getattr(order, name) for name in names}
                fresh = an_order("w9")
                await OrderRow.create(using_db=client, id=fresh.id, client_order_id=fresh.id, **values)
        theirs = (process_time_ns() - began) / rows / 1e6
    return {"order with intent and event (3 rows)": ours, "Tortoise create (1 row)": theirs}


async def candles(store: SqlStore, bars: int) -> dict[str, float]:
    """Give the seconds to store and to load a long series."""
    close = 100 * np.exp(np.cumsum(np.random.default_rng(1).normal(0, 1e-3, bars)))
    series = Candles(
        ts_ms=np.arange(bars, dtype=np.int64) * 3_600_000,
        open=close,
        high=close * 1.01,
        low=close * 0.99,
        close=close,
        volume=np.ones(bars),
        timeframe=Timeframe.parse("1h"),
        pair="BTC/USDT",
        venue="bench",
    )
    began = perf_counter_ns()
    async with store.transaction() as tx:
        await tx.candles.add(series)
    stored = perf_counter_ns()
    async with store.reading() as tx:
        assert len(await tx.candles.load("bench", "BTC/USDT", "1h")) == bars
    return {"store_s": (stored - began) / 1e9, "load_s": (perf_counter_ns() - stored) / 1e9, "bars": bars}


async def measure(url: str, raw: Work, rounds: int, bars: int) -> dict[str, Any]:
    """Measure one database."""
    await migrate(url)
    store = open_store(url, acquire_timeout_s=10.0)
    found = await measured({"raw one-row commit": raw, **works_of(store)}, rounds)
    base = found["raw one-row commit"][1]
    result: dict[str, Any] = {
        name: {
            "median_ms": round(median, 3),
            "p10_ms": round(best, 3),
            "cpu_ms": round(cpu, 3),
            "p10_ratio": round(best / base, 2),
        }
        for name, (median, best, cpu) in found.items()
    }
    result["candles"] = {name: round(value, 3) for name, value in (await candles(store, bars)).items()}
    if not store.location.url:
        layers = await rows_by_layer(store, rounds)
        result["cpu_ms_per_order"] = {name: round(value, 3) for name, value in layers.items()}
    await store.close()
    return result


def main() -> None:
    """Measure both databases and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    options = parser.parse_args()
    rounds, bars = (60, 5_000) if options.quick else (400, 61_000)
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        work = raw_sqlite(path / "raw.sqlite3")
        results["sqlite"] = asyncio.run(measure(f"sqlite:{path / 'store.sqlite3'}", work, rounds, bars))
    server = PostgresServer(is_own=True, is_durable=True)
    try:
        results["postgres"] = asyncio.run(_postgres(server.database_url("postgres"), rounds, bars))
    finally:
        server.close()
    text = json.dumps(results, indent=1)
    print(text)
    if not options.quick:
        (ROOT / "benchmarks" / "results" / "store.json").write_text(text + "\n")


async def _postgres(url: str, rounds: int, bars: int) -> dict[str, Any]:
    return await measure(url, await raw_postgres(url), rounds, bars)


if __name__ == "__main__":
    main()
