"""The import contracts of pyproject.toml hold, and break when somebody plants a forbidden import."""

from __future__ import annotations

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


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sources, for planting."""
    root = tmp_path_factory.mktemp("house")
    for room in ROOMS:
        shutil.copytree(ROOT / room, root / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", root)
    return root


def test_the_house_obeys_its_import_contracts() -> None:
    result = lint(ROOT)

    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("room", "planted"),
    [
        ("trading", "import server\n"),
        ("trading", "import asyncio\n"),
        ("trading", "from desk import bus\n"),
        ("strategies", "import ccxt\n"),
        ("desk", "import strawberry\n"),
        ("desk", "from chatops import book\n"),
        ("chatops", "from api import schema\n"),
        ("chatops", "import tortoise\n"),
        ("server", "import telegram\n"),
    ],
)
def test_a_planted_import_is_caught(copied: Path, room: str, planted: str) -> None:
    file = copied / room / "planted.py"
    file.write_text(planted)
    try:
        result = lint(copied)
    finally:
        file.unlink()

    assert result.returncode == 1
    assert "planted" in result.stdout
