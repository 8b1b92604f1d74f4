"""Run every benchmark in benchmarks/, each in a process of its own; they print tables and write benchmarks/results."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    """Run all, or those named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="run only these (file names without .py)")
    parser.add_argument("--quick", action="store_true", help="smaller sizes, nothing is written")
    asked = parser.parse_args()
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'graphql'}"}
    environment.setdefault("NUMBA_CACHE_DIR", str(_cache()))
    failed = []
    for script in sorted(ROOT.glob("benchmarks/*.py")):
        if asked.names and script.stem not in asked.names:
            continue
        print(f"── {script.stem}", flush=True)
        command = [sys.executable, str(script), *(["--quick"] if asked.quick else [])]
        if subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode:
            failed.append(script.stem)
    if failed:
        print(f"Failed: {', '.join(failed)}")
    return 1 if failed else 0


def _cache() -> Path:
    sys.path.insert(0, str(ROOT))
    from server.warm import use_cache

    return use_cache(ROOT / ".cache") or ROOT / ".cache"


if __name__ == "__main__":
    sys.exit(main())
