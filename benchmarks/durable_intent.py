"""What an intent costs before its bytes go, how fast they go, and how soon a crashed account is ready again.

    python benchmarks/durable_intent.py [--quick]

Three figures on SQLite and PostgreSQL (durable): a committed intent beside the driver's own one-row commit in the same
rounds; the time from asking for an order to its first byte at 20 orders a second, over sockets to an exchange in
another process; and the time from an open store to a finished comparison with 200 open orders and 50 positions.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from time import perf_counter_ns
from typing import Any

_ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(_ROOT), str(_ROOT / "graphql")]

from benchmarks import store as store_benchmark  # noqa: E402
from desk.bots import leases  # noqa: E402
from desk.bots.leases import account_lease, new_holder, take  # noqa: E402
from desk.bus import EventBus  # noqa: E402
from desk.clock import SystemClock  # noqa: E402
from desk.execution.drafts import draft  # noqa: E402
from desk.execution.executor import Executor  # noqa: E402
from desk.execution.placing import Wish, place_by_hand  # noqa: E402
from desk.execution.turns import Turns  # noqa: E402
from desk.store import SqlStore, migrate, open_store  # noqa: E402
from tests.support.fake_exchange import PAIRS  # noqa: E402
from tests.support.kill_cycles import WitnessProcess, an_account  # noqa: E402
from tests.support.records import an_order  # noqa: E402
from tests.support.services import PostgresServer  # noqa: E402
from tests.support.witness_venue import WitnessVenue  # noqa: E402
from trading.orders import OrderType, Reason, Side  # noqa: E402

#: Orders a second.
RATE = 20.0


async def intent_ratio(
    store: SqlStore, raws: dict[str, store_benchmark.Work], rounds: int
) -> dict[str, float]:
    """Compare a durable intent (order, intent, first event) with raw one-row commits, the first of them above all."""
    number = 0

    async def intent() -> None:
        nonlocal number
        number += 1
        order = replace(an_order("w-bench", seconds=number))
        async with store.transaction() as tx:
            await tx.orders.add(order, idempotency_key=order.id)

    found = await store_benchmark.measured({**raws, "intent": intent}, rounds)
    median, p10, _ = found["intent"]
    figures = {"intent_p10_ms": round(p10, 3)}
    for name in raws:
        figures[f"{name}_p10_ms"] = round(found[name][1], 3)
        figures[f"p10_ratio_to_{name}"] = round(p10 / found[name][1], 2)
        figures[f"median_ratio_to_{name}"] = round(median / found[name][0], 2)
    return figures


async def opened(url: str, port: int, ids: tuple[str, str]) -> tuple[SqlStore, Turns, Executor, WitnessVenue]:
    """Open an account as its owner."""
    clock = SystemClock()
    store = open_store(url, clock=clock, acquire_timeout_s=10.0)
    lease = await take(store, clock, account_lease(ids[1]), new_holder())
    assert lease is not None
    async with store.reading() as tx:
        account = await tx.accounts.by_id(*ids)
    assert account is not None
    venue = WitnessVenue(port)
    turns = Turns(store, EventBus(), clock, lease, account)
    executor = Executor(turns, venue, clock)
    executor.reconciler.pairs |= set(PAIRS)
    return store, turns, executor, venue


async def give_back(store: SqlStore, turns: Turns, ids: tuple[str, str]) -> None:
    """Let go of the account."""
    assert isinstance(turns.lease, leases.Lease)
    await leases.release(store, turns.lease)
    await store.close()


async def signal_to_bytes(url: str, port: int, ids: tuple[str, str], orders: int) -> dict[str, float]:
    """Ask for orders at a steady rate; give the time from asking to the first byte."""
    store, turns, executor, venue = await opened(url, port, ids)
    await executor.start()
    asked: dict[str, int] = {}

    running = asyncio.create_task(executor.run())
    for number in range(orders):
        began = perf_counter_ns()
        async with turns.turn() as turn:
            order = await place_by_hand(turn, turns.account, _wish(number), key=f"{ids[1]}:{number}:{began}")
        executor.ring()
        asked[order.client_order_id] = began
        await asyncio.sleep(max(0.0, 1.0 / RATE - (perf_counter_ns() - began) / 1e9))
    await asyncio.sleep(1.0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await store.close()
    took = sorted((venue.sent_ns[name] - at) / 1e6 for name, at in asked.items() if name in venue.sent_ns)
    return {
        "orders": len(took),
        "median_ms": round(statistics.median(took), 1),
        "p95_ms": round(took[int(len(took) * 0.95)], 1),
    }


def _wish(number: int) -> Wish:
    return Wish(
        pair=PAIRS[number % len(PAIRS)],
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        quantity=Decimal("0.1"),
        price=Decimal(80),
        valid_for=timedelta(minutes=10),
    )


async def fill_up(url: str, port: int, ids: tuple[str, str], orders: int, positions: int) -> None:
    """Leave so many open orders at the exchange, and so many positions with stops."""
    store, turns, executor, _ = await opened(url, port, ids)
    await executor.start()
    for number in range(orders):
        async with turns.turn() as turn:
            await place_by_hand(turn, turns.account, _wish(number), key=f"{ids[1]}:open:{number}")
    await executor.work()
    order = None
    for number in range(positions):
        # One position per bot and pair: as many bots as positions.
        async with turns.turn() as turn:
            order = await draft(
                turn,
                workspace_id=ids[0],
                account_id=ids[1],
                key=f"{ids[1]}:held:{number}",
                pair=PAIRS[number % len(PAIRS)],
                side=Side.BUY,
                order_type=OrderType.MARKET,
                quantity=Decimal("0.1"),
                reason=Reason.ENTRY,
                is_reduce_only=False,
                bot_id=f"bot-{number}",
            )
    assert order is not None
    for _ in range(4):
        await executor.work()
        await executor.compare(cause="bench")
    async with store.reading() as tx:
        assert len(await tx.orders.unsettled(*ids)) >= orders
        assert len(await tx.positions.open(*ids)) == positions
    await give_back(store, turns, ids)


async def ready_again(url: str, port: int, ids: tuple[str, str], times: int) -> dict[str, float]:
    """Start again and again after a crash; give the time from nothing open to a finished comparison."""
    took = []
    for _ in range(times):
        began = time.perf_counter()
        store, turns, executor, _ = await opened(url, port, ids)
        assert await executor.start()
        took.append(time.perf_counter() - began)
        await give_back(store, turns, ids)
    took.sort()
    return {
        "starts": times,
        "median_s": round(statistics.median(took), 3),
        "p95_s": round(took[int(len(took) * 0.95)], 3),
    }


def measure(url: str, make_raws: Any, folder: Path, *, is_quick: bool) -> dict[str, Any]:
    """Measure one database."""

    async def ratio() -> dict[str, float]:
        store = open_store(url, acquire_timeout_s=10.0)
        try:
            return await intent_ratio(store, await make_raws(), 60 if is_quick else 300)
        finally:
            await store.close()

    asyncio.run(migrate(url))
    result: dict[str, Any] = {"durable_intent": asyncio.run(ratio())}
    folder.mkdir()
    witness = WitnessProcess(folder)
    try:
        ids = asyncio.run(an_account(url, "latency"))
        count = 60 if is_quick else 200
        result["signal_to_bytes"] = asyncio.run(signal_to_bytes(url, witness.port, ids, count))
        crowded = asyncio.run(an_account(url, "crowded"))
        asyncio.run(fill_up(url, witness.port, crowded, 200, 50))
        result["ready_again"] = asyncio.run(ready_again(url, witness.port, crowded, 5 if is_quick else 20))
    finally:
        witness.close()
    return result


def main() -> None:
    """Measure both databases and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    options = parser.parse_args()
    # Nobody renews while an account is filled up.
    leases.LEASE_TTL_S = 3_600.0
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)

        async def raw_sqlite() -> dict[str, store_benchmark.Work]:
            return {"raw": store_benchmark.raw_sqlite(path / "raw.sqlite3")}

        results["sqlite"] = measure(
            f"sqlite:{path / 'store.sqlite3'}", raw_sqlite, path / "a", is_quick=options.quick
        )
        server = PostgresServer(is_own=True, is_durable=True)
        try:
            url = server.database_url("postgres")

            async def raw_postgres() -> dict[str, store_benchmark.Work]:
                return {
                    "raw": await store_benchmark.raw_postgres(url),
                    # What BEGIN, a row and COMMIT cost the bare driver: three trips, as an intent takes them.
                    "raw_transaction": await store_benchmark.raw_postgres(url, in_transaction=True),
                }

            results["postgres"] = measure(url, raw_postgres, path / "b", is_quick=options.quick)
        finally:
            server.close()
    text = json.dumps(results, indent=1)
    print(text)
    if not options.quick:
        (_ROOT / "benchmarks" / "results" / "durable_intent.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
