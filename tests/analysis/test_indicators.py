"""Indicator columns against the reference values of trading-rules B.1, and the specs that name them."""

from __future__ import annotations

import numpy as np
import pytest
import talib

from tests.support.markets import reference_candles, walk_candles
from trading.analysis.indicators import compute, list_indicators, parse
from trading.analysis.warmup import ema_bars, wilder_bars
from trading.candles import Candles
from trading.errors import BadParameter, InvalidWindow, NotFound

NONE = float("nan")

#: trading-rules B.1: bar, RSI14, SMA20, EMA12, MACD, signal, hist, BB up, BB low, ATR14.
REFERENCE = (
    (14, 64.10177241, NONE, 106.98098568, NONE, NONE, NONE, NONE, NONE, 3.22953571),
    (19, 38.49349296, 105.25952500, 102.26738755, NONE, NONE, NONE, 114.51433295, 96.00471705, 3.24768140),
    (
        33,
        71.21049541,
        97.79628500,
        99.90895724,
        -1.49515299,
        -4.05536948,
        2.56021649,
        106.73332929,
        88.85924071,
        3.28052361,
    ),
    (
        60,
        48.32921654,
        102.20338000,
        99.19319236,
        -2.22370162,
        -2.06717858,
        -0.15652304,
        114.45317270,
        89.95358730,
        3.17463989,
    ),
    (
        119,
        28.63136188,
        111.36452500,
        105.84121771,
        -2.48265946,
        -0.96769090,
        -1.51496856,
        125.62711202,
        97.10193798,
        3.11951366,
    ),
)
COLUMNS = (
    "rsi:14",
    "sma:20",
    "ema:12",
    "macd:12:26:9",
    "macd:12:26:9.signal",
    "macd:12:26:9.hist",
    "bb:20:2.upper",
    "bb:20:2.lower",
    "atr:14",
)


def close_only(closes: list[float]) -> Candles:
    walk = walk_candles(len(closes))
    values = np.array(closes)
    return Candles(
        ts_ms=walk.ts_ms,
        open=values,
        high=values,
        low=values,
        close=values,
        volume=walk.volume,
        timeframe=walk.timeframe,
    )


@pytest.mark.parametrize("row", REFERENCE, ids=lambda row: f"bar {row[0]}")
def test_columns_equal_the_reference_values_to_1e_8(row: tuple[float, ...]) -> None:
    candles = reference_candles()

    columns: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float64]]] = {}
    for spec in ("rsi:14", "sma:20", "ema:12", "macd:12:26:9", "bb:20:2", "atr:14"):
        columns |= compute(spec, candles)

    bar = int(row[0])
    for name, expected in zip(COLUMNS, row[1:], strict=True):
        # The table has eight decimals.
        np.testing.assert_allclose(columns[name][bar], expected, rtol=0, atol=6e-9, err_msg=name)


def test_the_reference_series_has_the_spot_values_of_the_page() -> None:
    candles = reference_candles()

    assert candles.close[1] == 102.0867
    assert candles.high[0] == 101.5
    assert candles.low[0] == 98.0
    assert candles.close[119] == 102.182


def test_the_classic_twenty_closes_give_the_classic_rsi() -> None:
    closes = [
        44.34, 44.09, 44.15, 43.61, 44.33, 44.83, 45.10, 45.42, 45.84, 46.08,
        45.89, 46.03, 45.61, 46.28, 46.28, 46.00, 46.03, 46.41, 46.22, 45.64,
    ]  # fmt: skip

    rsi = compute("rsi:14", close_only(closes))["rsi:14"]

    expected = [70.46413502, 66.24961855, 66.48094183, 69.34685316, 66.29471266, 57.91502067]
    np.testing.assert_allclose(rsi[14:], expected, rtol=0, atol=6e-9)


def test_rsi_is_50_when_flat_100_when_only_rising_and_0_when_only_falling() -> None:
    flat = compute("rsi:14", close_only([100.0] * 40))["rsi:14"]
    rising = compute("rsi:14", close_only([100.0 + i for i in range(40)]))["rsi:14"]
    falling = compute("rsi:14", close_only([100.0 - i for i in range(40)]))["rsi:14"]

    assert set(flat[14:]) == {50.0}
    assert set(rising[14:]) == {100.0}
    assert set(falling[14:]) == {0.0}


def test_rsi_of_a_series_that_fell_once_and_then_stood_still_stays_0() -> None:
    rsi = compute("rsi:14", close_only([100.0, 99.0] + [99.0] * 60))["rsi:14"]

    assert set(rsi[14:]) == {0.0}


@pytest.mark.parametrize("indicator", list_indicators(), ids=lambda one: one.name)
def test_each_indicator_declares_its_first_row_and_keeps_the_length(indicator: object) -> None:
    name = getattr(indicator, "name", "")
    candles = walk_candles(400, seed=3)
    parsed = parse(name)

    columns = parsed.columns(candles)

    assert len(columns) == len(parsed.names) == len(set(parsed.names))
    for column in columns:
        assert len(column) == 400
        assert column.dtype == np.float64
    last_first = max(int(np.flatnonzero(~np.isnan(column))[0]) for column in columns)
    if parsed.indicator.waits_for_swings:
        assert last_first >= parsed.first_valid
        return
    assert last_first == parsed.first_valid
    for column in columns:
        assert not np.isnan(column[last_first:]).any()


@pytest.mark.parametrize("indicator", list_indicators(), ids=lambda one: one.name)
def test_after_the_declared_bars_the_start_of_history_no_longer_matters(indicator: object) -> None:
    parsed = parse(getattr(indicator, "name", ""))
    settled = parsed.settled_bars
    candles = walk_candles(2 * settled + 100, seed=5)

    whole = parsed.columns(candles)
    late = parsed.columns(candles.rows(settled + 50, len(candles)))

    for name, a, b in zip(parsed.names, whole, late, strict=True):
        scale = np.nanmax(np.abs(a))
        np.testing.assert_allclose(
            b[settled - 1 :], a[2 * settled + 49 :], rtol=1e-6, atol=1e-6 * scale, err_msg=name
        )


@pytest.mark.parametrize("indicator", list_indicators(), ids=lambda one: one.name)
def test_a_later_bar_never_changes_an_earlier_value(indicator: object) -> None:
    parsed = parse(getattr(indicator, "name", ""))
    candles = walk_candles(400, seed=7)

    whole = parsed.columns(candles)

    for stop in (120, 251, 399):
        for a, b in zip(whole, parsed.columns(candles.rows(0, stop)), strict=True):
            np.testing.assert_array_equal(a[:stop], b)


def test_warm_up_lengths_are_those_of_the_page() -> None:
    assert [wilder_bars(14, e) for e in (1e-3, 1e-6, 1e-9)] == [94, 187, 280]
    assert [ema_bars(26, e) for e in (1e-3, 1e-6, 1e-9)] == [90, 180, 270]
    assert [ema_bars(200, e) for e in (1e-3, 1e-6, 1e-9)] == [691, 1382, 2073]


def test_settings_left_out_take_their_defaults_and_keep_the_typed_name() -> None:
    candles = reference_candles()

    assert parse("macd").values == (12.0, 26.0, 9.0)
    assert list(compute("macd", candles)) == ["macd", "macd.signal", "macd.hist"]
    assert parse("bb::2.5").values == (20.0, 2.5)
    assert parse("bollinger:30").names[0] == "bollinger:30.middle"
    assert parse("bollinger:30").indicator is parse("bb").indicator


@pytest.mark.parametrize(
    ("spec", "error", "words"),
    [
        ("rsii:14", NotFound, "Did you mean 'rsi'?"),
        ("rsi:14:3", BadParameter, "rsi takes 1 (window_bars)"),
        ("rsi:1", InvalidWindow, "from 2"),
        ("rsi:abc", BadParameter, "window_bars is 'abc'"),
        ("rsi:14.5", BadParameter, "a whole number"),
        ("rsi:nan", BadParameter, "is 'nan'"),
        ("bb:20:0", BadParameter, "width"),
        ("macd:26:12:9", BadParameter, "fast_bars 26 must be below slow_bars 12"),
    ],
)
def test_a_wrong_spec_is_refused_with_what_is_allowed(spec: str, error: type[Exception], words: str) -> None:
    with pytest.raises(error) as refused:
        parse(spec)

    assert words in str(refused.value)


def test_a_series_shorter_than_the_window_gives_only_unknown_values() -> None:
    candles = walk_candles(10)

    for indicator in list_indicators():
        for column in parse(indicator.name).columns(candles):
            if parse(indicator.name).first_valid >= 10:
                assert np.isnan(column).all() or len(indicator.outputs) > 1
    assert compute("sma:20", candles.rows(0, 0))["sma:20"].shape == (0,)


def test_volume_indicators_read_volume() -> None:
    candles = walk_candles(50)

    np.testing.assert_array_equal(
        compute("volume_sma:5", candles)["volume_sma:5"], talib.SMA(candles.volume, 5)
    )


@pytest.mark.parametrize("window", [4, 5, 20])
def test_the_volume_median_is_the_median_of_even_and_odd_windows(window: int) -> None:
    candles = walk_candles(60)

    found = compute(f"volume_median:{window}", candles)[f"volume_median:{window}"]

    for t in range(window - 1, 60):
        assert found[t] == pytest.approx(np.median(candles.volume[t - window + 1 : t + 1]), rel=1e-12)
