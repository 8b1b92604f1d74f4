"""What rules look at: named columns of the bars and of a strategy's inputs, as a history or as the last few rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from strategies.window_stream import candle_rows
from trading.analysis.indicators import parse
from trading.analysis.streams import Bar
from trading.candles import Candles
from trading.errors import NotFound, nearest
from trading.market import MarketView
from trading.remember import remembered

FloatArray = NDArray[np.float64]

_BAR_COLUMNS = ("open", "high", "low", "close", "volume")


class InputStream(Protocol):
    """A running input: a closed bar in, its outputs out."""

    def step(self, bar: Bar, ts_ms: int, market: MarketView | None) -> tuple[float, ...]: ...


class Input(Protocol):
    """Something a strategy reads beside the bars: columns over a history and a running twin."""

    @property
    def outputs(self) -> tuple[str, ...]: ...

    @property
    def warmup_bars(self) -> int: ...

    def columns(self, market: MarketView) -> tuple[FloatArray, ...]: ...

    def stream(self) -> InputStream: ...


class Frame:
    """Named float64 columns of equal length; row t is known at the close of bar t."""

    def __init__(self, columns: Mapping[str, FloatArray], rows: int) -> None:
        self._columns = dict(columns)
        self._rows = rows

    def __len__(self) -> int:
        return self._rows

    def __getitem__(self, name: str) -> FloatArray:
        if name not in self._columns:
            raise NotFound(
                f"Column '{name}' is not in this frame; {', '.join(self._columns)} are.",
                hint=nearest(name, self._columns) or None,
            )
        return self._columns[name]

    def names(self) -> tuple[str, ...]:
        """Give the columns there are."""
        return tuple(self._columns)

    def before(self, name: str, bars: int = 1) -> FloatArray:
        """Give a column as it was some bars ago, NaN where there was none."""
        return earlier(self[name], bars)


def earlier(values: FloatArray, bars: int = 1) -> FloatArray:
    """Shift a column into the past: row t gives row t - bars."""
    out = np.full(len(values), np.nan)
    if bars < len(values):
        out[bars:] = values[: len(values) - bars]
    return out


def column_names(inputs: Mapping[str, Input]) -> tuple[str, ...]:
    """Give the frame's names: alias for the first output, alias.output for the others."""
    names: list[str] = list(_BAR_COLUMNS)
    for alias, one in inputs.items():
        names += [f"{alias}.{output}" if output else alias for output in one.outputs]
    return tuple(names)


def frame_of(market: MarketView, inputs: Mapping[str, Input]) -> Frame:
    """Compute every input over the whole history."""
    candles = market.candles
    arrays: list[FloatArray] = [getattr(candles, name) for name in _BAR_COLUMNS]
    for one in inputs.values():
        arrays += remembered(one, market, partial(one.columns, market))
    return Frame(dict(zip(column_names(inputs), arrays, strict=True)), len(candles))


class FrameStream:
    """The last few rows of a frame, carried forward in O(1) per bar."""

    def __init__(self, inputs: Mapping[str, Input], rows: int) -> None:
        self._names = column_names(inputs)
        self._streams = tuple(one.stream() for one in inputs.values())
        self._buffer = np.full((len(self._names), rows), np.nan)
        self._size = rows
        self._filled = 0

    def warm(self, candles: Candles, market: MarketView | None) -> None:
        """Take a history bar by bar."""
        for ts_ms, open, high, low, close, volume, _ in candle_rows(candles):
            view = None
            if market is not None and (market.others or market.series):
                view = market.until(int(np.searchsorted(candles.ts_ms, ts_ms, "right")))
            self.step((open, high, low, close, volume), ts_ms, view)

    def step(self, bar: Bar, ts_ms: int, market: MarketView | None) -> Frame:
        """Take a closed bar, give the rows seen last."""
        row = list(bar)
        for one in self._streams:
            row += one.step(bar, ts_ms, market)
        buffer = self._buffer
        buffer[:, :-1] = buffer[:, 1:]
        buffer[:, -1] = row
        self._filled = min(self._filled + 1, self._size)
        start = self._size - self._filled
        return Frame({name: buffer[i, start:] for i, name in enumerate(self._names)}, self._filled)


class IndicatorInput:
    """An indicator by its spec, `rsi:14`."""

    def __init__(self, spec: str) -> None:
        self._parsed = parse(spec)

    @property
    def outputs(self) -> tuple[str, ...]:
        return self._parsed.indicator.outputs

    @property
    def warmup_bars(self) -> int:
        return self._parsed.settled_bars

    def columns(self, market: MarketView) -> tuple[FloatArray, ...]:
        return self._parsed.columns(market.candles)

    def stream(self) -> InputStream:
        return _IndicatorInputStream(self._parsed.stream().step)


class _Step(Protocol):
    def __call__(self, bar: Bar) -> tuple[float, ...]: ...


class _IndicatorInputStream:
    def __init__(self, step: _Step) -> None:
        self._step = step

    def step(self, bar: Bar, ts_ms: int, market: MarketView | None) -> tuple[float, ...]:
        return self._step(bar)


def indicators(**specs: str) -> dict[str, Input]:
    """Give inputs by alias from specs: `indicators(fast="ema:12", slow="ema:26")`."""
    return {alias: IndicatorInput(spec) for alias, spec in specs.items()}


def longest_warmup(inputs: Iterable[Input]) -> int:
    """Give the bars that the slowest input needs."""
    return max((one.warmup_bars for one in inputs), default=1)
