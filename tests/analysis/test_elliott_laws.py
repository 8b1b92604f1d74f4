"""The metamorphic laws of trading-rules.md A.10: T5 to T13."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.support.wave_series import IMPULSE, candles_of, construction, real_series, scaled, walk
from trading.analysis.elliott import EventType, WaveDetector, WaveEvent, WaveLog, WaveSettings
from trading.candles import Candles
from trading.errors import BadCandles, BadParameter, InvalidInput

ROOT = Path(__file__).resolve().parents[2]
BARS = 2_000
SMALL = WaveSettings(degrees=(2.0, 4.0, 8.0), floor_ratio=0.0)


def run(candles: Candles, setting: WaveSettings = SMALL) -> WaveLog:
    return WaveDetector(setting).run(candles)


def by_steps(detector: WaveDetector, candles: Candles, start: int, stop: int) -> list[WaveEvent]:
    events: list[WaveEvent] = []
    for i in range(start, stop):
        bar = (candles.open[i], candles.high[i], candles.low[i], candles.close[i], candles.volume[i])
        events.extend(detector.step(int(candles.ts_ms[i]), *bar))
    return events


def labels(log: WaveLog) -> list[tuple[str, str | None, str | None]]:
    return [
        (e.type.value, e.count.pattern.value if e.count else None, e.count.direction if e.count else None)
        for e in log
    ]


def assert_same_story(
    a: WaveLog, b: WaveLog, price: Callable[[NDArray[np.float64]], NDArray[np.float64]], flip: int = 1
) -> None:
    """Compare bars, labels and ids exactly, prices and scores to 1e-9; `flip` -1 expects mirrored directions."""
    rows, others = a.rows, b.rows
    assert len(rows) == len(others) > 50
    for name in ("seq", "bar_index", "type", "degree", "other_id", "alternatives"):
        np.testing.assert_array_equal(rows[name], others[name], err_msg=name)
    for name in ("id", "pattern", "status", "label", "current", "rule", "pivots", "truncated", "expanding"):
        np.testing.assert_array_equal(rows["count"][name], others["count"][name], err_msg=name)
    np.testing.assert_array_equal(rows["count"]["direction"] * flip, others["count"]["direction"])
    for name in ("id", "extreme_index", "confirmed_index", "sub_count_id"):
        np.testing.assert_array_equal(rows["pivots"][name], others["pivots"][name], err_msg=name)
    there = rows["pivots"]["price"] > 0.0
    np.testing.assert_allclose(
        price(rows["pivots"]["price"][there]), others["pivots"]["price"][there], rtol=1e-9
    )
    np.testing.assert_allclose(rows["count"]["score"], others["count"]["score"], rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(rows["count"]["confidence"], others["count"]["confidence"], rtol=1e-7)


def test_time_dilation_keeps_the_labels() -> None:
    for pivots in (IMPULSE, (100, 140, 120, 132, 110, 125), (140, 100, 120, 106, 122, 111, 124, 100)):
        setting = WaveSettings(degrees=(2.0,))
        once, twice = run(construction(pivots, 10), setting), run(construction(pivots, 20), setting)

        done = (EventType.PIVOT_CONFIRMED, EventType.COUNT_COMPLETED)
        assert labels(once.of_type(*done)) == labels(twice.of_type(*done))


def test_time_shift_moves_only_the_times() -> None:
    candles = walk(BARS, 3)
    shift = 86_400_000 * 365

    a, b = run(candles).rows, run(replace(candles, ts_ms=candles.ts_ms + shift)).rows

    moved = a.copy()
    moved["ts_ms"] += shift
    for name in ("opened_ms", "updated_ms"):
        moved["count"][name] += np.where(a["count"]["id"] >= 0, shift, 0) * (a["count"]["status"] > 0)
    for name in ("extreme_ms", "confirmed_ms"):
        moved["pivots"][name] += np.where(a["pivots"]["price"] > 0.0, shift, 0)
    assert moved.tobytes() == b.tobytes()


@pytest.mark.parametrize("scale", ["log", "linear"])
@pytest.mark.parametrize("factor", [2.0**-10, 0.001, 3.7, 2.0**10])
def test_scaled_prices_tell_the_same_story(factor: float, scale: str) -> None:
    setting = WaveSettings(degrees=(2.0, 4.0, 8.0), scale=scale)
    candles = walk(BARS, 5)

    assert_same_story(run(candles, setting), run(scaled(candles, factor), setting), lambda p: p * factor)
    t1 = construction(IMPULSE)
    assert labels(run(t1, setting)) == labels(run(scaled(t1, factor), setting))


def test_the_log_mirror_tells_the_same_story_upside_down() -> None:
    candles, k = walk(BARS, 7), 10_000.0
    mirror = replace(
        candles, open=k / candles.open, high=k / candles.low, low=k / candles.high, close=k / candles.close
    )

    assert_same_story(run(candles), run(mirror), lambda p: k / p, flip=-1)


def test_the_linear_mirror_tells_the_same_story_upside_down() -> None:
    candles, k = walk(BARS, 7), 1_000.0
    mirror = replace(
        candles, open=k - candles.open, high=k - candles.low, low=k - candles.high, close=k - candles.close
    )
    setting = replace(SMALL, scale="linear")

    assert_same_story(run(candles, setting), run(mirror, setting), lambda p: k - p, flip=-1)


def assert_prefixes_agree(candles: Candles, setting: WaveSettings, cuts: list[int]) -> None:
    whole = run(candles, setting).rows
    for cut in cuts:
        expected = whole[whole["bar_index"] < cut].tobytes()
        assert run(candles.rows(0, cut), setting).tobytes() == expected, f"prefix of {cut} bars"


def test_a_prefix_tells_what_the_whole_told_by_then() -> None:
    candles = walk(BARS, 11)
    cuts = np.random.default_rng(0).integers(1, BARS, 60).tolist()

    for scale in ("log", "linear"):
        assert_prefixes_agree(candles, replace(SMALL, scale=scale), cuts)


def test_a_prefix_of_real_candles_tells_what_the_whole_told_by_then() -> None:
    series = [candles for _, candles in real_series(3)] or [walk(4_000, seed) for seed in (21, 22, 23)]

    for candles in series:
        cuts = np.random.default_rng(1).integers(1, len(candles), 35).tolist()
        assert_prefixes_agree(candles, WaveSettings(), cuts)


@settings(derandomize=True, max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), cut=st.integers(1, 299), multiple=st.sampled_from([1.5, 2.0, 3.0]))
def test_no_prefix_of_any_walk_is_repainted(seed: int, cut: int, multiple: float) -> None:
    candles = walk(300, seed, volatility=0.02)
    setting = WaveSettings(degrees=(multiple, 2 * multiple), floor_ratio=0.0)

    assert_prefixes_agree(candles, setting, [cut])


def test_steps_chunks_and_the_whole_run_give_the_same_bytes() -> None:
    candles = walk(BARS, 13)
    whole = run(candles).tobytes()

    stepped = by_steps(WaveDetector(SMALL), candles, 0, BARS)

    assert b"".join(event.data for event in stepped) == whole
    for chunk in (1, 7, 333, 5_000):
        logs = WaveDetector(SMALL).run_chunks(candles, chunk_bars=chunk)
        assert b"".join(log.tobytes() for log in logs) == whole
    detector = WaveDetector(SMALL)
    parts = [detector.run(candles.rows(a, b)) for a, b in ((0, 900), (900, 901), (901, BARS))]
    assert b"".join(log.tobytes() for log in parts) == whole


def test_a_restored_snapshot_goes_on_as_if_nothing_had_happened() -> None:
    candles = walk(BARS, 17)
    whole = run(candles).tobytes()
    detector = WaveDetector(SMALL, symbol="BTC/USDT", timeframe="1h")
    data = b""
    start = 0

    for stop in [*sorted(np.random.default_rng(2).integers(1, BARS, 12).tolist()), BARS]:
        data += detector.run(candles.rows(start, stop)).tobytes()
        counts = detector.counts()
        detector = WaveDetector.restore(detector.snapshot())
        assert detector.counts() == counts
        start = stop

    assert data == whole
    assert (detector.settings, detector.series.symbol) == (SMALL, "BTC/USDT")


@pytest.mark.parametrize("poison", ["nan", "zero", "tenfold", "reversed"])
def test_poison_after_a_bar_changes_nothing_before_it(poison: str) -> None:
    candles, cut = walk(BARS, 19), 1_200
    columns = {name: getattr(candles, name).copy() for name in ("open", "high", "low", "close")}
    for column in columns.values():
        column[cut:] = {
            "nan": np.nan, "zero": 0.0, "tenfold": column[cut:] * 10, "reversed": column[cut:][::-1]
        }[poison]  # fmt: skip
    poisoned = replace(candles, **columns)
    whole = run(candles).rows
    expected = whole[whole["bar_index"] < cut].tobytes()
    detector = WaveDetector(SMALL)

    data = b"".join(event.data for event in by_steps(detector, poisoned, 0, cut))
    if poison in ("nan", "zero"):
        with pytest.raises(BadCandles):
            by_steps(detector, poisoned, cut, cut + 1)
    else:
        by_steps(detector, poisoned, cut, BARS)

    assert data == expected


SCRIPT = """
import sys, numpy as np
from tests.support.wave_series import IMPULSE, construction, walk
from trading.analysis.elliott import WaveDetector, WaveSettings
rows = [WaveDetector(WaveSettings(degrees=(2.0, 4.0), floor_ratio=0.0)).run(c).rows
        for c in (construction(IMPULSE), walk(120, 2, 0.02))]
np.save(sys.stdout.buffer, np.concatenate(rows))
"""


def _in_process(hash_seed: str) -> bytes:
    """Run the engine uncompiled in a fresh interpreter; give its log as a numpy file."""
    env = os.environ | {"PYTHONHASHSEED": hash_seed, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", SCRIPT], cwd=ROOT, env=env, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def _same(a: Any, b: Any) -> bool:
    """Compare records field by field: integers exactly, floats to 1e-12."""
    if a.dtype.names is None:
        return bool(np.allclose(a, b, rtol=1e-12, atol=1e-15, equal_nan=True))
    return all(_same(a[name], b[name]) for name in a.dtype.names)


def test_two_uncompiled_processes_agree_to_the_byte_and_with_the_compiled_engine() -> None:
    first, second = _in_process("0"), _in_process("4242")

    assert hashlib.sha256(first).digest() == hashlib.sha256(second).digest()
    setting = WaveSettings(degrees=(2.0, 4.0), floor_ratio=0.0)
    compiled = np.concatenate([run(c, setting).rows for c in (construction(IMPULSE), walk(120, 2, 0.02))])
    uncompiled = np.load(io.BytesIO(first))
    assert len(compiled) == len(uncompiled) > 40
    assert _same(compiled, uncompiled)


def test_a_flat_series_has_no_pivots() -> None:
    flat = np.full(500, 42.0)

    for floor in (0.0, 0.008):
        setting = WaveSettings(floor_ratio=floor)
        assert len(run(candles_of(flat, flat, flat, flat), setting)) == 0


@pytest.mark.parametrize("scale", ["log", "linear"])
def test_degenerate_series_are_survived(scale: str) -> None:
    setting = WaveSettings(degrees=(1.0, 2.0), scale=scale, floor_ratio=0.0)
    rise = np.linspace(100.0, 200.0, 400)
    one = np.array([5.0])
    spike = np.full(200, 50.0)
    wick = spike.copy()
    wick[100] = 5e9
    tiny = np.full(200, 1e-12)
    tiny[50:] = 2e-12
    tiny_open = np.r_[tiny[0], tiny[:-1]]

    assert len(run(candles_of(one, one, one, one), setting)) == 0
    assert len(run(candles_of(rise, rise, rise, rise, np.zeros(400)), setting)) == 0
    wicks = run(candles_of(spike, wick, spike, spike), setting)
    assert all(np.isfinite(wicks.rows["pivots"]["price"]).ravel())
    low, high = np.minimum(tiny_open, tiny), np.maximum(tiny_open, tiny)
    assert np.isfinite(run(candles_of(tiny_open, high, low, tiny), setting).rows["pivots"]["price"]).all()
    assert run(walk(9, 1).rows(0, 0), setting).tobytes() == b""


def test_what_the_engine_holds_does_not_grow_with_the_bars() -> None:
    detector = WaveDetector(SMALL)
    sizes, events = [], 0

    for seed in range(4):
        candles = walk(3_000, seed)
        later = replace(candles, ts_ms=candles.ts_ms + seed * 3_000 * 3_600_000)
        events += sum(len(log) for log in detector.run_chunks(later, chunk_bars=500))
        sizes.append(len(detector.snapshot()))

    assert events > 4_000
    assert len(set(sizes)) == 1


def test_bars_out_of_order_are_refused_and_change_nothing() -> None:
    candles = walk(50, 1)
    detector = WaveDetector(SMALL)
    detector.run(candles.rows(0, 40))
    before = detector.snapshot()

    for ts_ms in (int(candles.ts_ms[39]), int(candles.ts_ms[10])):
        with pytest.raises(BadCandles, match="only later bars"):
            detector.step(ts_ms, 1.0, 1.0, 1.0, 1.0, 0.0)
    with pytest.raises(BadCandles, match="row 0"):
        detector.run(candles.rows(30, 45))

    assert detector.snapshot() == before


def test_a_gap_is_told_and_the_state_goes_on() -> None:
    candles = walk(300, 1)
    kept = np.r_[0:100, 103:300]
    names = ("ts_ms", "open", "high", "low", "close", "volume", "flags")
    holed = replace(candles, **{name: getattr(candles, name)[kept] for name in names})

    gaps = [e for e in run(holed) if e.type is EventType.DATA_GAP]

    assert [(e.bar_index, e.missing_bars, e.degree, e.count, e.pivot) for e in gaps] == [
        (100, 3, None, None, None)
    ]


def test_damaged_and_foreign_snapshots_are_refused() -> None:
    detector = WaveDetector(SMALL)
    detector.run(walk(100, 1))
    good = detector.snapshot()
    flipped = good[:-1] + bytes([good[-1] ^ 1])
    other_layout = good[:4] + bytes([good[4] + 1]) + good[5:]

    for bad in (b"", b"nonsense" * 10, good[:-5], flipped, other_layout):
        with pytest.raises(InvalidInput):
            WaveDetector.restore(bad)


@pytest.mark.parametrize(
    "wrong",
    [
        {"degrees": ()}, {"degrees": (3.0, 3.0)}, {"degrees": (6.0, 3.0)}, {"degrees": (-1.0,)},
        {"degrees": (float("nan"),)}, {"degrees": tuple(range(1, 10))}, {"scale": "lin"},
        {"atr_window_bars": 0}, {"floor_ratio": -0.1}, {"overlap_tolerance": 1.5}, {"warm_up_bars": 0},
    ],
)  # fmt: skip
def test_wrong_settings_are_refused_with_what_is_allowed(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadParameter, match="allowed"):
        WaveSettings(**wrong)
