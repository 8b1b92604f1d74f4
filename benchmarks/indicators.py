"""Indicator columns over a year of minutes, against raw TA-Lib calls: CPU time, best of several rounds.

    python benchmarks/indicators.py [--quick]

The TA-Lib-backed set may cost 1.2 times the raw calls; the other indicators are reported in ns per bar.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import process_time_ns

import numpy as np
import talib

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from trading.analysis.indicators import compute, parse
from trading.analysis.streams import Bar, IndicatorStream
from trading.candles import Candles
from trading.timeframes import Timeframe

BARS = 525_600
LIMIT = 1.2
OTHERS = (
    "ichimoku",
    "volume_profile:96:40",
    "volume_median",
    "fibonacci:3",
    "levels:3:24",
    "divergence:3:14",
)


def candles_of(bars: int) -> Candles:
    """Give a random walk of minutes."""
    random = np.random.default_rng(1)
    close = 30_000 * np.exp(np.cumsum(random.normal(0, 5e-4, bars)))
    open = np.r_[close[0], close[:-1]]
    return Candles(
        ts_ms=np.arange(bars, dtype=np.int64) * 60_000,
        open=open,
        high=np.maximum(open, close) * (1 + np.abs(random.normal(0, 2e-4, bars))),
        low=np.minimum(open, close) * (1 - np.abs(random.normal(0, 2e-4, bars))),
        close=close,
        volume=random.lognormal(2, 1, bars),
        timeframe=Timeframe(60_000),
    )


def best_ns(*works: Callable[[], object], rounds: int) -> list[int]:
    """Give the least CPU time of several rounds; several works take turns, so that noise hits them alike."""
    times: list[list[int]] = [[] for _ in works]
    for _ in range(rounds + 1):
        for work, found in zip(works, times, strict=True):
            start = process_time_ns()
            work()
            found.append(process_time_ns() - start)
    return [min(found[1:]) for found in times]


def pairs(c: Candles) -> dict[str, Callable[[], object]]:
    """Give the raw calls that compute the same columns as each spec."""
    bars = (c.high, c.low, c.close)
    stochastic: Callable[..., object] = talib.STOCH
    return {
        "sma:20": lambda: talib.SMA(c.close, 20),
        "ema:20": lambda: talib.EMA(c.close, 20),
        "rsi:14": lambda: talib.RSI(c.close, 14),
        "macd:12:26:9": lambda: talib.MACD(c.close, 12, 26, 9),
        "bb:20:2": lambda: talib.BBANDS(c.close, 20, 2.0, 2.0),
        "atr:14": lambda: talib.ATR(*bars, 14),
        "stoch:14:3:3": lambda: stochastic(*bars, 14, 3, 0, 3, 0),
        "adx:14": lambda: (talib.ADX(*bars, 14), talib.PLUS_DI(*bars, 14), talib.MINUS_DI(*bars, 14)),
        "highest:20": lambda: talib.MAX(c.high, 20),
        "lowest:20": lambda: talib.MIN(c.low, 20),
        "roc:10": lambda: talib.ROC(c.close, 10),
        "volume_sma:20": lambda: talib.SMA(c.volume, 20),
    }


def _steps(stream: IndicatorStream, bar: Bar) -> None:
    for _ in range(2_000):
        stream.step(bar)


def main() -> int:
    """Print the table, write it as JSON; 1 when the TA-Lib-backed set is over its limit."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="a tenth of the bars, nothing written")
    quick = parser.parse_args().quick
    bars, rounds = (BARS // 10, 3) if quick else (BARS, 7)
    candles = candles_of(bars)
    rows: list[dict[str, object]] = []
    ours = raw = 0
    print(f"{'indicator':<22}{'ns/bar':>9}{'raw':>9}{'ratio':>8}   ({bars} bars, CPU)")
    for spec, call in pairs(candles).items():
        a, b = best_ns(partial(compute, spec, candles), call, rounds=rounds)
        ours, raw = ours + a, raw + b
        rows.append(
            {"indicator": spec, "ns_per_bar": round(a / bars, 2), "raw_ns_per_bar": round(b / bars, 2)}
        )
        print(f"{spec:<22}{a / bars:>9.2f}{b / bars:>9.2f}{a / b:>8.2f}")
    ratio = ours / raw
    print(f"{'TA-Lib-backed set':<22}{ours / bars:>9.2f}{raw / bars:>9.2f}{ratio:>8.2f}   limit {LIMIT}")
    for spec in OTHERS:
        (a,) = best_ns(partial(compute, spec, candles), rounds=2)
        rows.append({"indicator": spec, "ns_per_bar": round(a / bars, 2)})
        print(f"{spec:<22}{a / bars:>9.2f}")
    for spec in ("rsi:14", "ema:20", "ichimoku"):
        stream, bar = parse(spec).stream(), (100.0, 101.0, 99.0, 100.5, 3.0)
        for i in range(300):
            stream.step((100.0, 101.0, 99.0, 100.0 + i % 7, 3.0))
        (a,) = best_ns(partial(_steps, stream, bar), rounds=3)
        rows.append({"indicator": f"{spec} stream", "ns_per_step": round(a / 2_000, 1)})
        print(f"{spec + ' stream':<22}{a / 2_000:>9.1f} ns per live bar")
    if not quick:
        out = Path(__file__).parent / "results" / "indicators.json"
        out.write_text(
            json.dumps(
                {"bars": bars, "talib_set_ratio": round(ratio, 3), "limit": LIMIT, "rows": rows}, indent=1
            )
            + "\n"
        )
    return 0 if quick or ratio <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
