"""Pivots: the thresholds, the ties and the traps of trading-rules.md A.5."""

from __future__ import annotations

from itertools import pairwise
from math import log

import numpy as np
import pytest

from tests.support.wave_series import HOUR_MS, candles_of, construction, walk
from trading.analysis.elliott import EventType, Pivot, WaveDetector, WaveSettings
from trading.candles import Candles

ONE = WaveSettings(degrees=(2.0,), floor_ratio=0.0)


def pivots_of(candles: Candles, setting: WaveSettings = ONE) -> list[Pivot]:
    events = WaveDetector(setting).run(candles).of_type(EventType.PIVOT_CONFIRMED)
    return [event.pivot for event in events if event.pivot]


def with_bars(rows: list[tuple[float, float, float, float]]) -> Candles:
    """Ten quiet falling bars of range 2, then the given (open, high, low, close)."""
    lead = [(100.0 - i, 101.0 - i, 99.0 - i, 100.0 - i) for i in range(10)]
    table = np.array(lead + rows)
    return candles_of(table[:, 0], table[:, 1], table[:, 2], table[:, 3])


LINEAR = WaveSettings(degrees=(2.0,), scale="linear", floor_ratio=0.0)


def test_pivots_alternate_and_are_known_after_their_extremes() -> None:
    for degree_pivots in (pivots_of(walk(3_000, seed)) for seed in range(3)):
        assert len(degree_pivots) > 100
        for a, b in pairwise(degree_pivots):
            assert a.kind != b.kind
            assert a.extreme_index <= b.extreme_index
            assert a.confirmed_index < b.confirmed_index
        assert all(p.extreme_index <= p.confirmed_index for p in degree_pivots)


def test_confirmation_needs_the_whole_threshold_of_the_bar_before() -> None:
    # The ATR is 2 when the low at 90 is set, so the threshold is 4 and 94 confirms it.
    just_short = with_bars([(91, 93.9, 91, 93.5)])
    enough = with_bars([(91, 94, 91, 93.5)])

    assert pivots_of(just_short, LINEAR) == []
    found = pivots_of(enough, LINEAR)
    assert [(p.kind, p.price, p.extreme_index, p.confirmed_index) for p in found] == [("L", 90.0, 9, 10)]
    assert found[0].threshold == pytest.approx(4.0)


def test_the_threshold_does_not_shrink_after_the_extreme() -> None:
    quiet = [(92.0, 92.2, 91.8, 92.0)] * 60

    assert pivots_of(with_bars([*quiet, (92, 93.9, 92, 93.9)]), LINEAR) == []
    assert len(pivots_of(with_bars([*quiet, (92, 94, 92, 94)]), LINEAR)) == 1


def test_the_range_of_the_bar_itself_is_not_in_its_threshold() -> None:
    # The bar that sets the low is 6 high, so its own ATR would demand more than 4.
    wide = with_bars([(91, 91, 85, 85.5), (85.5, 89, 85.5, 88)])

    found = pivots_of(wide, LINEAR)
    assert [p.price for p in found] == [85.0]
    assert found[0].threshold == pytest.approx(4.0)


def test_the_first_of_two_equal_highs_is_the_pivot() -> None:
    series = with_bars([(91, 97, 91, 97), (97, 97, 96, 96.5), (96.5, 97, 88, 88)])

    high = [p for p in pivots_of(series, LINEAR) if p.kind == "H"]

    assert [(p.price, p.extreme_index) for p in high] == [(97.0, 10)]


def test_a_bar_with_new_high_and_reversal_counts_only_its_close_against_itself() -> None:
    # High 97 and low 89 in one bar: the low may be older than the high, so only the close can confirm.
    undecided = with_bars([(91, 95, 91, 94), (94, 97, 89, 96)])
    decided = with_bars([(91, 95, 91, 94), (94, 97, 89, 90)])

    assert [p.kind for p in pivots_of(undecided, LINEAR)] == ["L"]
    found = pivots_of(decided, LINEAR)
    assert [(p.kind, p.price, p.extreme_index, p.confirmed_index) for p in found[1:]] == [("H", 97.0, 11, 11)]


def test_one_bar_confirms_one_pivot_and_the_next_bar_the_other() -> None:
    # Bar 10 confirms the low, sets the high 99 and closes 7 below it: the high waits for the next bar.
    series = with_bars([(91, 99, 91, 92), (92, 93, 92, 92.5)])

    found = pivots_of(series, LINEAR)

    assert [(p.kind, p.price, p.confirmed_index) for p in found] == [("L", 90.0, 10), ("H", 99.0, 11)]


def test_the_first_swing_sets_the_direction_and_is_no_pivot() -> None:
    # The rise from bar 0 is cut off by the start of the series: its low is not known to be one.
    found = pivots_of(construction((100, 140, 120, 150)))

    assert [(p.kind, p.price) for p in found] == [("H", 140.0), ("L", 120.0)]


def test_the_floor_keeps_thresholds_above_the_costs() -> None:
    quiet = walk(3_000, 4, volatility=0.0005)
    floor = 0.008

    found = pivots_of(quiet, WaveSettings(degrees=(2.0,), floor_ratio=floor))
    linear = pivots_of(quiet, WaveSettings(degrees=(2.0,), scale="linear", floor_ratio=floor))

    assert all(p.threshold == floor for p in found)
    assert all(p.threshold == pytest.approx(floor * p.price) for p in linear)
    assert 0 < len(found) < len(pivots_of(quiet)) / 5


def test_the_range_is_that_of_talib_once_the_window_is_full() -> None:
    import talib

    candles = walk(200, 9)
    detector = WaveDetector(WaveSettings(degrees=(2.0,), scale="linear", floor_ratio=0.0))
    atr = talib.ATR(candles.high, candles.low, candles.close, 14)
    thresholds = {p.extreme_index: p.threshold for p in pivots_of(candles, detector.settings)}

    late = [i for i in thresholds if i > 15]

    assert len(late) > 5
    assert [thresholds[i] for i in late] == pytest.approx([2.0 * atr[i - 1] for i in late], rel=1e-12)


def test_the_confirmation_price_of_the_running_leg_is_known_in_advance() -> None:
    candles = walk(1_500, 31)
    detector = WaveDetector(ONE)
    checked = 0

    for i in range(len(candles)):
        before = detector.provisional()
        bar = (candles.open[i], candles.high[i], candles.low[i], candles.close[i], candles.volume[i])
        events = detector.step(int(candles.ts_ms[i]), *bar)
        found = [e.pivot for e in events if e.pivot]
        if found and found[0].extreme_index < i:
            level = before[0].confirmation_price
            reached = (
                candles.low[i] <= level * (1 + 1e-9)
                if found[0].kind == "H"
                else candles.high[i] >= level * (1 - 1e-9)
            )
            # The close of the bar before may already have reached it (one bar confirms one pivot).
            assert reached or abs(log(candles.close[i - 1] / found[0].price)) >= found[0].threshold * (
                1 - 1e-9
            )
            assert found[0].price == before[0].extreme_price
            checked += 1

    assert checked > 50


def test_the_running_leg_is_never_among_the_pivots() -> None:
    candles = walk(2_000, 8)
    detector = WaveDetector(ONE)
    log_ = detector.run(candles)

    leg = detector.provisional()[0]

    last = max(e.pivot.extreme_index for e in log_ if e.pivot)
    assert leg.extreme_index >= last
    assert leg.start_pivot_id == max(e.pivot.id for e in log_ if e.pivot)
    assert leg.extreme_ms == leg.extreme_index * HOUR_MS
