"""The engine's page, clause by clause, names places and tests that exist."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TABLE = (ROOT / "docs" / "engine.md").read_text(encoding="utf-8").partition("## Clause by clause")[2]
ROWS = [one for one in TABLE.splitlines() if one.startswith("| ") and "| Where |" not in one]
NAMED = sorted(set(re.findall(r"`([\w/]+\.py)(?:::(\w+))?`", TABLE)))


@cache
def defined(file: str) -> frozenset[str]:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return frozenset(one.name for one in ast.walk(tree) if isinstance(one, kinds))


def test_every_place_and_test_that_the_table_names_exists() -> None:
    assert [f"{file}::{name}" for file, name in NAMED if name and name not in defined(file)] == []


def test_every_file_that_the_table_names_exists() -> None:
    assert [file for file, _ in NAMED if not (ROOT / file).is_file()] == []


def test_every_clause_has_a_place_and_a_test() -> None:
    assert len(ROWS) > 50
    assert [row for row in ROWS if not re.search(r"\| `(?!tests/)[\w/]+\.py", row)] == []
    assert [row for row in ROWS if "::test_" not in row] == []
