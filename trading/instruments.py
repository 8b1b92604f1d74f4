"""Instruments: tick, step and minimum notional, and the only gate from float to Decimal."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

from trading.errors import InvalidInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """What a venue says about a pair.

    Attributes:
        pair: as shown to people, "BTC/USDT".
        tick: price step, > 0.
        step: quantity step in base asset, > 0; a *lot* is one step.
        min_quantity, min_notional: smallest order, in base and quote.
        max_quantity: largest order; None where the venue names none.
        can_short: spot venues cannot.
    """

    pair: str
    venue: str = "paper"
    tick: Decimal = Decimal("0.01")
    step: Decimal = Decimal("0.00001")
    min_quantity: Decimal = Decimal(0)
    min_notional: Decimal = Decimal(5)
    max_quantity: Decimal | None = None
    can_short: bool = False

    def __post_init__(self) -> None:
        for name in ("tick", "step"):
            if getattr(self, name) <= 0:
                raise InvalidInput(
                    f"{self.pair}: {name} is {getattr(self, name)}; a positive step is allowed."
                )
        if "/" not in self.pair:
            raise InvalidInput(
                f"Pair '{self.pair}' was given; BASE/QUOTE is allowed.", hint="For example BTC/USDT."
            )

    @property
    def base(self) -> str:
        """The asset that is bought."""
        return self.pair.split("/")[0]

    @property
    def quote(self) -> str:
        """The asset that is paid."""
        return self.pair.split("/")[1].split(":")[0]

    def price(self, value: float | str | Decimal, *, rounding: str = ROUND_HALF_EVEN) -> Decimal:
        """Quantise a price to the tick.

        Raises:
            InvalidInput: NaN, infinite or not positive.
        """
        return _quantised(self.pair, "price", value, self.tick, rounding)

    def buy_limit(self, value: float | Decimal) -> Decimal:
        """Quantise a buy limit: never above what was asked."""
        return self.price(value, rounding=ROUND_FLOOR)

    def sell_limit(self, value: float | Decimal) -> Decimal:
        """Quantise a sell limit: never below what was asked."""
        return self.price(value, rounding=ROUND_CEILING)

    def stop_trigger(self, value: float | Decimal, *, is_long: bool) -> Decimal:
        """Quantise a protective trigger towards the market, so that the planned risk is never exceeded."""
        return self.price(value, rounding=ROUND_CEILING if is_long else ROUND_FLOOR)

    def quantity(self, value: float | str | Decimal) -> Decimal:
        """Quantise a quantity downwards to the step; zero is possible.

        Raises:
            InvalidInput: NaN, infinite or negative.
        """
        return _quantised(self.pair, "quantity", value, self.step, ROUND_FLOOR, allow_zero=True)

    def lots(self, quantity: Decimal) -> int:
        """Give a quantity as a whole number of steps, rounded down."""
        return int((quantity / self.step).to_integral_value(ROUND_FLOOR))

    def quantity_of(self, lots: int) -> Decimal:
        """Give a number of steps as an exact quantity."""
        return self.step * lots


def _quantised(
    pair: str,
    name: str,
    value: float | str | Decimal,
    step: Decimal,
    rounding: str,
    *,
    allow_zero: bool = False,
) -> Decimal:
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidInput(f"{pair}: {name} is {value}; a finite number is allowed.")
    # repr gives the shortest decimal that names this float: 0.29 stays 0.29.
    exact = Decimal(repr(float(value))) if isinstance(value, float) else Decimal(value)
    if not exact.is_finite() or exact < 0 or (exact == 0 and not allow_zero):
        raise InvalidInput(f"{pair}: {name} is {value}; a positive finite number is allowed.")
    return (exact / step).to_integral_value(rounding) * step
