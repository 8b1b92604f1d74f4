"""Which position an execution belongs to; one that goes through zero is cut in two, each part with an id of its own."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from desk.execution.client_ids import stable_id
from desk.execution.holdings import position_for
from desk.execution.names import LATE
from desk.execution.turns import Turn
from desk.venue_port import VenueTrade
from desk.views import Order, Position
from trading.orders import Reason, Side

#: Begins the trade id of what a person accepted as gone: it is about our position, not about other coins.
CORRECTION = "correction:"


@dataclass(frozen=True, slots=True)
class Part:
    """A part of an execution.

    Attributes:
        position: the open one that it changes; None where it opens one, or belongs to none.
        position_id: empty for what is not ours: coins that somebody bought or sold by hand.
    """

    trade_id: str
    quantity: Decimal
    fee: Decimal
    base_fee: Decimal
    position: Position | None
    position_id: str


async def parts_of(turn: Turn, order: Order, trade: VenueTrade, *, is_spot: bool) -> list[Part]:
    """Divide an execution.

    What reduces a position goes to it as far as it reaches. What is left opens a position where the order is ours or
    the venue has margin; at a spot venue a trade by hand is about coins that are not ours.
    """
    held = await position_for(turn, order, trade.side)
    is_foreign = order.reason is Reason.EXTERNAL and not order.client_order_id.startswith(LATE)
    if held is not None and held.is_long is (trade.side is Side.BUY):
        return [_part(trade, trade.quantity, held, held.id, first=True)]
    reduces = Decimal(0)
    if held is not None:
        reduces = min(trade.quantity, held.quantity)
        if is_foreign and is_spot and not trade.venue_trade_id.startswith(CORRECTION):
            reduces = max(Decimal(0), min(reduces, trade.quantity - await _foreign(turn, trade.pair)))
    parts = []
    if held is not None and reduces > 0:
        parts.append(_part(trade, reduces, held, held.id, first=True))
    rest = trade.quantity - reduces
    if rest > 0:
        opens = (
            not is_spot
            if is_foreign
            else not order.is_reduce_only and (trade.side is Side.BUY or not is_spot)
        )
        position_id = await _new_position_id(turn, order, trade) if opens else ""
        parts.append(_part(trade, rest, None, position_id, first=not parts))
    return parts


def _part(
    trade: VenueTrade, quantity: Decimal, position: Position | None, position_id: str, *, first: bool
) -> Part:
    whole = quantity == trade.quantity
    share = quantity / trade.quantity
    fee = trade.fee if whole else _divided(trade.fee, share, first=first)
    base_fee = trade.base_fee if whole else _divided(trade.base_fee, share, first=first)
    return Part(
        trade_id=trade.venue_trade_id if first else f"{trade.venue_trade_id}/2",
        quantity=quantity,
        fee=fee,
        base_fee=base_fee,
        position=position,
        position_id=position_id,
    )


def _divided(amount: Decimal, share: Decimal, *, first: bool) -> Decimal:
    """Give a part of an amount so that both parts add up to it exactly."""
    step = Decimal("1e-12")
    if first:
        return (amount * share).quantize(step)
    return amount - (amount * (1 - share)).quantize(step)


async def _new_position_id(turn: Turn, order: Order, trade: VenueTrade) -> str:
    """Give the id that the order promised, or a new one where that position is over."""
    if order.position_id:
        known = await turn.tx.positions.by_id(turn.account.workspace_id, order.position_id)
        if known is None:
            return order.position_id
    return stable_id(turn.account.id, "position", trade.venue_trade_id)


async def _foreign(turn: Turn, pair: str) -> Decimal:
    """Give how much of a pair's asset at the venue is not ours: there before us, or bought by hand since."""
    account = turn.account
    baseline = await turn.tx.execution.baseline(account.workspace_id, account.id)
    asset = pair.partition("/")[0]
    there = Decimal(0)
    if baseline is not None:
        there = Decimal(baseline.holdings.get(asset, "0")) + Decimal(baseline.flows.get(asset, "0"))
    held = sum(
        (
            quantity
            for one, quantity in (await turn.tx.execution.held(account.workspace_id, account.id)).items()
            if one.partition("/")[0] == asset
        ),
        Decimal(0),
    )
    ours = sum(
        (
            one.quantity
            for one in await turn.tx.positions.open(account.workspace_id, account.id)
            if one.pair.partition("/")[0] == asset
        ),
        Decimal(0),
    )
    return max(Decimal(0), there + held - ours)
