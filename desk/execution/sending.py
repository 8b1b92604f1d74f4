"""Claim, send, write down the answer: one claim, one send, never a second one under the same id."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import structlog

from desk.execution.calling import Calls
from desk.execution.drafts import take_place
from desk.execution.exits import PROTECTIVE
from desk.execution.faults import faultpoint
from desk.execution.guarding import Guardian
from desk.execution.incidents import open_incident
from desk.execution.intake import Intake
from desk.execution.moves import move
from desk.execution.names import RESIZED
from desk.execution.order_path import request_of
from desk.execution.retries import MOST_TRIES, wait_s
from desk.execution.turns import Listener, Turn, Turns
from desk.order_views import IncidentKind, OrderWatch
from desk.venue_port import OutcomeUnknown, Placement, Refusal, VenueBusy, VenueRefusal
from desk.views import Order
from trading.errors import InvalidInput, VenueProblem
from trading.events import TradingState
from trading.orders import OrderState, OrderType, Side

log = structlog.get_logger(__name__)

#: A claim that is older than this when the bytes would go is taken back: the lease may be somebody else's by now.
SEND_WINDOW_S = 2.0
#: A refused or unanswered order is looked at again after this time.
FIRST_LOOK_S = 1.0

_REQUANTISED = "requantised"


class Sender:
    """Sends the orders of one account."""

    def __init__(
        self, turns: Turns, calls: Calls, intake: Intake, guardian: Guardian, listener: Listener
    ) -> None:
        self._turns = turns
        self._calls = calls
        self._intake = intake
        self._guardian = guardian
        self._listener = listener
        #: The venue took our key back, or our clock is off: no new risk until a comparison succeeds.
        self.is_safe_mode = False

    async def send(self, order: Order) -> None:
        """Carry an intent to the venue; whatever happens is written down."""
        faultpoint("k03")
        claimed = await self._claim(order)
        if claimed is None:
            return
        claimed_s = self._turns.clock.monotonic()
        faultpoint("k04")
        late_s = self._turns.clock.monotonic() - claimed_s
        if late_s > SEND_WINDOW_S:
            await self._unsent(claimed, f"not sent: {late_s:.1f} s passed since the claim", None)
            return
        request = request_of(claimed)
        try:
            faultpoint("k05")
            placement = await self._calls.write(lambda: self._calls.venue.place(request))
            faultpoint("k06")
        except VenueBusy as busy:
            await self._unsent(claimed, busy.message, busy.retry_after_s)
        except VenueRefusal as refusal:
            await self._refused(claimed, refusal)
        except OutcomeUnknown as problem:
            await self._in_doubt(claimed, problem)
        else:
            await self._accepted(claimed, placement)

    async def _claim(self, order: Order) -> Order | None:
        """Claim an intent as it is now; None when it is not to be sent any more."""
        async with self._turns.turn() as turn:
            current = await turn.tx.orders.by_id(order.workspace_id, order.id)
            if current is None or current.state is not OrderState.INTENT:
                return None
            if not current.is_reduce_only:
                account = await turn.tx.accounts.by_id(order.workspace_id, order.account_id)
                if account is None or account.trading_state is not TradingState.ACTIVE:
                    await self._end(turn, current, OrderState.DENIED, "the account opens nothing now")
                    return None
            elif (fit := await self._fitting(turn, current)) is None:
                return None
            else:
                current = fit
            watch = await turn.tx.execution.watch_of(order.workspace_id, order.id) or OrderWatch(
                order_id=order.id, workspace_id=order.workspace_id, account_id=order.account_id
            )
            if watch.cancel_reason:
                await self._end(turn, current, OrderState.CANCELED, watch.cancel_reason)
                return None
            await turn.tx.execution.watch(
                replace(watch, claimed_at=turn.at, epoch=self._turns.lease.epoch, next_look_at=None)
            )
            return await move(
                turn,
                current,
                OrderState.CLAIMED,
                evidence=f"lease epoch {self._turns.lease.epoch}, attempt {current.attempts + 1}",
            )

    async def _fitting(self, turn: Turn, order: Order) -> Order | None:
        """Give an exit that sells no more than is held; a larger one is replaced by one that fits."""
        if not order.position_id or self._calls.venue.rules.has_reduce_only:
            return order
        position = await turn.tx.positions.by_id(order.workspace_id, order.position_id)
        held = Decimal(0) if position is None or position.closed_at is not None else position.quantity
        instrument = self._guardian.instruments.get(order.pair)
        if instrument is not None:
            held = instrument.quantity(held)
        if order.quantity <= held:
            return order
        await self._end(turn, order, OrderState.CANCELED, f"{held} is held, {order.quantity} was to be sold")
        if held > 0 and order.reason not in PROTECTIVE:
            await take_place(
                turn, order, why=RESIZED, quantity=held, price=order.price, stop_price=order.stop_price
            )
        return None

    async def _accepted(self, order: Order, placement: Placement) -> None:
        faultpoint("k07")
        async with self._turns.turn() as turn:
            current = await turn.tx.orders.by_id(order.workspace_id, order.id)
            # Evidence may have overtaken the answer; it says more.
            if current is not None and current.state is OrderState.CLAIMED:
                await move(
                    turn,
                    current,
                    OrderState.ACCEPTED,
                    evidence=f"{self._calls.venue.name} venue",
                    venue_order_id=placement.venue_order_id,
                )
        faultpoint("k08")

    async def _unsent(self, order: Order, why: str, asked_s: float | None) -> None:
        """Proved unsent: an intent again, a few times."""
        async with self._turns.turn() as turn:
            if order.attempts >= MOST_TRIES:
                await self._end(
                    turn, order, OrderState.CANCELED, f"unsent after {order.attempts} tries: {why}"
                )
                return
            await move(turn, order, OrderState.INTENT, evidence="proved unsent", detail=why)
            wait = wait_s(order.attempts, key=order.client_order_id, asked_s=asked_s)
            await self._look_again(turn, order, wait)

    async def _in_doubt(self, order: Order, problem: VenueProblem) -> None:
        async with self._turns.turn() as turn:
            current = await turn.tx.orders.by_id(order.workspace_id, order.id)
            if current is None or current.state is not OrderState.CLAIMED:
                return
            unknown = await move(
                turn, current, OrderState.UNKNOWN, evidence="no answer", detail=problem.message[:500]
            )
            await self._listener.in_doubt(turn, unknown, is_over=False)
            await self._look_again(turn, order, FIRST_LOOK_S)

    async def _refused(self, order: Order, refusal: VenueRefusal) -> None:
        """The venue said no; some reasons have an answer of their own."""
        if refusal.reason is Refusal.DUPLICATE_ID:
            await self._in_doubt(order, refusal)
            return
        smaller = await self._what_fits(order) if refusal.reason is Refusal.BALANCE else None
        if refusal.reason is Refusal.FILTER:
            await self._refresh_rules()
        async with self._turns.turn() as turn:
            current = await turn.tx.orders.by_id(order.workspace_id, order.id)
            if current is None or current.state is not OrderState.CLAIMED:
                return
            if refusal.reason in (Refusal.KEY, Refusal.CLOCK):
                self.is_safe_mode = True
                kind = IncidentKind.KEY_REFUSED if refusal.reason is Refusal.KEY else IncidentKind.CLOCK
                await open_incident(turn, kind, turn.account.venue, {"venue": refusal.message[:200]})
            refused = await self._end(turn, current, OrderState.REJECTED, refusal.message)
            await self._answer(turn, refused, refusal.reason, smaller)

    async def _answer(self, turn: Turn, order: Order, reason: Refusal, smaller: Decimal | None) -> None:
        """Write the one intent that may follow a refusal; a second refusal has no answer."""
        if order.binding in (RESIZED, _REQUANTISED):
            return
        if reason is Refusal.WOULD_TRIGGER and order.is_reduce_only:
            # The market is past the stop already: out at once.
            await take_place(turn, order, why="at_once", quantity=order.quantity, order_type=OrderType.MARKET)
        elif reason is Refusal.BALANCE and smaller is not None and 0 < smaller < order.quantity:
            await take_place(
                turn, order, why=RESIZED, quantity=smaller, price=order.price, stop_price=order.stop_price
            )
        elif reason is Refusal.FILTER:
            await self._requantise(turn, order)

    async def _requantise(self, turn: Turn, order: Order) -> None:
        instrument = self._guardian.instruments.get(order.pair)
        if instrument is None:
            return
        quantity = instrument.quantity(order.quantity)
        price, stop = order.price, order.stop_price
        if price is not None:
            price = instrument.buy_limit(price) if order.side is Side.BUY else instrument.sell_limit(price)
        if stop is not None:
            stop = instrument.stop_trigger(stop, is_long=order.side is Side.SELL)
        is_changed = (quantity, price, stop) != (order.quantity, order.price, order.stop_price)
        if is_changed and quantity >= instrument.min_quantity and quantity > 0:
            await take_place(turn, order, why=_REQUANTISED, quantity=quantity, price=price, stop_price=stop)

    async def _what_fits(self, order: Order) -> Decimal | None:
        """Give how much of an order the balance allows; None where that cannot be told."""
        instrument = self._guardian.instruments.get(order.pair)
        if instrument is None:
            return None
        try:
            balances = await self._calls.read(self._calls.venue.balances, key=order.id, tries=1)
            if order.side is Side.SELL:
                free = balances[instrument.base].free if instrument.base in balances else Decimal(0)
                return instrument.quantity(free)
            price = order.price
            if price is None:
                price = await self._calls.read(
                    lambda: self._calls.venue.last_price(order.pair), key=order.id, tries=1
                )
        except (VenueProblem, InvalidInput):
            return None
        free = balances[instrument.quote].free if instrument.quote in balances else Decimal(0)
        fits = instrument.quantity(free * Decimal("0.998") / price)
        return fits if fits * price >= instrument.min_notional else Decimal(0)

    async def _refresh_rules(self) -> None:
        try:
            self._guardian.instruments = await self._calls.read(
                self._calls.venue.instruments, key="instruments", tries=1
            )
        except VenueProblem as problem:
            log.warning("trading_rules_not_refreshed", error=str(problem))

    async def _end(self, turn: Turn, order: Order, after: OrderState, why: str) -> Order:
        ended = await move(
            turn,
            order,
            after,
            evidence=f"{self._calls.venue.name} venue" if after is OrderState.REJECTED else "breakwater",
            detail=why[:500],
        )
        await self._intake.ended(turn, ended)
        return ended

    async def _look_again(self, turn: Turn, order: Order, after_s: float) -> None:
        watch = await turn.tx.execution.watch_of(order.workspace_id, order.id)
        if watch is not None:
            await turn.tx.execution.watch(replace(watch, next_look_at=turn.at + timedelta(seconds=after_s)))
