"""What a model should have said: returns from the next open on, and when each became known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trading.candles import Candles
from trading.errors import InvalidWindow
from trading.learning.features import is_real

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

#: The time of a label that is not known yet.
NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """A value per bar, decided at its close.

    Attributes:
        values: float64; NaN where the future is not known, or nobody traded at the entry or the exit.
        known_ms: when each became known; NEVER where it is not.
    """

    values: FloatArray
    known_ms: IntArray


def forward_returns(candles: Candles, horizon_bars: int) -> Labels:
    """Give the log return from the open after the decision to the open `horizon_bars` later.

    Raises:
        InvalidWindow: a horizon below 1.
    """
    _check(horizon_bars)
    n = len(candles)
    values, known = np.full(n, np.nan), np.full(n, NEVER, np.int64)
    rows = n - horizon_bars - 1
    if rows > 0:
        opens = np.log(candles.open)
        values[:rows] = opens[1 + horizon_bars :] - opens[1 : 1 + rows]
        known[:rows] = candles.ts_ms[1 + horizon_bars :]
        real = is_real(candles)
        traded = real[:rows] & real[1 : 1 + rows] & real[1 + horizon_bars :]
        values[:rows][~traded] = np.nan
    return Labels(values=values, known_ms=known)


def _check(horizon_bars: int) -> None:
    if horizon_bars < 1:
        raise InvalidWindow(f"A horizon of {horizon_bars} bars was given; at least 1 is needed.")
