"""Run each compiled path of the core once on a small market, the way the house runs them."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np

from strategies.base import ColumnStrategy
from strategies.registry import default_registry
from trading.analysis.elliott import WaveDetector, WaveSettings
from trading.analysis.indicators import compute, list_indicators
from trading.backtest.run import backtest, backtest_with
from trading.candles import Candles
from trading.engine.config import AccountConfig, LineConfig
from trading.engine.engine import AccountEngine, CommandKind, EngineCommand
from trading.engine.views import Bar, EngineEvent, EventKind
from trading.errors import BreakwaterError
from trading.instruments import Instrument
from trading.market import MarketView
from trading.signals import EntryType, Signal
from trading.timeframes import Timeframe

_BARS = 700


def run() -> None:
    """Compile what backtests, the account loop, the wave engine and the indicators need."""
    candles = _market("BTC/USDT", seed=1)
    _indicators(candles)
    _waves(candles)
    _backtests(candles, _account_of(candles))
    account_steps(candles)


def _market(pair: str, *, seed: int) -> Candles:
    noise = np.random.default_rng(seed).normal(0.0, 0.004, _BARS)
    close = 100.0 * np.exp(np.cumsum(noise) + 0.1 * np.sin(np.arange(_BARS) / 40.0))
    opened = np.r_[100.0, close[:-1]]
    return Candles(
        ts_ms=np.arange(_BARS, dtype=np.int64) * 3_600_000 + 1_700_000_000_000 // 3_600_000 * 3_600_000,
        open=opened,
        high=np.maximum(opened, close) * 1.002,
        low=np.minimum(opened, close) * 0.998,
        close=close,
        volume=np.full(_BARS, 10.0),
        timeframe=Timeframe.parse("1h"),
        pair=pair,
        venue="warm",
    )


def _account_of(candles: Candles) -> AccountConfig:
    return AccountConfig(
        account_id="warm",
        capital=Decimal(10_000),
        lines=(LineConfig(bot_id="warm", instrument=Instrument(pair=candles.pair)),),
        timeframe_ms=candles.timeframe.ms,
    )


def _indicators(candles: Candles) -> None:
    for one in list_indicators():
        compute(one.name, candles)


def _waves(candles: Candles) -> None:
    detector = WaveDetector(WaveSettings())
    detector.run(candles.rows(0, 500))
    for t in range(500, 520):
        detector.step(
            int(candles.ts_ms[t]),
            float(candles.open[t]),
            float(candles.high[t]),
            float(candles.low[t]),
            float(candles.close[t]),
            float(candles.volume[t]),
        )
    WaveDetector.restore(detector.snapshot()).counts()


def _backtests(candles: Candles, account: AccountConfig) -> None:
    registry = default_registry()
    other = replace(candles, pair="ETH/USDT")
    for name in registry.names():
        strategy = registry.get_strategy(name)()
        if not isinstance(strategy, ColumnStrategy):
            continue
        view = MarketView(candles=candles, others={other.pair: other})
        try:
            columns = strategy.columns(view)
            strategy.stream(view)
        except BreakwaterError:
            # It needs pairs or series of its own; its parts were compiled by the others.
            continue
        backtest((candles,), (columns,), account)
        backtest((candles.rows(0, 60),), (strategy.columns(view.until(60)),), account, driver="bar")
    backtest_with((candles.rows(0, 60),), account, lambda view, t: None)


def account_steps(candles: Candles | None = None) -> None:
    """Call everything of an account's engine once: bars, what people ask, what venues report."""
    candles = candles or _market("BTC/USDT", seed=1)
    account = _account_of(candles)
    engine = AccountEngine(account)
    price = float(candles.close[0])
    entry = Signal(
        enter=1,
        entry_type=EntryType.MARKET,
        stop=price * 0.9,
        targets=(price * 1.01, price * 1.02, price * 1.03),
    )
    for t in range(30):
        row = {
            0: Bar(
                ts_ms=int(candles.ts_ms[t]),
                open=float(candles.open[t]),
                high=float(candles.high[t]),
                low=float(candles.low[t]),
                close=float(candles.close[t]),
                volume=float(candles.volume[t]),
            )
        }
        engine.match(row)
        engine.decide(row, {0: entry} if t == 0 else {})
        engine.protection(0)
    engine.positions()
    engine.account()
    AccountEngine(account).restore(engine.snapshot())
    _what_people_ask(engine)
    _evidence(engine, price)


def _what_people_ask(engine: AccountEngine) -> None:
    """Obey once. A lock or an emergency stop that had to be compiled first would hold the loop for many seconds."""
    engine.set_correlation(np.full((1, 1), np.nan))
    engine.command(EngineCommand(kind=CommandKind.LOCK, line=0, until_ms=1))
    engine.command(EngineCommand(kind=CommandKind.KILL))
    engine.command(EngineCommand(kind=CommandKind.ACTIVATE))


def _evidence(engine: AccountEngine, price: float) -> None:
    """Fold what a venue reports once, as live accounts do."""
    sequence = engine.account().last_event + 1
    engine.apply(EngineEvent(kind=EventKind.FLOW, sequence=sequence, amount=price))
