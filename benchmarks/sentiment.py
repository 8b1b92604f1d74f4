"""What a headline costs: loading the shipped model, then scoring one at a time on one core.

python benchmarks/sentiment.py [--quick]
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

#: What is asked: headlines in a second, and seconds to load.
LEAST_PER_S, MOST_LOAD_S = 300.0, 0.5

_SUBJECTS = (
    "Bitcoin",
    "The exchange",
    "Ether",
    "A large fund",
    "The regulator",
    "$SOL",
    "Miners",
    "The bank",
)
_ACTS = (
    "climbs past its old high as funds keep buying",
    "halts withdrawals after a bridge is drained",
    "will publish its quarterly figures next Tuesday",
    "cuts its outlook for the year and lets a fifth of its people go",
    "rallies 12% in a day, its best since March",
)


def main() -> int:
    """Measure on one core; tell whether both are held."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    from desk.predictors import SHIPPED, sentiment_model

    # The libraries are part of a load: nobody has imported them before.
    begun, spent = time.perf_counter(), time.process_time()
    model = sentiment_model()
    load_s, load_cpu_s = time.perf_counter() - begun, time.process_time() - spent
    headlines = [f"{subject} {act}" for act in _ACTS for subject in _SUBJECTS]
    rounds = 3 if "--quick" in sys.argv else 25
    for one in headlines:
        model.score(one)
    begun, spent = time.perf_counter(), time.process_time()
    for _ in range(rounds):
        for one in headlines:
            model.score(one)
    count = rounds * len(headlines)
    per_s, per_cpu_s = count / (time.perf_counter() - begun), count / (time.process_time() - spent)
    size = (SHIPPED / "model.onnx").stat().st_size
    print(f"{size / 1e6:.1f} MB, loaded in {load_s:.2f} s ({load_cpu_s:.2f} s of the core)")
    print(f"{count} headlines one at a time: {per_s:.0f}/s by the clock, {per_cpu_s:.0f}/s of the core")
    if "--quick" not in sys.argv:
        found = {
            "bytes": size,
            "load_s": round(load_s, 3),
            "load_cpu_s": round(load_cpu_s, 3),
            "per_s": round(per_s),
            "per_cpu_s": round(per_cpu_s),
        }
        (ROOT / "benchmarks" / "results" / "sentiment.json").write_text(json.dumps(found, indent=1) + "\n")
    return 0 if per_cpu_s >= LEAST_PER_S and load_cpu_s <= MOST_LOAD_S else 1


if __name__ == "__main__":
    sys.exit(main())
