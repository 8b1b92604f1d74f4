"""Samples of many pairs on one time axis: what was seen, what came of it, and when that was known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trading.candles import Candles
from trading.errors import InvalidInput
from trading.learning.features import features, is_real, volatility
from trading.learning.labels import forward_returns

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

#: Computes the table of features of one pair; the pipeline's own is `features`, tests plant leaks in its place.
FeatureMaker = Callable[[Candles], FloatArray]


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """Samples, by pair and time.

    Attributes:
        table: features of all bars of all pairs, shape (bars, features).
        rows: the row of `table` that each sample is decided at; its window ends there.
        decided_ms, known_ms: close of that bar, and when its target became known.
        target: log return over the horizon, in units of `scale`.
        scale: what one unit of the target is worth as log return, known at the decision.
        entry: log price at which a trade after the decision begins.
        pair: index into `pairs`.
        bar: the bar's index within its pair.
        window_bars: bars of one input.
        horizon_bars: bars that a target looks ahead.
        bar_ms: length of a bar.
    """

    table: FloatArray
    rows: IntArray
    decided_ms: IntArray
    known_ms: IntArray
    target: FloatArray
    scale: FloatArray
    entry: FloatArray
    pair: IntArray
    bar: IntArray
    pairs: tuple[str, ...]
    window_bars: int
    horizon_bars: int
    bar_ms: int

    def __len__(self) -> int:
        return len(self.rows)

    def windows(self, chosen: IntArray) -> NDArray[np.float32]:
        """Give the inputs of some samples, shape (samples, window_bars, features)."""
        lags = np.arange(1 - self.window_bars, 1)
        found: NDArray[np.float32] = self.table[self.rows[chosen][:, None] + lags].astype(np.float32)
        return found

    def returns(self, chosen: IntArray) -> FloatArray:
        """Give the log returns that came of some samples."""
        return self.target[chosen] * self.scale[chosen]


def scale_of(close: FloatArray, horizon_bars: int) -> FloatArray:
    """Give what a usual move over the horizon is, as log return, per bar."""
    with np.errstate(invalid="ignore", divide="ignore"):
        scale: FloatArray = volatility(close) * np.sqrt(horizon_bars)
    return scale


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What a model may be asked about on one pair: the same rows in training and live.

    Attributes:
        table: features of all bars, shape (bars, features).
        bars: where a whole window of features ends at a bar that somebody traded.
        scale: what one unit of a forecast is worth as log return, per bar of `bars`.
    """

    table: FloatArray
    bars: IntArray
    scale: FloatArray

    def windows(self, window_bars: int) -> NDArray[np.float32]:
        """Give the windows that end at `bars`, shape (bars, window_bars, features)."""
        lags = np.arange(1 - window_bars, 1)
        found: NDArray[np.float32] = self.table[self.bars[:, None] + lags].astype(np.float32)
        return found


def inputs_of(
    candles: Candles, *, window_bars: int, horizon_bars: int, make: FeatureMaker = features
) -> Inputs:
    """Give what a model can be asked about."""
    table, scale = make(candles), scale_of(candles.close, horizon_bars)
    bars = np.flatnonzero(_whole_windows(table, window_bars) & is_real(candles) & np.isfinite(scale))
    return Inputs(table=table, bars=bars.astype(np.int64), scale=scale[bars])


def make_panel(
    series: Sequence[Candles],
    *,
    window_bars: int,
    horizon_bars: int,
    make: FeatureMaker = features,
) -> Panel:
    """Lay out the samples of several pairs, ordered by time.

    Raises:
        InvalidInput: no candles, several timeframes, or too few bars for one sample.
    """
    if not series or len({one.timeframe.ms for one in series}) != 1:
        raise InvalidInput("Candles of one timeframe are needed, of one pair at least.")
    tables: list[FloatArray] = []
    parts: list[tuple[NDArray[np.generic], ...]] = []
    offset = 0
    for number, candles in enumerate(series):
        asked = inputs_of(candles, window_bars=window_bars, horizon_bars=horizon_bars, make=make)
        labels = forward_returns(candles, horizon_bars)
        is_known = np.isfinite(labels.values[asked.bars])
        bars, scale = asked.bars[is_known], asked.scale[is_known]
        parts.append(
            (
                bars + offset,
                candles.ts_ms[bars] + candles.timeframe.ms,
                labels.known_ms[bars],
                labels.values[bars] / scale,
                scale,
                np.log(candles.open[bars + 1]),
                np.full(len(bars), number, np.int64),
                bars,
            )
        )
        tables.append(asked.table)
        offset += len(candles)
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    if not len(columns[0]):
        raise InvalidInput(
            f"{max(len(one) for one in series)} bars were given; none has {window_bars} bars of features before it "
            f"and {horizon_bars} bars after it.",
            hint="Give longer candles.",
        )
    order = np.lexsort((columns[6], columns[1]))
    rows, decided, known, target, scale, entry, pair, bar = (column[order] for column in columns)
    return Panel(
        table=np.concatenate(tables),
        rows=rows.astype(np.int64),
        decided_ms=decided.astype(np.int64),
        known_ms=known.astype(np.int64),
        target=target.astype(np.float64),
        scale=scale.astype(np.float64),
        entry=entry.astype(np.float64),
        pair=pair.astype(np.int64),
        bar=bar.astype(np.int64),
        pairs=tuple(one.pair for one in series),
        window_bars=window_bars,
        horizon_bars=horizon_bars,
        bar_ms=series[0].timeframe.ms,
    )


def _whole_windows(table: FloatArray, window_bars: int) -> NDArray[np.bool_]:
    """Tell which rows have features in every row of the window that ends with them."""
    broken = np.cumsum(~np.isfinite(table).all(axis=1))
    before = (
        np.r_[np.zeros(window_bars, np.int64), broken[:-window_bars]] if len(table) >= window_bars else broken
    )
    whole: NDArray[np.bool_] = broken == before
    whole[: window_bars - 1] = False
    return whole
