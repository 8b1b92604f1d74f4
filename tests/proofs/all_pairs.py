"""Every strategy over every pair of real 1h candles: no exception, and a reason wherever it did nothing.

    python tests/proofs/all_pairs.py [--data FOLDER]

Where no real candles lie, random walks with gaps, jumps and bars without volume take their place.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from strategies.base import ColumnStrategy
from strategies.registry import default_registry
from strategies.tally import tally_of
from tests.support.candle_files import candles_from, hourly_files
from tests.support.data import shared_data
from tests.support.markets import account_for
from tests.support.rule_sets import walk
from trading.backtest.run import backtest
from trading.candles import Candles
from trading.market import MarketView


def walks() -> list[Candles]:
    """Give a year of hours of made-up pairs."""
    rng = np.random.default_rng(11)
    return [walk(rng, 8_760, f"WALK{number}/USDT") for number in range(8)]


def main() -> int:
    """Print a line per strategy and pair; 1 when a strategy did nothing and cannot say why."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, default=shared_data())
    folder: Path | None = parser.parse_args().data
    series = walks() if folder is None else [candles_from(file) for file in hourly_files(folder)]
    if not series:
        print(
            f"No candles (ohlcv/binance_*_1h.csv.gz) were found in {folder}; name another folder with --data."
        )
        return 2
    registry, silent = default_registry(), 0
    for name in registry.names():
        strategy = registry.get_strategy(name)()
        assert isinstance(strategy, ColumnStrategy)
        for candles in series:
            view = MarketView(candles=candles)
            tally = tally_of(strategy, view)
            result = backtest([candles], [strategy.columns(view)], account_for(candles))
            told = tally.reason or f"{tally.entries} entry signals, {len(result.trades)} trades"
            silent += not told
            refused = ", ".join(f"{reason} {count}" for reason, count in result.denied.items())
            print(f"{name:<16}{candles.pair:<12}{told}{f'; refused: {refused}' if refused else ''}")
    kind = "real" if folder else "made-up"
    print(
        f"{len(registry.names())} strategies, {len(series)} {kind} pairs, no exception, {silent} without a reason"
    )
    return 1 if silent else 0


if __name__ == "__main__":
    sys.exit(main())
