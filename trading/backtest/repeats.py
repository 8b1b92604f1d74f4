"""Exit wishes that are said again and again: which of them can still change something."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trading.jit import njit

SignArray = NDArray[np.int8]


@njit
def first_wishes(enter: SignArray, wish: SignArray) -> SignArray:
    """Keep an exit wish where it is new since the last row with an entry."""
    out = np.zeros_like(wish)
    asked = 0
    for t in range(len(wish)):
        if enter[t] != 0:
            out[t] = wish[t]
            asked = 0
        elif wish[t] != 0:
            out[t] = wish[t] & ~asked
            asked |= wish[t]
    return out
