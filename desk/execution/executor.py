"""The executor: carries the orders of one account to its venue and the venue's words back, while it holds the lease.

Everything that it has to do is in rows: intents, claims, doubts, wishes, exits, requests. So `kill -9` at any moment
is an ordinary end, and starting is one path: compare with the venue, then work.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

import structlog

from desk.clock import Clock, to_ms
from desk.execution.asked import Asked
from desk.execution.breaker import Breaker
from desk.execution.calling import Calls
from desk.execution.client_ids import as_wanted
from desk.execution.drafts import wish_to_cancel
from desk.execution.faults import faultpoint
from desk.execution.guarding import Guardian
from desk.execution.incidents import close_incident, open_incident
from desk.execution.intake import REPRICE, Intake
from desk.execution.moves import move
from desk.execution.reconciling import Reconciler
from desk.execution.resolving import Resolver
from desk.execution.sending import Sender
from desk.execution.turns import Deaf, Listener, Turns
from desk.execution.watching import PriceWatch
from desk.execution.winding_down import WindingDown
from desk.order_views import IncidentKind, OrderWatch
from desk.venue_port import Evidence, StreamGap, Venue, VenueBusy, VenueRefusal
from desk.views import Order
from trading.errors import BreakwaterError, VenueProblem
from trading.orders import OrderState, Side

log = structlog.get_logger(__name__)

#: Without a bell the rows are looked over this often.
SWEEP_S = 0.5
#: The venue's health is asked this often.
HEALTH_S = 30.0
#: The account is compared with its venue this often, and soon after the stream of evidence was cut.
COMPARE_S = 60.0
#: An exit that waits for its coins is looked at again after this time.
ROOM_S = 0.3
#: A clock that was set by more than this begins every proof and every wait anew.
JUMP = timedelta(seconds=2)
#: Watched targets and stops are compared with the price this often.
WATCH_S = 1.0


@dataclass(frozen=True, slots=True)
class Job:
    """Something to do about one order."""

    order: Order
    watch: OrderWatch
    do: Callable[[Order, OrderWatch], Awaitable[None]]


class Executor:
    """Carries one account.

    Args:
        listener: who is told of fills and ends inside their transaction; nobody by default.
        read_tries: how often a read is tried inside one question.
    """

    def __init__(
        self,
        turns: Turns,
        venue: Venue,
        clock: Clock,
        *,
        listener: Listener | None = None,
        read_tries: int = 5,
    ) -> None:
        self._turns = turns
        self._venue = venue
        self._clock = clock
        self._listener = listener or Deaf()
        self.breaker = Breaker(clock)
        self.calls = Calls(venue, clock, self.breaker, read_tries=read_tries)
        self.guardian = Guardian(venue.rules)
        self.intake = Intake(turns, self._listener, venue=venue.name, rules=venue.rules)
        self.resolver = Resolver(turns, self.calls, self.intake, self._listener)
        self.sender = Sender(turns, self.calls, self.intake, self.guardian, self._listener)
        self.reconciler = Reconciler(turns, self.calls, self.intake, self.resolver, self.guardian, clock)
        self.prices = PriceWatch(turns, venue, self.calls, self.guardian)
        self.winding_down = WindingDown(turns, self.guardian)
        self._asked = Asked(turns, self)
        turns.before_commit.append(self.guardian.look)
        #: The account was compared with its venue and every answer was explicit.
        self.is_ready = False
        #: The process is about to stop: nothing new is opened.
        self.is_stopping = False
        self._bell = asyncio.Event()
        self._busy: set[str] = set()
        self._gap = ""
        self._told_state = self.breaker.state
        self._seen = (clock.now(), clock.monotonic())

    @property
    def takes_risk(self) -> bool:
        """Whether new risk would be sent now."""
        return (
            self.is_ready
            and not self.is_stopping
            and self.breaker.lets_risk_through
            and not self.sender.is_safe_mode
        )

    def ring(self) -> None:
        """Say that there is something to do."""
        faultpoint("k02")
        self._bell.set()

    async def start(self) -> bool:
        """Bring rows and venue together after whatever ended the last process; tell whether every answer came."""
        await self._doubt_claims()
        return await self.compare(cause="start")

    async def compare(self, *, cause: str) -> bool:
        """Compare the account with its venue; until that succeeds no new risk is sent."""
        run = await self.reconciler.compare(cause=cause)
        if run.outcome == "incomplete":
            self.is_ready = False
            return False
        self.sender.is_safe_mode = False
        self.is_ready = run.outcome == "agreed"
        return True

    async def work(self) -> int:
        """Do what is due, one thing after the other; give how much it was."""
        jobs = await self.due()
        for job in jobs:
            await job.do(job.order, job.watch)
        return len(jobs) + await self._asked.take()

    async def due(self) -> list[Job]:
        """Give what has to be done about orders now."""
        account, now = self._turns.account, self._clock.now()
        if self._has_jumped(now):
            await self.resolver.begin_anew()
        # Every order is read again in the turn that moves it, so that no snapshot is needed for the look.
        tx = self._turns.store.glance
        orders = await tx.orders.at_work(account.workspace_id, account.id, now)
        orders = sorted(orders, key=as_wanted)
        watches = await tx.execution.watches(account.workspace_id, account.id) if orders else {}
        frozen = {one.pair for one in orders if one.state is OrderState.UNKNOWN}
        jobs: list[Job] = []
        for order in orders:
            watch = watches.get(order.id)
            if watch is None or order.id in self._busy:
                continue
            if watch.next_look_at is not None and watch.next_look_at > now:
                continue
            do = await self._what(order, watch, frozen)
            if do is not None:
                jobs.append(Job(order, watch, do))
        return jobs

    def _has_jumped(self, now: datetime) -> bool:
        """Tell whether the machine's clock was set since the last look: times noted before mean nothing any more."""
        seen_at, seen_s = self._seen
        elapsed_s = self._clock.monotonic()
        self._seen = (now, elapsed_s)
        return abs(seen_at + timedelta(seconds=elapsed_s - seen_s) - now) > JUMP

    async def _what(
        self, order: Order, watch: OrderWatch, frozen: set[str]
    ) -> Callable[[Order, OrderWatch], Awaitable[None]] | None:
        """Give what is to be done about one order; None where it has to wait."""
        now = self._clock.now()
        state = order.state
        if state is OrderState.UNKNOWN:
            return self.resolver.resolve
        if state is OrderState.CLAIMED:
            return self._doubt
        if state is OrderState.CANCEL_PENDING or watch.cancel_reason:
            return self.resolver.cancel
        if state in (OrderState.ACCEPTED, OrderState.PARTIAL):
            return self._time_out if watch.rest_until is not None and watch.rest_until <= now else None
        if watch.valid_until is not None and watch.valid_until <= now:
            return self._lapse
        if not order.is_reduce_only:
            return self._send if self.takes_risk and order.pair not in frozen else None
        return self._send if await self._has_room(order) else self._make_room

    async def _has_room(self, order: Order) -> bool:
        """Tell whether the coins of an exit are free: other exits of the position lock theirs until they are gone."""
        if not order.position_id or self._venue.rules.has_reduce_only:
            return True
        account = self._turns.account
        async with self._turns.reading() as tx:
            position = await tx.positions.by_id(account.workspace_id, order.position_id)
            unsettled = await tx.orders.unsettled(account.workspace_id, account.id)
        if position is None or position.closed_at is not None:
            return True  # Nothing is left: the sender ends it.
        locked = sum(
            (
                one.quantity - one.filled_quantity
                for one in unsettled
                if one.position_id == order.position_id
                and one.is_reduce_only
                and one.id != order.id
                and one.state is not OrderState.INTENT
            ),
            Decimal(0),
        )
        return locked <= 0 or order.quantity <= position.quantity - locked

    async def _make_room(self, order: Order, watch: OrderWatch) -> None:
        """Shrink what rests, so that an exit which waits finds its coins free; look again in a while."""
        async with self._turns.turn() as turn:
            turn.touched.add(order.position_id)
            current = await turn.tx.execution.watch_of(order.workspace_id, order.id) or watch
            await turn.tx.execution.watch(replace(current, next_look_at=turn.at + timedelta(seconds=ROOM_S)))

    async def _send(self, order: Order, watch: OrderWatch) -> None:
        await self.sender.send(order)

    async def _doubt(self, order: Order, watch: OrderWatch) -> None:
        """A claim that nobody in this process carries."""
        await self.resolver.doubt(order, "the process that claimed it ended")

    async def _doubt_claims(self) -> None:
        account = self._turns.account
        async with self._turns.reading() as tx:
            orders = await tx.orders.at_work(account.workspace_id, account.id, self._clock.now())
        for order in orders:
            if order.state is OrderState.CLAIMED:
                await self.resolver.doubt(order, "the process that claimed it ended")

    async def _lapse(self, order: Order, watch: OrderWatch) -> None:
        """An intent that was not claimed in time is dropped."""
        async with self._turns.turn() as turn:
            current = await turn.tx.orders.by_id(order.workspace_id, order.id)
            if current is None or current.state is not OrderState.INTENT:
                return
            ended = await move(
                turn, current, OrderState.EXPIRED, evidence="never sent", detail="its time was over"
            )
            await self.intake.ended(turn, ended)

    async def _time_out(self, order: Order, watch: OrderWatch) -> None:
        """A resting entry was not filled in time: away with it, or nearer to the market."""
        reason = "not filled in time"
        if watch.reprices_left > 0 and order.price is not None:
            try:
                price = await self.calls.read(
                    lambda: self._venue.last_price(order.pair), key=order.id, tries=1
                )
            except VenueProblem:
                return
            instrument = self.guardian.instruments.get(order.pair)
            if instrument is not None:
                price = (
                    instrument.buy_limit(price) if order.side is Side.BUY else instrument.sell_limit(price)
                )
            reason = f"{REPRICE}{price}"
        async with self._turns.turn() as turn:
            await wish_to_cancel(turn, order, reason=reason)

    async def probe(self) -> None:
        """Ask whether the venue lives; an open breaker goes by the answer."""
        if self.breaker.wants_probe:
            self.breaker.probing()
        try:
            offset_ms = await self._venue.clock_offset_ms()
        except VenueProblem as problem:
            self.breaker.failed(problem.message, is_probe=True)
        else:
            self.breaker.succeeded(is_probe=True)
            self.reconciler.offset_ms = offset_ms
        await self._tell_breaker()

    async def _tell_breaker(self) -> None:
        if self.breaker.state is self._told_state:
            return
        self._told_state = self.breaker.state
        account = self._turns.account
        async with self._turns.turn() as turn:
            if self.breaker.lets_risk_through:
                await close_incident(turn, IncidentKind.VENUE_AWAY, account.venue)
            else:
                await open_incident(
                    turn, IncidentKind.VENUE_AWAY, account.venue, {"cause": self.breaker.cause[:200]}
                )

    async def take_evidence(self, said: Evidence) -> None:
        """Write one piece of the stream; a gap asks for a comparison."""
        if isinstance(said, StreamGap):
            self._gap = said.cause or "stream"
            return
        short = await self.intake.take([said])
        for pair in sorted(short):
            await self.resolver.ask_trades(pair, to_ms(self._clock.now() - timedelta(seconds=120)))
        if short:
            await self.intake.take([said])
        self._bell.set()

    async def run(self) -> None:
        """Carry the account until cancelled.

        Raises:
            LeaseLost: somebody else owns the account now.
            StoreProblem: the database is away: nothing is sent, whoever supervises starts anew.
        """
        async with asyncio.TaskGroup() as group:
            jobs = _Jobs(group, self._busy, self._bell)
            group.create_task(self._follow(), name="evidence")
            group.create_task(self._look_after(), name="health")
            group.create_task(self._watch(), name="prices")
            while True:
                self._bell.clear()
                for job in await self.due():
                    jobs.start(job)
                if await self._asked.take():
                    continue
                await self._rest(SWEEP_S)

    async def _rest(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._bell.wait()
        except TimeoutError:
            return

    async def _follow(self) -> None:
        """Follow the stream; a stream that breaks is a gap."""
        while True:
            try:
                async with aclosing(self._venue.evidence()) as told:  # type: ignore[type-var]
                    async for said in told:
                        await self.take_evidence(said)
            except VenueProblem as problem:
                log.warning("evidence_broken", venue=self._venue.name, error=str(problem))
            self._gap = self._gap or "stream ended"
            await self._clock.sleep(1.0)

    async def _look_after(self) -> None:
        """Compare and probe in their rhythm, sooner where something calls for it."""
        compared_s = probed_s = self._clock.monotonic()
        while True:
            await self._clock.sleep(SWEEP_S)
            now_s = self._clock.monotonic()
            wants_compare = self._gap or not self.is_ready or now_s - compared_s >= COMPARE_S
            pause_s = 1.0 if self._gap else 5.0 if not self.is_ready else 0.0
            if wants_compare and now_s - compared_s >= pause_s:
                cause, self._gap = self._gap or "schedule", ""
                compared_s = now_s
                await self.compare(cause=cause)
                self._bell.set()
            if self.breaker.wants_probe or now_s - probed_s >= HEALTH_S:
                probed_s = now_s
                await self.probe()
            await self._tell_breaker()

    async def _watch(self) -> None:
        while True:
            await self._clock.sleep(WATCH_S)
            try:
                await self.prices.look()
            except (VenueBusy, VenueRefusal) as problem:
                log.info("prices_not_watched", error=str(problem))


class _Jobs:
    """Jobs side by side, one per order at a time."""

    def __init__(self, group: asyncio.TaskGroup, busy: set[str], bell: asyncio.Event) -> None:
        self._group = group
        self._busy = busy
        self._bell = bell

    def start(self, job: Job) -> None:
        """Begin a job."""
        self._busy.add(job.order.id)
        self._group.create_task(self._run(job), name=f"order {job.order.client_order_id}")

    async def _run(self, job: Job) -> None:
        try:
            await job.do(job.order, job.watch)
        except VenueProblem as problem:
            log.warning("order_job_failed", order=job.order.client_order_id, error=str(problem))
        except BreakwaterError:
            raise
        finally:
            self._busy.discard(job.order.id)
            self._bell.set()
