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


#: In the order in which one process runs them: what an earlier one loads stays loaded.
PROGRAMS = (
    "from trading.backtest.evaluate import metrics_of",
    "from strategies.registry import default_registry; default_registry(); from trading.backtest.run import backtest",
    "from desk.assembly import open_house",
    "from chatops.console.door import run_once",
    "import server.app",
)


def loaded_after(*programs: str) -> list[set[str]]:
    """Give what is loaded after each of some lines, run in one process."""
    said = "import json, sys\nprint(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(f"{program}\n{said}" for program in programs)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'graphql'}"},
        capture_output=True,
        text=True,
        check=True,
    )
    return [set(json.loads(line)) for line in done.stdout.splitlines()[-len(programs) :]]


@pytest.fixture(scope="module")
def loaded() -> dict[str, set[str]]:
    """What is loaded after each program."""
    return dict(zip(PROGRAMS, loaded_after(*PROGRAMS), strict=True))


def test_help_loads_neither_the_core_nor_any_heavy_library() -> None:
    (modules,) = loaded_after("from server.cli import run\nrun(['--help'])")

    assert not modules & {*HEAVY, "numba", "strawberry", "tortoise", "starlette", "scipy", "numpy"}


@pytest.mark.parametrize("program", PROGRAMS)
def test_no_heavy_library_is_loaded_by(loaded: dict[str, set[str]], program: str) -> None:
    assert not loaded[program] & set(HEAVY)
