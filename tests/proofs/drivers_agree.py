"""Run random rule sets and every strategy in three ways and count the differences. 0 is the only allowed number.

python -m tests.proofs.drivers_agree [--cases 300] [--bars 1500] [--first 1000]
"""

from __future__ import annotations

import argparse
import sys

import numpy as np

from tests.support.rule_sets import difference, first_difference, random_case, real_series, run
from tests.support.strategy_runs import names, strategy_case


def main() -> int:
    """Give 1 when any case differs."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    options.add_argument("--cases", type=int, default=300)
    options.add_argument("--bars", type=int, default=1_500)
    options.add_argument("--first", type=int, default=1_000)
    asked = options.parse_args()
    differences, fills, trades = 0, 0, 0
    for seed in range(asked.first, asked.first + asked.cases):
        found = first_difference(seed, bars=asked.bars, restart=seed % 2 == 0)
        differences += bool(found)
        if found:
            print(found)
        result = run(random_case(seed, bars=asked.bars), "array")
        fills += len(result.fill_records)
        trades += len(result.trade_records)
    print(
        f"{asked.cases} rule sets × {asked.bars} bars, {fills} fills, {trades} trades: {differences} differences "
        "between the skipping driver, the stepping driver and the replay with a restart."
    )
    differences += strategies_differ(asked.bars)
    return 1 if differences else 0


def strategies_differ(bars: int) -> int:
    """Run every strategy over parts of three real histories, or over made ones; give how often the ways differ."""
    found = real_series(np.random.default_rng(1), bars, 3)
    differences, trades = 0, 0
    for name in names():
        for k, candles in enumerate(found or (None,)):
            case = strategy_case(name, candles, bars=bars)
            told = difference(case, f"{name} on market {k}", restart_at=bars // 2)
            differences += bool(told)
            if told:
                print(told)
            trades += len(run(case, "array").trade_records)
    print(
        f"{len(names())} strategies on {len(found or (None,))} {'real' if found else 'made'} markets × {bars} bars, "
        f"{trades} trades: {differences} differences."
    )
    return differences


if __name__ == "__main__":
    sys.exit(main())
