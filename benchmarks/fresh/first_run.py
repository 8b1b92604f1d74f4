"""What a first backtest needs and nothing else: 10,000 bars, two averages that cross, trades and figures."""

from __future__ import annotations

from decimal import Decimal

import numpy as np

from trading.analysis.ta_library import talib
from trading.backtest.evaluate import metrics_of
from trading.backtest.run import backtest
from trading.candles import Candles
from trading.engine.config import AccountConfig, Costs, LineConfig, RiskLimits
from trading.instruments import Instrument
from trading.signals import SignalColumns
from trading.timeframes import Timeframe

BARS = 10_000


def first_run() -> int:
    """Run it; give how many trades were made."""
    close = 100.0 * np.exp(np.cumsum(np.random.default_rng(1).normal(0, 0.0008, BARS)))
    candles = Candles(
        ts_ms=60_000 * np.arange(1, BARS + 1, dtype=np.int64),
        open=close,
        high=close * 1.001,
        low=close * 0.999,
        close=close,
        volume=np.ones(BARS),
        timeframe=Timeframe(60_000),
        pair="BTC/USDT",
    )
    above = talib.SMA(close, 20) > talib.SMA(close, 50)
    turn = np.diff(above.view(np.int8), prepend=np.int8(0))
    account = AccountConfig(
        account_id="first",
        capital=Decimal(10_000),
        timeframe_ms=60_000,
        costs=Costs(maker_fee=0.001, taker_fee=0.001, slippage=0.0005),
        limits=RiskLimits(max_drawdown=None, risk_per_trade=None),
        lines=(LineConfig(bot_id="b", instrument=Instrument(pair="BTC/USDT", step=Decimal("0.00001"))),),
    )
    columns = SignalColumns(
        enter=(turn > 0).view(np.int8),
        exit=(turn < 0).view(np.int8),
        stop=close * 0.99,
        targets=close[:, None] * np.array([1.005, 1.0075, 1.01]),
    )
    result = backtest((candles,), (columns,), account)
    metrics_of(result)
    return len(result.trades)
