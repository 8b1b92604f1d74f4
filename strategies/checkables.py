"""Everything registered, as subjects of the bias checks: what `check-bias all` runs over."""

from __future__ import annotations

from strategies.base import ColumnStrategy
from strategies.registry import StrategyRegistry
from trading.analysis.elliott import COLUMN_NAMES, WaveDetector, WaveSettings, wave_columns
from trading.backtest.bias import Checkable
from trading.backtest.bias_material import Columns
from trading.backtest.bias_subjects import (
    EventSubject,
    FunctionSubject,
    StrategySubject,
    every_indicator,
)
from trading.market import MarketView

#: The degree that is checked: swings of 3 ATR come often enough to show a fault.
_SETTINGS = WaveSettings(degrees=(3.0,))

#: Columns that count bars from the first one of the history, and so must differ with it.
_FROM_THE_START = {name: "counts bars from the first" for name in COLUMN_NAMES if "index" in name}


def _wave_columns(market: MarketView) -> Columns:
    found = wave_columns(market.candles, _SETTINGS, 0)
    return {name: getattr(found, name) for name in COLUMN_NAMES}


def _wave_events(market: MarketView) -> list[tuple[int, str]]:
    log = WaveDetector(_SETTINGS).run(market.candles)
    return [(event.bar_index, repr(event)) for event in log]


def every_detector() -> tuple[Checkable, ...]:
    """Give the wave detector, by its columns and by its events."""
    warmup = int(32 * _SETTINGS.degrees[0] ** 2) + 200
    return (
        FunctionSubject(
            name="waves.columns", warmup_bars=warmup, function=_wave_columns, anchored=_FROM_THE_START
        ),
        EventSubject(name="waves.events", warmup_bars=warmup, events=_wave_events),
    )


def every_strategy(registry: StrategyRegistry) -> tuple[Checkable, ...]:
    """Give each registered column strategy with its default parameters."""
    out = []
    for name in registry.names():
        strategy = registry.get_strategy(name)()
        if isinstance(strategy, ColumnStrategy):
            out.append(StrategySubject(name=name, strategy=strategy))
    return tuple(out)


def all_checkables(registry: StrategyRegistry) -> tuple[Checkable, ...]:
    """Give all that is registered: strategies, indicators, the wave detector."""
    return (*every_strategy(registry), *every_indicator(), *every_detector())
