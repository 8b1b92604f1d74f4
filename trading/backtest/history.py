"""Bringing candles and signal columns of several lines onto one time axis, as the compiled loop wants them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trading.backtest.repeats import first_wishes
from trading.candles import MISSING, Candles
from trading.engine.build import markets
from trading.engine.config import AccountConfig
from trading.engine.drive import History
from trading.engine.records import BAR, DAY_MS, SIGNAL, Records
from trading.errors import InvalidInput, ShapeMismatch
from trading.risk.correlation import CorrelationRule, schedule
from trading.risk.sizing import SizingMethod
from trading.signals import SignalColumns

_COLUMNS = ("open", "high", "low", "close", "volume")

#: Names in SIGNAL records and in SignalColumns that are the same.
_SAME = (
    "enter", "exit", "entry_type", "entry_price", "expiry_bars", "stop", "targets", "fractions", "trail_ratio",
    "trail_after_ratio", "break_even_after_leg", "max_bars", "score", "size_hint", "hedge_beta", "tag", "exit_tag",
    "grid_low", "grid_high", "grid_levels",
)  # fmt: skip


def market_candles(config: AccountConfig, series: Sequence[Candles]) -> tuple[Candles, ...]:
    """Give the candles of each market once, in the order of the account's markets.

    Raises:
        ShapeMismatch: not one series per line.
        InvalidInput: another timeframe than the account's, no bars, or two series for one pair.
    """
    if len(series) != len(config.lines):
        raise ShapeMismatch(f"{len(series)} candle series were given for {len(config.lines)} lines.")
    found: dict[str, Candles] = {}
    for line, candles in zip(config.lines, series, strict=True):
        pair = line.instrument.pair
        if candles.timeframe.ms != config.timeframe_ms:
            raise InvalidInput(
                f"{pair}: candles of {candles.timeframe} were given; the account runs on {config.timeframe_ms} ms."
            )
        if len(candles) == 0:
            raise InvalidInput(f"{pair}: no candles were given; at least one bar is needed.")
        known = found.setdefault(pair, candles)
        if known is not candles and not np.array_equal(known.ts_ms, candles.ts_ms):
            raise InvalidInput(f"{pair}: two different candle series were given; one per pair is allowed.")
    return tuple(found[pair] for pair in markets(config))


def time_axis(series: Sequence[Candles]) -> NDArray[np.int64]:
    """Give every open time that any series has, increasing."""
    first = series[0].ts_ms
    if all(one.ts_ms is first or np.array_equal(one.ts_ms, first) for one in series[1:]):
        return np.ascontiguousarray(first, np.int64)
    return np.unique(np.concatenate([one.ts_ms for one in series])).astype(np.int64)


def make_history(
    config: AccountConfig,
    series: Sequence[Candles],
    *,
    detail: Mapping[str, Candles] | None = None,
) -> History:
    """Lay the markets side by side; a market without a bar at some time is MISSING there."""
    ts_ms = time_axis(series)
    columns = {name: _side_by_side(ts_ms, series, name) for name in _COLUMNS}
    flags = _flags(ts_ms, series)
    odd = flags[:, 0].copy() if flags.shape[1] == 1 else (flags != 0).any(axis=1).astype(np.uint8)
    inside, inside_ms, inside_from = _inside(config, series, ts_ms, detail)
    rho_day, rho = _coefficients(config, series)
    return History(
        ts_ms=ts_ms,
        flags=flags,
        odd=odd,
        atr=_atr(config, ts_ms, series),
        inside=inside,
        inside_ms=inside_ms,
        inside_from=inside_from,
        rho_day=rho_day,
        rho=rho,
        **columns,
    )


def _plain(column: Any) -> NDArray[np.float64]:
    # One array type means one compiled version: contiguous, float64, writeable.
    out = np.ascontiguousarray(column, np.float64)
    return out if out.flags.writeable else out.copy()


def _side_by_side(ts_ms: NDArray[np.int64], series: Sequence[Candles], name: str) -> NDArray[np.float64]:
    if len(series) == 1:
        return _plain(getattr(series[0], name)).reshape(-1, 1)
    out = np.zeros((len(ts_ms), len(series)))
    for m, candles in enumerate(series):
        column = getattr(candles, name)
        if len(candles) == len(ts_ms):
            out[:, m] = column
        else:
            out[np.searchsorted(ts_ms, candles.ts_ms), m] = column
    return out


def _flags(ts_ms: NDArray[np.int64], series: Sequence[Candles]) -> NDArray[np.uint8]:
    out = np.full((len(ts_ms), len(series)), MISSING, np.uint8)
    for m, candles in enumerate(series):
        if len(candles) == len(ts_ms):
            out[:, m] = candles.flags
        else:
            out[np.searchsorted(ts_ms, candles.ts_ms), m] = candles.flags
    return out


def _atr(config: AccountConfig, ts_ms: NDArray[np.int64], series: Sequence[Candles]) -> NDArray[np.float64]:
    if config.limits.method is not SizingMethod.ATR:
        return np.empty((0, len(series)))
    from trading.analysis.ta_library import talib

    out = np.full((len(ts_ms), len(series)), np.nan)
    for m, candles in enumerate(series):
        # TA-Lib smooths as Wilder did.
        values = talib.ATR(
            _plain(candles.high), _plain(candles.low), _plain(candles.close), config.limits.atr_window_bars
        )
        out[np.searchsorted(ts_ms, candles.ts_ms), m] = values
    return out


def _inside(
    config: AccountConfig,
    series: Sequence[Candles],
    ts_ms: NDArray[np.int64],
    detail: Mapping[str, Candles] | None,
) -> tuple[Records, NDArray[np.int64], NDArray[np.int64]]:
    empty = np.empty(0, np.int64)
    if not detail:
        return np.zeros((0, len(series)), BAR), empty, empty
    pairs = markets(config)
    for pair, one in detail.items():
        if pair not in pairs:
            raise InvalidInput(f"Detail candles of {pair} were given; {', '.join(pairs)} are traded.")
        if config.timeframe_ms % one.timeframe.ms or one.timeframe.ms >= config.timeframe_ms:
            raise InvalidInput(
                f"{pair}: detail candles of {one.timeframe} were given; a shorter timeframe that divides "
                f"{config.timeframe_ms} ms is allowed."
            )
    inner = time_axis(list(detail.values()))
    own = np.searchsorted(ts_ms, inner, "right") - 1
    inner = inner[(own >= 0) & (inner < ts_ms[np.maximum(own, 0)] + config.timeframe_ms)]
    edges = np.concatenate([ts_ms, ts_ms[-1:] + config.timeframe_ms])
    starts: NDArray[np.int64] = np.searchsorted(inner, edges).astype(np.int64)
    rows = np.zeros((len(inner), len(series)), BAR)
    rows["flags"] = int(MISSING)
    for m, pair in enumerate(pairs):
        if pair in detail:
            _write_inside(rows[:, m], inner, detail[pair])
        _complete(rows[:, m], starts, ts_ms, series[m])
    return rows, inner, starts


def _write_inside(column: Records, inner: NDArray[np.int64], candles: Candles) -> None:
    at = np.searchsorted(inner, candles.ts_ms)
    known = at < len(inner)
    known[known] = inner[at[known]] == candles.ts_ms[known]
    for name in _COLUMNS:
        column[name][at[known]] = getattr(candles, name)[known]
    column["flags"][at[known]] = candles.flags[known]
    column["atr"] = np.nan


def _complete(column: Records, starts: NDArray[np.int64], ts_ms: NDArray[np.int64], candles: Candles) -> None:
    """Where a market has no shorter bars inside a bar, its whole bar stands in the first row."""
    present = (column["flags"] & int(MISSING)) == 0
    counts = np.r_[0, np.cumsum(present)]
    rows = np.searchsorted(ts_ms, candles.ts_ms)
    begin, end = starts[rows], starts[rows + 1]
    lacks = (counts[end] == counts[begin]) & (end > begin)
    for name in _COLUMNS:
        column[name][begin[lacks]] = getattr(candles, name)[lacks]
    column["flags"][begin[lacks]] = candles.flags[lacks]


def _coefficients(
    config: AccountConfig, series: Sequence[Candles]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    n = len(config.lines)
    if n < 2 or config.limits.correlation_count is None:
        return np.empty(0, np.int64), np.empty((0, n, n))
    pairs = markets(config)
    rule = CorrelationRule(
        block_above=config.limits.correlation_threshold, release_below=config.limits.correlation_release
    )
    known = schedule(dict(zip(pairs, series, strict=True)), rule)
    of_line = [pairs.index(line.instrument.pair) for line in config.lines]
    rho = known.rho[:, of_line][:, :, of_line]
    return (known.from_ms // DAY_MS).astype(np.int64), np.ascontiguousarray(rho, np.float64)


def signal_records(
    ts_ms: NDArray[np.int64],
    series: Sequence[Candles],
    columns: Sequence[SignalColumns],
    *,
    keeps_repeats: bool = True,
) -> Records:
    """Give the rows at which any line wants something, sorted by bar, then line.

    Args:
        keeps_repeats: keep an exit wish that is said again before another row enters. It can change nothing when
            these rows are all that the account is told (see `sparse.without_repeats`).

    Raises:
        ShapeMismatch: a line's columns are not as long as its candles.
    """
    parts = []
    for line, (candles, one) in enumerate(zip(series, columns, strict=True)):
        if len(one) != len(candles):
            raise ShapeMismatch(
                f"Line {line}: {len(one)} signal rows were given for {len(candles)} bars of {candles.pair}."
            )
        wanted = one.enter != 0
        if not (one.exit.strides == (0,) and (len(one) == 0 or one.exit[0] == 0)):
            wanted |= one.exit != 0
        rows = np.flatnonzero(wanted)
        wish = one.exit[rows]
        if not keeps_repeats and wish.any():
            wish = first_wishes(one.enter[rows], wish)
            matters = (one.enter[rows] != 0) | (wish != 0)
            rows, wish = rows[matters], wish[matters]
        part = np.zeros(len(rows), SIGNAL)
        part["at"] = rows if len(candles) == len(ts_ms) else np.searchsorted(ts_ms, candles.ts_ms[rows])
        part["line"] = line
        for name in _SAME:
            column = getattr(one, name)
            # A column that was never set is one element seen n times.
            part[name] = column[0] if len(one) and column.strides[0] == 0 else column[rows]
        part["exit"] = wish
        parts.append(part)
    if len(parts) == 1:
        return parts[0]
    together = np.concatenate(parts)
    return together[np.lexsort((together["line"], together["at"]))]
