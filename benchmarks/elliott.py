"""The wave engine: CPU time per bar, time of a live step, memory against length, and base rates of random walks.

    python benchmarks/elliott.py [--quick] [--base-rates] [--write]

Limits (trading-rules.md A.7): 1 µs per bar with scoring over a history, 20 µs at the 99th percentile of one live step,
memory that does not depend on the number of bars.
"""

from __future__ import annotations

import argparse
import json
import sys
import tracemalloc
from pathlib import Path
from time import process_time_ns, thread_time_ns
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.support.wave_series import walk
from trading.analysis.elliott import WaveColumnStream, WaveDetector, WaveSettings, wave_columns
from trading.candles import Candles

RESULT = Path(__file__).parent / "results" / "elliott.json"
LIMIT_NS_PER_BAR = 1_000
LIMIT_STEP_P99_US = 20


def history_ns_per_bar(candles: Candles, rounds: int) -> dict[str, float]:
    """Best and median CPU time per bar of the whole run with its log, and of the columns of one degree."""
    runs, columns = [], []
    for _ in range(rounds):
        start = process_time_ns()
        WaveDetector(WaveSettings()).run(candles)
        runs.append((process_time_ns() - start) / len(candles))
        start = process_time_ns()
        wave_columns(candles, WaveSettings(), 0)
        columns.append((process_time_ns() - start) / len(candles))
    return {
        "run_best": min(runs),
        "run_median": float(np.median(runs)),
        "columns_best": min(columns),
        "columns_median": float(np.median(columns)),
    }


def step_us(candles: Candles, steps: int) -> dict[str, dict[str, float]]:
    """CPU time of one live step, by percentile: of the detector, and of the column stream."""
    bars = list(
        zip(
            candles.ts_ms.tolist(),
            candles.open.tolist(),
            candles.high.tolist(),
            candles.low.tolist(),
            candles.close.tolist(),
            candles.volume.tolist(),
            strict=True,
        )
    )[:steps]
    found: dict[str, dict[str, float]] = {}
    detector, stream = WaveDetector(WaveSettings()), WaveColumnStream(WaveSettings(), 0)
    for name, step in (("detector", detector.step), ("columns", stream.step)):
        taken = np.empty(len(bars))
        for i, bar in enumerate(bars):
            start = thread_time_ns()
            step(*bar)
            taken[i] = thread_time_ns() - start
        p50, p99, p999 = np.percentile(taken[200:], (50, 99, 99.9)) / 1e3
        found[name] = {"p50": float(p50), "p99": float(p99), "p99.9": float(p999)}
    return found


def memory_kib(bars: int) -> dict[str, float]:
    """What a detector holds after many bars, and the most that is held while the log is handed out in chunks."""
    candles = walk(bars, 2)
    tracemalloc.start()
    detector = WaveDetector(WaveSettings())
    events = sum(len(log) for log in detector.run_chunks(candles, chunk_bars=20_000))
    held, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return {
        "held": held / 1024,
        "peak": peak / 1024,
        "snapshot": len(detector.snapshot()) / 1024,
        "events": events,
    }


def base_rates(seeds: int, bars: int) -> dict[str, list[float]]:
    """Share of claims that come true on walks, and completed impulses per pivot by degree."""
    outcomes = np.zeros((7, 2))
    pivots, impulses = np.zeros(4), np.zeros(4)
    for seed in range(seeds):
        detector = WaveDetector(WaveSettings())
        rows = detector.run(walk(bars, seed)).rows
        outcomes += detector.outcomes()
        for degree in range(4):
            of = rows[rows["degree"] == degree]
            pivots[degree] += (of["type"] == 1).sum()
            impulses[degree] += ((of["type"] == 4) & (of["count"]["pattern"] == 1)).sum()
    return {
        "claims_true": (outcomes[:, 1] / outcomes.sum(axis=1)).round(4).tolist(),
        "cases": outcomes.sum(axis=1).tolist(),
        "impulses_per_pivot": (impulses / pivots).round(4).tolist(),
    }


def main() -> int:
    """Print the figures; 1 when a limit is passed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer bars and rounds")
    parser.add_argument("--base-rates", action="store_true", help="measure the random walks as well")
    parser.add_argument("--write", action="store_true", help=f"keep the figures in {RESULT.name}")
    asked = parser.parse_args()
    bars = 20_000 if asked.quick else 100_000
    candles = walk(bars, 1)
    WaveDetector(WaveSettings()).run(candles.rows(0, 100))
    wave_columns(candles.rows(0, 100), WaveSettings(), 0)
    figures: dict[str, Any] = {
        "bars": bars,
        "degrees": 4,
        "ns_per_bar": history_ns_per_bar(candles, 3 if asked.quick else 9),
        "step_us": step_us(candles, bars // 4),
        "memory_kib": {
            str(n): memory_kib(n) for n in ((20_000, 60_000) if asked.quick else (100_000, 1_000_000))
        },
    }
    if asked.base_rates:
        figures["base_rates"] = base_rates(4 if asked.quick else 20, 50_000)
    print(json.dumps(figures, indent=1))
    if asked.write:
        RESULT.write_text(json.dumps(figures, indent=1) + "\n")
    good = (
        figures["ns_per_bar"]["run_best"] <= LIMIT_NS_PER_BAR
        and figures["step_us"]["detector"]["p99"] <= LIMIT_STEP_P99_US
    )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
