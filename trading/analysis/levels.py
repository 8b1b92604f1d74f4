"""Support and resistance: prices at which confirmed pivots gathered."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trading.jit import njit

FloatArray = NDArray[np.float64]

#: Pivots remembered; older ones are overwritten.
PIVOTS = 24

#: Pivots nearer than this many ATR count as touches of the same level.
TOLERANCE_ATR = 0.5


@njit
def levels_step(
    memory: FloatArray,
    seen: int,
    pivot_kind: float,
    pivot_price: float,
    close: float,
    atr: float,
    out: FloatArray,
) -> int:
    """Take a closed bar: remember its pivot, write (support, touches, resistance, touches); give pivots seen.

    The nearest remembered pivot price at or below the close is support, the nearest above it resistance;
    touches counts the remembered pivots within the tolerance of it.
    """
    if pivot_kind == 1.0 or pivot_kind == -1.0:
        memory[seen % len(memory)] = pivot_price
        seen += 1
    support = -np.inf
    resistance = np.inf
    held = min(seen, len(memory))
    for k in range(held):
        price = memory[k]
        if price <= close:
            support = max(support, price)
        else:
            resistance = min(resistance, price)
    tolerance = TOLERANCE_ATR * atr
    below = 0
    above = 0
    for k in range(held):
        if abs(memory[k] - support) <= tolerance:
            below += 1
        if abs(memory[k] - resistance) <= tolerance:
            above += 1
    known = atr == atr
    out[0] = support if known and below > 0 else np.nan
    out[1] = float(below) if known and below > 0 else np.nan
    out[2] = resistance if known and above > 0 else np.nan
    out[3] = float(above) if known and above > 0 else np.nan
    return seen


@njit
def _level_columns(
    pivot_kind: FloatArray, pivot_price: FloatArray, close: FloatArray, atr: FloatArray, pivots: int
) -> FloatArray:
    out = np.empty((len(close), 4))
    memory = np.zeros(pivots)
    seen = 0
    for t in range(len(close)):
        seen = levels_step(memory, seen, pivot_kind[t], pivot_price[t], close[t], atr[t], out[t])
    return out


def level_columns(
    pivot_kind: FloatArray,
    pivot_price: FloatArray,
    close: FloatArray,
    atr: FloatArray,
    *,
    pivots: int = PIVOTS,
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Give support, its touches, resistance, its touches per bar; NaN where none is known.

    Args:
        pivot_kind: +1 or -1 where a pivot was confirmed at this bar; shape (n,).
        pivot_price: its price.
        pivots: how many of the last pivots are remembered.
    """
    out = _level_columns(pivot_kind, pivot_price, close, atr, pivots)
    support, below, resistance, above = (np.ascontiguousarray(out[:, i]) for i in range(4))
    return support, below, resistance, above


class LevelStream:
    """The running twin of `level_columns`: the same compiled step."""

    def __init__(self, pivots: int = PIVOTS) -> None:
        self._memory = np.zeros(pivots)
        self._seen = 0
        self._out = np.empty(4)

    def step(self, pivot_kind: float, pivot_price: float, close: float, atr: float) -> tuple[float, ...]:
        """Take a closed bar, give its row."""
        self._seen = levels_step(self._memory, self._seen, pivot_kind, pivot_price, close, atr, self._out)
        return tuple(self._out.tolist())
