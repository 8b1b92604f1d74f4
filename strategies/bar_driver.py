"""Strategies that are asked bar by bar: those that decide exits by looking at the open trade."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from strategies.base import BaseStrategy, ColumnStrategy, OpenTrade
from strategies.rule_strategy import RuleStrategy
from trading.backtest.run import EngineView, backtest_with
from trading.engine.config import AccountConfig
from trading.engine.views import PositionView
from trading.market import MarketView
from trading.signals import Exit, Signal, SignalColumns

#: Names of the conditions that the engine itself watches; a strategy need not close for them.
_WATCHED = ("stop", "target_1", "target_2", "target_3")


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeView:
    """A position as `get_exit_conditions` reads it; see `OpenTrade`."""

    side: int
    entry_price: float
    stop: float
    targets: tuple[float, ...]
    bars_held: int
    market: MarketView | None

    @classmethod
    def of(cls, position: PositionView, market: MarketView | None) -> TradeView:
        """Read an engine's position."""
        return cls(
            side=position.side,
            entry_price=position.entry_price,
            stop=position.stop,
            targets=tuple(leg.price for leg in position.legs if leg.filled < leg.quantity),
            bars_held=position.bars_held,
            market=market,
        )


def is_driven_by_bar(strategy: BaseStrategy) -> bool:
    """Tell whether a strategy decides exits by looking at the open trade, so that columns cannot tell them."""
    own = type(strategy).get_exit_conditions
    shared = (ColumnStrategy.get_exit_conditions, RuleStrategy.get_exit_conditions)
    return not isinstance(strategy, ColumnStrategy) or own not in shared


def row_for(strategy: BaseStrategy, market: MarketView, trade: OpenTrade | None) -> Signal:
    """Give the row of the last closed bar, with the exit that the strategy wants for its open trade.

    It stands between the fills of a bar and the decisions at its close, and can only supply a row.
    """
    row = strategy.signal(market)
    if trade is None or not is_driven_by_bar(strategy):
        return row
    price = float(market.candles.close[-1])
    wanted = [one for one in strategy.get_exit_conditions(trade, price) if one.name not in _WATCHED]
    if not any(one.met for one in wanted):
        return row
    return replace(row, exit=int(row.exit) | int(Exit.LONG if trade.side > 0 else Exit.SHORT))


def rows_by_bar(strategy: BaseStrategy, market: MarketView, account: AccountConfig) -> SignalColumns:
    """Ask a strategy at every bar beside a running account of one line; its rows can then be run as columns.

    The view is cut off at each bar. Costs a view and a strategy call per bar: for strategies in Python that need it.
    """
    rows: list[Signal] = []

    def ask(view: EngineView, t: int) -> Signal:
        seen = market.until(t + 1)
        trade = TradeView.of(view.position(), seen) if view.side() else None
        rows.append(row_for(strategy, seen, trade))
        return rows[-1]

    backtest_with([market.candles], account, ask)
    return columns_from(rows, strategy.tags)


def columns_from(rows: list[Signal], tags: tuple[str, ...]) -> SignalColumns:
    """Put rows together as columns."""
    columns: dict[str, Any] = {
        one.name: np.array([getattr(row, one.name) for row in rows]) for one in fields(Signal)
    }
    if not rows:
        return SignalColumns(enter=np.empty(0, np.int8), tags=tags)
    return SignalColumns(**columns, tags=tags)
