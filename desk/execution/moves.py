"""Steps of an order inside one transaction: the row, its event and the fact, together."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Protocol

from desk.ports import Unit
from desk.views import FillRecord, Order
from trading.events import Event, OrderChanged, OrderFilled, OrderPlaced
from trading.orders import OrderState


class Step(Protocol):
    """A transaction with its time, and where its facts are put."""

    tx: Unit
    at: datetime
    events: list[Event]


async def add_intent(step: Step, order: Order, *, key: str) -> bool:
    """Write an intent; False when this intent is already there."""
    if not await step.tx.orders.add(order, idempotency_key=key):
        return False
    step.events.append(placed(order, step.at))
    return True


def placed(order: Order, at: datetime) -> OrderPlaced:
    """Give the fact that an order exists."""
    return OrderPlaced(
        workspace_id=order.workspace_id,
        occurred_at=at,
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


async def move(
    step: Step,
    order: Order,
    after: OrderState,
    *,
    evidence: str,
    detail: str = "",
    venue_order_id: str | None = None,
    filled_quantity: Decimal | None = None,
    average_price: Decimal | None = None,
) -> Order:
    """Go to a state along `trading.orders.TRANSITIONS`."""
    moved = await step.tx.orders.move(
        order.workspace_id,
        order.id,
        after,
        evidence=evidence,
        detail=detail,
        at=step.at,
        venue_order_id=venue_order_id,
        filled_quantity=filled_quantity,
        average_price=average_price,
    )
    step.events.append(
        OrderChanged(
            workspace_id=order.workspace_id,
            occurred_at=step.at,
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


def filled(order: Order, fill: FillRecord, at: datetime) -> OrderFilled:
    """Give the fact of an execution."""
    return OrderFilled(
        workspace_id=order.workspace_id,
        occurred_at=at,
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


def average_after(order: Order, price: Decimal, quantity: Decimal) -> Decimal:
    """Give an order's average price after one more execution."""
    value = (order.average_price or Decimal(0)) * order.filled_quantity
    return (value + price * quantity) / (order.filled_quantity + quantity)
