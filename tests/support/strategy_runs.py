"""Every registered column strategy as a case of its own, for the drivers that must agree."""

from __future__ import annotations

from strategies.base import ColumnStrategy
from strategies.registry import default_registry
from tests.support.markets import account_for, full_market, walk_candles
from tests.support.rule_sets import Case
from trading.candles import Candles

#: Settings with which those that wait for rare chances trade on a short made market.
_EAGER: dict[str, dict[str, object]] = {
    "breakout": {"stop_min_ratio": 0.0, "stop_max_ratio": 0.5},
    "elliott_wave": {"stop_min_ratio": 0.0, "stop_max_ratio": 0.5},
    "momentum": {"entry": "both", "stop_min_ratio": 0.0, "stop_max_ratio": 0.5},
    "trend_following": {"trend_bars": 100},
}


def names() -> tuple[str, ...]:
    """Give the names of the registered strategies that give columns."""
    registry = default_registry()
    return tuple(
        name for name in registry.names() if isinstance(registry.get_strategy(name)(), ColumnStrategy)
    )


def strategy_case(name: str, candles: Candles | None = None, *, bars: int = 1_500) -> Case:
    """Give a strategy on a made market, or on these candles with its defaults, as a case."""
    params = _EAGER.get(name, {}) if candles is None else {}
    strategy = default_registry().get_strategy(name)(**params)
    assert isinstance(strategy, ColumnStrategy)
    market = full_market(walk_candles(bars, seed=21) if candles is None else candles, seed=5)
    return Case(
        account=account_for(market.candles),
        series=(market.candles,),
        signals=(strategy.columns(market),),
        detail={},
    )
