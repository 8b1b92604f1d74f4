"""The running indicators give the same bits as the columns."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.markets import reference_candles, walk_candles
from trading.analysis.indicators import list_indicators, parse
from trading.candles import Candles

SPECS = (
    *(one.name for one in list_indicators()),
    "ema:3",
    "rsi:2",
    "macd:5:9:3",
    "bb:7:1.5",
    "stoch:5:1:1",
    "atr:1",
    "ichimoku:3:5:9:0",
    "volume_profile:12:10",
    "fibonacci:1",
    "levels:1:5",
    "divergence:1:5",
)


def stream_rows(spec: str, candles: Candles) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    stream = parse(spec).stream()
    bars = zip(
        *(getattr(candles, name).tolist() for name in ("open", "high", "low", "close", "volume")), strict=True
    )
    return np.array([stream.step(bar) for bar in bars])


@pytest.mark.parametrize("spec", SPECS)
def test_the_stream_gives_the_bits_of_the_columns(spec: str) -> None:
    # The opens of the reference series lie outside its bars, which the wave detector refuses.
    swings = parse(spec).indicator.waits_for_swings
    for candles in (walk_candles(300, seed=11), *(() if swings else (reference_candles(),))):
        columns = np.array(parse(spec).columns(candles)).T

        rows = stream_rows(spec, candles)

        np.testing.assert_array_equal(rows, columns)


@given(
    closes=st.lists(st.floats(1e-6, 1e6, allow_subnormal=False), min_size=1, max_size=80),
    spec=st.sampled_from(["rsi:3", "ema:4", "bb:3:2", "macd:2:4:2", "sma:5", "roc:2"]),
)
@settings(max_examples=60, derandomize=True, deadline=None)
def test_streams_and_columns_agree_on_any_closes(closes: list[float], spec: str) -> None:
    walk = walk_candles(len(closes))
    values = np.array(closes)
    candles = Candles(
        ts_ms=walk.ts_ms,
        open=values,
        high=values,
        low=values,
        close=values,
        volume=walk.volume,
        timeframe=walk.timeframe,
    )

    columns = np.array(parse(spec).columns(candles)).T

    np.testing.assert_array_equal(stream_rows(spec, candles), columns)


def test_a_flat_market_gives_rsi_50_in_the_stream_too() -> None:
    candles = walk_candles(40)
    flat = Candles(
        ts_ms=candles.ts_ms,
        open=np.full(40, 7.0),
        high=np.full(40, 7.0),
        low=np.full(40, 7.0),
        close=np.full(40, 7.0),
        volume=candles.volume,
        timeframe=candles.timeframe,
    )

    assert set(stream_rows("rsi:14", flat)[14:, 0]) == {50.0}
