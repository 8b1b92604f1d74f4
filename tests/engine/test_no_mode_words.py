"""The engine, the risk rules and the strategies do not know whether they run on history or on a venue."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WORDS = re.compile(r"(?<![a-z])(backtest|paper|live)(?![a-z])", re.IGNORECASE)
#: Gates compare the two worlds on purpose.
EXEMPT = {"gates.py"}
FOLDERS = ("trading/engine", "trading/risk", "strategies")


def sources() -> list[Path]:
    return [
        path
        for folder in FOLDERS
        for path in sorted((ROOT / folder).rglob("*.py"))
        if path.name not in EXEMPT
    ]


def names_in(node: ast.AST) -> list[str]:
    found = []
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            found.append(part.id)
        elif isinstance(part, ast.Attribute):
            found.append(part.attr)
        elif isinstance(part, ast.Constant) and isinstance(part.value, str):
            found.append(part.value)
    return found


def offences(tree: ast.AST) -> list[str]:
    """Give every mode word in a condition or a signature."""
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.If | ast.While | ast.IfExp | ast.Assert):
            found += names_in(node.test)
        elif isinstance(node, ast.Match):
            found += names_in(node.subject)
        elif isinstance(node, ast.comprehension):
            found += [name for test in node.ifs for name in names_in(test)]
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            arguments = node.args
            found += [one.arg for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
            found.append(node.name)
    return [name for name in found if WORDS.search(name.replace("_", " "))]


@pytest.mark.parametrize("path", sources(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_conditions_and_signatures_name_no_mode(path: Path) -> None:
    assert offences(ast.parse(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "planted",
    [
        "if mode == 'live':\n    pass",
        "def step(is_paper):\n    pass",
        "x = 1 if backtest else 2",
        "def live_fill():\n    pass",
    ],
)
def test_planted_mode_words_are_found(planted: str) -> None:
    assert offences(ast.parse(planted)) != []
