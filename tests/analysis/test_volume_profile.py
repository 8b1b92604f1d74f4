"""Volume profile: busiest price, value area, and the rolling columns."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.markets import walk_candles
from trading.analysis.indicators import compute
from trading.analysis.volume_profile import volume_profile
from trading.errors import InvalidInput, ShapeMismatch


def profile_of(
    *bars: tuple[float, float, float], width: float = 1.0
) -> tuple[float, float, float, list[float]]:
    low, high, volume = (np.array(column) for column in zip(*bars, strict=True))
    found = volume_profile(low, high, volume, width=width)
    return found.poc, found.value_low, found.value_high, found.volumes.tolist()


def test_the_worked_example_of_the_page() -> None:
    poc, low, high, volumes = profile_of((100.0, 102.0, 20.0), (101.0, 104.0, 30.0), (102.0, 103.0, 15.0))

    assert volumes == pytest.approx([10.0, 20.0, 25.0, 10.0])
    assert (poc, low, high) == (102.0, 101.0, 104.0)


def test_a_bar_without_range_puts_all_its_volume_in_one_bin() -> None:
    poc, low, high, volumes = profile_of((100.5, 100.5, 7.0), (103.0, 103.0, 2.0))

    assert volumes == [7.0, 0.0, 0.0, 2.0]
    assert (poc, low, high) == (100.0, 100.0, 101.0)


def test_of_two_equally_busy_bins_the_one_nearer_to_the_mean_wins_then_the_lower() -> None:
    nearer = profile_of((100.0, 101.0, 5.0), (104.0, 105.0, 5.0), (103.0, 104.0, 4.0))
    lower = profile_of((100.0, 101.0, 5.0), (102.0, 103.0, 5.0))

    assert nearer[0] == 104.0
    assert lower[0] == 100.0


@given(
    bars=st.lists(
        st.tuples(st.floats(90.0, 110.0), st.floats(0.0, 8.0), st.floats(0.1, 100.0)), min_size=1, max_size=30
    )
)
@settings(max_examples=80, derandomize=True, deadline=None)
def test_volume_is_conserved_and_the_value_area_holds_its_share(
    bars: list[tuple[float, float, float]],
) -> None:
    low = np.array([bar[0] for bar in bars])
    high = low + np.array([bar[1] for bar in bars])
    volume = np.array([bar[2] for bar in bars])

    found = volume_profile(low, high, volume, width=0.5)

    assert found.total == pytest.approx(volume.sum(), rel=1e-9)
    first = round(found.value_low / 0.5) - found.first_bin
    last = round(found.value_high / 0.5) - found.first_bin
    assert found.volumes[first:last].sum() >= 0.7 * found.total * (1 - 1e-9)
    assert found.value_low <= found.poc < found.value_high


def test_rolling_columns_lie_inside_the_window_and_see_past_bars_only() -> None:
    candles = walk_candles(200, seed=2)

    columns = compute("volume_profile:48:20", candles)
    poc, low, high = columns.values()

    for t in range(47, 200):
        window = slice(t - 47, t + 1)
        span = candles.high[window].max() - candles.low[window].min()
        assert low[t] < poc[t] < high[t]
        assert candles.low[window].min() - span / 4 <= low[t]
        assert high[t] <= candles.high[window].max() + span / 4


def test_wrong_input_is_refused() -> None:
    one, two = np.ones(1), np.ones(2)

    with pytest.raises(ShapeMismatch):
        volume_profile(one, two, one, width=1.0)
    with pytest.raises(InvalidInput, match="width 0"):
        volume_profile(one, one, one, width=0.0)
    with pytest.raises(InvalidInput, match="wider bin"):
        volume_profile(one, one * 1e6, one, width=1e-3)
