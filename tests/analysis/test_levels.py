"""Support and resistance from confirmed pivots."""

from __future__ import annotations

import numpy as np

from trading.analysis.levels import LevelStream, level_columns


def test_the_nearest_pivots_on_both_sides_are_support_and_resistance() -> None:
    kind = np.array([1.0, -1.0, 1.0, -1.0, 0.0])
    price = np.array([110.0, 95.0, 104.0, 98.0, np.nan])
    close, atr = np.full(5, 100.0), np.full(5, 2.0)

    support, below, resistance, above = level_columns(kind, price, close, atr)

    assert (support[4], resistance[4]) == (98.0, 104.0)
    assert (below[4], above[4]) == (1.0, 1.0)
    assert np.isnan(support[0])
    assert resistance[0] == 110.0


def test_pivots_within_half_an_atr_count_as_touches_of_one_level() -> None:
    kind = np.array([1.0, 1.0, 1.0])
    price = np.array([104.0, 104.9, 106.0])

    _, _, resistance, touches = level_columns(kind, price, np.full(3, 100.0), np.full(3, 2.0))

    assert resistance[2] == 104.0
    assert touches[2] == 2.0


def test_a_level_that_price_passed_changes_its_role() -> None:
    kind = np.array([1.0, 0.0])
    price = np.array([104.0, np.nan])

    support, _, resistance, _ = level_columns(kind, price, np.array([100.0, 105.0]), np.full(2, 2.0))

    assert resistance[0] == 104.0
    assert support[1] == 104.0
    assert np.isnan(resistance[1])


def test_only_the_last_pivots_are_remembered() -> None:
    kind, price = np.ones(6), np.array([101.0, 110.0, 111.0, 112.0, 113.0, 114.0])

    _, _, resistance, _ = level_columns(kind, price, np.full(6, 100.0), np.full(6, 1.0), pivots=3)

    assert resistance[2] == 101.0
    assert resistance[5] == 112.0


def test_the_stream_gives_the_bits_of_the_columns() -> None:
    random = np.random.default_rng(4)
    kind = random.choice([0.0, 0.0, 0.0, 1.0, -1.0], 300)
    price, close = random.normal(100, 5, 300), random.normal(100, 5, 300)
    atr = random.uniform(0.5, 2.0, 300)
    atr[:14] = np.nan

    columns = np.array(level_columns(kind, price, close, atr)).T

    stream = LevelStream()
    rows = np.array(
        [stream.step(*(float(x) for x in row)) for row in zip(kind, price, close, atr, strict=True)]
    )
    np.testing.assert_array_equal(rows, columns)
