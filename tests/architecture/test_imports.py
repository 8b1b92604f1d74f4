"""The import contracts of pyproject.toml hold, and break when somebody plants a forbidden import."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("trading", "strategies", "desk", "chatops", "workers", "server", "graphql")


def lint(root: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports_command; lint_imports_command()",
            "--no-cache",
        ],
        cwd=root,
        env={"PYTHONPATH": f"{root}:{root / 'graphql'}", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )


#: Per room, what nobody may import there.
PLANTED = [
    ("trading", "import server\n"),
    ("trading", "import asyncio\n"),
    ("trading", "from desk import bus\n"),
    ("strategies", "import ccxt\n"),
    ("desk", "import strawberry\n"),
    ("desk", "from chatops import book\n"),
    ("chatops", "from api import schema\n"),
    ("chatops", "import tortoise\n"),
    ("server", "import telegram\n"),
]


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the contracts say to a copy of the sources with a forbidden import in a file of its own for each."""
    root = tmp_path_factory.mktemp("house")
    for room in ROOMS:
        shutil.copytree(ROOT / room, root / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", root)
    for number, (room, line) in enumerate(PLANTED):
        (root / room / f"planted_{number}.py").write_text(line)
    result = lint(root)
    assert result.returncode == 1
    return result.stdout


def test_the_house_obeys_its_import_contracts() -> None:
    result = lint(ROOT)

    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    "number", range(len(PLANTED)), ids=[f"{room}: {line.strip()}" for room, line in PLANTED]
)
def test_a_planted_import_is_caught(said: str, number: int) -> None:
    room, line = PLANTED[number]

    # The contract names the first package of what was imported, or the module.
    assert re.search(rf"{room}\.planted_{number} -> {line.split()[1]}", said), said
