"""The worked examples also hold when nothing is compiled, where numpy checks every index."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_worked_examples_hold_as_plain_python() -> None:
    env = {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'graphql'}"}
    tests = [
        "tests/engine/test_bar_rules.py",
        "tests/engine/test_worked_bar.py",
        "tests/engine/test_account_rules.py",
    ]

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests],
        cwd=ROOT, env=env, capture_output=True, text=True, timeout=170,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout[-2_000:]
    assert " passed" in done.stdout or "100%" in done.stdout
