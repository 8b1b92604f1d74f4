"""The first backtest of a fresh process: CPU seconds of a child that imports, runs 10,000 bars and gives its figures.

The compiled core and Python's bytecode are there, as after any earlier run; with `--sources` the bytecode is not, as
in a process that is forbidden to write any.

python benchmarks/first_backtest.py [--quick] [--sources]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.plain_loop import keep

ROOT = Path(__file__).resolve().parents[1]

#: What the child does; it tells where its CPU time went, and which heavy libraries it loaded.
CHILD = """
import json, sys, time
marks = [time.process_time()]
import trading.jit
marks.append(time.process_time())
from benchmarks.fresh.first_run import first_run
marks.append(time.process_time())
trades = first_run()
marks.append(time.process_time())
heavy = [name for name in ("pandas", "scipy.linalg", "hypothesis", "matplotlib", "optuna") if name in sys.modules]
print(json.dumps({"marks": marks, "trades": trades, "heavy": heavy}))
"""


def child(cache: str, bytecode: str | None) -> dict[str, Any]:
    """Run one fresh process; give its CPU seconds and their parts."""
    given = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    given |= {"NUMBA_CACHE_DIR": cache, "PYTHONPATH": str(ROOT)}
    given |= {"PYTHONPYCACHEPREFIX": bytecode} if bytecode else {"PYTHONDONTWRITEBYTECODE": "1"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-c", CHILD],
        cwd=ROOT,
        env=given,
        check=True,
        capture_output=True,
        text=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    told = json.loads(done.stdout)
    start, compiler, core, end = told["marks"]
    return {
        "cpu_s": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "numba_s": compiler - start,
        "core_s": core - compiler,
        "run_s": end - core,
        "trades": told["trades"],
        "heavy": told["heavy"],
    }


def main() -> None:
    """Fill the caches once, then measure fresh processes that use them."""
    options = argparse.ArgumentParser()
    options.add_argument("--quick", action="store_true")
    options.add_argument("--sources", action="store_true")
    asked = options.parse_args()
    with TemporaryDirectory() as made:
        cache = os.environ.get("NUMBA_CACHE_DIR", made)
        bytecode = None if asked.sources else str(Path(made) / "bytecode")
        child(cache, bytecode)
        runs = [child(cache, bytecode) for _ in range(2 if asked.quick else 5)]
    best = min(runs, key=lambda run: run["cpu_s"])
    figures = {k: round(v, 3) if isinstance(v, float) else v for k, v in best.items()}
    keep("first_backtest_sources" if asked.sources else "first_backtest", figures)


if __name__ == "__main__":
    main()
