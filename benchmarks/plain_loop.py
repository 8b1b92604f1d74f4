"""The yardstick L: a plain compiled loop of the same semantics, for one symbol and nothing else.

python benchmarks/plain_loop.py [--quick]
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trading.candles import Candles
from trading.jit import njit
from trading.timeframes import Timeframe

FloatArray = NDArray[np.float64]

#: One year of minutes.
YEAR = 525_600
FAST, SLOW = 20, 50
FEE = 0.001
START_MS = 19_676 * 86_400_000


def minutes(bars: int = YEAR, *, seed: int = 1) -> Candles:
    """Give a random walk of one-minute candles, 0.08 % a minute."""
    rng = np.random.default_rng(seed)
    close = 100.0 * np.exp(np.cumsum(rng.normal(0, 0.0008, bars)))
    open_ = np.r_[close[0], close[:-1]]
    wick = np.abs(rng.normal(0, 0.0004, (2, bars)))
    return Candles(
        ts_ms=START_MS + 60_000 * np.arange(bars, dtype=np.int64),
        open=open_,
        high=np.maximum(open_, close) * (1 + wick[0]),
        low=np.minimum(open_, close) * (1 - wick[1]),
        close=close,
        volume=np.ones(bars),
        timeframe=Timeframe(60_000),
        pair="BTC/USDT",
    )


@njit
def plain(open_: FloatArray, close: FloatArray, capital: float, fee: float, equity: FloatArray) -> float:
    """Run SMA(20/50) crossings, long only, filled at the next open with fees; write the equity."""
    cash, quantity, wish = capital, 0.0, 0
    fast, slow, was_above = 0.0, 0.0, False
    for t in range(len(close)):
        if wish > 0:
            quantity = 0.1 * cash / open_[t]
            cash -= quantity * open_[t] * (1.0 + fee)
        elif wish < 0:
            cash += quantity * open_[t] * (1.0 - fee)
            quantity = 0.0
        wish = 0
        fast += close[t]
        slow += close[t]
        if t >= FAST:
            fast -= close[t - FAST]
        if t >= SLOW:
            slow -= close[t - SLOW]
        if t >= SLOW - 1:
            is_above = fast / FAST > slow / SLOW
            if t >= SLOW:
                if is_above and not was_above and quantity == 0.0:
                    wish = 1
                elif was_above and not is_above and quantity > 0.0:
                    wish = -1
            was_above = is_above
        equity[t] = cash + quantity * close[t]
    return cash


@njit
def plain_full(
    ts_ms: NDArray[np.int64],
    open_: FloatArray,
    high: FloatArray,
    low: FloatArray,
    close: FloatArray,
    capital: float,
    fee: float,
    slippage: float,
    stop_ratio: float,
    targets: FloatArray,
    trail: float,
    equity: FloatArray,
) -> tuple[float, int]:
    """Run the same with stop, three targets, break-even, trailing, daily loss and drawdown limits; count the fills."""
    cash, quantity, wish = capital, 0.0, 0
    fast, slow, was_above = 0.0, 0.0, False
    stop, best, entry, moves = 0.0, 0.0, 0.0, False
    left = np.zeros(3)
    price = np.zeros(3)
    peak, start, day, is_blocked, is_halted, fills = capital, capital, ts_ms[0] // 86_400_000, False, False, 0
    value = capital
    for t in range(len(close)):
        if wish > 0:
            entry = open_[t] * (1.0 + slippage)
            quantity = 0.1 * value / entry
            cash -= quantity * entry * (1.0 + fee)
            stop, best, moves = entry * (1.0 - stop_ratio), entry, False
            left[0], left[1], left[2] = 0.5 * quantity, 0.3 * quantity, 0.2 * quantity
            for k in range(3):
                price[k] = entry * (1.0 + targets[k])
            fills += 1
        elif wish < 0:
            cash += quantity * open_[t] * (1.0 - slippage) * (1.0 - fee)
            quantity = 0.0
            fills += 1
        wish = 0
        if quantity > 0.0:
            if open_[t] <= stop or low[t] <= stop:
                out = min(open_[t], stop) * (1.0 - slippage)
                cash += quantity * out * (1.0 - fee)
                quantity = 0.0
                fills += 1
            else:
                for k in range(3):
                    if left[k] > 0.0 and high[t] > price[k]:
                        cash += left[k] * price[k] * (1.0 - fee)
                        quantity -= left[k]
                        left[k] = 0.0
                        fills += 1
                        if k == 0:
                            moves = True
                if left[2] == 0.0:
                    quantity = 0.0
            if moves:
                stop, moves = max(stop, entry * (1.0 + 2.0 * fee)), False
            if high[t] > best:
                best = high[t]
                stop = max(stop, best * (1.0 - trail))
        value = cash + quantity * close[t]
        equity[t] = value
        if ts_ms[t] // 86_400_000 != day:
            day, start, is_blocked = ts_ms[t] // 86_400_000, value, False
        peak = max(peak, value)
        if value <= 0.2 * peak:
            is_halted = True
        if value <= 0.95 * start:
            is_blocked = True
        fast += close[t]
        slow += close[t]
        if t >= FAST:
            fast -= close[t - FAST]
        if t >= SLOW:
            slow -= close[t - SLOW]
        if t >= SLOW - 1:
            is_above = fast / FAST > slow / SLOW
            if t >= SLOW:
                if is_above and not was_above and quantity == 0.0 and not is_blocked and not is_halted:
                    wish = 1
                elif was_above and not is_above and quantity > 0.0:
                    wish = -1
            was_above = is_above
    return cash, fills


def best_of(work: Callable[[], Any], *, times: int = 5) -> float:
    """Give the least CPU time of several runs, in seconds: the machine may be shared."""
    work()
    spent = []
    for _ in range(times):
        begin = time.process_time()
        work()
        spent.append(time.process_time() - begin)
    return min(spent)


def keep(name: str, figures: dict[str, Any]) -> None:
    """Print a table and write it down."""
    width = max(len(key) for key in figures)
    print(name)
    for key, value in figures.items():
        print(f"  {key:<{width}}  {value}")
    folder = Path(__file__).parent / "results"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def yardsticks(candles: Candles, *, times: int = 5) -> tuple[float, float]:
    """Give the seconds of the plain loop (L) and of the full-featured plain loop with tight stops."""
    equity = np.empty(len(candles))
    c = candles
    one = best_of(lambda: plain(c.open, c.close, 10_000.0, FEE, equity), times=times)
    targets = np.array([0.005, 0.0075, 0.01])
    full = best_of(
        lambda: plain_full(
            c.ts_ms, c.open, c.high, c.low, c.close, 10_000.0, FEE, 0.0005, 0.005, targets, 0.01, equity
        ),
        times=times,
    )
    return one, full


def quick() -> bool:
    """Tell whether a short profile was asked for."""
    options = argparse.ArgumentParser()
    options.add_argument("--quick", action="store_true")
    return bool(options.parse_args().quick)


def main() -> None:
    """Measure both loops."""
    bars = 100_000 if quick() else YEAR
    one, full = yardsticks(minutes(bars))
    keep(
        "plain_loop",
        {
            "bars": bars,
            "plain_ns_per_bar": round(one / bars * 1e9, 2),
            "full_ns_per_bar": round(full / bars * 1e9, 2),
        },
    )


if __name__ == "__main__":
    main()
