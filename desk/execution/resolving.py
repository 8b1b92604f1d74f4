"""Orders in doubt are asked about, never sent again; absence is proved by rule 4 (docs/order-path.md).

*Not found* is no evidence by itself. An order is NOT_PLACED when the venue answered so often that it is in no list,
completely, spread over its visibility delay, without one failed call in between. Then its id is burned for ever.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from desk.clock import to_ms
from desk.execution.calling import Calls
from desk.execution.faults import faultpoint
from desk.execution.incidents import close_incident, open_incident
from desk.execution.intake import Intake
from desk.execution.moves import move
from desk.execution.names import name_at_venue
from desk.execution.retries import wait_s
from desk.execution.turns import Listener, Turn, Turns
from desk.order_views import IncidentKind, OrderWatch
from desk.venue_port import OutcomeUnknown, Refusal, VenueBusy, VenueOrder, VenueRefusal, VenueTrade
from desk.views import Order
from trading.orders import TERMINAL, OrderState

#: History is asked from so long before the claim.
MARGIN_S = 60.0
#: An order in doubt for so long is told to people.
TELL_AFTER_S = 120.0
#: A cancel that the venue does not answer is tried again after at most this.
LONGEST_CANCEL_S = 30.0


class Resolver:
    """Settles orders of unknown fate, and carries out wishes to cancel."""

    def __init__(self, turns: Turns, calls: Calls, intake: Intake, listener: Listener) -> None:
        self._turns = turns
        self._calls = calls
        self._intake = intake
        self._listener = listener

    async def doubt(self, order: Order, why: str) -> None:
        """A claim that nobody carries any more: its bytes may have gone."""
        async with self._turns.turn() as turn:
            current = await turn.tx.orders.by_id(order.workspace_id, order.id)
            if current is None or current.state is not OrderState.CLAIMED:
                return
            unknown = await move(turn, current, OrderState.UNKNOWN, evidence="no answer", detail=why)
            await self._listener.in_doubt(turn, unknown, is_over=False)

    async def resolve(self, order: Order, watch: OrderWatch) -> None:
        """Ask about an order in doubt, once."""
        try:
            said = await self._everything(order, watch)
        except (VenueBusy, VenueRefusal) as problem:
            await self._no_answer(order, watch, problem.message)
            return
        if said:
            short = await self._intake.take(said)
            if short:
                await self.ask_trades(order.pair, self._since_ms(watch, order))
            return
        await self._absent(order, watch)

    async def begin_anew(self) -> None:
        """Forget how long absence was watched, and every wait: the clock that they were measured by was set."""
        async with self._turns.turn() as turn:
            account = turn.account
            for order in await turn.tx.orders.at_work(account.workspace_id, account.id, turn.at):
                watch = await turn.tx.execution.watch_of(order.workspace_id, order.id)
                if watch is not None and (watch.negatives or watch.next_look_at is not None):
                    await turn.tx.execution.watch(
                        replace(watch, negatives=0, first_negative_at=None, next_look_at=None)
                    )

    async def cancel(self, order: Order, watch: OrderWatch) -> None:
        """Cancel an order at the venue, and ask what became of it."""
        if order.state is OrderState.INTENT:
            await self._cancel_unsent(order, watch)
            return
        if order.state in (OrderState.ACCEPTED, OrderState.PARTIAL):
            async with self._turns.turn() as turn:
                current = await turn.tx.orders.by_id(order.workspace_id, order.id)
                if current is None or current.state not in (OrderState.ACCEPTED, OrderState.PARTIAL):
                    return
                order = await move(
                    turn, current, OrderState.CANCEL_PENDING, evidence="wanted", detail=watch.cancel_reason
                )
        name = name_at_venue(order)
        try:
            faultpoint("k16a")
            await self._calls.write(lambda: self._calls.venue.cancel(order.pair, name))
        except VenueRefusal as refusal:
            if refusal.reason is not Refusal.UNKNOWN_ORDER:
                await self._no_answer(order, watch, refusal.message)
                return
        except VenueBusy as problem:
            await self._no_answer(order, watch, problem.message)
            return
        except OutcomeUnknown:
            pass  # A cancel may be repeated; the question below says whether it must be.
        try:
            said = await self._calls.read(
                lambda: self._calls.venue.find(order.pair, name), key=order.id, tries=1
            )
        except (VenueBusy, VenueRefusal) as problem:
            await self._no_answer(order, watch, problem.message)
            return
        if said is None:
            await self._absent(order, watch)
            return
        if await self._intake.take([said]):
            await self.ask_trades(order.pair, self._since_ms(watch, order))
            await self._intake.take([said])
        if said.state not in TERMINAL:
            await self._no_answer(order, watch, "still open")

    async def ask_trades(self, pair: str, since_ms: int) -> None:
        """Ask for a pair's executions and write them."""
        try:
            trades = await self._calls.read(
                lambda: self._calls.venue.trades(pair, since_ms), key=pair, tries=1
            )
        except (VenueBusy, VenueRefusal):
            return
        await self._intake.take(trades)

    async def _everything(self, order: Order, watch: OrderWatch) -> Sequence[VenueOrder | VenueTrade]:
        """Ask by id, in the open list, in the closed list and in the trades; whatever is about the order."""
        venue, pair, name = self._calls.venue, order.pair, name_at_venue(order)
        since_ms = self._since_ms(watch, order)
        read = self._calls.read
        found = await read(lambda: venue.find(pair, name), key=order.id, tries=1)
        if found is not None:
            if found.filled_quantity <= order.filled_quantity:
                return [found]
            trades = await read(lambda: venue.trades(pair, since_ms), key=order.id, tries=1)
            return [*_about(trades, name, found.venue_order_id), found]
        open_orders = await read(lambda: venue.open_orders(pair), key=order.id, tries=1)
        closed = await read(lambda: venue.closed_orders(pair, since_ms), key=order.id, tries=1)
        trades = await read(lambda: venue.trades(pair, since_ms), key=order.id, tries=1)
        return [
            *_about(trades, name, order.venue_order_id),
            *(one for one in (*open_orders, *closed) if one.client_order_id == name),
        ]

    async def _absent(self, order: Order, watch: OrderWatch) -> None:
        """Count a complete negative answer; enough of them, far enough apart, are a proof."""
        rules = self._calls.venue.rules
        async with self._turns.turn() as turn:
            current = await turn.tx.orders.by_id(order.workspace_id, order.id)
            if current is None or current.state is not order.state:
                return
            watch = await turn.tx.execution.watch_of(order.workspace_id, order.id) or watch
            first = watch.first_negative_at or turn.at
            if first > turn.at:
                # Noted by a clock that was ahead: nothing is known about how long ago that was.
                watch, first = replace(watch, negatives=0), turn.at
            watch = replace(watch, negatives=watch.negatives + 1, first_negative_at=first)
            is_proved = (
                watch.negatives >= rules.negative_answers
                and (turn.at - first).total_seconds() >= rules.visibility_delay_s
            )
            if is_proved:
                await self._proved_absent(turn, current, watch)
                return
            pause_s = max(0.5, rules.visibility_delay_s / max(1, rules.negative_answers - 1))
            await turn.tx.execution.watch(replace(watch, next_look_at=turn.at + timedelta(seconds=pause_s)))
            await self._tell_if_long(turn, current, watch)

    async def _proved_absent(self, turn: Turn, order: Order, watch: OrderWatch) -> None:
        said = (
            f"{watch.negatives} complete answers without it since {watch.first_negative_at:%H:%M:%S}"
            if watch.first_negative_at
            else "absent"
        )
        if order.state is OrderState.UNKNOWN and not order.venue_order_id and not order.filled_quantity:
            await turn.tx.execution.watch(replace(watch, is_burned=True))
            ended = await move(turn, order, OrderState.NOT_PLACED, evidence="absence proved", detail=said)
            await close_incident(turn, IncidentKind.UNRESOLVED, order.id)
            await self._listener.in_doubt(turn, ended, is_over=True)
            await self._intake.ended(turn, ended)
            return
        # The venue had it and does not know it any more: that is a matter for people, not for a guess.
        await turn.tx.execution.watch(
            replace(watch, next_look_at=turn.at + timedelta(seconds=LONGEST_CANCEL_S))
        )
        await open_incident(
            turn,
            IncidentKind.LOST_ORDER,
            order.id,
            {"order": order.client_order_id, "answers": watch.negatives},
            bot_id=order.bot_id,
            pair=order.pair,
        )

    async def _no_answer(self, order: Order, watch: OrderWatch, why: str) -> None:
        """A question failed: the count of negative answers begins anew."""
        async with self._turns.turn() as turn:
            current = await turn.tx.orders.by_id(order.workspace_id, order.id)
            if current is None or current.state in TERMINAL:
                return
            watch = await turn.tx.execution.watch_of(order.workspace_id, order.id) or watch
            tries = 1 + int((turn.at - (watch.claimed_at or current.updated_at)).total_seconds() // 5)
            pause_s = min(LONGEST_CANCEL_S, wait_s(min(6, tries), key=order.client_order_id))
            await turn.tx.execution.watch(
                replace(
                    watch,
                    negatives=0,
                    first_negative_at=None,
                    next_look_at=turn.at + timedelta(seconds=pause_s),
                )
            )
            await self._tell_if_long(turn, current, watch)

    async def _tell_if_long(self, turn: Turn, order: Order, watch: OrderWatch) -> None:
        began = watch.claimed_at or order.created_at
        if order.state is OrderState.UNKNOWN and _seconds(turn.at, began) > TELL_AFTER_S:
            await open_incident(
                turn,
                IncidentKind.UNRESOLVED,
                order.id,
                {"order": order.client_order_id, "since": f"{began:%H:%M:%S}"},
                bot_id=order.bot_id,
                pair=order.pair,
            )

    async def _cancel_unsent(self, order: Order, watch: OrderWatch) -> None:
        async with self._turns.turn() as turn:
            current = await turn.tx.orders.by_id(order.workspace_id, order.id)
            if current is None or current.state is not OrderState.INTENT:
                return
            ended = await move(
                turn, current, OrderState.CANCELED, evidence="never sent", detail=watch.cancel_reason
            )
            await self._intake.ended(turn, ended)

    def _since_ms(self, watch: OrderWatch, order: Order) -> int:
        began = watch.claimed_at or order.created_at
        return to_ms(began) - round(MARGIN_S * 1_000)


def _about(trades: Sequence[VenueTrade], name: str, venue_order_id: str) -> list[VenueTrade]:
    return [
        one
        for one in trades
        if one.client_order_id == name
        or (not one.client_order_id and venue_order_id and one.venue_order_id == venue_order_id)
    ]


def _seconds(later: datetime, earlier: datetime) -> float:
    return (later - earlier).total_seconds()
