"""Closing a part of a position: how much really leaves, in whole steps and never below what a venue takes."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal

from trading.errors import InvalidInput
from trading.instruments import Instrument


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What leaves.

    Attributes:
        is_whole: everything leaves, also where less was asked: what would be left could not be sold any more.
    """

    quantity: Decimal
    is_whole: bool


def part_to_close(
    held: Decimal, share: Decimal, *, instrument: Instrument, price: Decimal, stop: Decimal | None = None
) -> Part:
    """Give the quantity that a share of a position comes to: floored to the step, at least what the venue takes.

    What stays behind must be sellable by its stop: if it is below the smallest quantity, or below the smallest
    notional at the price or at the stop, the whole position leaves and no dust is made.

    Args:
        price: last one, in quote currency; `stop`: the protective stop of what stays, None for none.

    Raises:
        InvalidInput: a share outside (0, 1], or a part too small for the venue.

    Example:
        >>> btc = Instrument(pair="BTC/USDT", step=Decimal("0.0001"), min_notional=Decimal(5))
        >>> part_to_close(Decimal("0.0123"), Decimal("0.5"), instrument=btc, price=Decimal(60_000)).quantity
        Decimal('0.0061')
    """
    if not (share.is_finite() and 0 < share <= 1):
        raise InvalidInput(f"Share {share} was given; a share above 0 and up to 1 is allowed.")
    if share == 1:
        return Part(quantity=held, is_whole=True)
    step = instrument.step
    quantity = (held * share / step).to_integral_value(ROUND_FLOOR) * step
    if not _is_sellable(quantity, instrument, price):
        raise InvalidInput(
            f"{share:%} of {held:f} {instrument.base} is {quantity:f}, worth {quantity * price:f} {instrument.quote}; at "
            f"least {instrument.min_quantity:f} {instrument.base} and {instrument.min_notional:f} {instrument.quote} "
            "are allowed.",
            hint="Close more of it, or all.",
        )
    rest = held - quantity
    if not _is_sellable(rest, instrument, price if stop is None else min(price, stop)):
        return Part(quantity=held, is_whole=True)
    return Part(quantity=quantity, is_whole=False)


def _is_sellable(quantity: Decimal, instrument: Instrument, price: Decimal) -> bool:
    return (
        quantity > 0 and quantity >= instrument.min_quantity and quantity * price >= instrument.min_notional
    )
