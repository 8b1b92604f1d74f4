"""Trading rules for pairs whose venue is not asked: tick and step that fit the price."""

from __future__ import annotations

import math
from decimal import Decimal

from trading.instruments import Instrument

#: Significant digits of a price between two ticks: BTC at 60,000 gets 0.1, DOGE at 0.08 gets 0.0000001.
_PRICE_DIGITS = 6
#: One lot is worth at most this much, in quote currency, so that small accounts can size finely.
_LOT_VALUE = 0.1


def instrument_for(pair: str, price: float, *, venue: str = "paper", can_short: bool = False) -> Instrument:
    """Give an instrument whose tick and step fit a price of the pair.

    Example:
        >>> instrument_for("BTC/USDT", 60_000.0).tick
        Decimal('0.1')
    """
    magnitude = math.floor(math.log10(price)) + 1
    return Instrument(
        pair=pair,
        venue=venue,
        tick=_power_of_ten(magnitude - _PRICE_DIGITS),
        step=_power_of_ten(min(0, math.floor(math.log10(_LOT_VALUE / price)))),
        min_notional=Decimal(5),
        can_short=can_short,
    )


def _power_of_ten(exponent: int) -> Decimal:
    return Decimal(1).scaleb(min(exponent, 0)) if exponent < 0 else Decimal(1)
