"""Keeps the exits of every position at the venue as its protection record wants them.

Compares wanted with resting orders in the transaction of every change, and writes the difference: intents for what
is missing, wishes to cancel for what is too much. Nothing is sent here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import takewhile

from desk.execution.drafts import draft, wish_to_cancel
from desk.execution.exits import PROTECTIVE, ExitPlan, WantedExit, plan_exits, too_small
from desk.execution.faults import faultpoint
from desk.execution.incidents import close_incident, open_incident
from desk.execution.names import RESIZED
from desk.execution.turns import Turn
from desk.order_views import Incident, IncidentKind, Protection
from desk.venue_port import VenueRules
from desk.views import Filter, Order, Page
from trading.instruments import Instrument
from trading.orders import OrderState, OrderType, Reason

_ALL = Page(first=1_000)
#: After so many refusals of a protective order people are told, and the desk watches the price by itself.
MOST_REFUSALS = 3
#: So long after the last of them it is tried again.
REST_AGAIN = timedelta(minutes=10)


class Guardian:
    """Keeps exits resting."""

    def __init__(self, rules: VenueRules) -> None:
        self._rules = rules
        #: Trading rules by pair; empty until the venue told them.
        self.instruments: Mapping[str, Instrument] = {}

    async def look(self, turn: Turn) -> None:
        """Mend the exits of the positions that this turn touched."""
        for position_id in sorted(turn.touched):
            await self.mend(turn, position_id)
        turn.touched.clear()
        turn.freed.clear()

    def plan(self, protection: Protection, orders: Sequence[Order]) -> ExitPlan:
        """Give what should rest, beside what other orders are selling already."""
        return plan_exits(
            protection, self._rules, self.instruments.get(protection.pair), leaving=leaving(orders)
        )

    async def mend(self, turn: Turn, position_id: str) -> None:
        """Write what is missing and what is too much for one position."""
        account = turn.account
        orders = await self.orders_of(turn, position_id)
        protection = await turn.tx.execution.protection_of(account.workspace_id, position_id)
        resting = [one for one in orders if one.reason in PROTECTIVE and not _is_taking(one)]
        if protection is None or protection.quantity <= 0:
            for one in resting:
                await wish_to_cancel(turn, one, reason="the position is closed")
            if protection is None:
                await close_incident(turn, IncidentKind.UNPROTECTED, position_id)
                await close_incident(turn, IncidentKind.EXIT_REFUSED, position_id)
            return
        missing, excess = _compared(self.plan(protection, orders).resting, resting)
        for one in excess:
            await wish_to_cancel(turn, one, reason="the position's exits changed")
        if position_id in turn.freed:
            await self._look_at_once(turn, orders)
        faultpoint("k16b")
        for want in missing:
            await self._place(turn, protection, want)

    async def is_covered(self, turn: Turn, position_id: str) -> bool:
        """Tell whether everything that should rest for a position does."""
        protection = await turn.tx.execution.protection_of(turn.account.workspace_id, position_id)
        if protection is None or protection.quantity <= 0:
            return True
        orders = await self.orders_of(turn, position_id)
        plan = self.plan(protection, orders)
        rests = [one for one in orders if one.state in (OrderState.ACCEPTED, OrderState.PARTIAL)]
        return not plan.watches_stop and not _compared(plan.resting, rests)[0]

    async def _look_at_once(self, turn: Turn, orders: Sequence[Order]) -> None:
        """Let exits that wait for their coins be looked at now: what locked them may have gone in this very turn."""
        for one in orders:
            if one.state is OrderState.INTENT and not one.attempts:
                watch = await turn.tx.execution.watch_of(one.workspace_id, one.id)
                if watch is not None and watch.next_look_at is not None:
                    await turn.tx.execution.watch(replace(watch, next_look_at=None))

    async def orders_of(self, turn: Turn, position_id: str) -> list[Order]:
        """Give the unsettled exit orders of a position."""
        found = await turn.tx.orders.page(
            turn.account.workspace_id,
            Filter(account_id=turn.account.id, is_open=True, extra={"position_id": position_id}),
            _ALL,
        )
        return [one for one in found if one.is_reduce_only]

    async def watches_stop(
        self, turn: Turn, protection: Protection, plan: ExitPlan, orders: Sequence[Order]
    ) -> bool:
        """Tell whether the desk itself must leave at the stop: the venue has none, or refused it too often.

        Args:
            plan: the plan of that protection beside those orders.
            orders: the unsettled exits of the position.
        """
        if plan.watches_stop or protection.stop is None:
            return plan.watches_stop
        if not self._rules.has_stops or any(one.order_type is OrderType.STOP for one in orders):
            return False
        return len(await self._refused(turn, protection.position_id, OrderType.STOP)) >= MOST_REFUSALS

    async def is_settled(self, turn: Turn, incident: Incident) -> bool:
        """Tell whether an incident about the exits of a position is over."""
        if incident.kind is IncidentKind.UNPROTECTED:
            return await self.is_covered(turn, incident.subject)
        if incident.kind is not IncidentKind.EXIT_REFUSED:
            return False
        tries = await self.tries(turn, incident.subject, OrderType.MARKET)
        return not tries or tries[0].filled_quantity > 0 or turn.at - tries[0].updated_at >= REST_AGAIN

    async def tries(
        self, turn: Turn, position_id: str, order_type: OrderType, *, leg: int | None = None
    ) -> Sequence[Order]:
        """Give the last few protective orders of one kind, of one leg or of all, however they stand, the newest first."""
        extra = {
            "position_id": position_id,
            "order_type": order_type.value,
            "reason": [one.value for one in PROTECTIVE],
        }
        return await turn.tx.orders.page(
            turn.account.workspace_id,
            Filter(account_id=turn.account.id, extra=extra if leg is None else {**extra, "leg": leg}),
            Page(first=MOST_REFUSALS),
        )

    async def _place(self, turn: Turn, protection: Protection, want: WantedExit) -> None:
        if too_small(want.quantity, want.stop_price or want.price, self.instruments.get(protection.pair)):
            return
        refused = await self._refused(turn, protection.position_id, want.order_type, leg=want.leg)
        if len(refused) >= MOST_REFUSALS:
            await open_incident(
                turn,
                IncidentKind.UNPROTECTED,
                protection.position_id,
                {
                    "refused": len(refused),
                    "stop": want.stop_price or want.price,
                    "quantity": want.quantity,
                },
                bot_id=protection.bot_id,
                pair=protection.pair,
            )
            if turn.at - refused[0].updated_at < REST_AGAIN:
                return
        number = await turn.tx.execution.next_number(turn.account.workspace_id, turn.account.id)
        await draft(
            turn,
            workspace_id=turn.account.workspace_id,
            account_id=turn.account.id,
            key=f"{protection.position_id}:exit:{number}",
            pair=protection.pair,
            side=want.side,
            order_type=want.order_type,
            quantity=want.quantity,
            reason=want.reason,
            is_reduce_only=True,
            price=want.price,
            stop_price=want.stop_price,
            bot_id=protection.bot_id,
            leg=want.leg,
            position_id=protection.position_id,
        )

    async def _refused(
        self, turn: Turn, position_id: str, order_type: OrderType, *, leg: int = 0
    ) -> Sequence[Order]:
        """Give the exits that were refused since one of their kind was last accepted, up to `MOST_REFUSALS`."""
        tries = await self.tries(turn, position_id, order_type, leg=leg)
        return list(takewhile(lambda one: one.state is OrderState.REJECTED, tries))


def leaving(orders: Sequence[Order]) -> Decimal:
    """Give what orders that are not resting protection are selling."""
    return sum(
        (
            one.quantity - one.filled_quantity
            for one in orders
            if one.reason not in PROTECTIVE or _is_taking(one)
        ),
        Decimal(0),
    )


def _is_taking(order: Order) -> bool:
    """Tell a target that the desk takes by itself, or a stop that it carries out, from one that rests."""
    return order.order_type is OrderType.MARKET or (order.reason is Reason.EXTERNAL)


def _compared(wanted: Sequence[WantedExit], resting: Sequence[Order]) -> tuple[list[WantedExit], list[Order]]:
    """Give what is missing, and what rests without being wanted.

    An order that was made smaller for want of coins stays, and only the rest is missing: to take it away for a whole
    one, which would be refused again, is to lie bare meanwhile.
    """
    missing, excess = list(wanted), []
    for one in sorted(resting, key=lambda order: order.binding != RESIZED):
        left = one.quantity - one.filled_quantity
        at = next((at for at, want in enumerate(missing) if _covers(one, left, want)), None)
        if at is None:
            excess.append(one)
            continue
        want = missing.pop(at)
        if left < want.quantity:
            missing.insert(at, replace(want, quantity=want.quantity - left))
    return missing, excess


def _covers(order: Order, left: Decimal, want: WantedExit) -> bool:
    return (
        order.leg == want.leg
        and order.order_type is want.order_type
        and (left == want.quantity or (order.binding == RESIZED and left < want.quantity))
        and order.price == want.price
        and order.stop_price == want.stop_price
    )
