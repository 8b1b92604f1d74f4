"""Exits that do not rest at the venue: the desk looks at the price and leaves at the market by itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from itertools import takewhile

from desk.execution.calling import Calls
from desk.execution.drafts import draft
from desk.execution.exits import TARGETS, ExitPlan
from desk.execution.guarding import MOST_REFUSALS, Guardian, leaving
from desk.execution.incidents import open_incident
from desk.execution.turns import Turn, Turns
from desk.order_views import IncidentKind, Protection
from desk.venue_port import Venue
from desk.views import Order
from trading.errors import VenueProblem
from trading.orders import TERMINAL, OrderState, OrderType, Reason, Side

#: An exit at the market that came to nothing is tried again after this time, for as long as its price is there.
TAKE_AGAIN = timedelta(seconds=5)
#: A target of which people were told: every try takes part of the stop away for a moment.
TARGET_AGAIN = timedelta(seconds=30)


class PriceWatch:
    """Takes the targets, and leaves at the stops, that do not rest at the venue of one account."""

    def __init__(self, turns: Turns, venue: Venue, calls: Calls, guardian: Guardian) -> None:
        self._turns = turns
        self._venue = venue
        self._calls = calls
        self._guardian = guardian

    async def look(self) -> None:
        """Compare every watched level with the price."""
        account = self._turns.account
        async with self._turns.reading() as tx:
            protections = await tx.execution.protections(account.workspace_id, account.id)
        for protection in protections:
            if protection.quantity > 0:
                await self._look_at(protection)

    async def _look_at(self, protection: Protection) -> None:
        async with self._turns.turn() as turn:
            orders = await self._guardian.orders_of(turn, protection.position_id)
            plan = self._guardian.plan(protection, orders)
            watches_stop = await self._guardian.watches_stop(turn, protection, plan, orders)
        if not plan.watched and not watches_stop:
            return
        try:
            price = await self._calls.read(
                lambda: self._venue.last_price(protection.pair), key=protection.pair, tries=1
            )
        except VenueProblem:
            return
        leg = _leg_at(price, protection, plan, watches_stop=watches_stop)
        if leg is not None:
            await self._leave(protection, leg)

    async def _leave(self, protection: Protection, leg: int) -> None:
        """Write the market exit, unless the position changed since; the guardian makes room by shrinking what rests."""
        async with self._turns.turn() as turn:
            current = await turn.tx.execution.protection_of(protection.workspace_id, protection.position_id)
            if current is None or current.revision != protection.revision:
                return
            orders = await self._guardian.orders_of(turn, protection.position_id)
            quantity = self._quantity(protection, orders, leg)
            if quantity <= 0 or any(one.leg == leg and one.order_type is OrderType.MARKET for one in orders):
                return
            reason = TARGETS.get(leg, Reason.STOP_LOSS)
            if not await self._may_try(turn, protection, leg, reason):
                return
            number = await turn.tx.execution.next_number(protection.workspace_id, protection.account_id)
            await draft(
                turn,
                workspace_id=protection.workspace_id,
                account_id=protection.account_id,
                key=f"{protection.position_id}:take:{leg}:{number}",
                pair=protection.pair,
                side=Side.SELL if protection.is_long else Side.BUY,
                order_type=OrderType.MARKET,
                quantity=quantity,
                reason=reason,
                is_reduce_only=True,
                bot_id=protection.bot_id,
                leg=leg,
                position_id=protection.position_id,
            )
            turn.touched.add(protection.position_id)

    def _quantity(self, protection: Protection, orders: Sequence[Order], leg: int) -> Decimal:
        if leg not in TARGETS:
            return protection.quantity - leaving(orders)
        watched = self._guardian.plan(protection, orders).watched
        return next((one.quantity for one in watched if one.leg == leg), Decimal(0))

    async def _may_try(self, turn: Turn, protection: Protection, leg: int, reason: Reason) -> bool:
        """Tell whether the last try is long enough ago; people hear of an exit that the venue keeps refusing."""
        tries = await self._guardian.tries(turn, protection.position_id, OrderType.MARKET, leg=leg)
        vain = list(takewhile(_was_in_vain, tries))
        is_told = len(vain) >= MOST_REFUSALS
        wait = TARGET_AGAIN if is_told and leg in TARGETS else TAKE_AGAIN
        if vain and turn.at - vain[0].updated_at < wait:
            return False
        if is_told:
            await open_incident(
                turn,
                IncidentKind.EXIT_REFUSED if leg in TARGETS else IncidentKind.UNPROTECTED,
                protection.position_id,
                {"refused": len(vain), "exit": reason},
                bot_id=protection.bot_id,
                pair=protection.pair,
            )
        return True


def _leg_at(price: Decimal, protection: Protection, plan: ExitPlan, *, watches_stop: bool) -> int | None:
    """Give the leg whose level the price has reached: 0 the stop, which comes first, 1…3 a target."""
    sign = 1 if protection.is_long else -1
    if watches_stop and protection.stop and sign * (price - protection.stop) <= 0:
        return 0
    return next((one.leg for one in plan.watched if sign * (price - one.price) >= 0), None)


def _was_in_vain(order: Order) -> bool:
    """Tell whether an order ended without a fill; one that never arrived was replaced at once and counts for nothing."""
    return order.state in TERMINAL and order.filled_quantity <= 0 and order.state is not OrderState.NOT_PLACED
