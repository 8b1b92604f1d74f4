"""Which exit orders rest at a venue for a position, and which the desk has to take itself: a pure function.

On spot a resting sell locks its balance, so a stop and a target for the same coins cannot rest beside each other
unless the venue offers one-cancels-other. Then the stop rests for everything that is left, and the desk takes the
targets itself when the price is there.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from desk.order_views import ExitLevel, Protection
from desk.venue_port import VenueRules
from trading.instruments import Instrument
from trading.orders import OrderType, Reason, Side

TARGETS = {1: Reason.TAKE_PROFIT_1, 2: Reason.TAKE_PROFIT_2, 3: Reason.TAKE_PROFIT_3}
#: Reasons of orders that rest for a position's protection.
PROTECTIVE = frozenset({Reason.STOP_LOSS, Reason.TRAILING_STOP, Reason.BREAK_EVEN_STOP, *TARGETS.values()})


@dataclass(frozen=True, slots=True)
class WantedExit:
    """An exit order that should rest.

    Attributes:
        leg: 0 the stop, 1…3 a target.
    """

    leg: int
    reason: Reason
    side: Side
    order_type: OrderType
    quantity: Decimal
    price: Decimal | None
    stop_price: Decimal | None


@dataclass(frozen=True, slots=True)
class ExitPlan:
    """What rests at the venue, and what the desk watches.

    Attributes:
        watched: targets that the desk takes when the price is there.
        watches_stop: the venue has no stops: the desk must leave by itself at `stop`.
        is_dust: so little is held that the venue takes no order for it.
    """

    resting: tuple[WantedExit, ...]
    watched: tuple[ExitLevel, ...]
    watches_stop: bool
    is_dust: bool = False


def plan_exits(
    protection: Protection, rules: VenueRules, instrument: Instrument | None, *, leaving: Decimal = Decimal(0)
) -> ExitPlan:
    """Give the exits of a position.

    Args:
        leaving: what other orders are selling already (a close, a target being taken).
    """
    side = Side.SELL if protection.is_long else Side.BUY
    held = max(Decimal(0), protection.quantity - leaving)
    if instrument is not None:
        held = instrument.quantity(held)
    reference = protection.stop or next((one.price for one in protection.targets), None)
    if held <= 0 or too_small(held, reference, instrument):
        return ExitPlan((), (), watches_stop=False, is_dust=held > 0)
    targets = _ladder(protection, held, instrument)
    stop = protection.stop
    if stop is not None and instrument is not None:
        stop = instrument.stop_trigger(stop, is_long=protection.is_long)
    if stop is not None and rules.has_stops:
        stop_order = WantedExit(
            0, protection.stop_reason or Reason.STOP_LOSS, side, OrderType.STOP, held, None, stop
        )
        if rules.has_reduce_only:
            return ExitPlan((stop_order, *_limits(targets, side)), (), watches_stop=False)
        return ExitPlan((stop_order,), targets, watches_stop=False)
    return ExitPlan(_limits(targets, side), (), watches_stop=stop is not None)


def _ladder(protection: Protection, held: Decimal, instrument: Instrument | None) -> tuple[ExitLevel, ...]:
    """Give the targets that are left, within what is held; a leg that is too small joins the one before it."""
    levels: list[ExitLevel] = []
    left = held
    for one in sorted(protection.targets, key=lambda level: level.leg):
        quantity = min(one.left, left)
        if instrument is not None:
            quantity = instrument.quantity(max(Decimal(0), quantity))
        if quantity <= 0:
            continue
        left -= quantity
        if too_small(quantity, one.price, instrument) and levels:
            last = levels[-1]
            levels[-1] = ExitLevel(
                leg=last.leg, price=last.price, quantity=last.quantity + quantity, filled=last.filled
            )
        elif not too_small(quantity, one.price, instrument):
            levels.append(ExitLevel(leg=one.leg, price=one.price, quantity=quantity))
    return tuple(levels)


def _limits(targets: tuple[ExitLevel, ...], side: Side) -> tuple[WantedExit, ...]:
    return tuple(
        WantedExit(one.leg, TARGETS[one.leg], side, OrderType.LIMIT, one.quantity, one.price, None)
        for one in targets
    )


def too_small(quantity: Decimal, price: Decimal | None, instrument: Instrument | None) -> bool:
    """Tell whether the venue takes no order for so little."""
    if instrument is None:
        return False
    if quantity < instrument.min_quantity:
        return True
    return price is not None and price * quantity < instrument.min_notional
