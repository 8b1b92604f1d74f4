"""Hedging: opposing exposure sized by β, within net and gross limits (B.4).

A hedge is exempt from the correlation rule but not from the gross limit. Money is Decimal; β is a statistic.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

import numpy as np
from numpy.typing import NDArray

from trading.errors import InvalidInput
from trading.instruments import Instrument
from trading.orders import Side
from trading.risk.correlation import CorrelationRule

FloatArray = NDArray[np.float64]


def hedge_ratio(
    asset_returns: FloatArray, hedge_returns: FloatArray, rule: CorrelationRule | None = None
) -> float | None:
    """Give β: the move of the asset per move of the hedge, over the correlation window.

    Returns:
        cov(asset, hedge) / var(hedge) of the last returns that both have; None with too few, or when the hedge
        does not move.

    Example:
        >>> hedge = np.array([0.01, -0.02] * 10)
        >>> hedge_ratio(2 * hedge, hedge)
        2.0
    """
    rule = rule or CorrelationRule()
    asset, hedge = asset_returns[-rule.window_days :], hedge_returns[-rule.window_days :]
    if len(asset) != len(hedge):
        raise InvalidInput(f"{len(asset)} and {len(hedge)} returns were given; the same days are needed.")
    both = np.isfinite(asset) & np.isfinite(hedge)
    if int(both.sum()) < rule.minimum_common:
        return None
    asset, hedge = asset[both] - asset[both].mean(), hedge[both] - hedge[both].mean()
    variance = float(hedge @ hedge)
    if variance <= 1e-24:
        return None
    return float(asset @ hedge) / variance


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """What an account holds, in quote currency.

    Attributes:
        net: longs minus shorts.
        gross: longs plus shorts, ≥ |net|.
    """

    net: Decimal
    gross: Decimal

    def __post_init__(self) -> None:
        if self.gross < abs(self.net):
            raise InvalidInput(
                f"Gross exposure {self.gross} is below the net {self.net}; at least that is needed."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class ExposureLimits:
    """Limits as ratios of equity: 1 = 100 %."""

    net_ratio: Decimal = Decimal("1")
    gross_ratio: Decimal = Decimal("2")

    def __post_init__(self) -> None:
        if self.net_ratio < 0 or self.gross_ratio < self.net_ratio:
            raise InvalidInput(
                f"Exposure limits net {self.net_ratio} and gross {self.gross_ratio} were given; "
                "0 ≤ net ≤ gross is allowed."
            )

    def room(self, exposure: Exposure, equity: Decimal, side: Side) -> Mapping[str, Decimal]:
        """Give the notional that may still be added on a side, per limit; never negative."""
        towards = exposure.net if side is Side.BUY else -exposure.net
        return {
            "net": max(self.net_ratio * equity - towards, Decimal(0)),
            "gross": max(self.gross_ratio * equity - exposure.gross, Decimal(0)),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class HedgeSize:
    """The hedge to place, and what bound it.

    Attributes:
        quantity: in base asset of the hedge, floored to its step; 0 when nothing is placed.
        binding: name of the smallest limit: `beta`, `net`, `gross`, `venue`.
        limits: each limit as a quantity before rounding.
        reason: why nothing is placed; empty otherwise.
    """

    side: Side
    quantity: Decimal
    notional: Decimal
    binding: str
    limits: Mapping[str, Decimal]
    reason: str = ""


def size_hedge(
    *,
    asset_notional: Decimal,
    beta: float,
    instrument: Instrument,
    price: Decimal,
    exposure: Exposure,
    equity: Decimal,
    limits: ExposureLimits | None = None,
) -> HedgeSize:
    """Size a hedge of a position: -β × its notional, the minimum of every limit, floored to the step.

    Args:
        asset_notional: signed notional of what is hedged (long > 0).
        beta: from `hedge_ratio`; a negative β hedges on the same side.
        price: of the hedge instrument.
    """
    if not price > 0 or not equity > 0:
        raise InvalidInput(f"Price {price} and equity {equity} were given; both must be positive.")
    wanted = -asset_notional * Decimal(repr(beta))
    side = Side.BUY if wanted > 0 else Side.SELL
    room = (limits or ExposureLimits()).room(exposure, equity, side)
    quantities = {"beta": abs(wanted) / price, **{name: notional / price for name, notional in room.items()}}
    if instrument.max_quantity is not None:
        quantities["venue"] = instrument.max_quantity
    binding = min(quantities, key=lambda name: quantities[name])
    quantity = (quantities[binding] / instrument.step).to_integral_value(ROUND_FLOOR) * instrument.step
    notional = quantity * price
    reason = ""
    if side is Side.SELL and not instrument.can_short:
        reason = f"{instrument.venue} cannot short {instrument.pair}; a perpetual or margin pair is needed."
    elif quantity == 0 or quantity < instrument.min_quantity or notional < instrument.min_notional:
        reason = (
            f"The hedge of {_shown(quantity)} {instrument.base} ({_shown(notional)} {instrument.quote}, bound by "
            f"'{binding}') is below the venue's minimum of {instrument.min_quantity} {instrument.base} and "
            f"{instrument.min_notional} {instrument.quote}."
        )
    if reason:
        quantity = notional = Decimal(0)
    return HedgeSize(
        side=side, quantity=quantity, notional=notional, binding=binding, limits=quantities, reason=reason
    )


def _shown(value: Decimal) -> str:
    return format(value.quantize(Decimal("1e-8"), rounding=ROUND_HALF_EVEN).normalize(), "f")


def betas(
    asset_closes: FloatArray, hedge_closes: FloatArray, rule: CorrelationRule | None = None
) -> FloatArray:
    """Give β as it is known at each 00:00 UTC, from the closes up to it.

    Args:
        asset_closes, hedge_closes: closes at successive midnights (`trading.risk.correlation.daily_closes`), NaN where
            there was none, shape (days,).

    Returns:
        float64, shape (days,); NaN where β is undefined.
    """
    rule = rule or CorrelationRule()
    if len(asset_closes) != len(hedge_closes):
        raise InvalidInput(
            f"{len(asset_closes)} and {len(hedge_closes)} closes were given; the same days are needed."
        )
    asset, hedge = (np.diff(np.log(one), prepend=np.nan) for one in (asset_closes, hedge_closes))
    out = np.full(len(asset), np.nan)
    for day in range(len(out)):
        rows = slice(max(0, day + 1 - rule.window_days), day + 1)
        beta = hedge_ratio(asset[rows], hedge[rows], rule)
        out[day] = np.nan if beta is None else beta
    return out
