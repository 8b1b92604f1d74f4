"""The kill switch's durable part: wishes to cancel, and exits for what is held. The halt itself is latched first."""

from __future__ import annotations

from decimal import Decimal

from desk.execution.drafts import draft, wish_to_cancel
from desk.execution.moves import Step
from desk.execution.names import EXTERNAL
from desk.views import Account, Order, Position
from trading.orders import OrderType, Reason, Side


async def stop_entries(step: Step, account: Account, *, reason: str, pair: str = "") -> list[Order]:
    """Wish every entry of ours gone, whatever it is doing; an order in doubt goes when it is found."""
    wanted = [
        one
        for one in await step.tx.orders.unsettled(account.workspace_id, account.id)
        if not one.is_reduce_only and pair in ("", one.pair) and not one.client_order_id.startswith(EXTERNAL)
    ]
    for one in wanted:
        await wish_to_cancel(step, one, reason=reason)
    return wanted


async def leave(
    step: Step, position: Position, *, key: str, reason: Reason, quantity: Decimal | None = None
) -> Order | None:
    """Write the market exit of a position; its resting exits make room for it. None when the key was used."""
    return await draft(
        step,
        workspace_id=position.workspace_id,
        account_id=position.account_id,
        key=key,
        pair=position.pair,
        side=Side.SELL if position.is_long else Side.BUY,
        order_type=OrderType.MARKET,
        quantity=position.quantity if quantity is None else quantity,
        reason=reason,
        is_reduce_only=True,
        bot_id=position.bot_id,
        position_id=position.id,
    )
