"""The order path inside one transaction: intent → claim → the venue's answer → fills, each a durable step.

This is for venues that answer without leaving the process. A venue behind a network needs the claim committed
before the first byte goes out (`desk.execution.executor`); it uses the same steps, each in a transaction of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from desk.execution.moves import add_intent, average_after, filled, move
from desk.ports import OrderRequest, Unit, Venue
from desk.views import FillRecord, Order
from trading.errors import InvariantBroken, Rejected
from trading.events import Event
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
        if not await add_intent(self, order, key=key):
            return None
        claimed = await move(self, order, OrderState.CLAIMED, evidence=f"lease epoch {self.epoch}, attempt 1")
        try:
            placement = await self.venue.place(request_of(claimed))
        except Rejected as refusal:
            return await move(self, claimed, OrderState.REJECTED, evidence=self._word, detail=refusal.message)
        return await move(
            self, claimed, OrderState.ACCEPTED, evidence=self._word, venue_order_id=placement.venue_order_id
        )

    async def fill(self, order: Order, fill: FillRecord) -> Order | None:
        """Book an execution; None when this venue trade is already booked."""
        if not await self.tx.fills.add(fill):
            return None
        total = order.filled_quantity + fill.quantity
        if total > order.quantity:
            raise InvariantBroken(
                f"Order {order.client_order_id}: {total} filled of {order.quantity}; more than ordered."
            )
        moved = await move(
            self,
            order,
            OrderState.FILLED if total == order.quantity else OrderState.PARTIAL,
            evidence=f"trade {fill.venue_trade_id}",
            filled_quantity=total,
            average_price=average_after(order, fill.price, fill.quantity),
        )
        self.events.append(filled(order, fill, self.at))
        return moved

    async def end(self, order: Order, after: OrderState, *, detail: str) -> Order:
        """End an order that rests at the venue, by cancellation or because its time is over."""
        await self.venue.cancel(order.pair, order.client_order_id)
        if after is OrderState.CANCELED:
            order = await move(
                self, order, OrderState.CANCEL_PENDING, evidence="asked by the engine", detail=detail
            )
        return await move(self, order, after, evidence=self._word, detail=detail)

    @property
    def _word(self) -> str:
        return f"{self.venue.name} venue"


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
