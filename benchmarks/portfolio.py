"""Half a year of five-minute candles, twenty pairs on one account with all portfolio limits.

python benchmarks/portfolio.py [--quick]
"""

from __future__ import annotations

import csv
import gzip
import time
from decimal import Decimal
from pathlib import Path

import numpy as np
import talib

from benchmarks.plain_loop import keep, quick
from tests.support.data import shared_data
from trading.backtest.run import backtest
from trading.candles import Candles
from trading.engine.config import AccountConfig, LineConfig, Protections, RiskLimits
from trading.instruments import Instrument
from trading.signals import SignalColumns
from trading.timeframes import Timeframe

FRAME = Timeframe(300_000)


def read(path: Path) -> Candles:
    """Read a candle file."""
    with gzip.open(path, "rt", newline="") as file:
        next(file)
        table = np.array(list(csv.reader(file)), np.float64)
    return _candles(path.name.split("_")[1].replace("-", "/"), table[:, 0].astype(np.int64), table[:, 1:])


def made_up(pair: str, bars: int, seed: int) -> Candles:
    """Give a random walk where there are no real candles."""
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.002, bars)))
    open_ = np.r_[close[0], close[:-1]]
    high, low = np.maximum(open_, close) * 1.001, np.minimum(open_, close) * 0.999
    ts_ms = 1_704_067_200_000 + FRAME.ms * np.arange(bars, dtype=np.int64)
    return _candles(pair, ts_ms, np.column_stack([open_, high, low, close, np.ones(bars)]))


def _candles(pair: str, ts_ms: np.typing.NDArray[np.int64], table: np.typing.NDArray[np.float64]) -> Candles:
    columns = dict(zip(("open", "high", "low", "close", "volume"), table.T.copy(), strict=True))
    return Candles(ts_ms=ts_ms, timeframe=FRAME, pair=pair, **columns)


def signals(candles: Candles) -> SignalColumns:
    """Give crossings of EMA(48) and EMA(288) with a stop, a ladder, break-even and trailing."""
    above = talib.EMA(candles.close, 48) > talib.EMA(candles.close, 288)
    turn = np.diff(above.astype(np.int8), prepend=0)
    return SignalColumns(
        enter=(turn > 0).astype(np.int8),
        exit=(turn < 0).astype(np.int8),
        stop=candles.close * 0.97,
        targets=candles.close[:, None] * np.array([1.025, 1.06, 1.125]),
        trail_ratio=np.broadcast_to(0.03, (len(candles),)),
        trail_after_ratio=np.broadcast_to(0.02, (len(candles),)),
        break_even_after_leg=np.broadcast_to(np.int8(1), (len(candles),)),
    )


def main() -> None:
    """Run once to compile, then measure."""
    folder = shared_data()
    files = sorted(folder.glob("ohlcv/binance_*_5m.csv.gz"))[:20] if folder else []
    series = [read(path) for path in files] or [made_up(f"P{k}/USDT", 52_416, k) for k in range(20)]
    if quick():
        series = [one.rows(0, 5_000) for one in series]
    config = AccountConfig(
        account_id="bench",
        capital=Decimal(10_000),
        timeframe_ms=FRAME.ms,
        limits=RiskLimits(
            max_drawdown=0.9, gross_exposure=1.0, net_exposure=1.0,
            protections=Protections(stop_guard_count=4, cool_down_ms=3_600_000),
        ),
        lines=tuple(
            LineConfig(bot_id="bench", instrument=Instrument(pair=one.pair, step=Decimal("0.0001"))) for one in series
        ),
    )  # fmt: skip
    backtest([one.rows(0, 2_000) for one in series], [signals(one.rows(0, 2_000)) for one in series], config)
    begin = time.process_time()
    columns = [signals(one) for one in series]
    made = time.process_time()
    result = backtest(series, columns, config)
    done = time.process_time()
    rows = sum(len(one) for one in series)
    keep(
        "portfolio",
        {
            "pairs": len(series),
            "bars_per_pair": len(series[0]),
            "are_real": bool(files),
            "signals_s": round(made - begin, 3),
            "run_s": round(done - made, 3),
            "ns_per_bar_and_pair": round((done - made) / rows * 1e9, 1),
            "fills": len(result.fill_records),
            "trades": len(result.trade_records),
            "denied": dict(result.denied),
        },
    )


if __name__ == "__main__":
    main()
