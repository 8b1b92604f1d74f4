"""Heavy libraries are imported where they are used, not where the program starts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = (
    "pandas",
    "ccxt",
    "discord",
    "telegram",
    "matplotlib",
    "transformers",
    "torch",
    "optuna",
    "pyarrow",
    "onnxruntime",
)


def loaded_after(program: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"{program}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'graphql'}"},
        capture_output=True,
        text=True,
        check=True,
    )
    return {one.split(".")[0] for one in json.loads(done.stdout.splitlines()[-1])}


def test_help_loads_neither_the_core_nor_any_heavy_library() -> None:
    loaded = loaded_after("from server.cli import run\nrun(['--help'])")

    assert not loaded & {*HEAVY, "numba", "strawberry", "tortoise", "starlette", "scipy", "numpy"}


@pytest.mark.parametrize(
    "program",
    [
        "from strategies.registry import default_registry\ndefault_registry()\nfrom trading.backtest.run import backtest",
        "from trading.backtest.evaluate import metrics_of",
        "from desk.assembly import open_house",
        "import server.app",
        "from chatops.console.door import run_once",
    ],
)
def test_no_heavy_library_is_loaded_by(program: str) -> None:
    assert not loaded_after(program) & set(HEAVY)
