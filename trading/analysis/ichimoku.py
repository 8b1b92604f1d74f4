"""Ichimoku with the causal cloud: what is drawn 26 bars ahead is used 26 bars later, not before."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from trading.analysis.indicators import Indicator, Setting
from trading.analysis.streams import Bar, IndicatorStream, TalibStream
from trading.analysis.ta_library import handles, talib
from trading.candles import Candles

FloatArray = NDArray[np.float64]

_SETTINGS = (
    Setting(name="tenkan_bars", default=9, minimum=2),
    Setting(name="kijun_bars", default=26, minimum=2),
    Setting(name="span_b_bars", default=52, minimum=2),
    Setting(name="shift_bars", default=26, minimum=0),
)

#: Columns: lines of bar t; the cloud *at* t (computed `shift_bars` earlier); the cloud computed now, usable later;
#: close against the close `shift_bars` ago, which is all that the lagging line may be used for.
_OUTPUTS = ("tenkan", "kijun", "span_a", "span_b", "ahead_a", "ahead_b", "lagging_change")


def _late(values: FloatArray, bars: int) -> FloatArray:
    out = np.full(len(values), np.nan)
    if bars < len(values):
        out[bars:] = values[: len(values) - bars]
    return out


def ichimoku_columns(candles: Candles, values: Sequence[float]) -> tuple[FloatArray, ...]:
    """Give the columns named in `_OUTPUTS`."""
    tenkan_bars, kijun_bars, span_b_bars, shift = (int(v) for v in values)
    tenkan: FloatArray = talib.MIDPRICE(candles.high, candles.low, tenkan_bars)
    kijun: FloatArray = talib.MIDPRICE(candles.high, candles.low, kijun_bars)
    ahead_a = (tenkan + kijun) / 2.0
    ahead_b: FloatArray = talib.MIDPRICE(candles.high, candles.low, span_b_bars)
    change = candles.close - _late(candles.close, shift)
    return tenkan, kijun, _late(ahead_a, shift), _late(ahead_b, shift), ahead_a, ahead_b, change


class IchimokuStream:
    """The running twin of `ichimoku_columns`."""

    def __init__(self, values: Sequence[float]) -> None:
        tenkan_bars, kijun_bars, span_b_bars, shift = (int(v) for v in values)
        bars = ("high", "low")
        self._parts = [
            TalibStream(handles.MIDPRICE, bars, (window,), 1)
            for window in (tenkan_bars, kijun_bars, span_b_bars)
        ]
        self._past = [(float("nan"),) * 3] * shift

    def step(self, bar: Bar) -> tuple[float, ...]:
        """Take a closed bar, give its row."""
        tenkan, kijun, ahead_b = (part.step(bar)[0] for part in self._parts)
        ahead_a = (tenkan + kijun) / 2.0
        self._past.append((ahead_a, ahead_b, bar[3]))
        span_a, span_b, past_close = self._past.pop(0)
        return tenkan, kijun, span_a, span_b, ahead_a, ahead_b, bar[3] - past_close


def _stream(values: Sequence[float]) -> IndicatorStream:
    return IchimokuStream(values)


ICHIMOKU = Indicator(
    name="ichimoku",
    title="Ichimoku lines, the cloud usable now, the cloud ahead, close against the lagging close",
    settings=_SETTINGS,
    outputs=_OUTPUTS,
    batch=ichimoku_columns,
    stream=_stream,
    first_valid=lambda v: max(int(v[0]), int(v[1]), int(v[2])) - 1 + int(v[3]),
    settled_bars=lambda v: max(int(v[0]), int(v[1]), int(v[2])) + int(v[3]),
    follows_price=True,
    source="Hosoda (1969); cloud read without look-ahead",
)
