"""Strategies from a package, a folder, and of the four questions run in a backtest and in a bar-fed session."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from strategies.bar_driver import rows_by_bar
from strategies.base import BaseStrategy, ColumnStrategy, Condition, OpenTrade
from strategies.buy_and_hold import BuyAndHold
from strategies.registry import default_registry
from tests.support.markets import account_for, walk_candles
from tests.support.plugins import strategy_text, write_package
from trading.backtest.run import backtest
from trading.candles import Candles
from trading.engine.engine import AccountEngine
from trading.engine.views import Bar
from trading.market import MarketView
from trading.orders import Reason

CANDLES = walk_candles(400, seed=9)


def bar_fed_trades(strategy: ColumnStrategy, candles: Candles) -> list[tuple[int, int, int]]:
    """Run a paper session: the strategy's stream and the account, one closed bar at a time."""
    engine, stream = AccountEngine(account_for(candles)), strategy.stream()
    for t in range(len(candles)):
        bar = Bar(
            int(candles.ts_ms[t]),
            float(candles.open[t]),
            float(candles.high[t]),
            float(candles.low[t]),
            float(candles.close[t]),
            float(candles.volume[t]),
        )
        row = stream.step(bar.ts_ms, bar.open, bar.high, bar.low, bar.close, bar.volume)
        engine.match({0: bar})
        engine.decide({0: bar}, {0: row})
    return [(trade.entry_ms, trade.exit_ms, trade.lots) for trade in engine.take_trades()]


def run_both(strategy: ColumnStrategy) -> int:
    account = account_for(CANDLES)
    result = backtest([CANDLES], [strategy.columns(MarketView(candles=CANDLES))], account)

    paper = bar_fed_trades(strategy, CANDLES)

    closed = [trade for trade in result.trades if not trade.is_open]
    step = account.lines[0].instrument.step
    assert paper == [(t.entry_ms, t.exit_ms, int(t.quantity / step)) for t in closed]
    assert {trade.tag for trade in closed} == {"above"}
    assert {trade.exit_tag for trade in closed if trade.reason is Reason.EXIT_SIGNAL} == {"below"}
    return len(closed)


def test_a_strategy_from_a_package_runs_in_backtest_and_paper(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_package(tmp_path, "packaged_run")
    monkeypatch.syspath_prepend(str(tmp_path))
    registry = default_registry()
    registry.load_entry_points()

    strategy = registry.get_strategy("packaged_run")()

    assert isinstance(strategy, ColumnStrategy)
    assert run_both(strategy) > 10


def test_a_strategy_from_a_folder_runs_in_backtest_and_paper(tmp_path: Path) -> None:
    (tmp_path / "idea.py").write_text(strategy_text("folder_run", bars=20))
    registry = default_registry()
    registry.load_folder(tmp_path)

    strategy = registry.get_strategy("folder_run")(bars=15)

    assert isinstance(strategy, ColumnStrategy)
    assert run_both(strategy) > 10


class FourQuestions(BaseStrategy):
    """The bare interface of the specification: buys every tenth bar, leaves after a gain of 1 % or three bars."""

    name = "four_questions"
    tags = ()

    @property
    def warmup_bars(self) -> int:
        return 1

    def validate_signal(self, market_data: MarketView) -> bool:
        return len(market_data.candles) % 10 == 0

    def calculate_position_size(
        self, risk_amount: Decimal, entry_price: Decimal, stop_loss: Decimal
    ) -> Decimal:
        return risk_amount / entry_price

    def get_entry_conditions(self, market_data: MarketView) -> tuple[Condition, ...]:
        return ()

    def get_exit_conditions(self, open_trade: OpenTrade, current_price: float) -> tuple[Condition, ...]:
        gain = current_price / open_trade.entry_price - 1.0
        held = getattr(open_trade, "bars_held", 0)
        return (
            Condition(name="gain", value=gain, threshold=0.01, relation=">=", met=gain >= 0.01),
            Condition(name="held", value=float(held), threshold=3.0, relation=">=", met=held >= 3),
        )


def test_a_strategy_of_the_four_questions_is_driven_bar_by_bar_and_its_exits_count() -> None:
    account = account_for(CANDLES)

    rows = rows_by_bar(FourQuestions(), MarketView(candles=CANDLES), account)
    result = backtest([CANDLES], [rows], account)

    assert len(result.trades) == 39
    assert {trade.reason for trade in result.trades} == {Reason.EXIT_SIGNAL}
    assert {trade.bars for trade in result.trades} <= {1, 2, 3, 4, 5}


def test_a_column_strategy_asked_bar_by_bar_gives_its_columns() -> None:
    candles = CANDLES.rows(0, 30)
    strategy = BuyAndHold(stop_ratio=0.1)

    rows = rows_by_bar(strategy, MarketView(candles=candles), account_for(candles))

    assert rows.enter.tolist() == strategy.columns(MarketView(candles=candles)).enter.tolist()
