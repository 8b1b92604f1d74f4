"""A live account at the simulated exchange: durable rows, a running executor, real ccxt over sockets, and the judge."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from desk.bots.leases import Lease, account_lease
from desk.bus import EventBus
from desk.clock import SystemClock
from desk.execution.drafts import wish_to_cancel
from desk.execution.executor import Executor
from desk.execution.placing import Wish, place_by_hand
from desk.execution.turns import Turns
from desk.identity import new_id
from desk.ports import Store
from desk.venues.ccxt_venue import CcxtVenue
from desk.venues.quirks import BINANCE, quirks_of
from desk.views import Account, Filter, Order, Page, Position
from server.sim_exchange.app import KEY, SimOptions
from server.sim_exchange.orders import Wallet
from tests.support.order_checker import Witnessed, complaints
from tests.support.records import a_live_account
from tests.support.sim import SimVenue, open_sim_venue, until
from tests.support.venue_faces.face import Face, FaceVenue, a_face
from trading.events import Event
from trading.orders import TERMINAL, OrderState, OrderType, Side

PAIR = "BTC/USDT"

#: The exchange's lists are up to date at once; absence is proved in moments instead of half a minute.
QUICK = replace(BINANCE, rules=replace(BINANCE.rules, visibility_delay_s=1.0))

#: Whole coins and round money: what a position costs can be told by eye.
START: Mapping[str, Decimal] = {"USDT": Decimal(100_000), "BTC": Decimal(0)}

_ALL = Page(first=1_000)


@dataclass(slots=True)
class _Step:
    """A command's transaction."""

    tx: Any
    at: Any
    events: list[Event] = field(default_factory=list)


@dataclass(slots=True)
class SimTrader:
    """The account in hand, with its executor at work.

    Attributes:
        wallet: what the exchange itself has of the account: the witness.
        trade_id: the exchange's id of an execution by its number.
    """

    venue: CcxtVenue
    wallet: Wallet
    store: Store
    workspace_id: str
    account: Account
    executor: Executor
    trade_id: Callable[[int], str]
    _opened: SimVenue | None = None
    _running: asyncio.Task[None] | None = None

    @property
    def opened(self) -> SimVenue:
        """The simulated exchange in Binance's shape."""
        assert self._opened is not None, "this account is at another exchange"
        return self._opened

    async def place(self, side: Side = Side.BUY, quantity: str = "0.01", **given: Any) -> Order:
        """Write an intent as a command does, then ring."""
        kind = OrderType.LIMIT if "price" in given else OrderType.MARKET
        wish = Wish(
            **{
                "pair": PAIR,
                "side": side,
                "order_type": kind,
                "quantity": Decimal(quantity),
                "valid_for": timedelta(hours=1),
                **given,
            }
        )
        async with self.store.transaction() as tx:
            step = _Step(tx, SystemClock().now())
            order = await place_by_hand(step, self.account, wish, key=new_id())
            await tx.journal.append(self.workspace_id, step.events, step.at)
        self.executor.ring()
        return order

    async def sell(self, quantity: str) -> Order:
        """Ask for a sale of what is held."""
        return await self.place(Side.SELL, quantity, is_reduce_only=True)

    async def cancel(self, order: Order) -> None:
        """Wish an order away."""
        async with self.store.transaction() as tx:
            step = _Step(tx, SystemClock().now())
            await wish_to_cancel(step, await self.order(order), reason="by hand")
            await tx.journal.append(self.workspace_id, step.events, step.at)
        self.executor.ring()

    async def order(self, order: Order) -> Order:
        """Give an order as it is now."""
        async with self.store.reading() as tx:
            found = await tx.orders.by_id(self.workspace_id, order.id)
        assert found is not None
        return found

    async def becomes(self, order: Order, *states: OrderState, seconds: float = 20.0) -> Order:
        """Wait until an order is in one of the states."""

        async def is_there() -> bool:
            return (await self.order(order)).state in states

        await until(is_there, seconds=seconds)
        return await self.order(order)

    async def position(self) -> Position | None:
        """Give the only open position, if any."""
        async with self.store.reading() as tx:
            held = await tx.positions.open(self.workspace_id)
        assert len(held) <= 1
        return held[0] if held else None

    async def holds(self, quantity: str) -> None:
        """Wait until the position is so large, fees in the coin included."""

        async def is_so() -> bool:
            held = await self.position()
            return (held.quantity if held else Decimal(0)) == Decimal(quantity)

        await until(is_so, seconds=20.0)

    def stops(self) -> list[Decimal]:
        """Give what protective stops rest at the exchange, by what is left of them."""
        return [one.left for one in self.orders if one.is_live and one.kind.startswith("STOP")]

    async def protected(self, quantity: str) -> None:
        """Wait until one stop rests for exactly so much."""
        await until(lambda: self.stops() == [Decimal(quantity)], seconds=20.0)

    @property
    def orders(self) -> list[Any]:
        """Every order that the exchange has."""
        return list(self.wallet.orders.values())

    @property
    def sent(self) -> list[str]:
        """Client ids of the placements that reached the exchange, as its ledger has them."""
        return [
            one["values"]["newClientOrderId"]
            for one in self.opened.lines
            if one["kind"] == "request" and one["route"] == "POST /api/v3/order"
        ]

    async def ready(self) -> None:
        """Wait until the account agrees with its venue."""
        await until(lambda: self.executor.is_ready, seconds=30.0)

    async def kill(self) -> None:
        """End the executor in the middle of whatever it does."""
        assert self._running is not None
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)
        self._running = None

    async def start(self) -> None:
        """Put a fresh executor over the same rows and let it work."""
        self.executor = await _executor(self.store, self.account, self.venue)
        await self.executor.start()
        self._running = asyncio.create_task(self.executor.run(), name="executor")

    async def judged(self) -> list[str]:
        """Give every broken promise, once rows and exchange had time to agree."""
        found: list[str] = []

        async def is_clean() -> bool:
            found[:] = await self._complaints()
            return not found

        try:
            await until(is_clean, seconds=20.0)
        except TimeoutError:
            return found
        return []

    async def _complaints(self) -> list[str]:
        async with self.store.reading() as tx:
            return await complaints(tx, self.workspace_id, self.account.id, self._witnessed(), start=START)

    def _witnessed(self) -> Witnessed:
        wallet, ours = self.wallet, quirks_of(self.account.venue).from_wire
        ids = {one.number: ours(one.client_id) for one in self.orders}
        return Witnessed(
            orders=[(ids[one.number], str(one.number)) for one in self.orders],
            trades={
                self.trade_id(one.number): (
                    ids[one.order_number],
                    one.quantity if one.is_buyer else -one.quantity,
                    one.fee if one.fee_asset == "BTC" else Decimal(0),
                )
                for one in wallet.trades
            },
            open_ids=frozenset(ids[one.number] for one in self.orders if one.is_live),
            totals={asset: wallet.total(asset) for asset in START},
            requests=[],
        )

    async def live_orders(self) -> list[Order]:
        """Give the rows of orders that have not ended."""
        async with self.store.reading() as tx:
            found = await tx.orders.page(self.workspace_id, Filter(), _ALL)
        return [one for one in found if one.state not in TERMINAL]


@asynccontextmanager
async def a_sim_trader(store: Store) -> AsyncIterator[SimTrader]:
    """Open an exchange with still prices, an account at it, and let its executor run until the block ends."""
    async with open_sim_venue(quirks=QUICK, options=SimOptions(volatility=0, balances=dict(START))) as opened:
        wallet = opened.sim.house.exchange.wallets[KEY]
        async with _trading(store, opened.venue, wallet, lambda number: f"{PAIR}:{number}") as trader:
            trader._opened = opened
            yield trader


@asynccontextmanager
async def a_face_trader(store: Store, kind: type[Face]) -> AsyncIterator[tuple[SimTrader, FaceVenue]]:
    """The same at an exchange in another shape."""
    async with (
        a_face(kind, balances=START, visibility_delay_s=1.0) as opened,
        _trading(store, opened.venue, opened.face.wallet, kind.trade_id) as trader,
    ):
        yield trader, opened


@asynccontextmanager
async def _trading(
    store: Store, venue: CcxtVenue, wallet: Wallet, trade_id: Callable[[int], str]
) -> AsyncIterator[SimTrader]:
    async with store.transaction() as tx:
        await tx.workspaces.install()
        workspace = await tx.workspaces.create(new_id())
        account = await a_live_account(tx, workspace.id, venue=venue.name, capital=START["USDT"])
    executor = await _executor(store, account, venue)
    trader = SimTrader(venue, wallet, store, workspace.id, account, executor, trade_id)
    await executor.start()
    trader._running = asyncio.create_task(executor.run(), name="executor")
    try:
        await trader.ready()
        yield trader
        assert trader._running is None or not trader._running.done(), trader._running
    finally:
        if trader._running is not None:
            await trader.kill()


async def _executor(store: Store, account: Account, venue: CcxtVenue) -> Executor:
    clock, holder, name = SystemClock(), new_id(), account_lease(account.id)
    async with store.transaction() as tx:
        held = await tx.leases.holder(name, clock.now())
        if held is not None:
            await tx.leases.release(name, held[0])
        epoch = await tx.leases.take(name, holder, clock.now(), 600.0)
    assert epoch is not None
    turns = Turns(store, EventBus(), clock, Lease(name=name, holder=holder, epoch=epoch), account)
    return Executor(turns, venue, clock, read_tries=2)
