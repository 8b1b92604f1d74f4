"""Positions in exact money: what a bot holds of a pair, and what a fill makes of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from trading.fills import Fill
from trading.orders import Side

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """What one bot holds of one pair.

    Attributes:
        quantity: base asset, negative for a short.
        cost: what the open quantity was entered for, quote currency, negative for a short; fees apart.
        realised: profit of closed quantity before fees; `fees`: paid on this pair in all.
    """

    bot_id: str
    pair: str
    quantity: Decimal = ZERO
    cost: Decimal = ZERO
    realised: Decimal = ZERO
    fees: Decimal = ZERO

    @classmethod
    def flat(cls, bot_id: str, pair: str) -> Position:
        """Give a position that holds nothing."""
        return cls(bot_id=bot_id, pair=pair)

    @property
    def average_price(self) -> Decimal | None:
        """Entry price per unit; None when flat."""
        return self.cost / self.quantity if self.quantity else None

    @property
    def is_long(self) -> bool:
        """Whether it gains when the price rises."""
        return self.quantity > 0


def after_fill(position: Position, fill: Fill) -> tuple[Position, Decimal]:
    """Give the position after a fill and the profit that the fill realised, before fees.

    A fill against the position closes at its average cost; what is left of the fill opens the other way.
    """
    signed = fill.quantity if fill.side is Side.BUY else -fill.quantity
    held, cost = position.quantity, position.cost
    if held == 0 or (held > 0) == (signed > 0):
        realised = ZERO
        cost += signed * fill.price
    else:
        closing = min(abs(signed), abs(held))
        direction = 1 if held > 0 else -1
        released = cost if closing == abs(held) else cost * closing / abs(held)
        realised = direction * closing * fill.price - released
        cost -= released
        opening = abs(signed) - closing
        if opening:
            cost = (opening if signed > 0 else -opening) * fill.price
    after = replace(
        position,
        quantity=held + signed,
        cost=cost,
        realised=position.realised + realised,
        fees=position.fees + fill.fee,
    )
    return after, realised
