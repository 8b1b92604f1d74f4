"""Pictures: drawn from plain values, whatever these hold."""

from __future__ import annotations

import struct
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desk.charts.candles import newest, row_of
from desk.charts.drawing import draw
from desk.charts.equity import drawdown_of
from desk.charts.kinds import KINDS
from desk.charts.look import digits_for, spread
from desk.charts.specs import (
    BarSpec,
    CandleSpec,
    EquitySpec,
    Level,
    Mark,
    Overlay,
    Theme,
    TradeMarks,
    WaveLine,
    WavePoint,
    as_spec,
    read_spec,
)
from trading.errors import InvalidInput, ShapeMismatch

_HOUR = 3_600_000
_START = 1_767_600_000_000


def candles(n: int = 120, seed: int = 1, level: float = 100.0) -> CandleSpec:
    rng = np.random.default_rng(seed)
    close = level * np.exp(np.cumsum(rng.normal(0, 0.01, n)))
    opened = np.r_[level, close[:-1]]
    return CandleSpec(
        ts_ms=(_START + _HOUR * np.arange(n)).tolist(),
        open=opened.tolist(),
        high=(np.maximum(opened, close) * 1.004).tolist(),
        low=(np.minimum(opened, close) * 0.996).tolist(),
        close=close.tolist(),
        volume=rng.lognormal(2, 1, n).tolist(),
        title="BTC/USDT 1h",
    )


def whole_trade(spec: CandleSpec) -> CandleSpec:
    def at(row: int) -> int:
        return int(spec.ts_ms[row])

    entry = float(spec.close[60])
    return replace(
        spec,
        trade=TradeMarks(
            is_long=True,
            entry=Mark(ts_ms=at(60), price=entry),
            stop=entry * 0.97,
            targets=(entry * 1.02, entry * 1.04, entry * 1.06),
            stop_path=(Mark(ts_ms=at(60), price=entry * 0.97), Mark(ts_ms=at(80), price=entry)),
            exits=(Mark(ts_ms=at(80), price=entry * 1.02, label="TP1 50%"), Mark(ts_ms=at(95), price=entry)),
        ),
        waves=(
            WaveLine(
                points=[
                    WavePoint(ts_ms=at(row), price=float(spec.close[row]), label=str(k))
                    for k, row in enumerate((5, 20, 30, 50))
                ],
                pattern="impulse",
                invalidation=float(spec.low[5]),
                running="4",
            ),
            WaveLine(
                points=[
                    WavePoint(ts_ms=at(row), price=float(spec.close[row]), label=k)
                    for row, k in ((5, "0"), (20, "A"))
                ],
                pattern="zigzag",
                is_alternate=True,
            ),
        ),
        levels=(Level(price=entry * 0.99, label="61.8 %", from_ms=at(50)),),
        overlays=(Overlay(label="EMA 20", values=np.r_[np.full(20, np.nan), np.asarray(spec.close)[20:]]),),
    )


def size_of(png: bytes) -> tuple[int, int]:
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", png[16:24])
    return int(width), int(height)


@pytest.mark.parametrize("theme", list(Theme))
def test_a_whole_trade_is_drawn_the_same_each_time(theme: Theme) -> None:
    spec = as_spec(replace(whole_trade(candles()), theme=theme))

    first = draw("trade", spec)

    assert size_of(first) == (1280, 800)
    assert len(first) < 400_000
    assert draw("trade", spec) == first
    assert draw("trade", {**spec, "trade": None}) != first


def test_equity_and_bars_are_drawn() -> None:
    times = [_START + day * 24 * _HOUR for day in range(30)]
    equity = EquitySpec(
        ts_ms=times, equity=[100.0 + day % 7 for day in range(30)], benchmark=[100.0] * 30, currency="USDT"
    )
    bars = BarSpec(
        labels=[f"day {day}" for day in range(30)], values=[(-1) ** day * day for day in range(30)]
    )

    assert size_of(draw("equity", as_spec(equity))) == (1280, 800)
    assert size_of(draw("daily", as_spec(bars))) == (1280, 640)


@pytest.mark.parametrize("n", [1, 2, 3, 1000])
@pytest.mark.parametrize("level", [1e-7, 1.0, 9e6])
def test_few_or_many_bars_at_any_price_level_are_drawn(n: int, level: float) -> None:
    assert size_of(draw("candles", as_spec(candles(n, level=level))))[0] == 1280


def test_a_flat_market_without_volume_is_drawn() -> None:
    flat = [5.0] * 30
    spec = replace(candles(30), open=flat, high=flat, low=flat, close=flat, volume=[0.0] * 30)

    assert size_of(draw("candles", as_spec(spec)))[0] == 1280


@pytest.mark.parametrize(
    "text", ["$\\frac{1}{0}$", "a_b*[c](x)", "\x00\x1b[31m", "日本 🚀", "x" * 5000, "\\", "$", "{}%s"]
)
def test_hostile_texts_are_drawn_as_they_are(text: str) -> None:
    spec = whole_trade(replace(candles(), title=text, subtitle=text))
    spec = replace(spec, levels=(Level(price=spec.levels[0].price, label=text),))

    assert size_of(draw("trade", as_spec(spec)))[0] == 1280
    assert (
        size_of(draw("daily", as_spec(BarSpec(labels=[text], values=[1.0], title=text, currency=text))))[0]
        == 1280
    )


def test_a_spec_survives_the_way_to_the_drawing_process() -> None:
    import orjson

    spec = whole_trade(candles())
    sent = orjson.loads(orjson.dumps(as_spec(spec), option=orjson.OPT_SERIALIZE_NUMPY))

    back = read_spec(CandleSpec, sent)

    assert back.trade is not None
    assert back.trade.exits[0] == spec.trade.exits[0] if spec.trade else False
    assert np.isnan(back.overlays[0].values[0])
    assert list(back.waves[0].points) == list(spec.waves[0].points)


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        ({"high": [1.0]}, ShapeMismatch, "differ in length"),
        ({"colour": "red"}, InvalidInput, "'colour' is no part of CandleSpec"),
        ({"theme": "pink"}, InvalidInput, "cannot be read"),
        ({"close": ["a"] * 120}, InvalidInput, "cannot be read"),
        ({"levels": [{"price": 1.0}]}, InvalidInput, "cannot be read"),
    ],
)
def test_a_malformed_spec_is_refused_with_a_reason(
    change: dict[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        draw("candles", {**as_spec(candles()), **change})


def test_an_unknown_kind_names_the_nearest() -> None:
    with pytest.raises(InvalidInput, match="Did you mean 'candles'"):
        draw("candels", {})
    assert set(KINDS) >= {"candles", "trade", "equity", "daily"}


@given(st.lists(st.floats(0, 100, allow_nan=False), max_size=30), st.floats(0.1, 20))
@settings(max_examples=200, derandomize=True, deadline=None)
def test_labels_keep_their_order_their_distance_and_stay_inside(wanted: list[float], gap: float) -> None:
    placed = spread(wanted, gap, 0.0, 100.0)

    room = min(gap, 100.0 / max(len(wanted) - 1, 1))
    ordered = sorted(range(len(wanted)), key=lambda index: (wanted[index], index))
    in_order = [placed[index] for index in ordered]
    assert all(b - a >= room - 1e-6 for a, b in pairwise(in_order))
    assert all(-1e-6 <= one <= 100 + 1e-6 for one in placed)


def test_labels_that_do_not_touch_stay_where_they_are() -> None:
    assert spread([10.0, 50.0, 90.0], 5.0, 0.0, 100.0) == [10.0, 50.0, 90.0]


def test_the_newest_bars_are_kept_and_times_find_their_bar() -> None:
    spec = newest(candles(1000))

    assert len(spec.close) == 400
    assert row_of(spec, spec.ts_ms[10]) == 10.0
    assert row_of(spec, spec.ts_ms[0] - _HOUR) == -1.0
    assert row_of(spec, spec.ts_ms[-1] + 50 * _HOUR) == 400.0


def test_drawdown_is_measured_from_the_peak_so_far() -> None:
    assert drawdown_of(np.array([100.0, 110.0, 99.0, 105.0, 88.0, 120.0])).round(6).tolist() == [
        0.0,
        0.0,
        -0.1,
        -0.045455,
        -0.2,
        0.0,
    ]


@pytest.mark.parametrize(
    ("span", "level", "digits"), [(5000.0, 42000.0, 0), (20.0, 300.0, 1), (1e-6, 1e-5, 8), (0.5, 1.0, 3)]
)
def test_prices_show_as_many_digits_as_their_range_needs(span: float, level: float, digits: int) -> None:
    assert digits_for(span, level) == digits
