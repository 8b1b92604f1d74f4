"""Seeded histories of one live account: orders, bad news, crashes and people, step by step on one loop.

No task runs by itself and no time passes by itself, so a seed is the whole history. After its steps everything is
healed, and the checker compares the exchange's book with the rows.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from unittest.mock import patch

from desk.bots.leases import Lease, account_lease
from desk.bus import EventBus
from desk.clock import to_ms
from desk.execution.drafts import wish_to_cancel
from desk.execution.executor import Executor
from desk.execution.faults import POINTS, arm
from desk.execution.placing import Wish, place_by_hand
from desk.execution.turns import Turns
from desk.identity import new_id
from desk.ports import Store
from desk.venue_port import VenueRules
from desk.views import Account, Workspace
from tests.support.fake_exchange import PAIRS, FakeExchange
from tests.support.fake_venue import FakeVenue, Faults
from tests.support.order_checker import complaints, witness_of
from tests.support.protection_judge import unprotected
from tests.support.records import a_live_account
from trading.errors import BreakwaterError
from trading.orders import OrderType, Side

START = datetime(2026, 3, 1, tzinfo=UTC)
CASH = Decimal(1_000_000)
#: Points that lie in the executor's own steps.
_INNER = tuple(one for one in POINTS if one not in ("k00", "k01", "k02", "k12", "k13", "k14", "k17"))


class Crash(BaseException):
    """The process ends here; only rows survive."""


class StepClock:
    """Time that moves only when somebody waits."""

    def __init__(self, start: datetime = START) -> None:
        self._now = start
        self._elapsed_s = 0.0

    def now(self) -> datetime:
        """Give the wall time."""
        return self._now

    def monotonic(self) -> float:
        """Give seconds since the start."""
        return self._elapsed_s

    async def sleep(self, seconds: float) -> None:
        """Let time pass at once."""
        self.advance(seconds)

    def set_by(self, change: timedelta) -> None:
        """Set the wall clock, as a person or a time server does; no time passes."""
        self._now += change

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._now += timedelta(seconds=seconds)
        self._elapsed_s += seconds


@dataclass(slots=True)
class Told:
    """What a history came to."""

    seed: int
    complaints: list[str]
    steps: list[str]
    crashes: int
    unknown: int
    orders: int
    resent: int


@dataclass
class History:
    """One account under way.

    Attributes:
        executor_class: the code under test; broken builds are given here.
    """

    store: Store
    seed: int
    steps: int = 50
    executor_class: type[Executor] = Executor
    clock: StepClock = field(default_factory=StepClock)
    log: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        chance = self.chance
        self.exchange = FakeExchange(
            lambda: to_ms(self.clock.now()),
            dedupe=chance.choice(("always", "open", "none")),
            history_delay_ms=chance.choice((0, 0, 2_000, 20_000)),
            partial=chance.choice((1, 1, 3)),
            base_fee=chance.random() < 0.2,
            cash=CASH,
        )
        trouble = chance.choice((0.0, 0.1, 0.35))
        self.venue = FakeVenue(
            self.exchange,
            faults=Faults(
                seed=self.seed,
                place=trouble,
                read=trouble / 3,
                stream=chance.choice((0.0, 0.3)),
                late_s=chance.choice((5.0, 90.0)),
            ),
            rules=VenueRules(visibility_delay_s=30.0, has_stops=chance.random() < 0.8),
            now_s=self.clock.monotonic,
        )
        self.crashes = 0
        self.moved: dict[str, Decimal] = {}
        self.resent = 0

    async def run(self) -> Told:
        """Live the history, heal it, judge it."""
        await self._found()
        await self._start()
        actions = (
            [self._buy] * 5
            + [self._work] * 9
            + [self._listen] * 5
            + [self._wait] * 5
            + [self._price] * 5
            + [self._sell] * 2
            + [self._cancel] * 2
            + [self._compare, self._crash, self._crash, self._down, self._by_hand, self._money, self._watch]
        )
        for _ in range(self.steps):
            action = self.chance.choice(actions)
            self.log.append(action.__name__)
            await self._survive(action)
        await self._heal()
        return await self._judge()

    async def _found(self) -> None:
        # Ids that follow from the seed: waits have a jitter by the order's id.
        with (
            patch("desk.store.repositories.workspaces.new_id", lambda: f"workspace-{self.seed}"),
            patch("desk.store.repositories.accounts.new_id", lambda: f"account-{self.seed}"),
        ):
            await self._create()

    async def _create(self) -> None:
        async with self.store.transaction() as tx:
            await tx.workspaces.install()
            self.workspace: Workspace = await tx.workspaces.create(f"history {self.seed}")
            self.account: Account = await a_live_account(tx, self.workspace.id, capital=CASH)

    async def _start(self) -> None:
        """Start a process: a new holder takes the lease, the executor compares and works."""
        holder = new_id()
        async with self.store.transaction() as tx:
            await tx.leases.release(account_lease(self.account.id), getattr(self, "holder", ""))
            epoch = await tx.leases.take(account_lease(self.account.id), holder, self.clock.now(), 1e9)
        assert epoch is not None
        self.holder = holder
        lease = Lease(name=account_lease(self.account.id), holder=holder, epoch=epoch)
        self.turns = Turns(self.store, EventBus(), self.clock, lease, self.account)
        self.executor = self.executor_class(self.turns, self.venue, self.clock, read_tries=1)
        self.executor.reconciler.pairs |= set(PAIRS)
        await self._survive(self.executor.start)

    async def _survive(self, action: object) -> None:
        """Do something; a crash in the middle of it is followed by a new start."""
        try:
            await action()  # type: ignore[operator]
        except Crash:
            self.crashes += 1
            await self._start()
        except BreakwaterError as problem:
            self.log.append(f"  refused: {problem}")

    async def _buy(self) -> None:
        pair = self.chance.choice(PAIRS)
        price = self.exchange.prices[pair]
        has_exits = self.chance.random() < 0.6
        kind = self.chance.choice((OrderType.MARKET, OrderType.LIMIT))
        is_resting = kind is OrderType.LIMIT
        wish = Wish(
            pair=pair,
            side=Side.BUY,
            order_type=kind,
            quantity=Decimal(self.chance.randrange(1_000, 30_000)) / 10_000,
            price=(price * Decimal("0.99")).quantize(Decimal("0.01")) if is_resting else None,
            stop_loss=(price * Decimal("0.93")).quantize(Decimal("0.01")) if has_exits else None,
            take_profits=tuple(
                (price * Decimal(factor)).quantize(Decimal("0.01")) for factor in ("1.03", "1.06", "1.1")
            )
            if has_exits and self.chance.random() < 0.7
            else (),
            rest_for=timedelta(seconds=40) if is_resting and self.chance.random() < 0.5 else None,
            reprices=self.chance.choice((0, 2)),
        )
        await self._place(wish)

    async def _sell(self) -> None:
        async with self.store.reading() as tx:
            held = await tx.positions.open(self.workspace.id, self.account.id)
        if not held:
            return
        position = self.chance.choice(sorted(held, key=lambda one: one.id))
        share = self.chance.choice((Decimal(1), Decimal("0.5")))
        quantity = (position.quantity * share).quantize(Decimal("0.0001"))
        if quantity <= 0:
            return
        await self._place(
            Wish(
                pair=position.pair,
                side=Side.SELL,
                order_type=OrderType.MARKET,
                quantity=quantity,
                is_reduce_only=True,
            )
        )

    async def _place(self, wish: Wish) -> None:
        async with self.turns.turn() as turn:
            await place_by_hand(turn, self.account, wish, key=f"{self.account.id}:{self.chance.random()}")

    async def _work(self) -> None:
        await self.executor.work()

    async def _listen(self) -> None:
        for said in self.venue.told():
            await self.executor.take_evidence(said)

    async def _wait(self) -> None:
        self.clock.advance(self.chance.choice((0.2, 1.0, 5.0, 20.0)))
        self.venue.settle_late()

    async def _price(self) -> None:
        pair = self.chance.choice(PAIRS)
        factor = Decimal(self.chance.choice(("0.97", "0.99", "1.01", "1.03")))
        self.exchange.tick(pair, (self.exchange.prices[pair] * factor).quantize(Decimal("0.01")))

    async def _cancel(self) -> None:
        async with self.store.reading() as tx:
            open_ones = await tx.orders.unsettled(self.workspace.id, self.account.id)
        mine = [one for one in open_ones if not one.is_reduce_only and one.reason.value == "entry"]
        if mine:
            async with self.turns.turn() as turn:
                await wish_to_cancel(turn, self.chance.choice(mine), reason="by hand")

    async def _compare(self) -> None:
        await self.executor.compare(cause="history")

    async def _watch(self) -> None:
        await self.executor.prices.look()

    async def _crash(self) -> None:
        """Work on until the process passes some point for the n-th time, and end it there."""
        point, left = self.chance.choice(_INNER), self.chance.randrange(1, 4)

        def hook(name: str) -> None:
            nonlocal left
            if name == point:
                left -= 1
                if left == 0:
                    raise Crash(name)

        disarm = arm(hook)
        try:
            for _ in range(3):
                await self._work()
                await self._listen()
                self.clock.advance(1.0)
            await self._compare()
        finally:
            disarm()

    async def _down(self) -> None:
        self.venue.is_down = not self.venue.is_down
        await self.executor.probe()

    async def _by_hand(self) -> None:
        pair = self.chance.choice(PAIRS)
        base = pair.split("/")[0]
        free = self.exchange.balances().get(base)
        side = self.chance.choice((Side.BUY, Side.SELL))
        quantity = Decimal("0.05")
        if side is Side.SELL and (free is None or free.free < quantity):
            return
        self.exchange.by_hand(pair, side, quantity)

    async def _money(self) -> None:
        amount = Decimal(self.chance.choice((1_000, -500)))
        self.exchange.move_money("USDT", amount)
        self.moved["USDT"] = self.moved.get("USDT", Decimal(0)) + amount

    async def _heal(self) -> None:
        """Everything works again: let what is under way arrive, then start once more and work until nothing is due."""
        self.venue.is_down = False
        self.venue.faults = Faults(seed=self.seed)
        self.venue.script.clear()
        self.exchange.history_delay_ms = 0
        self.clock.advance(200.0)
        self.venue.settle_late()
        await self._start()
        self.executor.breaker.reset()
        for _ in range(60):
            for pair, price in self.exchange.prices.items():
                self.exchange.tick(pair, price)  # What a market order left waits for nobody any more.
            told = self.venue.told()
            for said in told:
                await self.executor.take_evidence(said)
            await self.executor.compare(cause="heal")
            done = await self.executor.work()
            if not told and not done and await self._is_quiet():
                return
            self.clock.advance(10.0)

    async def _is_quiet(self) -> bool:
        async with self.store.reading() as tx:
            return not await tx.orders.at_work(self.workspace.id, self.account.id, self.clock.now())

    async def _judge(self) -> Told:
        async with self.store.reading() as tx:
            found = await complaints(
                tx,
                self.workspace.id,
                self.account.id,
                witness_of(self.exchange),
                start={"USDT": CASH},
                moved=self.moved,
            )
            if self.venue.rules.has_stops:
                found += await unprotected(tx, self.workspace.id, self.account.id, self.exchange)
            journal = await tx.journal.after(self.workspace.id, 0, limit=10_000)
        unknown = sum(
            1
            for one in journal
            if type(one.event).__name__ == "OrderChanged" and getattr(one.event, "after", "") == "unknown"
        )
        return Told(
            seed=self.seed,
            complaints=found,
            steps=self.log,
            crashes=self.crashes,
            unknown=unknown,
            orders=len(self.exchange.book.orders),
            resent=len(self.venue.sent) - len(set(self.venue.sent)),
        )
