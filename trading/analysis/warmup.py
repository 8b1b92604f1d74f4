"""How many bars a recursive average needs until its seed no longer matters."""

from __future__ import annotations

import math

#: Relative influence of the seed below which a recursive indicator counts as settled.
SETTLED = 1e-6


def recursion_bars(alpha: float, influence: float = SETTLED) -> int:
    """Give the bars until the seed of `y += alpha·(x - y)` weighs less than `influence`.

    Source:
        trading-rules B.1: n = ln ε / ln(1 - α).

    Example:
        >>> recursion_bars(1 / 14), ema_bars(26), ema_bars(200)
        (187, 180, 1382)
    """
    if alpha >= 1.0:
        return 1
    return math.ceil(math.log(influence) / math.log1p(-alpha))


def ema_bars(window_bars: int, influence: float = SETTLED) -> int:
    """Give the settling bars of an exponential average, α = 2/(n+1)."""
    return recursion_bars(2.0 / (window_bars + 1), influence)


def wilder_bars(window_bars: int, influence: float = SETTLED) -> int:
    """Give the settling bars of Wilder's average, α = 1/n."""
    return recursion_bars(1.0 / window_bars, influence)
