"""Signals as the few rows that matter: repeats of an exit wish are dropped, crossings are found in one pass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from trading.analysis.indicators import parse
from trading.backtest.repeats import first_wishes
from trading.backtest.search_space import Value
from trading.candles import Candles
from trading.engine.records import SIGNAL, Records
from trading.errors import BadParameter
from trading.jit import njit
from trading.signals import Exit, Signal, SignalColumns

FloatArray = NDArray[np.float64]
SignArray = NDArray[np.int8]
IntArray = NDArray[np.int64]


def without_repeats(columns: SignalColumns) -> SignalColumns:
    """Give the same signals with each exit wish said once until the next entry.

    A strategy may repeat "close longs" on every bar of a falling market. Said once it closes the position and
    cancels pending entries of that side; until another row enters, nothing new can be there to be closed. So the
    run is the same, and an account that holds a position is not woken on each of those bars.
    """
    wish = columns.exit
    if len(wish) == 0 or (wish.strides == (0,) and wish[0] == 0):
        return columns
    return replace(columns, exit=first_wishes(np.array(columns.enter), np.array(wish)))


@njit
def _crossings(fast: FloatArray, slow: FloatArray, at: IntArray, side: SignArray) -> int:
    """Write the rows at which `fast` passes `slow`, +1 upwards, -1 downwards; give how many."""
    count = 0
    state = 0
    for t in range(len(fast)):
        if fast[t] > slow[t]:
            now = 1
        elif fast[t] <= slow[t]:
            now = -1
        else:
            continue  # still warming up
        if state != 0 and now != state:
            at[count] = t
            side[count] = now
            count += 1
        state = now
    return count


def crossings(fast: FloatArray, slow: FloatArray) -> tuple[IntArray, SignArray]:
    """Give the rows at which one column passes another and the direction; the first known state is no crossing."""
    at, side = np.empty(len(fast), np.int64), np.empty(len(fast), np.int8)
    count = _crossings(fast, slow, at, side)
    return at[:count].copy(), side[:count].copy()


def blank_records(count: int) -> Records:
    """Give SIGNAL records that want nothing: every field at the default of `Signal`."""
    return np.repeat(_BLANK, count)


def _blank() -> Records:
    row = np.zeros(1, SIGNAL)
    default = Signal()
    for name in SIGNAL.names or ():
        if hasattr(default, name):
            row[name] = getattr(default, name)
    return row


_BLANK = _blank()


class SharedIndicators:
    """Indicators of one series, each computed once whatever the number of parameter sets that ask for it."""

    def __init__(self, candles: Candles) -> None:
        self._candles = candles
        self._known: dict[str, tuple[FloatArray, ...]] = {}
        self._lock = Lock()

    def __getitem__(self, spec: str) -> FloatArray:
        """Give the first output of an indicator by its spec, `sma:20`."""
        return self.outputs(spec)[0]

    def outputs(self, spec: str) -> tuple[FloatArray, ...]:
        """Give every output of an indicator."""
        found = self._known.get(spec)
        if found is None:
            found = tuple(np.ascontiguousarray(one) for one in parse(spec).columns(self._candles))
            with self._lock:
                # Two threads may have computed it; both got the same numbers.
                self._known.setdefault(spec, found)
        return found


class CrossingAverages:
    """Two averages of the close that cross: the yardstick of sweeps. Enters upwards, leaves (or turns) downwards.

    Parameters of a set: `fast` and `slow`, window lengths in bars.

    Args:
        average: name of the indicator, `sma` or `ema`.
        trades_short: turn short on a crossing downwards.
    """

    def __init__(self, candles: Candles, *, average: str = "sma", trades_short: bool = False) -> None:
        self._indicators = SharedIndicators(candles)
        self._average, self._trades_short = average, trades_short

    def __call__(self, params: Mapping[str, Value]) -> Records:
        """Give the rows of a parameter set.

        Raises:
            BadParameter: `fast` is not below `slow`.
        """
        fast, slow = int(params["fast"]), int(params["slow"])
        if not fast < slow:
            raise BadParameter(f"fast is {fast} and slow {slow}; fast must be below slow.")
        at, side = crossings(
            self._indicators[f"{self._average}:{fast}"], self._indicators[f"{self._average}:{slow}"]
        )
        rows = blank_records(len(at))
        rows["at"] = at
        rows["exit"] = np.where(side > 0, Exit.SHORT, Exit.LONG)
        rows["enter"] = side if self._trades_short else np.maximum(side, 0)
        return rows
