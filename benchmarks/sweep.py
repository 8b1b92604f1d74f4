"""A sweep of 200 parameter sets over 100,000 bars, next to a plain loop of the same semantics in the same run.

    NUMBA_CACHE_DIR=… python benchmarks/sweep.py [--quick]

Every set runs the whole engine and computes every figure. The plain loop only crosses two averages, fills at the
next open with fee and slippage, and marks to market: the limit of what one pass over the bars costs. CPU time after
compilation, best of several rounds; the targets are 0.3 s and 300 MB.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from time import process_time_ns

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from trading.backtest.bias_audits import random_walk
from trading.backtest.evaluate import Laboratory
from trading.backtest.search_space import Grid
from trading.backtest.sparse import CrossingAverages, SharedIndicators
from trading.backtest.sweep import sweep
from trading.backtest.trials import SearchResult
from trading.candles import Candles
from trading.engine.config import AccountConfig, Costs, LineConfig, RiskLimits
from trading.instruments import Instrument
from trading.jit import njit
from trading.timeframes import Timeframe

FloatArray = NDArray[np.float64]

BARS = 100_000
CPU_LIMIT_S = 0.3
MEMORY_LIMIT_MB = 300.0
FEE, SLIPPAGE = 0.001, 0.0005
GRID = Grid.read(["fast=5:50:5", "slow=60:250:10"])


@njit
def plain_loop(
    opened: FloatArray, close: FloatArray, fast: FloatArray, slow: FloatArray, equity: FloatArray
) -> int:
    """Cross two averages, all in or all out at the next open; give the number of trades."""
    cash, held, state, wish, trades = 10_000.0, 0.0, 0, 0, 0
    for t in range(len(close)):
        if wish > 0:
            held = cash / (opened[t] * (1.0 + SLIPPAGE) * (1.0 + FEE))
            cash = 0.0
        elif wish < 0 and held > 0.0:
            cash = held * opened[t] * (1.0 - SLIPPAGE) * (1.0 - FEE)
            held = 0.0
            trades += 1
        wish = 0
        if fast[t] > slow[t]:
            wish = 1 if state < 0 else 0
            state = 1
        elif fast[t] <= slow[t]:
            wish = -1 if state > 0 else 0
            state = -1
        equity[t] = cash + held * close[t]
    return trades


def account_of(candles: Candles) -> AccountConfig:
    """Give one bot on one pair that trades its whole cash."""
    return AccountConfig(
        account_id="sweep",
        capital=Decimal(10_000),
        lines=(LineConfig(bot_id="sweep", instrument=Instrument(pair=candles.pair)),),
        timeframe_ms=candles.timeframe.ms,
        costs=Costs(maker_fee=FEE, taker_fee=FEE, slippage=SLIPPAGE),
        limits=RiskLimits.off(),
    )


def run_plain(candles: Candles) -> int:
    """Run every set through the plain loop; averages are shared as in the sweep."""
    shared = SharedIndicators(candles)
    equity = np.empty(len(candles))
    return sum(
        plain_loop(
            candles.open,
            candles.close,
            shared[f"sma:{params['fast']}"],
            shared[f"sma:{params['slow']}"],
            equity,
        )
        for params in GRID
    )


def run_sweep(candles: Candles, workers: int) -> SearchResult:
    """Run every set through the engine, all figures included."""
    laboratory = Laboratory([candles], account_of(candles), records=CrossingAverages(candles))
    return sweep(laboratory, GRID, workers=workers)


def best_s(work: Callable[[], object], rounds: int) -> float:
    """Give the least CPU time of all threads over several rounds; the first, which compiles, is left out."""
    times = []
    for _ in range(rounds + 1):
        start = process_time_ns()
        work()
        times.append(process_time_ns() - start)
    return min(times[1:]) / 1e9


def main() -> None:
    """Print the figures, and keep them unless the run was quick."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the bars, nothing is kept")
    parser.add_argument("--workers", type=int, default=2)
    asked = parser.parse_args()
    bars = BARS // 10 if asked.quick else BARS
    candles = random_walk(bars, seed=1, steps_per_bar=4, timeframe=Timeframe.parse("5m"))
    before_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    # The memory of one sweep with the engine's code loaded, before the rounds below add theirs.
    result = run_sweep(candles, asked.workers)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    plain = best_s(lambda: run_plain(candles), 3)
    cpu = best_s(lambda: run_sweep(candles, asked.workers), 5)
    trades = sum(trial.figure("trades") for trial in result.trials)
    figures = {
        "bars": bars,
        "combinations": len(GRID),
        "trades_per_combination": round(trades / len(GRID), 1),
        "cpu_s": round(cpu, 3),
        "cpu_limit_s": CPU_LIMIT_S,
        "plain_loop_cpu_s": round(plain, 3),
        "times_the_plain_loop": round(cpu / plain, 2),
        "us_per_combination": round(cpu / len(GRID) * 1e6),
        "peak_mb": round(peak_mb),
        "peak_mb_before": round(before_mb),
        "memory_limit_mb": MEMORY_LIMIT_MB,
    }
    print(json.dumps(figures, indent=1))
    if not asked.quick:
        folder = Path(__file__).parent / "results"
        folder.mkdir(exist_ok=True)
        (folder / "sweep.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
