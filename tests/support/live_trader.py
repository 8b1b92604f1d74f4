"""A process that trades a live account against a witness until it is killed; forked by crash tests.

It takes the lease as the program does, compares, then places an order by hand 20 times a second and moves the
market. What it acknowledges it writes to a pipe, a line each, so that the judge can hold it to its word.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from desk.alerting.channel import Notice, Outcome, sent
from desk.alerting.pump import OutboxPump
from desk.bots import leases
from desk.bots.leases import account_lease, new_holder, take
from desk.bus import EventBus
from desk.clock import SystemClock
from desk.execution.executor import Executor
from desk.execution.faults import arm
from desk.execution.placing import Wish, place_by_hand
from desk.execution.turns import Turns
from desk.execution.winding_down import OnStop
from desk.store import SqlStore, open_store
from desk.views import Account
from server.stopping import wind_down
from tests.support.fake_exchange import PAIRS
from tests.support.witness_venue import WitnessVenue
from trading.errors import BreakwaterError, StoreProblem
from trading.orders import OrderType, Side

#: Everything must be settled so long after it works again, also on a busy machine.
HEAL_S = 120.0


@dataclass(slots=True)
class Job:
    """What the process is to do.

    Attributes:
        point, passes: end at this point when it is passed for the n-th time; empty: work until killed.
        orders_per_s: 0 = place nothing, only heal, and leave when nothing is due.
        is_telling: carry alerts to people too; they hear them at the witness.
    """

    url: str
    port: int
    account_id: str
    workspace_id: str
    seed: int
    point: str = ""
    passes: int = 1
    orders_per_s: float = 20.0
    build: type[Executor] = Executor
    most_s: float = 5.0
    is_telling: bool = False


def trade(job: Job, tell: Callable[[str], None]) -> None:
    """Trade until the end; never returns when killed."""
    if job.point:
        _arm(job, tell)
    asyncio.run(_trade(job, tell))


def _arm(job: Job, tell: Callable[[str], None]) -> None:
    left = job.passes

    def hook(name: str) -> None:
        nonlocal left
        if name == job.point:
            left -= 1
            if left == 0:
                tell(f"at {name}")
                os.kill(os.getpid(), signal.SIGKILL)

    arm(hook)


async def _trade(job: Job, tell: Callable[[str], None]) -> None:
    began = time.monotonic()
    clock = SystemClock()
    store = open_store(job.url, clock=clock, acquire_timeout_s=5.0)
    venue = WitnessVenue(job.port)
    holder = new_holder()
    lease = None
    while lease is None:
        # Whoever stands still with the database in its hand keeps it for a while.
        with suppress(StoreProblem):
            lease = await take(store, clock, account_lease(job.account_id), holder)
        if lease is None:
            await asyncio.sleep(0.1)
    beside = [asyncio.create_task(_renew(store, job.account_id, holder))]
    if job.is_telling:
        beside.append(asyncio.create_task(OutboxPump(store, clock, [WitnessChannel(venue)]).run()))
    async with store.reading() as tx:
        account = await tx.accounts.by_id(job.workspace_id, job.account_id)
    assert account is not None
    turns = Turns(store, EventBus(), clock, lease, account)
    executor = job.build(turns, venue, clock, read_tries=2)
    executor.reconciler.pairs |= set(PAIRS)
    while not await executor.start():  # noqa: ASYNC110 - the venue tells nobody when it is back
        await asyncio.sleep(0.2)
    tell(f"ready {time.monotonic() - began:.4f}")
    if job.orders_per_s == 0:
        await _heal(executor, store, account, tell, is_telling=job.is_telling)
    else:
        await _work(job, executor, store, account, venue, tell)
    for task in beside:
        task.cancel()
    await asyncio.gather(*beside, return_exceptions=True)
    await store.close()


async def _work(
    job: Job,
    executor: Executor,
    store: SqlStore,
    account: Account,
    venue: WitnessVenue,
    tell: Callable[[str], None],
) -> None:
    async with asyncio.TaskGroup() as group:
        running = group.create_task(executor.run())
        try:
            async with asyncio.timeout(job.most_s):
                await _feed(job, executor, store, account, venue, tell)
        except TimeoutError:
            pass
        # A stop in good order, as the program does it.
        await wind_down([executor], OnStop.PROTECT, SystemClock(), within_s=2.0)
        running.cancel()


async def _feed(
    job: Job,
    executor: Executor,
    store: SqlStore,
    account: Account,
    venue: WitnessVenue,
    tell: Callable[[str], None],
) -> None:
    """Ask for orders as a handler does: in a transaction of its own, then the doorbell."""
    chance = random.Random(f"{job.seed}:{os.getpid()}")
    price = Decimal(100)
    while True:
        await asyncio.sleep(1.0 / job.orders_per_s)
        pair = chance.choice(PAIRS)
        key = f"{account.id}:{job.seed}:{os.getpid()}:{chance.random()}"
        wish = await _wish(store, account, chance, pair, price)
        try:
            async with store.transaction() as tx:
                step = _Step(tx)
                await place_by_hand(step, account, wish, key=key)
                await tx.journal.append(account.workspace_id, step.events, step.at)
        except StoreProblem:
            tell("away")
            continue
        except BreakwaterError:
            continue
        tell(f"ok {key}")
        executor.ring()
        if chance.random() < 0.3:
            price = (price * Decimal(chance.choice(("0.98", "0.995", "1.005", "1.02")))).quantize(
                Decimal("0.01")
            )
            with suppress(BreakwaterError):
                await venue.call("tick", pair=pair, price=str(price))


async def _wish(store: SqlStore, account: Account, chance: random.Random, pair: str, price: Decimal) -> Wish:
    if chance.random() < 0.35:
        with suppress(StoreProblem):
            async with store.reading() as tx:
                held = await tx.positions.open(account.workspace_id, account.id)
            mine = [one for one in held if one.pair == pair and one.quantity >= Decimal("0.1")]
            if mine:
                return Wish(
                    pair=pair,
                    side=Side.SELL,
                    order_type=OrderType.MARKET,
                    quantity=Decimal("0.1"),
                    is_reduce_only=True,
                )
    is_limit = chance.random() < 0.3
    # Some entries are repriced when they are not filled at once.
    is_chasing = is_limit and chance.random() < 0.5
    return Wish(
        pair=pair,
        side=Side.BUY,
        order_type=OrderType.LIMIT if is_limit else OrderType.MARKET,
        quantity=Decimal(chance.randrange(1_000, 5_000)) / 10_000,
        price=Decimal(70) if is_limit else None,
        stop_loss=Decimal(50) if chance.random() < 0.5 else None,
        rest_for=timedelta(seconds=0.2) if is_chasing else None,
        reprices=1 if is_chasing else 0,
    )


class WitnessChannel:
    """People who hear alerts at the witness."""

    platform = "email"

    def __init__(self, venue: WitnessVenue) -> None:
        self._venue = venue

    async def send(self, notice: Notice) -> Outcome:
        """Tell."""
        await self._venue.call(
            "told",
            delivery_id=notice.delivery.id,
            recipient=notice.recipient,
            created_at=notice.alert.created_at.isoformat(),
            is_repeat=notice.is_repeat,
        )
        return sent()


class _Step:
    """A command's transaction."""

    def __init__(self, tx: Any) -> None:
        self.tx = tx
        self.at = SystemClock().now()
        self.events: list[Any] = []


async def _renew(store: SqlStore, account_id: str, holder: str) -> None:
    """Keep the lease as the supervisor does."""
    while True:
        await asyncio.sleep(leases.HEARTBEAT_S)
        with suppress(StoreProblem):
            await take(store, SystemClock(), account_lease(account_id), holder)


async def _heal(
    executor: Executor, store: SqlStore, account: Account, tell: Callable[[str], None], *, is_telling: bool
) -> None:
    """Work as in service until nothing is due and two comparisons in a row booked nothing."""
    executor.breaker.reset()
    quiet = 0
    async with asyncio.timeout(HEAL_S), asyncio.TaskGroup() as group:
        running = group.create_task(executor.run())
        while quiet < 2:
            await asyncio.sleep(0.2)
            async with store.reading() as tx:
                at_work = await tx.orders.at_work(account.workspace_id, account.id, SystemClock().now())
                untold = is_telling and (await tx.alerts.pending())[0]
            if at_work or untold:
                quiet = 0
                continue
            booked = executor.intake.booked
            await executor.compare(cause="heal")
            quiet = quiet + 1 if booked == executor.intake.booked else 0
        running.cancel()
    tell("quiet")
