"""A live account under the supervisor: orders by hand, stops and targets, closing, panic, comparing, the breaker."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from desk.bots.leases import LeaseLost
from desk.bots.live_account import first_cause
from desk.clock import SystemClock, to_ms
from desk.commands import (
    CancelAllOrders,
    CancelOrder,
    ClosePosition,
    PanicStop,
    PlaceOrder,
    ReconcileAccount,
    SetStop,
    SetTargets,
)
from desk.store import SqlStore
from desk.venue_port import VenueBusy
from desk.views import Account, Filter, Order, Page, Position
from tests.desk.desk_house import DeskHouse, a_house, at_work, until
from tests.support.fake_exchange import FakeExchange
from tests.support.fake_venue import FakeVenue
from trading.errors import InvalidInput, RiskDenied, StoreProblem
from trading.orders import OrderState, OrderType, Side


class Live:
    """A house with a live account over a fake venue."""

    def __init__(self, house: DeskHouse, account: Account, exchange: FakeExchange) -> None:
        self.house = house
        self.account = account
        self.exchange = exchange

    async def do(self, command: Any) -> Any:
        """Do a command as the owner, at a door that does not ask twice."""
        return (await self.house.desk.do(command, self.house.actor())).view

    async def buy(self, **given: Any) -> Order:
        """Place a purchase of BTC."""
        order: Order = await self.do(
            PlaceOrder(
                **{
                    "pair": "BTC/USDT",
                    "side": Side.BUY,
                    "quantity": Decimal(1),
                    "account_id": self.account.id,
                    **given,
                }
            )
        )
        return order

    async def order(self, order_id: str) -> Order:
        """Give an order as it is."""
        async with self.house.store.reading() as tx:
            found = await tx.orders.by_id(self.house.workspace.id, order_id)
        assert found is not None
        return found

    async def is_in(self, order: Order, state: OrderState) -> bool:
        """Tell whether an order got somewhere."""
        return (await self.order(order.id)).state is state

    async def held(self) -> list[Position]:
        """Give the open positions."""
        async with self.house.store.reading() as tx:
            return list(await tx.positions.open(self.house.workspace.id, self.account.id))

    def resting(self) -> list[tuple[str, Decimal | None]]:
        """Give what rests at the exchange."""
        return [(one.order_type.value, one.stop_price or one.price) for one in self.exchange.open_orders()]


@asynccontextmanager
async def live_house(store: SqlStore) -> AsyncIterator[Live]:
    """Put it together and let the supervisor work."""
    exchange = FakeExchange(lambda: to_ms(SystemClock().now()))

    async def open_venue(account: Account) -> FakeVenue:
        return FakeVenue(exchange)

    house = await a_house(store)
    house.supervisor._tools = replace(house.supervisor._tools, open_venue=open_venue)
    async with store.transaction() as tx:
        account = await tx.accounts.create(
            house.workspace.id,
            name="real",
            venue="fake",
            is_live=True,
            currency="USDT",
            capital=Decimal(1_000_000),
            settings={},
        )
    async with at_work(house):
        yield Live(house, account, exchange)


async def test_an_order_by_hand_goes_out_with_its_stop_and_is_closed_again(sqlite_store: SqlStore) -> None:
    async with live_house(sqlite_store) as live:
        order = await live.buy(stop_loss=Decimal(90))
        await until(lambda: live.is_in(order, OrderState.FILLED))
        await until(lambda: live.resting() == [("stop", Decimal(90))])

        position = (await live.held())[0]
        await live.do(ClosePosition(position_id=position.id))
        await until(lambda: _is_flat(live))

        assert live.resting() == []
        assert live.exchange.held() == {}


async def test_a_stop_and_targets_move_at_the_venue(sqlite_store: SqlStore) -> None:
    async with live_house(sqlite_store) as live:
        order = await live.buy(stop_loss=Decimal(90))
        await until(lambda: live.is_in(order, OrderState.FILLED))
        position = (await live.held())[0]

        await live.do(SetStop(position_id=position.id, stop=Decimal(95)))
        await until(lambda: live.resting() == [("stop", Decimal(95))])
        await live.do(SetTargets(position_id=position.id, targets=(Decimal(110),)))
        live.exchange.tick("BTC/USDT", Decimal(111))
        await until(lambda: _is_flat(live))

        assert live.exchange.held() == {}


async def test_resting_orders_are_cancelled_one_by_one_or_all(sqlite_store: SqlStore) -> None:
    async with live_house(sqlite_store) as live:
        orders = [await live.buy(order_type=OrderType.LIMIT, price=Decimal(price)) for price in (80, 81, 82)]
        await until(lambda: len(live.exchange.open_orders()) == 3)

        await live.do(CancelOrder(order_id=orders[0].id))
        await until(lambda: live.is_in(orders[0], OrderState.CANCELED))
        wanted = await live.do(CancelAllOrders(account_id=live.account.id))
        await until(lambda: not live.exchange.open_orders())

        assert len(wanted) == 2
        await until(lambda: live.is_in(orders[2], OrderState.CANCELED))


async def test_a_panic_stop_cancels_entries_and_closes_what_is_held(sqlite_store: SqlStore) -> None:
    async with live_house(sqlite_store) as live:
        held = await live.buy(stop_loss=Decimal(90))
        resting = await live.buy(order_type=OrderType.LIMIT, price=Decimal(80), pair="ETH/USDT")
        await until(lambda: live.is_in(held, OrderState.FILLED))
        await until(lambda: live.is_in(resting, OrderState.ACCEPTED))

        await live.do(PanicStop(account_id=live.account.id, reason="test"))
        await until(lambda: _is_flat(live))
        await until(lambda: not live.exchange.open_orders())

        with pytest.raises(RiskDenied, match="opens nothing now"):
            await live.buy()


async def test_a_comparison_finds_what_was_done_by_hand(sqlite_store: SqlStore) -> None:
    async with live_house(sqlite_store) as live:
        order = await live.buy()
        await until(lambda: live.is_in(order, OrderState.FILLED))
        live.exchange.by_hand("BTC/USDT", Side.SELL, Decimal("0.4"))

        await live.do(ReconcileAccount(account_id=live.account.id))

        async def is_less() -> bool:
            held = await live.held()
            return bool(held) and held[0].quantity == Decimal("0.6")

        await until(is_less)


async def test_a_paper_account_takes_no_orders_by_hand(sqlite_store: SqlStore) -> None:
    house = await a_house(sqlite_store)

    with pytest.raises(InvalidInput, match="on paper"):
        await house.desk.do(PlaceOrder(pair="BTC/USDT", side=Side.BUY, quantity=Decimal(1)), house.actor())


async def test_a_difference_is_accepted_only_with_a_reason(sqlite_store: SqlStore) -> None:
    async with live_house(sqlite_store) as live:
        with pytest.raises(InvalidInput, match="No reason was given"):
            await live.do(ReconcileAccount(account_id=live.account.id, accept_differences=True))


async def _is_flat(live: Live) -> bool:
    async with live.house.store.reading() as tx:
        trades = await tx.positions.trades(
            live.house.workspace.id, Filter(account_id=live.account.id), Page(first=5)
        )
    return bool(trades) and not await live.held()


@pytest.mark.parametrize(
    ("failed", "kind"),
    [
        ([VenueBusy("away"), LeaseLost("gone")], LeaseLost),
        ([ExceptionGroup("executor", [StoreProblem("away")]), ValueError("then this")], StoreProblem),
        ([ValueError("ours"), VenueBusy("theirs")], VenueBusy),
        ([ValueError("ours")], ValueError),
    ],
)
def test_what_ended_an_account_is_told_by_its_kind(failed: list[Exception], kind: type[Exception]) -> None:
    assert type(first_cause(ExceptionGroup("account", failed), "real")) is kind
