"""The ladder, break-even and trailing: the worked numbers of trading-rules.md B.3."""

from __future__ import annotations

import math
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading.risk.exits import (
    break_even_stop,
    is_tighter,
    is_trailing_active,
    ladder,
    split_ladder,
    trailing_stop,
)

D = Decimal
FULL = (0.5, 0.3, 0.2)


def test_worked_ladder_floors_to_the_step_and_loses_no_unit() -> None:
    legs = ladder(quantity=D("0.01237"), fractions=FULL, prices=(D(102), D(105), D(110)), step=D("0.0001"))

    assert [leg.quantity for leg in legs] == [D("0.0061"), D("0.0036"), D("0.0026")]


def test_leg_below_the_minimum_is_merged_into_the_next_farther_one() -> None:
    # 0.5·100 = 50, 0.3·100 = 30 and 0.2·100 = 20: the middle one is too small alone, the last with it is not.
    legs = ladder(
        quantity=D(1), fractions=(0.6, 0.15, 0.25), prices=(D(100), D(100), D(100)), step=D("0.01"),
        min_notional=D(20),
    )  # fmt: skip

    assert [(leg.leg, leg.quantity) for leg in legs] == [(1, D("0.60")), (3, D("0.40"))]


def test_last_leg_below_the_minimum_is_merged_into_the_previous() -> None:
    legs = ladder(
        quantity=D(1), fractions=FULL, prices=(D(100), D(100), D(100)), step=D("0.01"), min_notional=D(25)
    )

    assert [(leg.leg, leg.quantity) for leg in legs] == [(1, D("0.50")), (2, D("0.50"))]


def test_position_too_small_for_any_leg_leaves_at_the_first_target() -> None:
    legs = ladder(
        quantity=D("0.2"), fractions=FULL, prices=(D(100), D(105), D(110)), step=D("0.01"), min_notional=D(50)
    )

    assert [(leg.leg, leg.quantity) for leg in legs] == [(1, D("0.20"))]


def test_the_last_leg_is_large_enough_for_the_protective_stop_that_covers_it() -> None:
    # 20 at 102 is a leg of its own, 18 at the stop of 90 is not.
    of = {"quantity": D(1), "fractions": FULL, "prices": (D(102), D(102), D(102)), "step": D("0.01")}

    assert [leg.quantity for leg in ladder(**of, min_notional=D(20))] == [D("0.50"), D("0.30"), D("0.20")]  # type: ignore[arg-type]
    assert [leg.quantity for leg in ladder(**of, min_notional=D(20), stop=D(90))] == [D("0.50"), D("0.50")]  # type: ignore[arg-type]


def test_a_leg_below_the_smallest_quantity_is_merged() -> None:
    legs = ladder(
        quantity=D(1), fractions=FULL, prices=(D(101), D(102), D(103)), step=D("0.01"), min_quantity=D("0.3")
    )

    assert [(leg.leg, leg.quantity) for leg in legs] == [(1, D("0.50")), (2, D("0.50"))]


def test_what_would_ride_on_too_small_to_be_stopped_leaves_with_the_last_target() -> None:
    def split(stop: float) -> list[int]:
        out = np.zeros(3, np.int64)
        split_ladder(
            100, np.array([0.5, 0.3, 0.0]), np.array([101.0, 102.0, math.nan]), 1.0, 0, 1_900.0, stop, out
        )
        return out.tolist()

    assert split(96.0) == [50, 30, 0]
    assert split(94.0) == [50, 50, 0]


def test_targets_without_a_price_take_nothing_and_the_rest_rides() -> None:
    out = np.zeros(3, np.int64)

    split_ladder(100, np.array(FULL), np.array([101.0, math.nan, math.nan]), 1.0, 0, 0.0, math.nan, out)

    assert out.tolist() == [50, 0, 0]


@pytest.mark.parametrize("side", [1, -1])
def test_break_even_leaves_nothing_after_both_fees_and_slippage(side: int) -> None:
    price, fee, slippage = 100.0, 0.001, 0.0005

    stop = break_even_stop(side, price, fee, fee, slippage)

    fill = stop * (1 - side * slippage)
    assert side * (fill - price) - fee * price - fee * fill == pytest.approx(0.0, abs=1e-12)


def test_trailing_follows_the_best_price_and_only_tightens() -> None:
    assert trailing_stop(1, 110.0, 0.05) == pytest.approx(104.5)
    assert trailing_stop(-1, 90.0, 0.05) == pytest.approx(94.5)
    assert is_tighter(1, 104.5, 104.0)
    assert not is_tighter(-1, 104.5, 104.0)
    assert is_tighter(1, 1.0, math.nan)


def test_trailing_starts_at_its_gain_inclusive() -> None:
    assert is_trailing_active(1, 100.0, 110.0, 0.10)
    assert not is_trailing_active(1, 100.0, 109.99, 0.10)
    assert is_trailing_active(-1, 100.0, 90.0, 0.10)


@settings(derandomize=True, max_examples=200, deadline=None)
@given(
    lots=st.integers(1, 10**9),
    weights=st.lists(st.integers(1, 100), min_size=1, max_size=3),
    price=st.floats(0.01, 1e5),
    minimum=st.floats(0, 1e4),
    least=st.integers(0, 1_000),
    fall=st.one_of(st.none(), st.floats(0.01, 0.9)),
)
def test_full_ladder_always_covers_the_whole_position(
    lots: int, weights: list[int], price: float, minimum: float, least: int, fall: float | None
) -> None:
    total = sum(weights)
    fractions = np.array([w / total for w in weights] + [0.0] * (3 - len(weights)))
    prices = np.array([price * (1 + k / 10) for k in range(len(weights))] + [math.nan] * (3 - len(weights)))
    stop = math.nan if fall is None else price * (1 - fall)
    out = np.zeros(3, np.int64)

    split_ladder(lots, fractions, prices, 0.01, least, minimum, stop, out)

    assert out.sum() == lots
    assert (out >= 0).all()
    legs = [(int(q), float(p)) for q, p in zip(out, prices, strict=True) if q]
    if len(legs) > 1:
        assert min(q for q, _ in legs) >= least
        assert min(q * 0.01 * p for q, p in legs) >= minimum
        q, p = legs[-1]
        assert q * 0.01 * (p if fall is None else min(p, stop)) >= minimum
