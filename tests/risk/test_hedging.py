"""Hedges sized by β within net and gross limits."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading.errors import InvalidInput
from trading.instruments import Instrument
from trading.orders import Side
from trading.risk.hedging import Exposure, ExposureLimits, HedgeSize, hedge_ratio, size_hedge

PERPETUAL = Instrument(pair="BTC/USDT", step=Decimal("0.001"), can_short=True)


def hedge(
    notional: str, beta: float, *, net: str = "1000", gross: str = "1000", instrument: Instrument = PERPETUAL
) -> HedgeSize:
    return size_hedge(
        asset_notional=Decimal(notional),
        beta=beta,
        instrument=instrument,
        price=Decimal(100),
        exposure=Exposure(net=Decimal(net), gross=Decimal(gross)),
        equity=Decimal(10_000),
    )


def test_beta_is_the_slope_on_the_hedge() -> None:
    random = np.random.default_rng(2)
    market = random.normal(0, 0.03, 30)
    noise = random.normal(0, 0.01, 30)
    noise -= noise.mean()
    centred = market - market.mean()
    noise -= (noise @ centred) / (centred @ centred) * centred

    assert hedge_ratio(1.4 * market + noise, market) == pytest.approx(1.4)


def test_beta_is_undefined_without_enough_common_days_or_movement() -> None:
    returns = np.random.default_rng(3).normal(0, 0.03, 30)
    holes = returns.copy()
    holes[:11] = np.nan

    assert hedge_ratio(returns, holes) is None
    assert hedge_ratio(returns, np.zeros(30)) is None


def test_a_long_is_hedged_by_selling_beta_times_its_notional() -> None:
    found = hedge("1000", 1.25)

    assert (found.side, found.quantity, found.notional) == (Side.SELL, Decimal("12.5"), Decimal(1250))
    assert found.binding == "beta"


def test_a_short_and_a_negative_beta_are_hedged_by_buying() -> None:
    assert hedge("-1000", 1.0, net="-1000").side is Side.BUY
    assert hedge("1000", -0.5).side is Side.BUY


def test_the_gross_limit_binds_a_hedge() -> None:
    found = hedge("15000", 1.0, net="15000", gross="15000")

    assert found.binding == "gross"
    assert found.notional == Decimal(5_000)


def test_the_net_limit_binds_an_over_hedge() -> None:
    found = hedge("1000", 30.0, net="0", gross="1000")

    assert found.binding == "net"
    assert found.notional == Decimal(10_000)


def test_quantities_are_floored_to_the_step() -> None:
    assert hedge("1000", 0.123456).quantity == Decimal("1.234")


def test_spot_refuses_a_short_hedge_with_the_reason() -> None:
    found = hedge("1000", 1.0, instrument=Instrument(pair="BTC/USDT"))

    assert found.quantity == 0
    assert "cannot short BTC/USDT" in found.reason


def test_a_hedge_below_the_minimum_is_refused_with_the_reason() -> None:
    found = hedge("10", 0.3)

    assert found.quantity == 0
    assert "0.03 BTC (3 USDT, bound by 'beta')" in found.reason


def test_impossible_exposure_and_limits_are_refused() -> None:
    with pytest.raises(InvalidInput, match="Gross exposure 1 is below"):
        Exposure(net=Decimal(-2), gross=Decimal(1))
    with pytest.raises(InvalidInput, match="0 ≤ net ≤ gross"):
        ExposureLimits(net_ratio=Decimal(3), gross_ratio=Decimal(2))


@settings(max_examples=80, derandomize=True, deadline=None)
@given(
    st.integers(-40_000, 40_000),
    st.floats(-3, 3, allow_nan=False),
    st.integers(-10_000, 10_000),
    st.integers(0, 10_000),
)
def test_no_hedge_ever_passes_a_limit(notional: int, beta: float, net: int, more: int) -> None:
    exposure = Exposure(net=Decimal(net), gross=Decimal(abs(net) + more))
    limits = ExposureLimits()
    equity = Decimal(10_000)

    found = size_hedge(
        asset_notional=Decimal(notional),
        beta=beta,
        instrument=PERPETUAL,
        price=Decimal("97.3"),
        exposure=exposure,
        equity=equity,
        limits=limits,
    )

    signed = found.notional if found.side is Side.BUY else -found.notional
    assert exposure.gross + found.notional <= max(limits.gross_ratio * equity, exposure.gross)
    assert abs(exposure.net + signed) <= max(limits.net_ratio * equity, abs(exposure.net))
    assert found.quantity % PERPETUAL.step == 0
