"""Indicators carried forward one closed bar at a time, bit-identical to their columns."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from trading.analysis.ta_library import talib

#: One closed bar as the streams take it: open, high, low, close, volume.
Bar = tuple[float, float, float, float, float]

_COLUMN = {"open": 0, "high": 1, "low": 2, "close": 3, "volume": 4}
_NAN = float("nan")

#: Left out of the package's type stubs.
_TOO_SHORT: type[Exception] = vars(talib)["InsufficientHistory"]


class IndicatorStream(Protocol):
    """A running indicator: a closed bar in, its values out; NaN while warming up."""

    def step(self, bar: Bar) -> tuple[float, ...]: ...


class TalibStream:
    """One TA-Lib handle. It is opened on the first bars that suffice, then updated in O(1).

    The handle's values are bit-identical to TA-Lib's batch function from the same first bar. Handles cannot be
    pickled: after a restart a stream is rebuilt from stored candles.
    """

    def __init__(
        self, handle: Callable[..., Any], columns: Sequence[str], arguments: Sequence[float], outputs: int
    ) -> None:
        self._open = handle
        self._columns = tuple(_COLUMN[name] for name in columns)
        self._arguments = tuple(arguments)
        self._outputs = outputs
        self._seen: list[Bar] = []
        self._handle: Any = None

    def step(self, bar: Bar) -> tuple[float, ...]:
        """Take a closed bar, give the outputs in TA-Lib's order."""
        if self._handle is None:
            return self._warm_up(bar)
        value = self._handle.update(*(bar[i] for i in self._columns))
        return value if isinstance(value, tuple) else (float(value),)

    def _warm_up(self, bar: Bar) -> tuple[float, ...]:
        self._seen.append(bar)
        inputs = [np.array([one[i] for one in self._seen]) for i in self._columns]
        try:
            self._handle = self._open(*inputs, *self._arguments)
        except _TOO_SHORT:
            return (_NAN,) * self._outputs
        self._seen = []
        value = self._handle.value
        return value if isinstance(value, tuple) else (float(value),)


class DelayStream:
    """Give what another stream gave `bars` ago."""

    def __init__(self, inner: IndicatorStream, bars: int, outputs: int) -> None:
        self._inner = inner
        self._past: deque[tuple[float, ...]] = deque([(_NAN,) * outputs] * bars, maxlen=max(bars, 1))
        self._bars = bars

    def step(self, bar: Bar) -> tuple[float, ...]:
        """Take a closed bar, give the delayed outputs."""
        value = self._inner.step(bar)
        if self._bars == 0:
            return value
        delayed = self._past[0]
        self._past.append(value)
        return delayed


class JoinedStream:
    """Several streams side by side, and a function that turns their outputs into one row."""

    def __init__(
        self,
        parts: Sequence[IndicatorStream],
        combine: Callable[[list[tuple[float, ...]], Bar], tuple[float, ...]],
    ) -> None:
        self._parts = tuple(parts)
        self._combine = combine

    def step(self, bar: Bar) -> tuple[float, ...]:
        """Take a closed bar, give the combined outputs."""
        return self._combine([part.step(bar) for part in self._parts], bar)
