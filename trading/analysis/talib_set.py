"""The indicators that TA-Lib computes: settings, columns, streams, warm-up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trading.analysis.indicators import Indicator, Setting
from trading.analysis.streams import Bar, IndicatorStream, JoinedStream, TalibStream
from trading.analysis.ta_library import handles, talib
from trading.analysis.warmup import ema_bars, wilder_bars
from trading.candles import Candles

FloatArray = NDArray[np.float64]
Values = Sequence[float]

#: TA-Lib treats an average move below this as no move at all.
_NO_MOVE = 1e-14


def _arguments(values: Values, settings: tuple[Setting, ...]) -> tuple[float, ...]:
    return tuple(int(v) if s.whole else float(v) for v, s in zip(values, settings, strict=True))


def _window(default: int, minimum: int = 2) -> Setting:
    return Setting(name="window_bars", default=default, minimum=minimum)


def _plain(
    name: str,
    title: str,
    function: str,
    columns: tuple[str, ...],
    settings: tuple[Setting, ...],
    outputs: tuple[str, ...],
    first_valid: Callable[[Values], int],
    settled_bars: Callable[[Values], int],
    *,
    extra: tuple[float, ...] = (),
    follows_price: bool = False,
    check: Callable[[Values], str] = lambda values: "",
    source: str = "TA-Lib",
) -> Indicator:
    batch_function: Callable[..., Any] = getattr(talib, function)
    handle: Callable[..., Any] = getattr(handles, function)

    def batch(candles: Candles, values: Values) -> tuple[FloatArray, ...]:
        inputs = [getattr(candles, column) for column in columns]
        found = batch_function(*inputs, *_arguments(values, settings), *extra)
        return found if isinstance(found, tuple) else (found,)

    def stream(values: Values) -> IndicatorStream:
        return TalibStream(handle, columns, (*_arguments(values, settings), *extra), len(outputs))

    return Indicator(
        name=name,
        title=title,
        settings=settings,
        outputs=outputs,
        batch=batch,
        stream=stream,
        first_valid=first_valid,
        settled_bars=settled_bars,
        follows_price=follows_price,
        check=check,
        source=source,
    )


def atr_of(candles: Candles, window: int) -> FloatArray:
    """Give the average true range as one array."""
    found: FloatArray = talib.ATR(candles.high, candles.low, candles.close, window)
    return found


def atr_stream(window: int) -> IndicatorStream:
    """Give the running twin of `atr_of`."""
    return TalibStream(handles.ATR, ("high", "low", "close"), (window,), 1)


def rsi_columns(candles: Candles, values: Values) -> tuple[FloatArray, ...]:
    """Give Wilder's RSI, 50 while the price has not moved at all (TA-Lib says 0 there)."""
    window = int(values[0])
    rsi: FloatArray = talib.RSI(candles.close, window)
    if len(rsi) > window and np.nanmin(rsi[window:]) == 0.0:
        moves = talib.RMA(np.abs(np.diff(candles.close)), window)
        rsi[1:][(rsi[1:] == 0.0) & (moves < _NO_MOVE)] = 50.0
    return (rsi,)


def rsi_stream(values: Values) -> IndicatorStream:
    """Give the running twin of `rsi_columns`."""
    window = int(values[0])
    last_close = float("nan")
    moves: Any = None
    first_moves: list[float] = []

    def combine(parts: list[tuple[float, ...]], bar: Bar) -> tuple[float, ...]:
        nonlocal last_close, moves
        move = abs(bar[3] - last_close)
        last_close = bar[3]
        average = float("nan")
        if move == move:
            if moves is not None:
                average = moves.update(move)
            else:
                first_moves.append(move)
                if len(first_moves) == window:
                    moves = handles.RMA(np.array(first_moves), window)
                    average = moves.value
        value = parts[0][0]
        return (50.0,) if value == 0.0 and average < _NO_MOVE else (value,)

    return JoinedStream([TalibStream(handles.RSI, ("close",), (window,), 1)], combine)


def adx_columns(candles: Candles, values: Values) -> tuple[FloatArray, ...]:
    """Give ADX, +DI and -DI."""
    window = int(values[0])
    bars = (candles.high, candles.low, candles.close)
    return talib.ADX(*bars, window), talib.PLUS_DI(*bars, window), talib.MINUS_DI(*bars, window)


def adx_stream(values: Values) -> IndicatorStream:
    """Give the running twin of `adx_columns`."""
    bars = ("high", "low", "close")
    parts = [
        TalibStream(one, bars, (int(values[0]),), 1)
        for one in (handles.ADX, handles.PLUS_DI, handles.MINUS_DI)
    ]
    return JoinedStream(parts, lambda found, bar: (found[0][0], found[1][0], found[2][0]))


def _stochastic_windows(values: Values) -> tuple[float, ...]:
    k, smooth, d = (int(v) for v in values)
    return k, smooth, 0, d, 0


def stochastic_columns(candles: Candles, values: Values) -> tuple[FloatArray, ...]:
    """Give %K (smoothed) and %D with simple averages."""
    function: Callable[..., tuple[FloatArray, ...]] = talib.STOCH
    return function(candles.high, candles.low, candles.close, *_stochastic_windows(values))


def stochastic_stream(values: Values) -> IndicatorStream:
    """Give the running twin of `stochastic_columns`."""
    return TalibStream(handles.STOCH, ("high", "low", "close"), _stochastic_windows(values), 2)


_MACD = (
    Setting(name="fast_bars", default=12, minimum=2),
    Setting(name="slow_bars", default=26, minimum=2),
    Setting(name="signal_bars", default=9, minimum=1),
)
_BANDS = (
    _window(20),
    Setting(name="width", default=2.0, minimum=0.1, maximum=10.0, whole=False, unit="σ"),
)
_STOCHASTIC = (
    Setting(name="k_bars", default=14, minimum=1),
    Setting(name="smooth_bars", default=3, minimum=1),
    Setting(name="d_bars", default=3, minimum=1),
)


def _bands_columns(candles: Candles, values: Values) -> tuple[FloatArray, ...]:
    width = float(values[1])
    upper, middle, lower = talib.BBANDS(candles.close, int(values[0]), width, width)
    return middle, upper, lower


def _bands_stream(values: Values) -> IndicatorStream:
    width = float(values[1])
    inner = TalibStream(handles.BBANDS, ("close",), (int(values[0]), width, width), 3)
    return JoinedStream([inner], lambda found, bar: (found[0][1], found[0][0], found[0][2]))


def _middle_ranks(window: int) -> tuple[float, float]:
    """Give the percentiles whose nearest ranks are the two middle values of a window (one when it is odd)."""
    low, high = (window + 1) // 2, window // 2 + 1
    return 100.0 * (low - 0.5) / window, 100.0 * (high - 0.5) / window


def _volume_median_columns(candles: Candles, values: Values) -> tuple[FloatArray, ...]:
    window = int(values[0])
    low, high = (talib.PERCENTILE(candles.volume, window, rank) for rank in _middle_ranks(window))
    return ((low + high) / 2.0,)


def _volume_median_stream(values: Values) -> IndicatorStream:
    window = int(values[0])
    parts = [
        TalibStream(handles.PERCENTILE, ("volume",), (window, rank), 1) for rank in _middle_ranks(window)
    ]
    return JoinedStream(parts, lambda found, bar: ((found[0][0] + found[1][0]) / 2.0,))


def _last(values: Values) -> int:
    return int(values[0]) - 1


def _bars(values: Values) -> int:
    return int(values[0])


def _wilder(values: Values) -> int:
    return int(values[0]) + wilder_bars(int(values[0]))


TALIB_SET: tuple[Indicator, ...] = (
    _plain(
        "sma",
        "Simple moving average",
        "SMA",
        ("close",),
        (_window(20),),
        ("",),
        _last,
        _bars,
        follows_price=True,
    ),
    _plain(
        "ema",
        "Exponential moving average, seeded with the simple one",
        "EMA",
        ("close",),
        (_window(20),),
        ("",),
        _last,
        lambda v: int(v[0]) + ema_bars(int(v[0])),
        follows_price=True,
    ),
    Indicator(
        name="rsi",
        title="Relative strength index (Wilder)",
        settings=(_window(14),),
        outputs=("",),
        batch=rsi_columns,
        stream=rsi_stream,
        first_valid=_bars,
        settled_bars=_wilder,
        source="Wilder, New Concepts in Technical Trading Systems (1978)",
    ),
    _plain(
        "macd",
        "Moving average convergence/divergence: line, signal, histogram",
        "MACD",
        ("close",),
        _MACD,
        ("", "signal", "hist"),
        lambda v: int(v[1]) + int(v[2]) - 2,
        lambda v: int(v[1]) + int(v[2]) + ema_bars(int(v[1])) + ema_bars(int(v[2])),
        check=lambda v: "" if v[0] < v[1] else f"fast_bars {v[0]:g} must be below slow_bars {v[1]:g}.",
        source="Appel, The Moving Average Convergence-Divergence Method (1979)",
    ),
    Indicator(
        name="bb",
        title="Bollinger bands: middle, upper, lower (population σ)",
        settings=_BANDS,
        outputs=("middle", "upper", "lower"),
        batch=_bands_columns,
        stream=_bands_stream,
        first_valid=_last,
        settled_bars=_bars,
        follows_price=True,
        source="Bollinger on Bollinger Bands (2001)",
    ),
    _plain(
        "atr",
        "Average true range (Wilder)",
        "ATR",
        ("high", "low", "close"),
        (_window(14, 1),),
        ("",),
        _bars,
        _wilder,
        source="Wilder, New Concepts in Technical Trading Systems (1978)",
    ),
    Indicator(
        name="stoch",
        title="Stochastic oscillator: %K smoothed, %D",
        settings=_STOCHASTIC,
        outputs=("k", "d"),
        batch=stochastic_columns,
        stream=stochastic_stream,
        first_valid=lambda v: int(v[0]) + int(v[1]) + int(v[2]) - 3,
        settled_bars=lambda v: int(v[0]) + int(v[1]) + int(v[2]) - 2,
        source="Lane (1984)",
    ),
    Indicator(
        name="adx",
        title="Average directional index with +DI and -DI (Wilder)",
        settings=(_window(14),),
        outputs=("", "plus_di", "minus_di"),
        batch=adx_columns,
        stream=adx_stream,
        first_valid=lambda v: 2 * int(v[0]) - 1,
        settled_bars=lambda v: 2 * int(v[0]) + 2 * wilder_bars(int(v[0])),
        source="Wilder, New Concepts in Technical Trading Systems (1978)",
    ),
    _plain(
        "highest",
        "Highest high of the window",
        "MAX",
        ("high",),
        (_window(20),),
        ("",),
        _last,
        _bars,
        follows_price=True,
    ),
    _plain(
        "lowest",
        "Lowest low of the window",
        "MIN",
        ("low",),
        (_window(20),),
        ("",),
        _last,
        _bars,
        follows_price=True,
    ),
    _plain(
        "roc",
        "Rate of change in percent",
        "ROC",
        ("close",),
        (_window(10, 1),),
        ("",),
        _bars,
        lambda v: int(v[0]) + 1,
    ),
    _plain(
        "volume_sma",
        "Simple moving average of volume",
        "SMA",
        ("volume",),
        (_window(20),),
        ("",),
        _last,
        _bars,
    ),
    Indicator(
        name="volume_median",
        title="Median of volume over the window",
        settings=(_window(20),),
        outputs=("",),
        batch=_volume_median_columns,
        stream=_volume_median_stream,
        first_valid=_last,
        settled_bars=_bars,
        source="TA-Lib PERCENTILE at the two middle ranks",
    ),
)
