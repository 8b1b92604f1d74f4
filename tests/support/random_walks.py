"""Trading a strategy on driftless walks without costs: whatever it earns there, it made up."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from strategies.base import ColumnStrategy
from tests.support.markets import account_for, bridge_candles
from trading.backtest.run import backtest
from trading.market import MarketView

#: Strategies that read Elliott waves, with settings under which each of them trades waves and little else.
ELLIOTT = {
    "elliott_wave": ({}, {"stop_min_ratio": 0.0, "stop_max_ratio": 0.3}, {"order": "limit"}),
    "trend_following": ({}, {"entry": "waves", "stop_max_ratio": 0.3}),
    "breakout": (
        {},
        {"order": "stop", "stop_max_ratio": 0.3},
        {"stop_min_ratio": 0.0, "stop_max_ratio": 0.3},
    ),
    "momentum": ({}, {"entry": "both", "stop_max_ratio": 0.3}),
    "grid_trading": ({}, {"levels": 3}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Pooled round trips of many walks; `t` is mean / (deviation / √trades)."""

    trades: int
    mean_ratio: float
    t: float


def verdict_of(strategy: ColumnStrategy, *, seeds: range, bars: int) -> Verdict:
    """Run a strategy at zero cost on one walk per seed and pool the returns of all its trades."""
    found: list[float] = []
    for seed in seeds:
        candles = bridge_candles(bars, seed=seed)
        account = account_for(candles, fees=0.0, slippage=0.0)
        columns = strategy.columns(MarketView(candles=candles))
        # Profit by capital, not by what was spent: a grid spends more when it loses. Open positions are valued at
        # the last close: leaving them out would choose by outcome.
        trades = backtest([candles], [columns], account).trades
        found += [float(trade.pnl / account.capital) for trade in trades]
    ratios = np.array(found)
    if len(ratios) < 2 or ratios.std() == 0.0:
        return Verdict(trades=len(ratios), mean_ratio=math.nan, t=math.nan)
    mean = float(ratios.mean())
    return Verdict(
        trades=len(ratios), mean_ratio=mean, t=mean / float(ratios.std(ddof=1)) * math.sqrt(len(ratios))
    )
