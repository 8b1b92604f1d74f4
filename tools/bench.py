"""Run every benchmark in benchmarks/, each in a process of its own; they print tables and write benchmarks/results.

One that does not end within its limit is asked where it stands, then ended with everything that it had started; the
others go on. Exit codes: 0 all ended well, 1 one failed, 124 one was ended by its limit, 2 no benchmark has that name.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tools.limits import ENDED_BY_LIMIT, run  # noqa: E402 - the path is set above

#: Longest life of a benchmark in seconds; several times what a busy machine of two processors needs.
LIMIT_S = 900.0
#: Those that measure for minutes by what they are.
LIMITS_S = {"api_load": 1_800.0, "forecast_walk": 7_200.0, "elliott_labels": 3_600.0, "job_sweep": 1_800.0}


def main() -> int:
    """Run all, or those named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="run only these (file names without .py)")
    parser.add_argument("--quick", action="store_true", help="smaller sizes, nothing is written")
    parser.add_argument(
        "--limit", type=float, help="seconds that each one may take, in place of its own limit"
    )
    asked = parser.parse_args()
    scripts = sorted(ROOT.glob("benchmarks/*.py"))
    if unknown := set(asked.names) - {one.stem for one in scripts}:
        known = ", ".join(one.stem for one in scripts)
        print(f"No benchmark named {', '.join(sorted(unknown))}; {known} exist.")
        return 2
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'graphql'}"}
    environment.setdefault("NUMBA_CACHE_DIR", str(_cache()))
    failed, ended = list[str](), list[str]()
    for script in scripts:
        if asked.names and script.stem not in asked.names:
            continue
        print(f"── {script.stem}", flush=True)
        command = [sys.executable, str(script), *(["--quick"] if asked.quick else [])]
        limit_s = asked.limit or LIMITS_S.get(script.stem, LIMIT_S)
        code = run(command, environment, limit_s, folder=ROOT)
        if code == ENDED_BY_LIMIT:
            print(f"── {script.stem}: ended by its limit of {limit_s:g} s", flush=True)
            ended.append(script.stem)
        elif code:
            failed.append(script.stem)
    if failed:
        print(f"Failed: {', '.join(failed)}")
    if ended:
        print(f"Ended by their limit: {', '.join(ended)}; --limit gives them longer.")
    return 1 if failed else ENDED_BY_LIMIT if ended else 0


def _cache() -> Path:
    from server.warm import use_cache

    return use_cache(ROOT / ".cache") or ROOT / ".cache"


if __name__ == "__main__":
    sys.exit(main())
