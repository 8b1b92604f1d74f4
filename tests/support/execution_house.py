"""One live account with an executor over a fake venue: what most tests of the order path begin with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from desk.bots.leases import Lease, account_lease
from desk.bus import EventBus
from desk.clock import to_ms
from desk.execution.client_ids import as_wanted
from desk.execution.executor import Executor
from desk.execution.placing import Wish, place_by_hand
from desk.execution.turns import Turns
from desk.identity import new_id
from desk.order_views import Incident, OrderWatch
from desk.ports import Store
from desk.venue_port import VenueRules
from desk.views import Account, FillRecord, Filter, Order, Page, Position
from tests.support.fake_exchange import PAIRS, FakeExchange
from tests.support.fake_venue import FakeVenue
from tests.support.histories import CASH, StepClock
from tests.support.order_checker import complaints, witness_of
from tests.support.records import a_live_account
from trading.events import IncidentOpened, TradingState
from trading.orders import OrderState, OrderType, Side

_ALL = Page(first=1_000)


@dataclass
class LiveHouse:
    """A live account in hand."""

    store: Store
    clock: StepClock
    exchange: FakeExchange
    venue: FakeVenue
    workspace_id: str
    account: Account
    turns: Turns
    executor: Executor
    holder: str

    async def restart(self) -> None:
        """End the process without a word and start another one."""
        fresh = await _executor(self.store, self.clock, self.venue, self.account, self.holder)
        self.turns, self.executor, self.holder = fresh
        await self.executor.start()

    async def buy(self, quantity: str = "1", **given: Any) -> Order:
        """Ask for a purchase of BTC at the market."""
        return await self.place(side=Side.BUY, quantity=quantity, **given)

    async def sell(self, quantity: str = "1", **given: Any) -> Order:
        """Ask for a sale of what is held."""
        return await self.place(side=Side.SELL, quantity=quantity, is_reduce_only=True, **given)

    async def place(self, *, side: Side, quantity: str, **given: Any) -> Order:
        """Ask for an order by hand."""
        kind = OrderType.LIMIT if "price" in given else OrderType.MARKET
        wish = Wish(
            **{
                "pair": "BTC/USDT",
                "side": side,
                "order_type": kind,
                "quantity": Decimal(quantity),
                "valid_for": timedelta(days=1),
                **given,
            }
        )
        async with self.turns.turn() as turn:
            return await place_by_hand(turn, self.account, wish, key=new_id())

    async def order(self, order: Order) -> Order:
        """Give an order as it is now."""
        async with self.store.reading() as tx:
            found = await tx.orders.by_id(self.workspace_id, order.id)
        assert found is not None
        return found

    async def orders(self) -> list[Order]:
        """Give every order, oldest first."""
        async with self.store.reading() as tx:
            found = await tx.orders.page(self.workspace_id, Filter(), _ALL)
        return sorted(found, key=as_wanted)

    async def fills(self) -> list[FillRecord]:
        """Give every execution, oldest first."""
        async with self.store.reading() as tx:
            found = await tx.fills.page(self.workspace_id, Filter(), _ALL)
        return sorted(found, key=lambda one: (one.filled_at, len(one.venue_trade_id), one.venue_trade_id))

    async def watch(self, order: Order) -> OrderWatch:
        """Give how an order is looked after."""
        async with self.store.reading() as tx:
            found = await tx.execution.watch_of(self.workspace_id, order.id)
        assert found is not None
        return found

    async def position(self) -> Position | None:
        """Give the only open position, if any."""
        async with self.store.reading() as tx:
            held = await tx.positions.open(self.workspace_id)
        assert len(held) <= 1
        return held[0] if held else None

    async def incidents(self) -> list[Incident]:
        """Give what is not settled."""
        async with self.store.reading() as tx:
            return list(await tx.execution.open_incidents(self.workspace_id, self.account.id))

    async def told(self) -> list[str]:
        """Give the kind of every incident that people were told of, oldest first."""
        async with self.store.reading() as tx:
            journal = await tx.journal.after(self.workspace_id, 0, limit=10_000)
        return [one.event.incident for one in journal if isinstance(one.event, IncidentOpened)]

    async def halt(self) -> None:
        """Latch the account's halt."""
        async with self.store.transaction() as tx:
            await tx.accounts.set_state(
                self.workspace_id, self.account.id, TradingState.HALTED, "kill switch"
            )

    async def work(self, seconds: float = 0.0, *, step_s: float = 1.0) -> None:
        """Do what is due, listen, and let time pass."""
        while True:
            if self.executor.breaker.wants_probe:
                await self.executor.probe()
            for _ in range(6):
                done = await self.executor.work()
                told = self.venue.told()
                for said in told:
                    await self.executor.take_evidence(said)
                if not done and not told:
                    break
            if seconds <= 0:
                return
            self.clock.advance(step_s)
            self.venue.settle_late()
            seconds -= step_s

    async def complaints(self) -> list[str]:
        """Let the judge compare rows and exchange."""
        async with self.store.reading() as tx:
            return await complaints(
                tx, self.workspace_id, self.account.id, witness_of(self.exchange), start={"USDT": CASH}
            )

    async def resting(self) -> list[tuple[str, Decimal]]:
        """Give what rests at the exchange: kind and quantity."""
        return [
            (f"{one.side.value} {one.order_type.value}", one.quantity - one.filled_quantity)
            for one in self.exchange.open_orders()
        ]

    async def settle(self, order: Order, *, within_s: float = 300.0) -> Order:
        """Work until an order is in no doubt."""
        for _ in range(int(within_s)):
            await self.work(1.0)
            found = await self.order(order)
            if found.state not in (OrderState.INTENT, OrderState.CLAIMED, OrderState.UNKNOWN):
                return found
        return await self.order(order)


async def a_live_house(
    store: Store, *, rules: VenueRules | None = None, clock: StepClock | None = None, **exchange: Any
) -> LiveHouse:
    """Put a live account together and start it."""
    clock = clock or StepClock()
    fake = FakeExchange(lambda: to_ms(clock.now()), cash=CASH, **exchange)
    venue = FakeVenue(fake, rules=rules, now_s=clock.monotonic)
    async with store.transaction() as tx:
        await tx.workspaces.install()
        workspace = await tx.workspaces.create(new_id())
        account = await a_live_account(tx, workspace.id, capital=CASH)
    turns, executor, holder = await _executor(store, clock, venue, account, "")
    house = LiveHouse(
        store=store,
        clock=clock,
        exchange=fake,
        venue=venue,
        workspace_id=workspace.id,
        account=account,
        turns=turns,
        executor=executor,
        holder=holder,
    )
    await executor.start()
    return house


async def _executor(
    store: Store, clock: StepClock, venue: FakeVenue, account: Account, before: str
) -> tuple[Turns, Executor, str]:
    holder = new_id()
    async with store.transaction() as tx:
        await tx.leases.release(account_lease(account.id), before)
        epoch = await tx.leases.take(account_lease(account.id), holder, clock.now(), 1e9)
    assert epoch is not None
    lease = Lease(name=account_lease(account.id), holder=holder, epoch=epoch)
    turns = Turns(store, EventBus(), clock, lease, account)
    executor = Executor(turns, venue, clock, read_tries=1)
    executor.reconciler.pairs |= set(PAIRS)
    return turns, executor, holder
