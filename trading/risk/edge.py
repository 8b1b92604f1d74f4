"""The edge of a line as its own closed trades show it: Kelly from the last of them (trading-rules.md, B.2)."""

from __future__ import annotations

from typing import Any

from trading.jit import helper
from trading.risk.protections import kept
from trading.risk.sizing import KELLY_TRADES, kelly


@helper
def kelly_of_trades(recent: Any, fraction: float, given: float, fixed: float) -> float:
    """Give the equity share that Kelly puts at risk by a line's last closed trades, never negative.

    Profits count as ratios of what the entries cost, so that earlier sizes do not weigh; break-even counts as no win.

    Args:
        recent: the line's ring of closed trades, net of costs.
        fraction: of the full Kelly fraction, 0.5 by default.
        given: the share by the statistics that were configured; it holds until the line has 50 trades of its own.
        fixed: the share where Kelly is undefined, without a win or without a loss.
    """
    count = kept(recent)
    if count < KELLY_TRADES:
        return given
    wins, losses, won, lost = 0, 0, 0.0, 0.0
    for k in range(count):
        ratio = recent["ratio"][k]
        if ratio > 0.0:
            wins += 1
            won += ratio
        elif ratio < 0.0:
            losses += 1
            lost -= ratio
    if wins == 0 and losses > 0:
        return 0.0
    if wins == 0 or losses == 0:
        return fixed
    share = kelly(wins / count, (won / wins) / (lost / losses))
    return float(max(0.0, fraction * share))
