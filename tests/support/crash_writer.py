"""A writer that says what it committed until somebody kills it: `python -m tests.support.crash_writer URL`."""

from __future__ import annotations

import asyncio
import sys
from itertools import count

from desk.store import open_store
from tests.support.records import NOON, a_fill, an_order
from trading.events import BotCreated


async def main(url: str) -> None:
    """Commit an order with its fill and its fact, and only then print the fact's sequence, for ever."""
    store = open_store(url)
    for number in count(1):
        order = an_order("w1", seconds=number)
        fact = BotCreated(workspace_id="w1", occurred_at=NOON, name=order.id, strategy="x")
        async with store.transaction() as tx:
            await tx.orders.add(order, idempotency_key=order.id)
            await tx.fills.add(a_fill(order, order.id))
            (recorded,) = await tx.journal.append("w1", [fact], NOON)
        sys.stdout.write(f"{recorded.sequence} {order.id}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
