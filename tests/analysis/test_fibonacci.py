"""Fibonacci levels in linear price."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading.analysis.fibonacci import (
    extension,
    extension_levels,
    retraced_ratio,
    retracement,
    retracement_levels,
)


def test_retracement_levels_of_100_to_120_are_those_of_the_page() -> None:
    found = [(level.ratio, round(level.price, 2)) for level in retracement_levels(100.0, 120.0)]

    assert found == [(0.236, 115.28), (0.382, 112.36), (0.5, 110.0), (0.618, 107.64), (0.786, 104.28)]


def test_extension_levels_of_100_120_108_are_those_of_the_page() -> None:
    levels = extension_levels(100.0, 120.0, 108.0, ratios=(1.0, 1.618, 2.618))

    assert [round(level.price, 2) for level in levels] == [128.0, 140.36, 160.36]


def test_a_falling_move_mirrors_a_rising_one() -> None:
    assert retracement(120.0, 100.0, 0.5) == 110.0
    assert extension(120.0, 100.0, 112.0, 1.0) == 92.0


@given(
    start=st.floats(1.0, 1e6),
    move=st.floats(0.01, 0.9),
    ratio=st.floats(0.0, 2.0),
    rising=st.booleans(),
)
@settings(max_examples=100, derandomize=True)
def test_the_ratio_of_a_level_is_the_ratio_it_was_asked_for(
    start: float, move: float, ratio: float, rising: bool
) -> None:
    end = start * (1.0 + move if rising else 1.0 - move)

    price = retracement(start, end, ratio)

    assert retraced_ratio(start, end, price) == pytest.approx(ratio, abs=1e-9)
