"""Every strategy over every pair of real 1h candles: no exception, and a reason wherever it did nothing.

python tests/proofs/all_pairs.py [--data FOLDER]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from strategies.base import ColumnStrategy
from strategies.registry import default_registry
from strategies.tally import tally_of
from tests.support.candle_files import candles_from, hourly_files
from tests.support.data import shared_data
from tests.support.markets import account_for
from trading.backtest.run import backtest
from trading.market import MarketView


def main() -> int:
    """Print a line per strategy and pair; 1 when a strategy did nothing and cannot say why."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, default=shared_data())
    folder = parser.parse_args().data
    if folder is None:
        print("No folder of real candles was found; name one with --data.")
        return 2
    series = [candles_from(file) for file in hourly_files(folder)]
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
    print(f"{len(registry.names())} strategies, {len(series)} pairs, no exception, {silent} without a reason")
    return 1 if silent else 0


if __name__ == "__main__":
    sys.exit(main())
