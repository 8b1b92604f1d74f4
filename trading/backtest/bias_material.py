"""What the bias checks feed: prefixes, poisoned futures and late starts of a market, and how outputs are compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trading.candles import Candles
from trading.market import MarketView, Series

FloatArray = NDArray[np.float64]
Columns = Mapping[str, NDArray[Any]]

#: Relative difference that rounding may explain when the same history is computed twice.
EXACT = 1e-12
#: Relative difference allowed where history begins at another bar.
SETTLED = 1e-6


class Poison(StrEnum):
    """What is put in place of the future."""

    NAN = "nan"
    TENFOLD = "tenfold"
    MIRRORED = "mirrored"
    STRANGER = "stranger"


def poisoned(market: MarketView, stop: int, poison: Poison, *, seed: int) -> MarketView:
    """Replace everything that is not known at the close of row `stop` - 1, in all series, keeping the length."""
    now_ms = int(market.close_ms[stop - 1])
    random = np.random.default_rng(seed)
    return MarketView(
        candles=_poisoned_candles(market.candles, stop, poison, random),
        others={
            pair: _poisoned_candles(
                other,
                int(np.searchsorted(other.ts_ms + other.timeframe.ms, now_ms, "right")),
                poison,
                random,
            )
            for pair, other in market.others.items()
        },
        series={name: _poisoned_series(one, now_ms, poison, random) for name, one in market.series.items()},
    )


def _poisoned_candles(candles: Candles, stop: int, poison: Poison, random: np.random.Generator) -> Candles:
    future = slice(stop, len(candles))
    count = len(candles) - stop
    if count <= 0:
        return candles
    columns = {name: getattr(candles, name).copy() for name in ("open", "high", "low", "close", "volume")}
    last = float(candles.close[max(stop - 1, 0)])
    if poison is Poison.NAN:
        for column in columns.values():
            column[future] = np.nan
    elif poison is Poison.TENFOLD:
        for column in columns.values():
            column[future] *= 10.0
    elif poison is Poison.MIRRORED:
        high, low = columns["high"][future].copy(), columns["low"][future].copy()
        columns["high"][future], columns["low"][future] = last**2 / low, last**2 / high
        for name in ("open", "close"):
            columns[name][future] = last**2 / columns[name][future]
    else:
        close = last * np.exp(np.cumsum(random.normal(0.0, 0.02, count)))
        opened = np.concatenate(([last], close[:-1]))
        reach = np.abs(random.normal(0.0, 0.01, (2, count)))
        columns["open"][future], columns["close"][future] = opened, close
        columns["high"][future] = np.maximum(opened, close) * (1.0 + reach[0])
        columns["low"][future] = np.minimum(opened, close) / (1.0 + reach[1])
        columns["volume"][future] = random.exponential(1.0, count)
    return replace(candles, **columns)


def _poisoned_series(one: Series, now_ms: int, poison: Poison, random: np.random.Generator) -> Series:
    stop = int(np.searchsorted(one.available_ms, now_ms, "right"))
    values = one.values.copy()
    if poison is Poison.NAN:
        values[stop:] = np.nan
    elif poison is Poison.TENFOLD:
        values[stop:] = values[stop:] * 10.0 + 1.0
    elif poison is Poison.MIRRORED:
        values[stop:] = -values[stop:]
    else:
        values[stop:] = random.normal(size=len(values) - stop)
    return Series(available_ms=one.available_ms, values=values)


def started(market: MarketView, start: int, stop: int) -> MarketView:
    """Give the view of somebody who has rows start … stop - 1 and nothing older of any candle series."""
    until = market.until(stop)
    from_ms = int(market.candles.ts_ms[start])
    return MarketView(
        candles=until.candles.rows(start, stop),
        others={pair: other.between(from_ms, None) for pair, other in until.others.items()},
        series=until.series,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The first row of a column at which two computations disagree."""

    column: str
    row: int
    expected: str
    found: str


def first_difference(
    expected: Columns, found: Columns, *, rows: slice, offset: int = 0, tolerance: float
) -> Difference | None:
    """Compare columns over some rows; whole numbers, flags and words exactly, floats relatively.

    Args:
        expected: the reference; `rows` selects in it.
        found: row k of `expected` is row k - offset here.
        tolerance: relative to the larger value or the column's median size, whichever is more: a difference far
            below the column's own scale decides nothing.
    """
    if set(expected) != set(found):
        odd = sorted(set(expected) ^ set(found))[0]
        return Difference(column=odd, row=rows.start, expected="a column", found="present on one side only")
    shifted = slice(rows.start - offset, rows.stop - offset)
    for name, reference in expected.items():
        first, second = np.asarray(reference)[rows], np.asarray(found[name])[shifted]
        if first.shape != second.shape:
            return Difference(
                column=name, row=rows.start, expected=f"shape {first.shape}", found=f"shape {second.shape}"
            )
        wrong = _wrong(first, second, tolerance)
        if wrong.any():
            at = int(np.argmax(wrong.reshape(len(wrong), -1).any(axis=1)))
            return Difference(
                column=name, row=rows.start + at, expected=_shown(first[at]), found=_shown(second[at])
            )
    return None


def _wrong(first: NDArray[Any], second: NDArray[Any], tolerance: float) -> NDArray[np.bool_]:
    if first.dtype.kind != "f" or second.dtype.kind != "f":
        exact: NDArray[np.bool_] = np.asarray(first != second)
        return exact
    gap = np.abs(first - second)
    size = np.maximum(np.abs(first), np.abs(second))
    finite = np.abs(first[np.isfinite(first)])
    scale = float(np.median(finite)) if len(finite) else 0.0
    both_nan = np.isnan(first) & np.isnan(second)
    # `not ≤` also catches NaN against a number; equal infinities have a NaN gap but are equal.
    wrong: NDArray[np.bool_] = ~(gap <= tolerance * np.maximum(size, scale)) & ~both_nan & ~(first == second)
    return wrong


def _shown(value: Any) -> str:
    return np.array2string(np.asarray(value), precision=12, separator=", ")


def signal_rows(columns: Columns) -> NDArray[np.int64]:
    """Give the rows at which a whole-number or flag column changes: where decisions are made."""
    rows: set[int] = set()
    for column in columns.values():
        values = np.asarray(column)
        if values.dtype.kind in "iub" and values.ndim == 1 and len(values) > 1:
            rows.update((np.flatnonzero(values[1:] != values[:-1]) + 1).tolist())
    return np.array(sorted(rows), np.int64)


def events_as_columns(
    bars: int, events: list[tuple[int, str]], digest: Callable[[str], int]
) -> dict[str, NDArray[Any]]:
    """Turn events (bar, text) into columns: how many at each bar, and what they say as one number."""
    count = np.zeros(bars, np.int64)
    content = np.zeros(bars, np.int64)
    for bar, text in events:
        # Order matters: the second event of a bar must stay the second.
        content[bar] = digest(f"{content[bar]}|{text}")
        count[bar] += 1
    return {"events": count, "content": content}
