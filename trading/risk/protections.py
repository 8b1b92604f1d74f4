"""Protections: rules over the last closed trades that lock entries for a while (trading-rules.md, decision 15)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from trading.jit import helper

Records = NDArray[Any]


@helper
def remember_trade(recent: Any, ts_ms: int, ratio: float, pnl: float, stopped: int) -> None:
    """Keep a closed trade in a line's ring; the oldest falls out."""
    slot = recent["count"] % len(recent["ts_ms"])
    recent["ts_ms"][slot] = ts_ms
    recent["ratio"][slot] = ratio
    recent["pnl"][slot] = pnl
    recent["stopped"][slot] = stopped
    recent["count"] += 1


@helper
def kept(recent: Any) -> int:
    """Give how many trades a ring holds."""
    return int(min(recent["count"], len(recent["ts_ms"])))


@helper
def stops_since(recent: Any, since_ms: int) -> int:
    """Count losing trades that ended at a stop at or after a moment."""
    count = 0
    for k in range(kept(recent)):
        if recent["ts_ms"][k] >= since_ms and recent["stopped"][k] > 0 and recent["pnl"][k] < 0.0:
            count += 1
    return count


@helper
def profit_since(recent: Any, since_ms: int) -> tuple[int, float]:
    """Count trades at or after a moment and add up their net profit ratios."""
    count, total = 0, 0.0
    for k in range(kept(recent)):
        if recent["ts_ms"][k] >= since_ms:
            count += 1
            total += recent["ratio"][k]
    return count, total


@helper
def drawdown_since(rings: Records, since_ms: int, equity: float) -> tuple[int, float]:
    """Give how many trades closed since a moment, and the deepest fall of their running profit as a ratio.

    The fall is measured against the equity before those trades. Trades of equal time are taken line by line.

    Args:
        rings: the rings of all lines, shape (n,).
        equity: present equity, quote currency.
    """
    total, count = 0.0, 0
    for i in range(len(rings)):
        for k in range(kept(rings[i])):
            if rings[i]["ts_ms"][k] >= since_ms:
                total += rings[i]["pnl"][k]
                count += 1
    base = equity - total
    if count == 0 or base <= 0.0:
        return count, 0.0
    moments = np.empty(count, np.int64)
    profits = np.empty(count)
    at = 0
    for i in range(len(rings)):
        held = kept(rings[i])
        for back in range(held):
            # From the oldest kept trade to the newest.
            k = (rings[i]["count"] - held + back) % len(rings[i]["ts_ms"])
            if rings[i]["ts_ms"][k] >= since_ms:
                moments[at] = rings[i]["ts_ms"][k]
                profits[at] = rings[i]["pnl"][k]
                at += 1
    # Rings are short and each nearly sorted already: insertion is enough, and stable.
    for a in range(1, count):
        moment, profit, b = moments[a], profits[a], a - 1
        while b >= 0 and moments[b] > moment:
            moments[b + 1], profits[b + 1] = moments[b], profits[b]
            b -= 1
        moments[b + 1], profits[b + 1] = moment, profit
    running, peak, deepest = base, base, 0.0
    for profit in profits:
        running += profit
        peak = max(peak, running)
        deepest = max(deepest, 1.0 - running / peak)
    return count, deepest
