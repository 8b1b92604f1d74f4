"""Exits: the ladder, the break-even price and the trailing stop as scalar rules (trading-rules.md, B.3)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

import numpy as np
from numpy.typing import NDArray

from trading.jit import njit
from trading.risk.sizing import whole_lots


@njit
def least_price(price: float, stop: float) -> float:
    """Give the price at which a position is worth least to the venue's minimum: at its stop, where that is lower."""
    return min(price, stop) if stop == stop else price


@njit
def split_ladder(
    lots: int,
    fractions: NDArray[np.float64],
    prices: NDArray[np.float64],
    step: float,
    min_lots: int,
    min_notional: float,
    stop: float,
    out: NDArray[np.int64],
) -> None:
    """Divide a position over its targets in whole lots; no lot is lost and no leg is too small to be ordered.

    Legs are floored to the step, the last one takes the remainder when the fractions add up to one. A leg that is too
    small is merged into the next farther one, the last into the previous; if still too small, all leaves at the first
    target. What the protective stop covers in the end, the last leg or what rides on after it, must be large enough at
    the stop too. Targets without a price take nothing.

    Args:
        fractions, prices: shape (k,), NaN price = no target.
        step: base asset per lot.
        min_lots, min_notional: the venue's smallest order.
        stop: protective stop price, NaN = none.
        out: shape (k,), written with lots per leg.
    """
    total, last, first, given = 0.0, -1, -1, 0
    for k in range(len(out)):
        out[k] = 0
        if prices[k] == prices[k] and fractions[k] > 0.0:
            total += fractions[k]
            last = k
            if first < 0:
                first = k
    if first < 0:
        return
    for k in range(len(out)):
        if prices[k] == prices[k] and fractions[k] > 0.0:
            out[k] = min(whole_lots(lots * fractions[k], 1.0), lots - given)
            if k == last and total >= 1.0 - 1e-9:
                out[k] = lots - given
            given += out[k]
    for k in range(last):
        if out[k] > 0 and (out[k] < min_lots or out[k] * step * prices[k] < min_notional):
            nearest = k + 1
            while not (prices[nearest] == prices[nearest] and fractions[nearest] > 0.0):
                nearest += 1
            out[nearest] += out[k]
            out[k] = 0
    rest = lots - given
    if rest > 0 and (rest < min_lots or rest * step * least_price(prices[last], stop) < min_notional):
        # What rides on could not be stopped out any more.
        out[last] += rest
        rest = 0
    while last > first:
        floor = least_price(prices[last], stop) if rest == 0 else prices[last]
        if out[last] >= min_lots and out[last] * step * floor >= min_notional:
            return
        previous = last - 1
        while previous > first and out[previous] == 0:
            previous -= 1
        out[previous] += out[last]
        out[last] = 0
        last = previous


@njit
def break_even_stop(
    side: int, price: float, entry_fee_ratio: float, exit_fee: float, slippage: float
) -> float:
    """Give the stop at which a position loses nothing, both fees and the stop's slippage paid.

    Args:
        side: +1 long, -1 short.
        price: average entry price; `entry_fee_ratio`: entry fees / entry notional.
        exit_fee, slippage: ratios of the exit price.
    """
    if side > 0:
        return price * (1.0 + entry_fee_ratio) / ((1.0 - exit_fee) * (1.0 - slippage))
    return price * (1.0 - entry_fee_ratio) / ((1.0 + exit_fee) * (1.0 + slippage))


@njit
def trailing_stop(side: int, best: float, ratio: float) -> float:
    """Give the stop that trails the best price by a ratio of it."""
    return best * (1.0 - side * ratio)


@njit
def is_tighter(side: int, stop: float, old: float) -> bool:
    """Tell whether a stop protects more than the old one; a NaN old stop is the loosest."""
    return old != old or side * (stop - old) > 0.0


@njit
def is_trailing_active(side: int, entry: float, best: float, after_ratio: float) -> bool:
    """Tell whether the gain that switches trailing on was reached by the best price."""
    return side * (best - entry) >= after_ratio * entry * (1.0 - 1e-12)


@njit
def trails(side: int, entry: float, best: float, after_ratio: float, ratio: float, stop: float) -> bool:
    """Tell whether trailing moves the stop: it is switched on, and the best price calls for a tighter one."""
    if not is_trailing_active(side, entry, best, after_ratio):
        return False
    return is_tighter(side, trailing_stop(side, best, ratio), stop)


@njit
def venue_trailing_stop(
    side: int, entry: float, best: float, extreme: float, after_ratio: float, ratio: float, stop: float
) -> float:
    """Give the stop as a venue trails it inside a bar, from the best price before the bar and the bar's own extreme.

    Trailing that the bar itself would switch on counts from the next bar. NaN where the stop stays as it is.
    """
    if not is_trailing_active(side, entry, best, after_ratio):
        return np.nan
    moved = trailing_stop(side, max(best, extreme) if side > 0 else min(best, extreme), ratio)
    return moved if is_tighter(side, moved, stop) else np.nan


@njit
def liquidation_price(entry: float, maintenance: float) -> float:
    """Give the price at which a short's collateral, twice its entry, no longer covers debt and maintenance margin."""
    return 2.0 * entry / (1.0 + maintenance)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One step of a take-profit ladder, in exact money."""

    leg: int
    price: Decimal
    quantity: Decimal


def ladder(
    *,
    quantity: Decimal,
    fractions: tuple[float, ...],
    prices: tuple[Decimal, ...],
    step: Decimal,
    min_quantity: Decimal = Decimal(0),
    min_notional: Decimal = Decimal(0),
    stop: Decimal | None = None,
) -> tuple[Leg, ...]:
    """Divide a quantity over its targets, exactly as the engine does.

    Example:
        >>> [leg.quantity for leg in ladder(quantity=Decimal("0.01237"), fractions=(0.5, 0.3, 0.2),
        ...     prices=(Decimal(102), Decimal(105), Decimal(110)), step=Decimal("0.0001"))]
        [Decimal('0.0061'), Decimal('0.0036'), Decimal('0.0026')]
    """
    lots = whole_lots(float(quantity), float(step))
    out = np.zeros(len(prices), np.int64)
    split_ladder(
        lots,
        np.asarray(fractions, np.float64),
        np.asarray([float(price) for price in prices]),
        float(step),
        int((min_quantity / step).to_integral_value(ROUND_CEILING)),
        float(min_notional),
        math.nan if stop is None else float(stop),
        out,
    )
    return tuple(
        Leg(leg=k + 1, price=prices[k], quantity=step * int(out[k])) for k in range(len(prices)) if out[k] > 0
    )
