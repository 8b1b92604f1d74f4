"""Wave entries against table A.9: zones, stops, targets, vetoes, on frames written by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from strategies.breakout import Breakout
from strategies.elliott_wave import ElliottWave
from strategies.frame import Frame
from strategies.grid_trading import GridTrading
from strategies.momentum import Momentum
from strategies.plan import columns_of
from strategies.rule_strategy import RuleStrategy
from strategies.trend_following import TrendFollowing
from strategies.waves import FIELDS
from trading.errors import BadParameter
from trading.signals import EntryType, Exit, Signal

FloatArray = NDArray[np.float64]

ROWS = 4

#: A wave 2 confirmed at 110 after 100-120-108, retraced by 0.6, ATR 2.
WAVE_2_UP = {
    "setup": 2.0,
    "direction": 1.0,
    "p0": 100.0,
    "p1": 120.0,
    "p2": 108.0,
    "retrace": 0.6,
    "score": 0.5,
}
#: A wave 4 confirmed at 136 after 100-120-108-145-134, retraced by 11/37.
WAVE_4_UP = {
    "setup": 4.0,
    "direction": 1.0,
    "p0": 100.0,
    "p1": 120.0,
    "p2": 108.0,
    "p3": 145.0,
    "p4": 134.0,
    "retrace": 11 / 37,
    "score": 0.5,
}


def frame(waves: dict[str, float], **columns: float) -> Frame:
    """Give a frame whose last row holds these values and whose other rows hold nothing of the waves."""
    out: dict[str, FloatArray] = {}
    for name in (*FIELDS, "divergence", "hidden"):
        out[f"wave.{name}"] = np.full(ROWS, np.nan)
        out[f"wave.{name}"][-1] = waves.get(name, np.nan)
    for name, value in {
        "open": 110.0,
        "high": 111.0,
        "low": 109.0,
        "close": 110.0,
        "volume": 5.0,
        **columns,
    }.items():
        out[name] = np.full(ROWS, value)
    return Frame(out, ROWS)


def last_row(strategy: RuleStrategy, seen: Frame) -> Signal:
    return columns_of(strategy.plan(seen), seen["close"], strategy.tags).row(ROWS - 1)


def mirrored(waves: dict[str, float], around: float = 200.0) -> dict[str, float]:
    prices = {"p0", "p1", "p2", "p3", "p4", "a0", "a", "b", "c"}
    out = {name: around - value if name in prices else value for name, value in waves.items()}
    return {**out, "direction": -waves["direction"]}


def wide(**more: object) -> ElliottWave:
    return ElliottWave(stop_min_ratio=0.0, stop_max_ratio=0.5, **more)


def test_wave_2_enters_with_the_stop_beyond_its_origin_and_wave_3_targets() -> None:
    row = last_row(wide(), frame(WAVE_2_UP, atr=2.0))

    assert row.enter == 1
    assert row.stop == 100.0 - 0.25 * 2.0
    np.testing.assert_allclose(row.targets, [128.0, 140.36, 160.36])
    assert row.entry_type is EntryType.MARKET


def test_wave_4_enters_with_the_stop_beyond_wave_1_and_wave_5_targets() -> None:
    row = last_row(wide(), frame(WAVE_4_UP, atr=2.0, close=136.0))

    assert row.enter == 1
    assert row.stop == 120.0 - 0.5
    np.testing.assert_allclose(row.targets, [134.0 + 20 * r for r in (0.618, 1.0, 1.618)])


def test_a_short_mirrors_a_long() -> None:
    row = last_row(wide(), frame(mirrored(WAVE_2_UP), atr=2.0, close=90.0))

    assert row.enter == -1
    assert row.stop == 100.5
    np.testing.assert_allclose(row.targets, [72.0, 59.64, 39.64])


@pytest.mark.parametrize(("retrace", "enter"), [(0.49, 0), (0.5, 1), (0.786, 1), (0.79, 0)])
def test_wave_2_outside_its_zone_is_not_traded(retrace: float, enter: int) -> None:
    assert last_row(wide(), frame({**WAVE_2_UP, "retrace": retrace}, atr=2.0)).enter == enter


@pytest.mark.parametrize(("retrace", "enter"), [(0.23, 0), (0.236, 1), (0.5, 1), (0.51, 0)])
def test_wave_4_outside_its_zone_is_not_traded(retrace: float, enter: int) -> None:
    seen = frame({**WAVE_4_UP, "retrace": retrace}, atr=2.0, close=136.0)

    assert last_row(wide(), seen).enter == enter


def test_a_stop_nearer_than_2_or_further_than_5_percent_is_skipped() -> None:
    far = frame(WAVE_2_UP, atr=2.0)
    near = frame({**WAVE_2_UP, "p0": 108.5, "p2": 109.0}, atr=2.0)
    fitting = frame({**WAVE_2_UP, "p0": 106.0, "p2": 109.0}, atr=2.0)

    assert last_row(ElliottWave(), far).enter == 0
    assert last_row(ElliottWave(), near).enter == 0
    assert last_row(ElliottWave(), fitting).enter == 1


def test_a_wide_stop_may_be_sized_down_instead() -> None:
    strategy = ElliottWave(wide_stop="size_down")

    row = last_row(strategy, frame(WAVE_2_UP, atr=2.0))

    assert row.enter == 1
    assert row.size_hint == pytest.approx(0.01 * 0.05 / ((110.0 - 99.5) / 110.0))


def test_a_first_target_already_passed_moves_the_ladder_up() -> None:
    row = last_row(wide(), frame(WAVE_2_UP, atr=2.0, close=130.0))

    np.testing.assert_allclose(row.targets, [140.36, 160.36, 108.0 + 4.236 * 20.0])


def test_a_limit_rests_at_the_near_edge_of_the_zone_or_at_the_close() -> None:
    above = last_row(wide(order="limit"), frame(WAVE_2_UP, atr=2.0, close=112.0))
    below = last_row(wide(order="limit"), frame(WAVE_2_UP, atr=2.0, close=109.0))

    assert (above.entry_type, above.entry_price, above.expiry_bars) == (EntryType.LIMIT, 110.0, 12)
    assert below.entry_price == 109.0


def test_trend_following_enters_waves_only_with_the_trend_and_leaves_after_wave_5() -> None:
    strategy = TrendFollowing(entry="waves", stop_min_ratio=0.0, stop_max_ratio=0.5)
    averages = {"fast": 1.0, "slow": 1.0, "atr": 2.0}

    assert last_row(strategy, frame(WAVE_2_UP, trend=100.0, **averages)).enter == 1
    assert last_row(strategy, frame(WAVE_2_UP, trend=115.0, **averages)).enter == 0
    done = last_row(strategy, frame({"setup": 5.0, "direction": 1.0}, trend=100.0, **averages))
    assert (done.enter, done.exit) == (0, int(Exit.LONG))
    assert strategy.tags[done.exit_tag] == "wave5_done"


def momentum_row(
    label: float, rsi: float, *, up: bool = True, hist: tuple[float, float] = (0.0, 1.0)
) -> Signal:
    strategy = Momentum(stop_min_ratio=0.0, stop_max_ratio=0.5)
    waves = {**WAVE_2_UP, "current_label": label}
    seen = frame(waves if up else mirrored(waves), atr=2.0, rsi=rsi, macd=0.0, close=110.0 if up else 90.0)
    histogram = np.full(ROWS, hist[0])
    histogram[-1] = hist[1]
    columns = {name: seen[name] for name in seen.names()} | {"macd.hist": histogram}
    return last_row(strategy, Frame(columns, ROWS))


@pytest.mark.parametrize(
    ("label", "rsi", "enter"), [(5.0, 71.0, 0), (5.0, 70.0, 1), (3.0, 90.0, 1), (5.0, 40.0, 1)]
)
def test_an_overbought_wave_5_vetoes_a_long_and_exactly_70_does_not(
    label: float, rsi: float, enter: int
) -> None:
    assert momentum_row(label, rsi).enter == enter


@pytest.mark.parametrize(("rsi", "enter"), [(29.0, 0), (30.0, -1), (60.0, -1)])
def test_an_oversold_wave_5_down_vetoes_a_short(rsi: float, enter: int) -> None:
    assert momentum_row(5.0, rsi, up=False, hist=(0.0, -1.0)).enter == enter


def test_momentum_needs_a_turning_histogram_or_a_divergence() -> None:
    strategy = Momentum(stop_min_ratio=0.0, stop_max_ratio=0.5)
    plain = {"atr": 2.0, "rsi": 50.0, "macd": 0.0, "macd.hist": 1.0}

    assert momentum_row(3.0, 50.0, hist=(1.0, 0.5)).enter == 0
    assert last_row(strategy, frame(WAVE_2_UP, **plain)).enter == 0
    assert last_row(strategy, frame({**WAVE_2_UP, "divergence": 1.0}, **plain)).enter == 1
    assert last_row(strategy, frame({**WAVE_2_UP, "divergence": -1.0}, **plain)).enter == 0


def breakout_frame(change: Callable[[dict[str, FloatArray]], None] = lambda columns: None) -> Frame:
    """Give an A-B-C 120-105-112-100 confirmed at row 1, and a close above B with volume at the last row."""
    seen = frame({}, atr=2.0, median=5.0, close=104.0, high=105.0, low=103.0)
    columns = {name: seen[name].copy() for name in seen.names()}
    abc = {"setup": 3.0, "direction": 1.0, "a0": 120.0, "a": 105.0, "b": 112.0, "c": 100.0, "score": 0.5}
    for name, value in abc.items():
        columns[f"wave.{name}"][1] = value
    columns["close"][-1], columns["high"][-1] = 113.0, 113.5
    change(columns)
    return Frame(columns, ROWS)


def put(name: str, row: int, value: float) -> Callable[[dict[str, FloatArray]], None]:
    def change(columns: dict[str, FloatArray]) -> None:
        columns[name][row] = value

    return change


def test_a_close_above_b_with_volume_enters_with_the_stop_below_c() -> None:
    row = last_row(Breakout(stop_max_ratio=0.2), breakout_frame())

    assert row.enter == 1
    assert row.stop == 100.0 - 0.5
    np.testing.assert_allclose(row.targets[:2], [112.0 + 20.0, 112.0 + 1.618 * 20.0])


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (put("volume", -1, 4.9), "volume below the median"),
        (put("low", 2, 99.0), "the correction went on below C"),
        (put("close", 2, 112.5), "not the first close above B"),
        (put("close", -1, 112.0), "a close at B is not above it"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_a_breakout_is_refused(change: Callable[[dict[str, FloatArray]], None], why: str) -> None:
    assert last_row(Breakout(stop_max_ratio=0.2), breakout_frame(change)).enter == 0, why


def test_the_conservative_level_is_the_extreme_before_c() -> None:
    strategy = Breakout(stop_max_ratio=0.3, level="extreme")

    assert last_row(strategy, breakout_frame()).enter == 0
    assert last_row(strategy, breakout_frame(put("close", -1, 121.0))).enter == 1


def test_a_resting_stop_order_lies_at_b_and_is_vetoed_after_a_fill_without_volume() -> None:
    strategy = Breakout(order="stop", stop_max_ratio=0.2, wait_bars=6)
    seen = breakout_frame(put("volume", -1, 1.0))

    columns = columns_of(strategy.plan(seen), seen["close"], strategy.tags)

    order = columns.row(1)
    assert (order.enter, order.entry_type, order.entry_price, order.expiry_bars) == (
        1,
        EntryType.STOP,
        112.0,
        6,
    )
    assert columns.row(3).exit == Exit.LONG
    assert strategy.tags[columns.row(3).exit_tag] == "break_without_volume"


def test_a_grid_needs_a_range_around_the_close_and_a_step_that_pays() -> None:
    band = {"range_low": 100.0, "range_high": 120.0}
    strategy = GridTrading(levels=4)

    row = last_row(strategy, frame(band, atr=2.0))

    assert (row.enter, row.grid_low, row.grid_high, row.grid_levels) == (1, 100.0, 120.0, 4)
    assert row.stop == 98.0
    assert last_row(strategy, frame(band, atr=2.0, close=121.0)).enter == 0
    narrow = {"range_low": 108.0, "range_high": 111.0}
    assert last_row(strategy, frame(narrow, atr=2.0)).enter == 0


@pytest.mark.parametrize(("close", "tag"), [(122.5, "range_left_up"), (97.5, "range_left_down")])
def test_a_close_beyond_the_range_by_one_atr_ends_the_grid(close: float, tag: str) -> None:
    strategy = GridTrading()

    row = last_row(strategy, frame({"range_low": 100.0, "range_high": 120.0}, atr=2.0, close=close))

    assert row.exit == Exit.LONG
    assert strategy.tags[row.exit_tag] == tag


def test_the_end_of_the_correction_ends_the_grid() -> None:
    strategy = GridTrading()

    row = last_row(strategy, frame({}, atr=2.0))

    assert row.exit == Exit.LONG
    assert strategy.tags[row.exit_tag] == "correction_over"


def test_zones_the_wrong_way_round_are_refused() -> None:
    with pytest.raises(BadParameter, match=r"wave2_from 0\.8 must be below wave2_to"):
        ElliottWave(wave2_from=0.8)
    with pytest.raises(BadParameter, match="stop_min_ratio"):
        Breakout(stop_min_ratio=0.2, stop_max_ratio=0.1)
