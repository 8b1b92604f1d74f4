"""Account limits: drawdown breaker, daily loss and correlation links (trading-rules.md, B.4).

The compiled forms serve the kernel, the Decimal forms the ledger; both agree at the boundary, which is inclusive.
"""

from __future__ import annotations

from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from trading.jit import njit

#: Equity at the limit counts as past it in spite of float noise: 88 / 110 - 1 is -0.19999999999999996.
TOLERANCE = 1e-12


@njit
def drawdown_floor(peak: float, max_drawdown: float) -> float:
    """Give the equity at or below which the drawdown breaker trips; minus infinity when it is off."""
    if not (max_drawdown < 1.0):
        return -np.inf
    return (1.0 - max_drawdown) * peak * (1.0 + TOLERANCE)


@njit
def daily_floor(day_start: float, daily_loss: float) -> float:
    """Give the equity at or below which the day's entries end; minus infinity when the limit is off."""
    if not (daily_loss < 1.0):
        return -np.inf
    return (1.0 - daily_loss) * day_start * (1.0 + TOLERANCE)


@njit
def update_links(
    links: NDArray[np.uint8], rho: NDArray[np.float64], threshold: float, release: float
) -> None:
    """Update which lines count as correlated, with hysteresis; an undefined coefficient counts as correlated.

    Args:
        links: shape (2, n, n), changed: [0] in the same direction, [1] in opposite directions.
        rho: Pearson coefficients of daily log returns, shape (n, n), NaN = undefined.
        threshold, release: link above the first, unlink below the second.
    """
    n = rho.shape[0]
    for i in range(n):
        for j in range(n):
            r = rho[i, j]
            for k in range(2):
                if r != r:
                    # 2 counts as linked, but gives no memory to the hysteresis.
                    links[k, i, j] = 2
                    continue
                signed = r if k == 0 else -r
                if signed > threshold:
                    links[k, i, j] = 1
                elif signed < release or links[k, i, j] == 2:
                    links[k, i, j] = 0


def is_drawdown_reached(*, equity: Decimal, peak: Decimal, max_drawdown: Decimal) -> bool:
    """Tell, exactly, whether equity / peak - 1 ≤ -max_drawdown.

    Example:
        >>> is_drawdown_reached(equity=Decimal(88), peak=Decimal(110), max_drawdown=Decimal("0.2"))
        True
    """
    return equity <= (1 - max_drawdown) * peak


def is_daily_loss_reached(*, equity: Decimal, day_start: Decimal, daily_loss: Decimal) -> bool:
    """Tell, exactly, whether equity / equity at 00:00 UTC - 1 ≤ -daily_loss."""
    return equity <= (1 - daily_loss) * day_start


def drawdown_trip(equity: list[Decimal], max_drawdown: Decimal) -> int | None:
    """Give the index of the first equity that trips the breaker; the first value is the starting peak.

    Example:
        >>> drawdown_trip([Decimal(x) for x in (100, 110, 99, 105, 88, 120)], Decimal("0.2"))
        4
    """
    peak = equity[0] if equity else Decimal(0)
    for i, value in enumerate(equity):
        peak = max(peak, value)
        if is_drawdown_reached(equity=value, peak=peak, max_drawdown=max_drawdown):
            return i
    return None
