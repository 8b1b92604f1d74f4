"""New orders of the account itself: by hand, exits that rest at the venue, and what takes an order's place."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from desk.execution.client_ids import Origin, client_order_id, stable_id
from desk.execution.faults import faultpoint
from desk.execution.moves import Step, add_intent
from desk.order_views import OrderWatch
from desk.views import Order
from trading.orders import OrderState, OrderType, Reason, Side


async def draft(
    step: Step,
    *,
    workspace_id: str,
    account_id: str,
    key: str,
    pair: str,
    side: Side,
    order_type: OrderType,
    quantity: Decimal,
    reason: Reason,
    is_reduce_only: bool,
    price: Decimal | None = None,
    stop_price: Decimal | None = None,
    bot_id: str = "",
    leg: int = 0,
    binding: str = "",
    signal_id: str = "",
    position_id: str = "",
    valid_until: datetime | None = None,
    rest_until: datetime | None = None,
    reprices_left: int = 0,
    restore_epoch: int | None = None,
) -> Order | None:
    """Write an intent with its watch; None when the key was used before.

    The id at the venue is a function of account, restore epoch and number. The row's id is a function of the key, so
    the same wish after a crash is the same row.
    """
    faultpoint("k00")
    epoch = (await step.tx.workspaces.install()).restore_epoch if restore_epoch is None else restore_epoch
    number = await step.tx.execution.next_number(workspace_id, account_id)
    order = Order(
        id=stable_id(account_id, "order", key),
        workspace_id=workspace_id,
        account_id=account_id,
        bot_id=bot_id,
        pair=pair,
        client_order_id=client_order_id(account_id, number=number, restore_epoch=epoch, origin=Origin.HAND),
        venue_order_id="",
        side=side,
        order_type=order_type,
        quantity=quantity,
        price=price,
        stop_price=stop_price,
        filled_quantity=Decimal(0),
        average_price=None,
        state=OrderState.INTENT,
        state_reason="",
        evidence="",
        reason=reason,
        leg=leg,
        binding=binding,
        signal_id=signal_id,
        position_id=position_id,
        is_reduce_only=is_reduce_only,
        attempts=0,
        created_at=step.at,
        updated_at=step.at,
    )
    if not await add_intent(step, order, key=key):
        return None
    await step.tx.execution.watch(
        OrderWatch(
            order_id=order.id,
            workspace_id=workspace_id,
            account_id=account_id,
            valid_until=valid_until,
            rest_until=rest_until,
            reprices_left=reprices_left,
        )
    )
    faultpoint("k01")
    return order


async def take_place(
    step: Step,
    order: Order,
    *,
    why: str,
    quantity: Decimal,
    price: Decimal | None = None,
    stop_price: Decimal | None = None,
    order_type: OrderType | None = None,
    rest_until: datetime | None = None,
    reprices_left: int = 0,
    binding: str | None = None,
) -> Order | None:
    """Write the intent that takes the place of an order which ended; the same replacement is written once.

    Args:
        why: names the replacement; shown as what decided its size where `binding` says nothing else.
    """
    return await draft(
        step,
        workspace_id=order.workspace_id,
        account_id=order.account_id,
        key=f"{order.id}:{why}",
        pair=order.pair,
        side=order.side,
        order_type=order_type or order.order_type,
        quantity=quantity,
        reason=order.reason,
        is_reduce_only=order.is_reduce_only,
        price=price,
        stop_price=stop_price,
        bot_id=order.bot_id,
        leg=order.leg,
        binding=why if binding is None else binding,
        signal_id=order.signal_id,
        position_id=order.position_id,
        rest_until=rest_until,
        reprices_left=reprices_left,
    )


async def wish_to_cancel(step: Step, order: Order, *, reason: str) -> None:
    """Note durably that an order should go; the owner of the account carries it out."""
    watch = await step.tx.execution.watch_of(order.workspace_id, order.id)
    if watch is None:
        watch = OrderWatch(order_id=order.id, workspace_id=order.workspace_id, account_id=order.account_id)
    if not watch.cancel_reason:
        await step.tx.execution.watch(replace(watch, cancel_reason=reason, next_look_at=None))
