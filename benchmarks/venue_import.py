"""What importing one exchange costs: CPU seconds of fresh processes, the whole library against one exchange of it.

python benchmarks/venue_import.py [--quick]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.plain_loop import keep

ROOT = Path(__file__).resolve().parents[1]

WHOLE = "import ccxt.pro"
ONE = "from desk.venues.ccxt_loader import exchange_class; exchange_class({0!r})"
VENUES = ("binance", "kraken", "okx", "coinbase", "cryptocom")


def cpu_s(program: str, runs: int) -> float:
    """Give the CPU seconds of a program in a fresh process, without those of an empty one; the median of runs."""
    timed = "import time; began = time.process_time()\n{0}\nprint(time.process_time() - began)"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    found = []
    for _ in range(runs):
        done = subprocess.run(
            [sys.executable, "-c", timed.format(program)],
            cwd=ROOT,
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        )
        found.append(float(done.stdout))
    return median(found)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one run each, nothing is written")
    asked = parser.parse_args()
    runs = 1 if asked.quick else 3
    figures: dict[str, Any] = {"ccxt_pro_cpu_s": round(cpu_s(WHOLE, runs), 2)}
    for venue in VENUES:
        figures[f"{venue}_cpu_s"] = round(cpu_s(ONE.format(venue), runs), 2)
    for name, value in figures.items():
        print(f"{name:20} {value:5.2f}")
    if not asked.quick:
        keep("venue_import", figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
