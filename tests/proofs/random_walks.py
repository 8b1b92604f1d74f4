"""T15 at full length: every Elliott strategy on driftless walks at zero cost, pooled |t| < 3.

python tests/proofs/random_walks.py [--seeds 40] [--bars 20000]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from strategies.base import ColumnStrategy
from strategies.registry import default_registry
from tests.support.random_walks import ELLIOTT, verdict_of

LIMIT = 3.0


def main() -> int:
    """Print a line per strategy and setting; 1 when one earns or loses what it cannot."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=40)
    parser.add_argument("--bars", type=int, default=20_000)
    asked = parser.parse_args()
    registry, worst = default_registry(), 0.0
    print(f"{'strategy':<18}{'settings':<56}{'trades':>8}{'mean':>11}{'t':>7}")
    for name, settings in ELLIOTT.items():
        for params in settings:
            strategy = registry.get_strategy(name)(**params)
            assert isinstance(strategy, ColumnStrategy)
            found = verdict_of(strategy, seeds=range(1_000, 1_000 + asked.seeds), bars=asked.bars)
            worst = max(worst, abs(found.t))
            print(
                f"{name:<18}{params!s:<56}{found.trades:>8}{found.mean_ratio:>11.6f}{found.t:>7.2f}",
                flush=True,
            )
    print(f"largest |t| {worst:.2f}; limit {LIMIT}")
    return 0 if worst < LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
