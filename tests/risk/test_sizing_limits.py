"""Sizing: the worked numbers of trading-rules.md B.2, and the law that no limit is ever passed."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading.errors import InvalidInput
from trading.risk.sizing import (
    KELLY_TRADES,
    SizingMethod,
    SizingRequest,
    kelly,
    method_ratio,
    size,
    unit_risk,
    whole_lots,
)

D = Decimal


@pytest.mark.parametrize(
    ("payoff", "win_rate", "fraction"),
    [(2.0, 0.45, 0.175), (1.5, 0.5, 1 / 6), (1.0, 0.5, 0.0), (1.0, 0.4, -0.2)],
)
def test_kelly_gives_the_worked_fractions(payoff: float, win_rate: float, fraction: float) -> None:
    assert kelly(win_rate, payoff) == pytest.approx(fraction, abs=1e-12)


@pytest.mark.parametrize(("win_rate", "payoff"), [(0.5, math.inf), (0.5, 0.0), (0.5, math.nan), (1.2, 1.0)])
def test_kelly_without_losses_or_out_of_range_is_undefined(win_rate: float, payoff: float) -> None:
    assert math.isnan(kelly(win_rate, payoff))


def test_volatility_example_is_bound_by_the_position_cap() -> None:
    answer = size(
        SizingRequest(
            equity=D(10_000), entry=D(100), atr=D(3), multiple=2.0, method=SizingMethod.ATR, step=D("0.001")
        )
    )

    assert answer.limits["method"] == pytest.approx(D("16.6667"), abs=D("0.0001"))
    assert (answer.quantity, answer.notional, answer.binding) == (D(10), D(1000), "max_position")
    assert answer.risk == D(60)


def test_fixed_ratio_risks_no_more_than_asked_with_costs_included() -> None:
    answer = size(
        SizingRequest(
            equity=D(10_000), entry=D(100), stop=D(95), max_position=1.0, fee=0.001, step=D("0.0001")
        )
    )

    assert answer.binding == "method"
    # 100 / (5 + 100·0.001 + 95·0.001)
    assert answer.quantity == D("19.2492")
    assert answer.risk <= 100


def test_half_kelly_stays_within_the_cap_and_the_risk_per_trade() -> None:
    wide = SizingRequest(
        equity=D(10_000), entry=D(100), stop=D(95), method=SizingMethod.KELLY, win_rate=0.45, payoff=2.0,
        max_position=1.0, risk_per_trade=0.01,
    )  # fmt: skip

    answer = size(wide)

    assert answer.limits["method"] == D(175)
    assert (answer.quantity, answer.binding) == (D(20), "risk_per_trade")


def test_kelly_without_an_edge_gives_nothing() -> None:
    answer = size(
        SizingRequest(
            equity=D(10_000), entry=D(100), stop=D(95), method=SizingMethod.KELLY, win_rate=0.4, payoff=1.0
        )
    )

    assert (answer.quantity, answer.reason) == (D(0), "no_edge")


def test_kelly_on_too_few_trades_falls_back_to_the_fixed_ratio_and_says_so() -> None:
    ratio, note = method_ratio(
        SizingMethod.KELLY,
        risk_per_trade=0.01,
        kelly_fraction=0.5,
        win_rate=0.6,
        payoff=2.0,
        trades=KELLY_TRADES - 1,
    )

    assert ratio == 0.01
    assert "49" in note


def test_remaining_portfolio_risk_free_balance_and_venue_maximum_bind_when_smallest() -> None:
    base: dict[str, Any] = {"equity": D(10_000), "entry": D(100), "stop": D(95), "max_position": 1.0}

    by_risk = size(SizingRequest(**base, portfolio_risk=0.06, open_risk=D(590)))
    by_cash = size(SizingRequest(**base, free_balance=D(150)))
    by_venue = size(SizingRequest(**base, max_quantity=D(2)))

    assert (by_risk.quantity, by_risk.binding) == (D(2), "portfolio_risk")
    assert (by_cash.quantity, by_cash.binding) == (D("1.5"), "balance")
    assert (by_venue.quantity, by_venue.binding) == (D(2), "venue_max")


def test_exposure_in_the_same_asset_counts_against_the_cap() -> None:
    answer = size(SizingRequest(equity=D(10_000), entry=D(100), stop=D(95), asset_exposure=D(400)))

    assert (answer.quantity, answer.binding) == (D(6), "max_position")


def test_size_below_the_venues_minimum_is_rejected_never_rounded_up() -> None:
    small: dict[str, Any] = {"equity": D(100), "entry": D(100), "stop": D(95), "step": D("0.001")}

    by_quantity = size(SizingRequest(**small, min_quantity=D("0.5")))
    by_notional = size(SizingRequest(**small, min_notional=D(11)))

    assert (by_quantity.quantity, by_quantity.reason) == (D(0), "min_quantity")
    assert (by_notional.quantity, by_notional.reason) == (D(0), "min_notional")


def test_without_a_stop_the_whole_price_is_at_risk() -> None:
    assert unit_risk(100.0, math.nan, 0.0, 0.0) == 100.0


@pytest.mark.parametrize(
    ("quantity", "step", "lots"), [(0.29, 0.01, 29), (0.3, 0.1, 3), (0.299999, 0.1, 2), (0.0, 0.1, 0)]
)
def test_floats_own_noise_does_not_cost_a_step(quantity: float, step: float, lots: int) -> None:
    assert whole_lots(quantity, step) == lots


@pytest.mark.parametrize(
    "wrong",
    [
        {"equity": D(0)},
        {"stop": D(100)},
        {"stop": D(-1)},
        {"method": SizingMethod.ATR},
        {"max_position": 0.0},
    ],
)
def test_senseless_requests_are_refused(wrong: dict[str, object]) -> None:
    request: dict[str, Any] = {"equity": D(10_000), "entry": D(100), **wrong}

    with pytest.raises(InvalidInput):
        SizingRequest(**request)


@settings(derandomize=True, max_examples=200, deadline=None)
@given(
    equity=st.floats(50, 1e7),
    entry=st.floats(0.001, 1e5),
    distance=st.floats(0.002, 0.5),
    risk=st.floats(0.001, 0.05),
    cap=st.floats(0.01, 1.0),
    exposure=st.floats(0, 0.5),
    places=st.integers(0, 8),
)
def test_no_limit_is_ever_passed(
    equity: float, entry: float, distance: float, risk: float, cap: float, exposure: float, places: int
) -> None:
    request = SizingRequest(
        equity=D(repr(equity)), entry=D(repr(entry)), stop=D(repr(entry * (1 - distance))), risk_per_trade=risk,
        max_position=cap, asset_exposure=D(repr(equity * exposure)), step=D(1).scaleb(-places),
    )  # fmt: skip

    answer = size(request)

    slack = D(1) + D("1e-9")
    for limit in answer.limits.values():
        assert answer.quantity <= limit * slack + D("1e-9")
    assert answer.quantity % request.step == 0
    assert answer.limits[answer.binding] == min(answer.limits.values())
