"""Orders by hand: an intent with its exits, written in the transaction of the command that asks for it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from desk.execution.client_ids import stable_id
from desk.execution.drafts import draft
from desk.execution.moves import Step
from desk.order_views import ExitLevel, Protection
from desk.views import Account, Order, Position
from trading.errors import Conflict, InvalidInput
from trading.orders import OrderType, Reason, Side

#: What the targets of an order by hand take, first to last; a single one takes all.
SHARES = {
    1: (Decimal(1),),
    2: (Decimal("0.5"), Decimal("0.5")),
    3: (Decimal("0.5"), Decimal("0.3"), Decimal("0.2")),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """An order as a person asks for it.

    Attributes:
        stop_loss, take_profits: exits of the position that it opens.
        valid_for: an order that could not be sent by then is dropped.
        rest_for: a resting order that is not filled by then is cancelled; then up to `reprices` times placed anew at
            the market's last price.
    """

    pair: str
    side: Side
    order_type: OrderType
    quantity: Decimal
    price: Decimal | None = None
    stop_price: Decimal | None = None
    is_reduce_only: bool = False
    stop_loss: Decimal | None = None
    take_profits: tuple[Decimal, ...] = ()
    valid_for: timedelta = timedelta(minutes=1)
    rest_for: timedelta | None = None
    reprices: int = 0


async def place_by_hand(step: Step, account: Account, wish: Wish, *, key: str) -> Order:
    """Write the intent of an order by hand; the owner of the account sends it.

    Raises:
        InvalidInput: prices that do not belong together, or nothing to reduce.
        Conflict: this key was used before.
    """
    check(wish)
    held = await _held(step, account, wish)
    if wish.is_reduce_only and held is None:
        raise InvalidInput(
            f"{wish.pair} is not held by hand in account '{account.name}'; a reducing order needs a position.",
            hint="Positions of bots are closed with ClosePosition.",
        )
    position_id = held.id if held is not None else stable_id(account.id, "position", key)
    order = await draft(
        step,
        workspace_id=account.workspace_id,
        account_id=account.id,
        key=key,
        pair=wish.pair,
        side=wish.side,
        order_type=wish.order_type,
        quantity=wish.quantity,
        reason=Reason.FORCE_EXIT if wish.is_reduce_only else Reason.ENTRY,
        is_reduce_only=wish.is_reduce_only,
        price=wish.price,
        stop_price=wish.stop_price,
        binding="by hand",
        position_id=position_id,
        valid_until=step.at + wish.valid_for,
        rest_until=step.at + wish.rest_for if wish.rest_for else None,
        reprices_left=wish.reprices,
    )
    if order is None:
        raise Conflict(
            f"An order with the key '{key}' is there already.", hint="Use a new key for a new order."
        )
    if held is None and (wish.stop_loss is not None or wish.take_profits):
        await step.tx.execution.protect(exits_of(account, wish, position_id, step.at))
    return order


def check(wish: Wish) -> None:
    """Refuse prices that do not belong together.

    Raises:
        InvalidInput: what was found and what is allowed.
    """
    if wish.quantity <= 0:
        raise InvalidInput(f"Quantity {wish.quantity} was given; more than 0 is allowed.")
    if (wish.price is not None) is not (wish.order_type is OrderType.LIMIT):
        raise InvalidInput(
            f"A {wish.order_type} order with price {wish.price} was given; limit orders have one."
        )
    if (wish.stop_price is not None) is not (wish.order_type is OrderType.STOP):
        raise InvalidInput(
            f"A {wish.order_type} order with stop price {wish.stop_price} was given; stop orders have one."
        )
    if len(wish.take_profits) > len(SHARES):
        raise InvalidInput(f"{len(wish.take_profits)} targets were given; up to {len(SHARES)} are allowed.")
    for one in (wish.price, wish.stop_price, wish.stop_loss, *wish.take_profits):
        if one is not None and one <= 0:
            raise InvalidInput(f"Price {one} was given; more than 0 is allowed.")
    sign = 1 if wish.side is Side.BUY else -1
    reference = wish.price or wish.stop_price
    levels = [one for one in (wish.stop_loss, reference, *wish.take_profits) if one is not None]
    if any(sign * (later - earlier) <= 0 for earlier, later in itertools.pairwise(levels)):
        raise InvalidInput(
            f"Stop {wish.stop_loss}, price {reference} and targets {', '.join(map(str, wish.take_profits)) or 'none'} "
            f"were given; for a {wish.side} they have to {'rise' if sign > 0 else 'fall'} in this order."
        )


def exits_of(account: Account, wish: Wish, position_id: str, at: datetime) -> Protection:
    """Give the exits that an order by hand asks for; they hold for what is filled."""
    shares = SHARES[len(wish.take_profits)] if wish.take_profits else ()
    return Protection(
        position_id=position_id,
        workspace_id=account.workspace_id,
        account_id=account.id,
        bot_id="",
        pair=wish.pair,
        is_long=wish.side is Side.BUY,
        quantity=Decimal(0),
        stop=wish.stop_loss,
        targets=tuple(
            ExitLevel(leg=leg, price=price, quantity=wish.quantity * share, share=share)
            for leg, (price, share) in enumerate(zip(wish.take_profits, shares, strict=True), 1)
        ),
        updated_at=at,
    )


async def _held(step: Step, account: Account, wish: Wish) -> Position | None:
    for one in await step.tx.positions.open(account.workspace_id, account.id):
        if one.pair == wish.pair and not one.bot_id:
            return one
    return None
