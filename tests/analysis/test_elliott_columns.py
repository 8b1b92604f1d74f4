"""Columns for strategies: complete for trading-rules.md A.9, causal, and the same live."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.wave_series import IMPULSE, construction, real_series, walk
from trading.analysis.elliott import (
    COLUMN_NAMES,
    EventType,
    WaveColumns,
    WaveColumnStream,
    WaveDetector,
    WaveSettings,
    wave_columns,
)
from trading.analysis.elliott.records import IMPULSE as IMPULSE_CODE
from trading.candles import Candles
from trading.errors import BadParameter, InvalidInput

ONE = WaveSettings(degrees=(2.0,), floor_ratio=0.0)
MANY = WaveSettings(degrees=(2.0, 4.0, 8.0), floor_ratio=0.0)


def row(columns: WaveColumns, bar: int, names: str) -> list[float]:
    return [float(getattr(columns, name)[bar]) for name in names.split()]


def assert_row(columns: WaveColumns, bar: int, told: dict[str, float | int]) -> None:
    for name in COLUMN_NAMES:
        value = getattr(columns, name)[bar]
        assert value == told[name] or (np.isnan(value) and np.isnan(told[name])), (bar, name)


def test_waves_two_and_four_and_the_end_of_the_impulse_are_setups_at_their_confirmation() -> None:
    columns = wave_columns(construction(IMPULSE), ONE, 0)

    assert {int(bar): int(columns.setup[bar]) for bar in np.flatnonzero(columns.setup)} == {
        30: 2, 44: 3, 51: 4, 63: 5
    }  # fmt: skip
    assert row(columns, 30, "direction p0 p1 p2 invalidation retrace") == [1, 100, 120, 108, 100, 0.6]
    assert row(columns, 51, "direction p3 p4 invalidation retrace") == pytest.approx(
        [1, 145, 130, 120, 15 / 37]
    )
    assert row(columns, 63, "direction p5 invalidation retrace pattern") == [1, 155, 155, 1.25, IMPULSE_CODE]
    assert np.isnan(columns.p3[30])
    assert columns.p_index3[30] == -1
    assert columns.p_index5[63] == 59


def test_the_label_in_progress_is_held_between_confirmations() -> None:
    label = wave_columns(construction(IMPULSE), ONE, 0).current_label

    assert label[:30].tolist() == [0] * 30
    assert label[30:44].tolist() == [3] * 14
    assert label[44:51].tolist() == [4] * 7
    assert label[51:63].tolist() == [5] * 12
    assert label[63:].tolist() == [11] * 7


def test_after_an_impulse_the_legs_are_a_b_and_c() -> None:
    columns = wave_columns(construction((*IMPULSE, 148, 130, 160)), ONE, 0)

    after = columns.current_label[63:]

    # After C the fall may also be read as three waves of an impulse down, until the rise overlaps.
    assert [int(x) for x in dict.fromkeys(after.tolist())] == [11, 12, 13, 4, 0]


def test_a_finished_correction_names_its_pivots_and_the_move_after_it() -> None:
    columns = wave_columns(construction((100, 140, 120, 132, 110, 125)), ONE, 0)

    bar = int(np.flatnonzero(columns.corrective == 3)[0])

    assert row(columns, bar, "setup direction a0 a b c corrective_direction") == [3, 1, 140, 120, 132, 110, 1]
    assert row(columns, bar, "invalidation retrace") == [110, 0.6]
    # Nothing was published before a0, whose own leg began with the series.
    assert np.isnan(columns.before_a0[bar])


def test_the_range_of_a_corrective_phase_lives_while_the_phase_does() -> None:
    columns = wave_columns(construction((100, 140, 120, 132, 110, 125)), ONE, 0)
    opened = int(np.flatnonzero(columns.corrective == 6)[0])
    done = int(np.flatnonzero(columns.corrective == 3)[0])

    # C is expected at B - 1.0 A = 112, above it stand A at 120, B at 132 and a0 at 140.
    assert row(columns, opened, "range_low range_high") == [112, 140]
    assert np.isnan(columns.range_low[:opened]).all()
    assert not np.isnan(columns.range_low[opened:done]).any()
    # At the bar that ends the phase another one may open, with another range.
    assert columns.range_low[done] != 112


def test_a_triangle_in_progress_gives_the_band_of_its_last_swings() -> None:
    columns = wave_columns(construction((100, 150, 120, 143, 126, 138, 130, 150)), ONE, 0)

    found = {
        tuple(row(columns, int(i), "range_low range_high")) for i in np.flatnonzero(columns.corrective == 6)
    }
    done = [int(i) for i in np.flatnonzero(columns.corrective == 3)]

    assert (126.0, 138.0) in found
    assert row(columns, done[-1], "a0 a b c corrective_direction") == [150, 120, 138, 130, 1]


def test_a_dead_count_is_forgotten() -> None:
    # The rise to 112 is wave 1, and wave 2 falls through its start.
    columns = wave_columns(construction((130, 100, 120, 110, 116, 90, 100)), ONE, 0)
    setup = int(np.flatnonzero(columns.setup == 2)[0])

    dead = setup + int(np.flatnonzero(columns.direction[setup:] != columns.direction[setup])[0])

    assert columns.current_label[setup] == 3
    assert row(columns, setup, "p0 p1 p2") == [100, 120, 110]
    assert columns.p0[dead] != 100


def test_columns_have_one_value_per_bar_of_the_declared_types() -> None:
    columns = wave_columns(walk(500, 1), MANY, 1)

    for name in COLUMN_NAMES:
        column = getattr(columns, name)
        assert column.shape == (500,)
        assert column.flags["C_CONTIGUOUS"]
        assert column.dtype in (np.float64, np.int64, np.int8)
    assert set(np.unique(columns.setup)) <= {0, 2, 3, 4, 5, 6}
    assert set(np.unique(columns.current_label)) <= {0, 3, 4, 5, 11, 12, 13}


def test_published_pivots_stand_in_the_bar_that_confirmed_them() -> None:
    candles = walk(2_000, 3)
    columns = wave_columns(candles, MANY, 1)

    pivots = [
        e.pivot for e in WaveDetector(MANY).run(candles).of_type(EventType.PIVOT_CONFIRMED) if e.degree == 1
    ]

    told = {
        int(bar): (columns.pivot_price[bar], columns.pivot_kind[bar], columns.pivot_index[bar])
        for bar in np.flatnonzero(columns.pivot_kind)
    }
    assert told == {
        p.confirmed_index: (p.price, 1 if p.kind == "H" else -1, p.extreme_index) for p in pivots if p
    }


def test_what_a_strategy_needs_at_a_setup_is_there() -> None:
    series = [candles for _, candles in real_series(2)] or [walk(4_000, 5), walk(4_000, 6)]

    for candles in series:
        columns = wave_columns(candles, ONE, 0)
        for setup, pivots in ((2, 3), (4, 5), (5, 6)):
            rows = np.flatnonzero(columns.setup == setup)
            assert len(rows) > 0
            assert np.isin(columns.direction[rows], (-1, 1)).all()
            for i in range(pivots):
                assert np.isfinite(getattr(columns, f"p{i}")[rows]).all()
                assert (getattr(columns, f"p_index{i}")[rows] >= 0).all()
            assert np.isfinite(columns.invalidation[rows]).all()
            assert (columns.retrace[rows] > 0.0).all()
        entries = np.flatnonzero(np.isin(columns.setup, (2, 4)))
        risk = columns.direction[entries] * (candles.close[entries] - columns.invalidation[entries])
        assert (risk > 0.0).all()
        done = np.flatnonzero(columns.corrective == 3)
        for name in ("a0", "a", "b", "c"):
            assert np.isfinite(getattr(columns, name)[done]).all()


def live_rows(
    stream: WaveColumnStream, candles: Candles, start: int, stop: int
) -> list[dict[str, float | int]]:
    return [
        stream.step(
            int(candles.ts_ms[i]), candles.open[i], candles.high[i], candles.low[i], candles.close[i],
            candles.volume[i],
        )
        for i in range(start, stop)
    ]  # fmt: skip


def test_live_rows_are_the_rows_of_history_also_after_a_restart() -> None:
    candles = walk(1_500, 9)
    for degree in range(3):
        columns = wave_columns(candles, MANY, degree)
        stream = WaveColumnStream(MANY, degree)

        rows = live_rows(stream, candles, 0, 700)
        stream = WaveColumnStream.restore(stream.snapshot(), degree)
        rows += live_rows(stream, candles, 700, len(candles))

        assert tuple(rows[0]) == COLUMN_NAMES
        for bar, told in enumerate(rows):
            assert_row(columns, bar, told)


@settings(derandomize=True, max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), cut=st.integers(1, 399), degree=st.integers(0, 2))
def test_a_cut_future_changes_no_row(seed: int, cut: int, degree: int) -> None:
    candles = walk(400, seed, volatility=0.02)
    whole, part = (wave_columns(c, MANY, degree) for c in (candles, candles.rows(0, cut)))

    for name in COLUMN_NAMES:
        np.testing.assert_array_equal(getattr(whole, name)[:cut], getattr(part, name), err_msg=name)


def test_a_missing_degree_and_a_foreign_snapshot_are_refused() -> None:
    with pytest.raises(BadParameter, match="0 to 0 is allowed"):
        wave_columns(walk(10, 1), ONE, 1)
    with pytest.raises(BadParameter):
        WaveColumnStream(ONE, -1)
    with pytest.raises(InvalidInput):
        WaveColumnStream.restore(b"short", 0)
    with pytest.raises(InvalidInput):
        WaveColumnStream.restore(bytes(5_000), 0)
