"""The page of what chat promises names tests and files that exist, and a test for every clause."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "chat" / "shown.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)))
ROWS = [one for one in PAGE.splitlines() if one.startswith("| ") and not one.startswith("| Clause")]


@pytest.mark.parametrize("file", sorted({file for file, _ in NAMED}))
def test_every_test_that_the_page_of_chat_names_exists(file: str) -> None:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    known = {one.name for one in ast.walk(tree) if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)}

    assert {name for of, name in NAMED if of == file} - known == set()


def test_every_clause_of_chat_has_a_place_and_a_test() -> None:
    assert len(ROWS) > 80
    assert [one for one in ROWS if "::test_" not in one] == []
    places = {place for one in ROWS for place in re.findall(r"\| `([\w/.]+\.py)` \|", one)}
    assert len(places) > 40
    assert [place for place in sorted(places) if not (ROOT / place).is_file()] == []


def test_every_proof_of_chat_exists() -> None:
    proofs = re.findall(r"`(\w+\.py) --full`", PAGE)

    assert len(proofs) > 8
    assert [one for one in proofs if not (ROOT / "tests" / "proofs" / one).is_file()] == []
