"""The order path inside one transaction: intent → claim → the venue's answer → fills, each a durable step.

This is for venues that answer without leaving the process. A venue behind a network needs the claim committed
before the first byte goes out; it uses the same steps, each in a transaction of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from desk.ports import OrderRequest, Unit, Venue
from desk.views import FillRecord, Order
from trading.errors import InvariantBroken, Rejected
from trading.events import Event, OrderChanged, OrderFilled, OrderPlaced
from trading.orders import OrderState, OrderType


@dataclass(slots=True)
class OrderPath:
    """Walks orders of one account along `trading.orders.TRANSITIONS`, and tells every step.

    Attributes:
        epoch: the lease under which orders are claimed.
        events: facts of the steps since they were last taken.
    """

    tx: Unit
    venue: Venue
    epoch: int
    at: datetime
    events: list[Event]

    async def place(self, order: Order, *, key: str) -> Order | None:
        """Commit an intent and carry it to the venue; None when this intent is already there.

        A refusal by the venue is an answer: the order ends REJECTED.
        """
        if order.state is not OrderState.INTENT:
            raise InvariantBroken(f"Order {order.client_order_id} begins as {order.state}; intent is needed.")
        if not await self.tx.orders.add(order, idempotency_key=key):
            return None
        self.events.append(
            OrderPlaced(
                workspace_id=order.workspace_id,
                occurred_at=self.at,
                account_id=order.account_id,
                bot_id=order.bot_id,
                pair=order.pair,
                order_id=order.id,
                client_order_id=order.client_order_id,
                side=order.side,
                order_type=order.order_type,
                quantity=order.quantity,
                price=order.price if order.price is not None else order.stop_price,
                reason=order.reason,
                binding=order.binding,
            )
        )
        claimed = await self._move(order, OrderState.CLAIMED, evidence=f"lease epoch {self.epoch}, attempt 1")
        try:
            placement = await self.venue.place(request_of(claimed))
        except Rejected as refusal:
            return await self._move(
                claimed, OrderState.REJECTED, evidence=f"{self.venue.name} venue", detail=refusal.message
            )
        return await self._move(
            claimed,
            OrderState.ACCEPTED,
            evidence=f"{self.venue.name} venue",
            venue_order_id=placement.venue_order_id,
        )

    async def fill(self, order: Order, fill: FillRecord) -> Order | None:
        """Book an execution; None when this venue trade is already booked."""
        if not await self.tx.fills.add(fill):
            return None
        filled = order.filled_quantity + fill.quantity
        if filled > order.quantity:
            raise InvariantBroken(
                f"Order {order.client_order_id}: {filled} filled of {order.quantity}; more than ordered."
            )
        before_value = (order.average_price or Decimal(0)) * order.filled_quantity
        average = (before_value + fill.price * fill.quantity) / filled
        after = OrderState.FILLED if filled == order.quantity else OrderState.PARTIAL
        moved = await self._move(
            order,
            after,
            evidence=f"trade {fill.venue_trade_id}",
            filled_quantity=filled,
            average_price=average,
        )
        self.events.append(
            OrderFilled(
                workspace_id=order.workspace_id,
                occurred_at=self.at,
                account_id=order.account_id,
                bot_id=order.bot_id,
                pair=order.pair,
                order_id=order.id,
                fill_id=fill.id,
                side=fill.side,
                price=fill.price,
                quantity=fill.quantity,
                fee=fill.fee,
                liquidity=fill.liquidity,
                reason=fill.reason,
                leg=fill.leg,
            )
        )
        return moved

    async def end(self, order: Order, after: OrderState, *, detail: str) -> Order:
        """End an order that rests at the venue, by cancellation or because its time is over."""
        await self.venue.cancel(order.pair, order.client_order_id)
        if after is OrderState.CANCELED:
            order = await self._move(
                order, OrderState.CANCEL_PENDING, evidence="asked by the engine", detail=detail
            )
        return await self._move(order, after, evidence=f"{self.venue.name} venue", detail=detail)

    async def _move(
        self,
        order: Order,
        after: OrderState,
        *,
        evidence: str,
        detail: str = "",
        venue_order_id: str | None = None,
        filled_quantity: Decimal | None = None,
        average_price: Decimal | None = None,
    ) -> Order:
        moved = await self.tx.orders.move(
            order.workspace_id,
            order.id,
            after,
            evidence=evidence,
            detail=detail,
            at=self.at,
            venue_order_id=venue_order_id,
            filled_quantity=filled_quantity,
            average_price=average_price,
        )
        self.events.append(
            OrderChanged(
                workspace_id=order.workspace_id,
                occurred_at=self.at,
                account_id=order.account_id,
                bot_id=order.bot_id,
                pair=order.pair,
                order_id=order.id,
                before=order.state,
                after=after,
                evidence=evidence,
                detail=detail,
            )
        )
        return moved


def request_of(order: Order) -> OrderRequest:
    """Give what a venue is told of an order."""
    return OrderRequest(
        client_order_id=order.client_order_id,
        pair=order.pair,
        side=order.side.value,
        order_type=order.order_type.value,
        quantity=order.quantity,
        price=order.price if order.order_type is OrderType.LIMIT else None,
        stop_price=order.stop_price if order.order_type is OrderType.STOP else None,
        is_reduce_only=order.is_reduce_only,
    )
