"""Reaching a history from compiled code through one handle, as `reach` does for the records of an account."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from trading.engine.reach import one, whole
from trading.engine.records import BAR, SIGNAL, Records
from trading.jit import helper

FloatArray = NDArray[np.float64]


class History(NamedTuple):
    """The bars of an account's markets, on one common time axis.

    Attributes:
        ts_ms: open times, shape (t,).
        open, high, low, close, volume, atr: shape (t, m); `atr` (0, m) where no method needs it.
        flags: uint8, shape (t, m).
        odd: uint8, shape (t,): some market's bar has a flag.
        inside, inside_ms: shorter BAR records, shape (k, m), and their open times.
        inside_from: int64, shape (t + 1,): where each bar's shorter bars begin; shape (0,) = none.
        rho_day: int64, shape (d,), days since the epoch, increasing, on which `rho` (d, n, n) took effect.
    """

    ts_ms: NDArray[np.int64]
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray
    atr: FloatArray
    flags: NDArray[np.uint8]
    odd: NDArray[np.uint8]
    inside: Records
    inside_ms: NDArray[np.int64]
    inside_from: NDArray[np.int64]
    rho_day: NDArray[np.int64]
    rho: FloatArray


#: What the fast loop keeps beside the records, per live line: lows at or below `down` and highs at or above `up` may
#: fill something, lows at or below `sink` and highs at or above `lift` may move its stop; the signed quantity; the
#: extremes since the entry; the line and its market.
WATCH = np.dtype(
    [
        *((name, "f8") for name in ("down", "up", "sink", "lift", "worth", "top", "bottom")),
        ("live", "i8"),
        ("market", "i8"),
    ]
)

Watch = Records


def new_watch(n: int) -> Watch:
    """Give an empty watch over n lines, shape (n,)."""
    return np.zeros(n, WATCH)


_F, _I, _B = np.dtype(np.float64), np.dtype(np.int64), np.dtype(np.uint8)

_COURSE: dict[str, np.dtype[Any]] = {
    "ts_ms": _I, "open": _F, "high": _F, "low": _F, "close": _F, "volume": _F, "atr": _F, "flags": _B, "odd": _B,
    "inside": BAR, "inside_ms": _I, "inside_from": _I, "rho_day": _I, "rho": _F, "signals": SIGNAL, "row": BAR,
    "equity": _F, "watch": WATCH,
}  # fmt: skip

#: An address and a length for each array, flat; `m` is the number of markets. `matched` is the last bar that was
#: matched by itself, `day_bar` the first bar that ends `day`, looked for up to `day_stop`.
COURSE = np.dtype(
    [
        ("m", "i8"),
        *((f"{name}_{part}", "i8") for name in _COURSE for part in ("at", "count")),
        *((name, "i8") for name in ("matched", "day", "day_bar", "day_stop")),
    ]
)

all_times = whole("ts_ms", _I)
all_opens = whole("open", _F)
all_highs = whole("high", _F)
all_lows = whole("low", _F)
all_closes = whole("close", _F)
all_volumes = whole("volume", _F)
all_atrs = whole("atr", _F)
all_flags = whole("flags", _B)
all_odd = whole("odd", _B)
all_inside_times = whole("inside_ms", _I)
all_inside_from = whole("inside_from", _I)
all_rho_days = whole("rho_day", _I)
all_rho = whole("rho", _F)
all_signals = whole("signals", SIGNAL)
signal_at = one("signals", SIGNAL)
bar_row = one("row", BAR)
all_equity = whole("equity", _F)
watched = one("watch", WATCH)


@helper
def lay_out(
    course: Any, history: History, watch: Watch, signals: Records, row: Records, equity: FloatArray
) -> None:
    """Write where everything of a run is; the arrays must outlive the record."""
    course["m"] = len(row)
    course["ts_ms_at"] = history.ts_ms.ctypes.data
    course["ts_ms_count"] = history.ts_ms.size
    course["open_at"] = history.open.ctypes.data
    course["open_count"] = history.open.size
    course["high_at"] = history.high.ctypes.data
    course["high_count"] = history.high.size
    course["low_at"] = history.low.ctypes.data
    course["low_count"] = history.low.size
    course["close_at"] = history.close.ctypes.data
    course["close_count"] = history.close.size
    course["volume_at"] = history.volume.ctypes.data
    course["volume_count"] = history.volume.size
    course["atr_at"] = history.atr.ctypes.data
    course["atr_count"] = history.atr.size
    course["flags_at"] = history.flags.ctypes.data
    course["flags_count"] = history.flags.size
    course["odd_at"] = history.odd.ctypes.data
    course["odd_count"] = history.odd.size
    course["inside_at"] = history.inside.ctypes.data
    course["inside_count"] = history.inside.size
    course["inside_ms_at"] = history.inside_ms.ctypes.data
    course["inside_ms_count"] = history.inside_ms.size
    course["inside_from_at"] = history.inside_from.ctypes.data
    course["inside_from_count"] = history.inside_from.size
    course["rho_day_at"] = history.rho_day.ctypes.data
    course["rho_day_count"] = history.rho_day.size
    course["rho_at"] = history.rho.ctypes.data
    course["rho_count"] = history.rho.size
    course["signals_at"] = signals.ctypes.data
    course["signals_count"] = signals.size
    course["row_at"] = row.ctypes.data
    course["row_count"] = row.size
    course["equity_at"] = equity.ctypes.data
    course["equity_count"] = equity.size
    course["watch_at"] = watch.ctypes.data
    course["watch_count"] = watch.size
    course["matched"] = -1
    course["day"] = -1
