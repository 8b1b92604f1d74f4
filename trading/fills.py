"""Fills: the only thing that moves positions."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from trading.orders import Reason, Side


class Liquidity(StrEnum):
    """Whether the fill took or made liquidity; decides the fee."""

    MAKER = "maker"
    TAKER = "taker"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """An execution, in exact money.

    Attributes:
        venue_trade_id: unique per venue account; a repeat is the same fill.
        price: quote currency per unit of base.
        quantity: base asset, > 0.
        fee: quote currency, ≥ 0 (negative for a rebate).
        filled_at_ms: venue time, UTC.
        leg: 0 entry or whole position, 1…3 the take-profit leg.
    """

    venue_trade_id: str
    bot_id: str
    pair: str
    side: Side
    price: Decimal
    quantity: Decimal
    fee: Decimal
    liquidity: Liquidity
    reason: Reason
    filled_at_ms: int
    intent_sequence: int = -1
    leg: int = 0

    @property
    def notional(self) -> Decimal:
        """Price × quantity, in quote currency."""
        return self.price * self.quantity
