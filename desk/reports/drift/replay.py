"""A bot's window, run through the backtester: the same strategy on the same bars with the same costs and limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from desk.bots.plan import make_plan, strategy_of
from desk.reports.drift.by_hand import with_entries
from desk.reports.drift.material import Material
from desk.research.runs import with_columns
from strategies.registry import StrategyRegistry
from trading.backtest.result import BacktestResult
from trading.backtest.run import backtest
from trading.market import MarketView
from trading.signals import SignalColumns


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What the strategy says of a pair at each bar: 1 long, -1 short, 0 nothing; by open time of the bar."""

    ts_ms: NDArray[np.int64]
    enter: NDArray[np.int8]

    def at(self, ts_ms: int) -> int:
        """Give what is said at a bar; 0 where there is none."""
        place = int(np.searchsorted(self.ts_ms, ts_ms))
        return int(self.enter[place]) if place < len(self.ts_ms) and self.ts_ms[place] == ts_ms else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """A replay: its run, and what the strategy says by pair."""

    result: BacktestResult
    said: Mapping[str, Said]


def replayed(material: Material, registry: StrategyRegistry) -> Replayed:
    """Run the window again. It computes for as long as a backtest does: never on a loop.

    The strategy sees the bars from its own beginning, so its averages stand where the bot's stood; what it wants
    before the span is left out, so the run begins flat.
    """
    request = material.request
    bot = request.bot
    strategy = with_columns(strategy_of(bot, material.parameters, registry))
    account = replace(request.account, capital=material.capital)
    plan = make_plan(account, [(bot, strategy)], material.instruments)
    own, columns, said = [], [], {}
    for line in plan.lines:
        candles = material.candles[line.pair]
        others = {pair: one for pair, one in material.candles.items() if pair != line.pair}
        view = MarketView(candles=candles, others=others, series=material.series)
        found = line.strategy.columns(view)
        own.append(candles)
        wanted = _from(found, candles.ts_ms >= material.span.start_ms)
        by_hand = [one for one in material.by_hand if one.pair == line.pair]
        columns.append(with_entries(wanted, candles, by_hand))
        said[line.pair] = Said(ts_ms=candles.ts_ms, enter=columns[-1].enter)
    return Replayed(result=backtest(own, columns, plan.config), said=said)


def _from(columns: SignalColumns, is_inside: NDArray[np.bool_]) -> SignalColumns:
    nothing = np.int8(0)
    return replace(
        columns,
        enter=np.where(is_inside, columns.enter, nothing),
        exit=np.where(is_inside, columns.exit, nothing),
    )
