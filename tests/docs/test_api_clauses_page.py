"""The page of the API's promises names tests and files that exist, and every clause."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "api" / "clauses.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)))
ROWS = [
    [cell.strip() for cell in one.strip("|").split("|")]
    for one in PAGE.splitlines()
    if re.match(r"\| \d", one)
]


@pytest.mark.parametrize("file", sorted({file for file, _ in NAMED}))
def test_every_test_that_the_promises_name_exists(file: str) -> None:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    known = {one.name for one in ast.walk(tree) if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)}

    assert {name for of, name in NAMED if of == file} - known == set()


def test_every_promise_names_a_place_that_exists_and_a_test() -> None:
    for clause, places, tests in ROWS:
        assert "::test_" in tests, clause
        first, *others = re.findall(r"`([^`]+)`", places)
        folder = (ROOT / first).parent
        assert (ROOT / first).exists(), clause
        assert [one for one in others if not ((ROOT / one).exists() or (folder / one).exists())] == [], clause
    assert {row[0][0] for row in ROWS} == set("1234567")
