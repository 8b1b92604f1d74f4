"""The product's web server with paper orders of many traders going on in its process, as `breakwater up` has it.

    python benchmarks/api_parts/trading.py PORT DATABASE_URL ORDERS_PER_S

Orders begin once a line comes on standard input: then every trader follows. Each order is what the account loop writes
for one: intent, claim, fill, position and their facts, in one transaction.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "graphql"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import uvloop

from desk.settings import Settings
from desk.store import open_store
from desk.views import Bot
from server.app import create_app
from server.web import bound_socket, settle, web_server
from tests.support.api_house import StoreHouse
from tests.support.records import a_fill, a_position, an_order
from trading.errors import StoreProblem
from trading.events import OrderChanged, OrderFilled, OrderPlaced, PositionOpened
from trading.fills import Liquidity
from trading.orders import OrderState, Reason, Side


async def order(house: StoreHouse, bot: Bot) -> None:
    """Place and fill an order of a trader."""
    workspace, now = bot.workspace_id, house.clock.now()
    made = replace(
        an_order(workspace, bot.account_id), bot_id=bot.id, created_at=now, updated_at=now, price=None
    )
    position = replace(a_position(workspace, bot.account_id), bot_id=bot.id, opened_at=now, as_of=now)
    fill = replace(a_fill(made, made.id), position_id=position.id, filled_at=now)
    about: dict[str, Any] = {
        "workspace_id": workspace,
        "occurred_at": now,
        "account_id": bot.account_id,
        "bot_id": bot.id,
        "pair": made.pair,
    }
    facts = [
        OrderPlaced(
            **about, order_id=made.id, client_order_id=made.client_order_id, side=Side.BUY,
            order_type=made.order_type, quantity=made.quantity, price=None, reason=Reason.ENTRY,
        ),
        OrderChanged(
            **about, order_id=made.id, before=OrderState.CLAIMED, after=OrderState.FILLED, evidence="paper"
        ),
        OrderFilled(
            **about, order_id=made.id, fill_id=fill.id, side=Side.BUY, price=fill.price,
            quantity=fill.quantity, fee=fill.fee, liquidity=Liquidity.TAKER, reason=Reason.ENTRY,
        ),
        PositionOpened(
            **about, position_id=position.id, is_long=True, quantity=position.quantity,
            entry_price=position.entry_price, stop=position.stop, tag="bench",
        ),
    ]  # fmt: skip
    async with house.store.transaction() as unit:
        await unit.orders.add(made, idempotency_key=made.id)
        await unit.orders.move(workspace, made.id, OrderState.CLAIMED, evidence="paper", at=now)
        await unit.orders.move(workspace, made.id, OrderState.FILLED, evidence="paper", at=now)
        await unit.fills.add(fill)
        await unit.positions.save(position)
        recorded = await unit.journal.append(workspace, facts, now)
    house.bus.publish(recorded)


async def order_at_last(house: StoreHouse, bot: Bot) -> None:
    """Place an order, again where the store was too busy: the account loop does not give up either."""
    while True:
        try:
            await order(house, bot)
        except StoreProblem:
            await asyncio.sleep(0.1)
        else:
            return


async def trade(house: StoreHouse, orders_per_s: float) -> None:
    """Place orders of one trader after the other at a fixed rate, whatever that takes."""
    async with house.store.reading() as unit:
        bots = [(await unit.bots.all(one.id))[0] for one in await unit.workspaces.all()]
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    loop = asyncio.get_running_loop()
    started, placed = loop.time(), 0
    async with asyncio.TaskGroup() as group:
        while True:
            due = int((loop.time() - started) * orders_per_s)
            while placed < due:
                group.create_task(order_at_last(house, bots[placed % len(bots)]))
                placed += 1
            await asyncio.sleep(0.005)


async def main(port: int, url: str, orders_per_s: float) -> None:
    """Serve and trade until it is killed."""
    house = StoreHouse(open_store(url))
    app = create_app(house, Settings())
    settle()
    trading = asyncio.create_task(trade(house, orders_per_s))
    await web_server(app).serve(sockets=[bound_socket("127.0.0.1", port)])
    trading.cancel()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), sys.argv[2], float(sys.argv[3])))
