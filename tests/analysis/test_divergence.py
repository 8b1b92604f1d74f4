"""Divergences on confirmed pivots."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from trading.analysis.divergence import MEMORY_BARS, DivergenceStream, divergences

FloatArray = NDArray[np.float64]

#: (bar of confirmation, kind, bar of the extreme, price)
Pivot = tuple[int, float, int, float]


def columns(bars: int, pivots: list[Pivot]) -> tuple[FloatArray, FloatArray, FloatArray]:
    kind, index, price = np.zeros(bars), np.full(bars, np.nan), np.full(bars, np.nan)
    for at, one, extreme, level in pivots:
        kind[at], index[at], price[at] = one, extreme, level
    return kind, index, price


@pytest.mark.parametrize(
    ("kind", "prices", "readings", "regular", "hidden"),
    [
        (-1.0, (100.0, 95.0), (25.0, 32.0), 1.0, 0.0),  # lower low, higher oscillator: bullish
        (-1.0, (100.0, 103.0), (32.0, 25.0), 0.0, 1.0),  # higher low, lower oscillator: hidden bullish
        (1.0, (100.0, 105.0), (75.0, 70.0), -1.0, 0.0),  # higher high, lower oscillator: bearish
        (1.0, (100.0, 97.0), (70.0, 75.0), 0.0, -1.0),
        (-1.0, (100.0, 95.0), (32.0, 25.0), 0.0, 0.0),  # both go down: none
        (-1.0, (100.0, 100.0), (25.0, 32.0), 0.0, 0.0),  # equal lows: none
    ],
)
def test_two_pivots_of_one_kind_are_compared_at_their_extremes(
    kind: float, prices: tuple[float, float], readings: tuple[float, float], regular: float, hidden: float
) -> None:
    oscillator = np.full(40, 50.0)
    oscillator[10], oscillator[25] = readings

    found = divergences(*columns(40, [(13, kind, 10, prices[0]), (29, kind, 25, prices[1])]), oscillator)

    assert found.regular[29] == regular
    assert found.hidden[29] == hidden
    assert np.count_nonzero(found.regular) + np.count_nonzero(found.hidden) == (regular != 0) + (hidden != 0)


def test_a_divergence_is_known_at_the_confirmation_not_at_the_extreme() -> None:
    oscillator = np.full(40, 50.0)
    oscillator[10], oscillator[25] = 25.0, 32.0

    found = divergences(*columns(40, [(13, -1.0, 10, 100.0), (29, -1.0, 25, 95.0)]), oscillator)

    assert found.regular[25:29].tolist() == [0.0] * 4
    assert found.regular[29] == 1.0


def test_pivots_of_different_kinds_are_never_compared() -> None:
    oscillator = np.full(40, 50.0)
    oscillator[10], oscillator[25] = 25.0, 32.0

    found = divergences(*columns(40, [(13, -1.0, 10, 100.0), (29, 1.0, 25, 95.0)]), oscillator)

    assert not found.regular.any()


def test_an_extreme_that_is_too_old_gives_no_divergence() -> None:
    bars = MEMORY_BARS + 20
    oscillator = np.full(bars, 50.0)
    oscillator[2], oscillator[5] = 25.0, 32.0
    pivots = [(3, -1.0, 2, 100.0), (bars - 1, -1.0, 5, 95.0)]

    assert not divergences(*columns(bars, pivots), oscillator).regular.any()


@given(seed=st.integers(0, 10_000))
@settings(max_examples=40, derandomize=True, deadline=None)
def test_the_stream_gives_the_bits_of_the_columns(seed: int) -> None:
    random = np.random.default_rng(seed)
    pivots: list[Pivot] = []
    bar, kind = 3, 1.0
    while bar < 290:
        pivots.append((bar, kind, bar - int(random.integers(0, 4)), float(random.normal(100, 5))))
        bar, kind = bar + int(random.integers(1, 20)), -kind
    oscillator = random.uniform(0, 100, 300)
    oscillator[:14] = np.nan
    inputs = columns(300, pivots)

    found = divergences(*inputs, oscillator)

    stream = DivergenceStream()
    rows = np.array([stream.step(*(float(x) for x in row)) for row in zip(*inputs, oscillator, strict=True)])
    np.testing.assert_array_equal(rows[:, 0], found.regular)
    np.testing.assert_array_equal(rows[:, 1], found.hidden)
