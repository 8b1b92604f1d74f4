"""Ichimoku with the causal cloud."""

from __future__ import annotations

import numpy as np

from tests.support.markets import reference_candles, walk_candles
from trading.analysis.indicators import compute

SPEC = "ichimoku:9:26:52:26"


def test_lines_and_cloud_equal_the_reference_values() -> None:
    columns = compute(SPEC, reference_candles())

    found = [
        columns[f"{SPEC}.{name}"][119]
        for name in ("tenkan", "kijun", "span_a", "span_b", "ahead_a", "ahead_b")
    ]
    np.testing.assert_allclose(
        found, [105.153450, 111.203950, 105.222250, 106.468700, 108.178700, 109.591900], rtol=0, atol=1e-8
    )
    early = [columns[f"{SPEC}.{name}"][60] for name in ("tenkan", "kijun", "span_a", "span_b")]
    np.testing.assert_allclose(early, [97.931750, 104.874450, 101.279625, np.nan], rtol=0, atol=1e-8)


def test_the_cloud_of_a_bar_is_the_one_computed_26_bars_before() -> None:
    columns = compute(SPEC, walk_candles(200, seed=1))

    np.testing.assert_array_equal(columns[f"{SPEC}.span_a"][26:], columns[f"{SPEC}.ahead_a"][:-26])
    np.testing.assert_array_equal(columns[f"{SPEC}.span_b"][26:], columns[f"{SPEC}.ahead_b"][:-26])


def test_the_lagging_line_is_only_a_comparison_with_the_past() -> None:
    candles = walk_candles(200, seed=1)

    change = compute(SPEC, candles)[f"{SPEC}.lagging_change"]

    np.testing.assert_array_equal(change[26:], candles.close[26:] - candles.close[:-26])
    assert np.isnan(change[:26]).all()
