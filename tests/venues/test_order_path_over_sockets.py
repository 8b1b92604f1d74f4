"""The whole order path over sockets: durable rows, the executor, real ccxt, and an exchange that breaks on demand.

The exchange keeps a ledger of its own; after every story the judge compares it with the rows.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from desk.ports import Store
from tests.support.sim import until
from tests.support.sim_trader import PAIR, SimTrader, a_face_trader, a_sim_trader
from tests.support.venue_faces.coinbase import Coinbase
from tests.support.venue_faces.cryptocom import CryptoCom
from tests.support.venue_faces.face import Face
from tests.support.venue_faces.kraken import Kraken
from tests.support.venue_faces.okx import Okx
from trading.orders import OrderState

ENDED = (
    OrderState.FILLED,
    OrderState.NOT_PLACED,
    OrderState.DENIED,
    OrderState.REJECTED,
    OrderState.CANCELED,
)


async def test_a_position_is_protected_at_the_venue_while_it_fills_in_parts_and_ends_at_its_stop(
    sqlite_store: Store,
) -> None:
    async with a_sim_trader(sqlite_store) as trader:
        trader.opened.sim.control.set("rules", {"fill_shares": ["0.4", *["0"] * 40]})
        order = await trader.place(price=Decimal(94100), quantity="0.01", stop_loss=Decimal(90_000))
        await trader.becomes(order, OrderState.PARTIAL)

        # The exchange keeps its fee in coins: what is left of 0.004 is 0.003996, on the step 0.00399.
        await trader.protected("0.00399")
        trader.opened.sim.control.set("clear", {})
        await trader.becomes(order, OrderState.FILLED)
        await trader.protected("0.00999")
        trader.opened.price(PAIR, "89500")

        await until(lambda: trader.stops() == [])
        await trader.holds("0")
        assert await trader.judged() == []


async def test_an_entry_that_is_cancelled_half_way_leaves_what_was_bought_protected(
    sqlite_store: Store,
) -> None:
    async with a_sim_trader(sqlite_store) as trader:
        trader.opened.sim.control.set("rules", {"fill_shares": ["0.5", *["0"] * 100]})
        order = await trader.place(price=Decimal(94100), quantity="0.01", stop_loss=Decimal(90_000))
        await trader.becomes(order, OrderState.PARTIAL)

        await trader.cancel(order)

        ended = await trader.becomes(order, OrderState.CANCELED)
        assert ended.filled_quantity == Decimal("0.005")
        await trader.protected("0.00499")
        assert await trader.judged() == []


@pytest.mark.parametrize(
    ("fault", "end"),
    [
        ({"kind": "drop_after"}, OrderState.FILLED),
        ({"kind": "late", "seconds": 0.4}, OrderState.FILLED),
        ({"kind": "duplicate_answer"}, OrderState.FILLED),
        ({"kind": "html"}, OrderState.NOT_PLACED),
        ({"kind": "truncate"}, OrderState.FILLED),
        (
            {"kind": "error", "code": -1021, "message": "Timestamp outside of the recvWindow."},
            OrderState.FILLED,
        ),
        (
            {"kind": "error", "code": -2010, "message": "Account has insufficient balance."},
            OrderState.REJECTED,
        ),
        ({"kind": "rate_limit", "seconds": 0.3}, OrderState.FILLED),
        ({"kind": "ban", "seconds": 0.6}, OrderState.FILLED),
    ],
    ids=lambda one: one["kind"] + str(one.get("code", "")) if isinstance(one, dict) else "",
)
async def test_a_placement_that_goes_wrong_is_settled_by_evidence_and_exists_at_most_once(
    sqlite_store: Store, fault: dict[str, Any], end: OrderState
) -> None:
    async with a_sim_trader(sqlite_store) as trader:
        await fault_at_placement(trader, fault)

        order = await trader.becomes(await trader.place(), *ENDED, seconds=25.0)

        assert order.state is end
        assert trader.opened.orders_at_venue(order.client_order_id) == (end is OrderState.FILLED)
        assert await trader.judged() == []


async def fault_at_placement(trader: SimTrader, fault: dict[str, Any]) -> None:
    values = {name: value for name, value in fault.items() if name != "kind"}
    trader.opened.fault(str(fault["kind"]), **values)


async def test_maintenance_in_the_middle_loses_no_order_and_nothing_is_sent_twice(
    sqlite_store: Store,
) -> None:
    async with a_sim_trader(sqlite_store) as trader:
        resting = await trader.place(price=Decimal(93_000), quantity="0.02", stop_loss=Decimal(90_000))
        await trader.becomes(resting, OrderState.ACCEPTED)
        trader.opened.sim.control.set("maintenance", {"on": True})
        doubted = await trader.place(quantity="0.01")
        await trader.becomes(doubted, OrderState.UNKNOWN)
        # Traded while nobody could ask.
        trader.opened.price(PAIR, "92900")
        trader.opened.sim.control.set("maintenance", {"on": False})

        await trader.becomes(doubted, OrderState.NOT_PLACED, seconds=25.0)
        await trader.becomes(resting, OrderState.FILLED)

        await trader.protected("0.01998")
        assert trader.sent.count(doubted.client_order_id) <= 1
        assert await trader.judged() == []


async def test_repeated_shuffled_and_missed_events_of_the_account_change_nothing(
    sqlite_store: Store,
) -> None:
    async with a_sim_trader(sqlite_store) as trader:
        trader.opened.fault("ws_duplicate", count=3)
        trader.opened.fault("ws_shuffle", count=4)
        orders = [await trader.place(quantity="0.01") for _ in range(6)]
        trader.opened.fault("ws_drop")
        orders += [await trader.place(quantity="0.01") for _ in range(2)]

        for one in orders:
            await trader.becomes(one, OrderState.FILLED)

        await trader.holds("0.07992")
        assert await trader.judged() == []


async def test_an_executor_that_is_killed_at_work_is_followed_by_one_that_finishes(
    sqlite_store: Store,
) -> None:
    async with a_sim_trader(sqlite_store) as trader:
        trader.opened.fault("hang", seconds=0.5)
        order = await trader.place(quantity="0.01", stop_loss=Decimal(90_000))
        await until(lambda: trader.opened.orders_at_venue(order.client_order_id) == 1)
        await trader.kill()

        await trader.start()

        await trader.becomes(order, OrderState.FILLED)
        await trader.protected("0.00999")
        assert trader.sent.count(order.client_order_id) == 1
        assert await trader.judged() == []


@pytest.mark.parametrize("kind", [Kraken, Okx, Coinbase, CryptoCom], ids=lambda one: one.venue)
async def test_a_position_at_another_exchange_is_opened_protected_and_stopped_out_in_its_own_shape(
    sqlite_store: Store, kind: type[Face]
) -> None:
    async with a_face_trader(sqlite_store, kind) as (trader, opened):
        opened.fault("drop_after", on=kind.placing)
        bought = await trader.becomes(await trader.place(stop_loss=Decimal(90_000)), *ENDED, seconds=30.0)
        held = "0.01" if kind.fees_in_quote else "0.00999"
        await trader.protected(held)
        await trader.holds(held)

        opened.price("BTCUSDT", "89900")

        await until(lambda: trader.stops() == [])
        await trader.holds("0")
        assert bought.state is OrderState.FILLED
        assert opened.house.faults.struck == 1
        assert opened.orders_at_venue(bought.client_order_id) == 1
        assert await trader.judged() == []
