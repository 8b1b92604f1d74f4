"""The engine against the plain loops: ns per bar alone, from arrays to metrics, Python at events and bars, and growth.

python benchmarks/kernel.py [--quick]
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import partial

import numpy as np
import talib

from benchmarks.plain_loop import FAST, FEE, SLOW, YEAR, best_of, keep, minutes, quick, yardsticks
from trading.backtest.asking import EngineView, no_rows, run_asking
from trading.backtest.driver import run_records
from trading.backtest.history import make_history, signal_records
from trading.backtest.metrics import performance
from trading.backtest.result import BacktestResult
from trading.backtest.run import backtest, backtest_with
from trading.backtest.trade_statistics import TradeColumns
from trading.candles import Candles
from trading.engine.config import AccountConfig, Costs, LineConfig, RiskLimits
from trading.instruments import Instrument
from trading.signals import Exit, Signal, SignalColumns


def account() -> AccountConfig:
    """Give an account of 10,000 with a cap of 10 % per position and a daily limit.

    The drawdown breaker is off: the yardstick loses money on a random walk, and a halted account costs nothing.
    """
    return AccountConfig(
        account_id="bench",
        capital=Decimal(10_000),
        timeframe_ms=60_000,
        costs=Costs(maker_fee=FEE, taker_fee=FEE, slippage=0.0005),
        limits=RiskLimits(max_drawdown=None, risk_per_trade=None),
        lines=(LineConfig(bot_id="bench", instrument=Instrument(pair="BTC/USDT", step=Decimal("0.00001"))),),
    )


def crossings(candles: Candles) -> SignalColumns:
    """Give SMA(20/50) crossings: enter upwards, leave downwards."""
    above = talib.SMA(candles.close, FAST) > talib.SMA(candles.close, SLOW)
    turn = np.diff(above.view(np.int8), prepend=np.int8(above[0]))
    return SignalColumns(enter=(turn > 0).view(np.int8), exit=(turn < 0).view(np.int8))


def tight(candles: Candles) -> SignalColumns:
    """Give the same with a stop of 0.5 %, targets up to 1 %, break-even and trailing: exits really happen."""
    base, close, n = crossings(candles), candles.close, len(candles)
    return SignalColumns(
        enter=base.enter,
        exit=base.exit,
        stop=close * 0.995,
        targets=close[:, None] * np.array([1.005, 1.0075, 1.01]),
        trail_ratio=np.broadcast_to(0.01, (n,)),
        break_even_after_leg=np.broadcast_to(np.int8(1), (n,)),
    )


def says_yes(view: EngineView, t: int) -> bool:
    """Take every prepared row: the least that a strategy in Python can do at an event."""
    return True


def in_python(candles: Candles) -> Callable[[EngineView, int], Signal | None]:
    """Give the crossings as a strategy that is asked at every bar and looks at its averages and its position."""
    # Reading one element of a list is three times as fast as of an array.
    fast, slow = talib.SMA(candles.close, FAST).tolist(), talib.SMA(candles.close, SLOW).tolist()
    buy, sell = Signal(enter=1), Signal(exit=Exit.LONG)
    was_above = False

    def on_bar(view: EngineView, t: int) -> Signal | None:
        nonlocal was_above
        is_above = fast[t] > slow[t]
        turned, was_above = is_above is not was_above, is_above
        if not turned:
            return None
        if is_above:
            return buy
        return sell if view.side() else None

    return on_bar


def figures_of(result: BacktestResult) -> object:
    """Compute the metrics of a run without making a value of each trade."""
    trades = result.trade_records
    return performance(
        result.ts_ms + result.config.timeframe_ms,
        result.equity,
        trades=TradeColumns.of(trades["pnl"], trades["entry_ms"], trades["exit_ms"]),
        initial=10_000.0,
        start_ms=int(result.ts_ms[0]),
    )


def main() -> None:
    """Measure everything against L in the same run."""
    short = quick()
    bars = 100_000 if short else YEAR
    times = 3 if short else 5
    candles = minutes(bars)
    one, full = yardsticks(candles, times=times)
    config = account()
    history = make_history(config, (candles,))

    def kernel(columns: SignalColumns) -> tuple[float, BacktestResult]:
        rows = signal_records(history.ts_ms, (candles,), (columns,))
        spent = best_of(lambda: run_records(history, rows, config), times=times)
        return spent, run_records(history, rows, config)

    alone, plain_run = kernel(crossings(candles))
    alone_tight, tight_run = kernel(tight(candles))
    whole = best_of(lambda: figures_of(backtest((candles,), (crossings(candles),), config)), times=times)
    out: dict[str, object] = {
        "bars": bars,
        "L_ns_per_bar": round(one / bars * 1e9, 2),
        "L_full_ns_per_bar": round(full / bars * 1e9, 2),
        "kernel_ns_per_bar": round(alone / bars * 1e9, 2),
        "kernel_fills_per_1000_bars": round(len(plain_run.fill_records) / bars * 1e3, 2),
        "kernel_tight_ns_per_bar": round(alone_tight / bars * 1e9, 2),
        "kernel_tight_fills_per_1000_bars": round(len(tight_run.fill_records) / bars * 1e3, 2),
        "kernel_tight_per_L_full": round(alone_tight / full, 2),
        "arrays_to_metrics_per_L": round(whole / one, 2),
    }
    rows = signal_records(history.ts_ms, (candles,), (crossings(candles),))
    at_events = best_of(lambda: run_asking(history, rows, config, says_yes), times=times)
    events_whole = best_of(
        lambda: figures_of(backtest_with((candles,), config, says_yes, signals=(crossings(candles),))),
        times=times,
    )
    at_every = best_of(
        lambda: run_asking(history, no_rows(), config, in_python(candles), asks_always=True), times=1
    )
    every_run = run_asking(history, no_rows(), config, in_python(candles), asks_always=True)
    assert every_run.fill_records.tobytes() == plain_run.fill_records.tobytes()
    out |= {
        "python_at_events_per_L": round(at_events / one, 2),
        "python_at_events_arrays_to_metrics_per_L": round(events_whole / one, 2),
        "python_events_per_1000_bars": round((len(rows) + len(plain_run.fill_records)) / bars * 1e3, 2),
        "python_at_every_bar_per_L": round(at_every / one, 2),
    }
    stepped = best_of(lambda: backtest((candles,), (crossings(candles),), config, driver="bar"), times=1)
    out["bar_driver_us_per_bar"] = round(stepped / bars * 1e6, 2)
    for n in (10_000, 100_000) if short else (10_000, 100_000, 2_100_000):
        longer = minutes(n)
        laid = make_history(config, (longer,))
        rows = signal_records(laid.ts_ms, (longer,), (tight(longer),))
        spent = best_of(partial(run_records, laid, rows, config), times=times)
        out[f"growth_{n}_ns_per_bar"] = round(spent / n * 1e9, 2)
    keep("kernel", out)


if __name__ == "__main__":
    main()
