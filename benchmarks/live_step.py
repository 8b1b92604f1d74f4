"""One step of a running account: from a decoded bar over ten streaming indicators to an order intent.

python benchmarks/live_step.py [--quick]
"""

from __future__ import annotations

import time
from decimal import Decimal

import numpy as np

from benchmarks.plain_loop import keep, minutes, quick
from trading.analysis.indicators import parse
from trading.engine.config import AccountConfig, LineConfig
from trading.engine.engine import AccountEngine
from trading.engine.views import Bar
from trading.instruments import Instrument
from trading.signals import Signal


def main() -> None:
    """Time each step on its own and show percentiles."""
    bars = 3_000 if quick() else 20_000
    candles = minutes(bars)
    config = AccountConfig(
        account_id="bench",
        capital=Decimal(10_000),
        timeframe_ms=60_000,
        lines=(LineConfig(bot_id="bench", instrument=Instrument(pair="BTC/USDT", step=Decimal("0.00001"))),),
    )
    engine = AccountEngine(config)
    warm = 200
    specs = (
        "sma:14",
        "sma:50",
        "ema:12",
        "ema:26",
        "rsi:14",
        "atr:14",
        "macd:12:26:9",
        "bb:20:2",
        "roc:10",
        "adx:14",
    )
    streams = [parse(spec).stream() for spec in specs]
    spent, wanted = np.zeros(bars - warm), 0
    for k, t in enumerate(range(warm, bars)):
        row = {0: Bar(*(column[t] for column in (
            candles.ts_ms, candles.open, candles.high, candles.low, candles.close, candles.volume)))}  # fmt: skip
        begin = time.thread_time_ns()
        values = [one.step(row[0][1:6]) for one in streams]
        engine.match(row)
        crosses = values[0][0] > values[1][0]
        holds = engine.book.positions[0]["side"] != 0
        signals = {}
        if crosses and not holds:
            signals[0] = Signal(enter=1, stop=row[0].close * 0.98)
        elif holds and not crosses:
            signals[0] = Signal(exit=1)
        intents = engine.decide(row, signals)
        spent[k] = time.thread_time_ns() - begin
        wanted += sum(not intent.denied for intent in intents)
    engine_only = np.zeros(2_000)
    row = {0: Bar(int(candles.ts_ms[-1]), 100.0, 101.0, 99.0, 100.0, 1.0)}
    for k in range(len(engine_only)):
        begin = time.thread_time_ns()
        engine.match(row)
        engine.decide(row, {})
        engine_only[k] = time.thread_time_ns() - begin
    keep(
        "live_step",
        {
            "steps": len(spent),
            "intents": wanted,
            "ten_indicators_to_intent_us_p50": round(float(np.percentile(spent, 50)) / 1e3, 1),
            "ten_indicators_to_intent_us_p90": round(float(np.percentile(spent, 90)) / 1e3, 1),
            "engine_alone_us_p50": round(float(np.percentile(engine_only, 50)) / 1e3, 1),
        },
    )


if __name__ == "__main__":
    main()
