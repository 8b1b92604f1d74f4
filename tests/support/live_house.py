"""A live account with a running bot at an exchange in the same process, and the same bot on paper."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import Any

from desk.bots.live_account import LiveAccount
from desk.bots.supervisor import Supervisor
from desk.clock import SystemClock, to_ms
from desk.commands import PlaceOrder
from desk.store import SqlStore
from desk.views import Account, Order, Position
from strategies.registry import StrategyRegistry
from tests.desk.desk_house import DeskHouse, a_house, at_work, market, until
from tests.support.fake_exchange import FakeExchange
from tests.support.fake_venue import FakeVenue
from tests.support.live_bots import COSTS, ScriptFeed, Told, joined, told
from trading.candles import Candles
from trading.orders import OrderState, Side

HISTORY = 250
BARS = 460


def series() -> list[Candles]:
    """Give a market whose bars join, under the venue's name."""
    return [joined(replace(one, venue="fake")) for one in market(("BTC/USDT",), bars=BARS, seed=5)]


class LiveBots:
    """A live account whose market, exchange and process a test holds in its hands."""

    def __init__(self, house: DeskHouse, account: Account, exchange: FakeExchange, feed: ScriptFeed) -> None:
        self.house = house
        self.account = account
        self.exchange = exchange
        self.feed = feed
        self.data: Sequence[Candles] = ()
        self.venues: list[FakeVenue] = []

    async def open_venue(self, account: Account) -> FakeVenue:
        """Give a venue at the exchange."""
        self.venues.append(FakeVenue(self.exchange))
        return self.venues[-1]

    async def do(self, command: Any) -> Any:
        """Do a command as the owner, at a door that does not ask twice."""
        return (await self.house.desk.do(command, self.house.actor())).view

    async def buy(self, pair: str, quantity: Decimal, **given: Any) -> Order:
        """Place a purchase by hand."""
        order: Order = await self.do(
            PlaceOrder(pair=pair, side=Side.BUY, quantity=quantity, account_id=self.account.id, **given)
        )
        return order

    async def is_filled(self, order: Order) -> bool:
        """Tell whether an order is done."""
        async with self.house.store.reading() as tx:
            found = await tx.orders.by_id(self.house.workspace.id, order.id)
        return found is not None and found.state is OrderState.FILLED

    def restarted(self) -> Supervisor:
        """Give the supervisor of a new process over the same rows."""
        tools = self.house.supervisor._tools
        self.house.supervisor = Supervisor(tools)
        return self.house.supervisor

    async def play(self, data: Sequence[Candles], rows: range) -> None:
        """Let bars close one by one, and prices walk through them at the exchange."""
        for row in rows:
            for candles in data:
                await self.walk(candles, row)
            self.feed.release(row + 1)
            await until(partial(self.is_settled, int(data[0].ts_ms[row])), within_s=30.0)

    async def walk(self, candles: Candles, row: int) -> None:
        """Take a price through a bar, the losing side first."""
        pair = candles.pair
        low, high, close = (
            Decimal(str(float(one[row]))) for one in (candles.low, candles.high, candles.close)
        )
        stops = sorted(
            (one.stop_price for one in self.exchange.open_orders(pair) if one.stop_price is not None),
            reverse=True,
        )
        for price in (*(one for one in stops if one > low), low):
            self.exchange.tick(pair, price)
        for level in await self.targets(pair):
            if low < level < high:
                self.exchange.tick(pair, level)
                await until(partial(self.is_taken, pair, level), within_s=30.0)
        self.exchange.tick(pair, high)
        self.exchange.tick(pair, close)

    async def targets(self, pair: str) -> list[Decimal]:
        """Give the targets that are not taken yet."""
        await until(self.is_quiet, within_s=30.0)
        return [
            leg.price
            for one in await self.held()
            if one.pair == pair
            for leg in one.legs
            if not leg.is_filled
        ]

    async def is_taken(self, pair: str, level: Decimal) -> bool:
        """Tell whether nothing waits at a level any more."""
        return level not in await self.targets(pair) and await self.is_quiet()

    async def held(self) -> list[Position]:
        """Give the open positions."""
        async with self.house.store.reading() as tx:
            return list(await tx.positions.open(self.house.workspace.id, self.account.id))

    async def orders(self) -> list[Order]:
        """Give the orders that may still change."""
        async with self.house.store.reading() as tx:
            return list(await tx.orders.unsettled(self.house.workspace.id, self.account.id))

    async def is_quiet(self) -> bool:
        """Tell whether rows and exchange agree and nothing is under way."""
        orders, held = await self.orders(), await self.held()
        if any(one.state is not OrderState.ACCEPTED for one in orders):
            return False
        here = {one.pair.split("/")[0]: one.quantity for one in held}
        resting = {one.client_order_id for one in self.exchange.open_orders()}
        stops = {one.pair: one.stop_price for one in self.exchange.open_orders() if one.stop_price}
        return (
            here == self.exchange.held()
            and resting == {one.client_order_id for one in orders}
            and stops == {one.pair: one.stop for one in held if one.stop}
        )

    async def is_settled(self, ts_ms: int) -> bool:
        """Tell whether the bots decided on a bar and everything that followed is done."""
        loop = self.house.supervisor.loops.get(self.account.id)
        return loop is not None and loop.last_ms == ts_ms and await self.is_quiet()

    async def counts_exactly(self) -> None:
        """Check what is counted fill by fill against the sum of all fills."""
        loop = self.house.supervisor.loops[self.account.id]
        assert isinstance(loop, LiveAccount)
        assert loop.room is not None
        async with self.house.store.reading() as tx:
            assert loop.room.paid == await tx.execution.paid(self.house.workspace.id, self.account.id)

    async def forget_saved_state(self) -> None:
        """Throw away what only makes a start faster."""
        store = self.house.store
        assert isinstance(store, SqlStore)
        async with store.transactions.transaction() as connection:
            assert await connection.change("DELETE FROM account_snapshots") > 0

    async def told(self) -> list[Told]:
        """Give the finished trades."""
        return [told(one) for one in await self.house.trades()]


@asynccontextmanager
async def live_bots(
    store: SqlStore, data: Sequence[Candles], *, registry: StrategyRegistry | None = None, **bot: Any
) -> AsyncIterator[LiveBots]:
    """Set a live account up with a running bot."""
    exchange = FakeExchange(lambda: to_ms(SystemClock().now()), cash=Decimal(10_000))
    for one in data:
        exchange.prices[one.pair] = Decimal(str(float(one.close[HISTORY - 1])))
    feed = ScriptFeed(data, exchange.instruments, venue="fake", history=HISTORY)
    house = await a_house(store, feed=feed, registry=registry)
    async with store.transaction() as tx:
        account = await tx.accounts.create(
            house.workspace.id,
            name="real",
            venue="fake",
            is_live=True,
            currency="USDT",
            capital=Decimal(10_000),
            settings={"costs": COSTS},
        )
    live = LiveBots(house, account, exchange, feed)
    live.data = data
    house.supervisor._tools = replace(house.supervisor._tools, open_venue=live.open_venue, signal_age_s=None)
    started = await house.start_bot(
        "real tide", account_id="paper", pairs=tuple(one.pair for one in data), **bot
    )
    async with store.transaction() as tx:
        # As the go-live command leaves it: the bot is at home on the live account.
        await tx.bots.save(replace(started, account_id=account.id, is_live=True))
    yield live


async def on_paper(store: SqlStore, data: Sequence[Candles], **bot: Any) -> list[Told]:
    """Give the trades of the same bot over the same bars on paper."""
    exchange = FakeExchange(lambda: 0)
    feed = ScriptFeed(data, exchange.instruments, venue="fake", history=HISTORY)
    feed.release(len(data[0]))
    house = await a_house(store, feed=feed, settings={"costs": COSTS})
    await house.start_bot(pairs=tuple(one.pair for one in data), **bot)
    async with at_work(house):
        last = int(data[0].ts_ms[-1])
        await until(lambda: any(one.last_ms == last for one in house.supervisor.loops.values()))
    return [told(one) for one in await house.trades()]
