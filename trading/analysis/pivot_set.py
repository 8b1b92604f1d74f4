"""Indicators that read confirmed pivots: Fibonacci levels, support and resistance, divergences.

Pivots are those of the wave detector at one multiple of the ATR, published at the bar that confirms them; a leg that
is still running is in none of these columns.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from trading.analysis.divergence import DivergenceStream, divergences
from trading.analysis.elliott import WaveColumnStream, WaveSettings, wave_columns
from trading.analysis.fibonacci import extension, retracement
from trading.analysis.indicators import Indicator, Setting
from trading.analysis.levels import PIVOTS, LevelStream, level_columns
from trading.analysis.streams import Bar, IndicatorStream
from trading.analysis.talib_set import atr_of, atr_stream, rsi_columns, rsi_stream
from trading.analysis.warmup import wilder_bars
from trading.candles import Candles

FloatArray = NDArray[np.float64]
Values = Sequence[float]

#: Ratios of the retracement and extension columns.
RETRACED = (0.236, 0.382, 0.5, 0.618, 0.786)
EXTENDED = (1.0, 1.618, 2.618)

_MULTIPLE = Setting(name="multiple", default=3.0, minimum=0.5, maximum=100.0, whole=False, unit="ATR")
_ATR_BARS = 14


def settled_swings(multiple: float, pivots: int) -> int:
    """Give the bars after which the last so many pivots do not depend on where the history begins.

    A walk turns by m·ATR about every 2·m² bars; twice that leaves room for quiet stretches.
    """
    return int(4 * (pivots + 4) * multiple**2) + wilder_bars(_ATR_BARS) + _ATR_BARS


def _pivots(candles: Candles, multiple: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    found = wave_columns(candles, WaveSettings(degrees=(multiple,)), 0)
    return found.pivot_kind.astype(np.float64), found.pivot_index.astype(np.float64), found.pivot_price


class _PivotStream:
    """Confirmed pivots bar by bar: (kind, bar of the extreme, price); kind 0 where none was confirmed."""

    def __init__(self, multiple: float) -> None:
        self._waves = WaveColumnStream(WaveSettings(degrees=(multiple,)), 0)
        self._bar = 0

    def step(self, bar: Bar) -> tuple[float, float, float]:
        # Pivots do not depend on the time of day; a counter keeps the bars in order.
        self._bar += 1
        row = self._waves.step(self._bar * 60_000, *bar)
        return float(row["pivot_kind"]), float(row["pivot_index"]), float(row["pivot_price"])


def fibonacci_columns(candles: Candles, values: Values) -> tuple[FloatArray, ...]:
    """Give the retracement of the last confirmed leg and the extension of the one before from its end."""
    kind, _, price = _pivots(candles, float(values[0]))
    at = np.flatnonzero(kind)
    row = np.searchsorted(at, np.arange(len(candles)), "right")
    # Three NaN before the first pivot: a leg needs two pivots, an extension three.
    known = np.r_[np.full(3, np.nan), price[at]]
    first, start, end = known[row], known[row + 1], known[row + 2]
    return (
        *(retracement(start, end, ratio) for ratio in RETRACED),
        *(extension(first, start, end, ratio) for ratio in EXTENDED),
    )


class _FibonacciStream:
    def __init__(self, values: Values) -> None:
        self._pivots = _PivotStream(float(values[0]))
        self._known = [float("nan")] * 3

    def step(self, bar: Bar) -> tuple[float, ...]:
        kind, _, price = self._pivots.step(bar)
        if kind:
            self._known = [*self._known[1:], price]
        first, start, end = self._known
        return (
            *(retracement(start, end, ratio) for ratio in RETRACED),
            *(extension(first, start, end, ratio) for ratio in EXTENDED),
        )


def support_columns(candles: Candles, values: Values) -> tuple[FloatArray, ...]:
    """Give support, its touches, resistance, its touches."""
    kind, _, price = _pivots(candles, float(values[0]))
    return level_columns(kind, price, candles.close, atr_of(candles, _ATR_BARS), pivots=int(values[1]))


class _SupportStream:
    def __init__(self, values: Values) -> None:
        self._pivots = _PivotStream(float(values[0]))
        self._levels = LevelStream(int(values[1]))
        self._atr = atr_stream(_ATR_BARS)

    def step(self, bar: Bar) -> tuple[float, ...]:
        kind, _, price = self._pivots.step(bar)
        return self._levels.step(kind, price, bar[3], self._atr.step(bar)[0])


def divergence_columns(candles: Candles, values: Values) -> tuple[FloatArray, ...]:
    """Give regular and hidden divergences of price and RSI: +1 bullish, -1 bearish, 0 none."""
    found = divergences(*_pivots(candles, float(values[0])), rsi_columns(candles, values[1:])[0])
    return found.regular, found.hidden


class _DivergenceStream:
    def __init__(self, values: Values) -> None:
        self._pivots = _PivotStream(float(values[0]))
        self._rsi = rsi_stream(values[1:])
        self._divergences = DivergenceStream()

    def step(self, bar: Bar) -> tuple[float, ...]:
        return self._divergences.step(*self._pivots.step(bar), self._rsi.step(bar)[0])


def _fibonacci(values: Values) -> IndicatorStream:
    return _FibonacciStream(values)


def _support(values: Values) -> IndicatorStream:
    return _SupportStream(values)


def _divergence(values: Values) -> IndicatorStream:
    return _DivergenceStream(values)


PIVOT_SET: tuple[Indicator, ...] = (
    Indicator(
        name="fibonacci",
        title="Fibonacci levels: retracement of the last confirmed leg, extension of the leg before it",
        settings=(_MULTIPLE,),
        outputs=(
            *(f"r{ratio * 1000:.0f}" for ratio in RETRACED),
            *(f"x{ratio * 1000:.0f}" for ratio in EXTENDED),
        ),
        batch=fibonacci_columns,
        stream=_fibonacci,
        first_valid=lambda v: 1,
        settled_bars=lambda v: settled_swings(v[0], 3),
        follows_price=True,
        waits_for_swings=True,
        source="trading-rules B.1; levels in linear price",
    ),
    Indicator(
        name="levels",
        title="Support and resistance: nearest confirmed pivots on both sides, and how many pivots touch them",
        settings=(_MULTIPLE, Setting(name="pivots", default=PIVOTS, minimum=2, maximum=500, unit="pivots")),
        outputs=("support", "support_touches", "resistance", "resistance_touches"),
        batch=support_columns,
        stream=_support,
        first_valid=lambda v: _ATR_BARS,
        settled_bars=lambda v: settled_swings(v[0], int(v[1])),
        follows_price=True,
        waits_for_swings=True,
        source="Edwards and Magee, Technical Analysis of Stock Trends (1948)",
    ),
    Indicator(
        name="divergence",
        title="Divergences of price and RSI on confirmed pivots: +1 bullish, -1 bearish",
        settings=(_MULTIPLE, Setting(name="rsi_bars", default=14, minimum=2)),
        outputs=("", "hidden"),
        batch=divergence_columns,
        stream=_divergence,
        first_valid=lambda v: 0,
        settled_bars=lambda v: settled_swings(v[0], 4) + wilder_bars(int(v[1])),
        waits_for_swings=True,
        source="trading-rules A.9",
    ),
)
