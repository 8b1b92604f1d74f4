"""The page of the order path: every fault has its row with what happens, and every named test and proof exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from desk.execution.retries import LONGEST_S, MOST_TRIES

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "order-path.md").read_text(encoding="utf-8")
#: Faults of the list in the design.
FAULTS = 32
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)))


def _rows() -> dict[int, list[str]]:
    table = PAGE.partition("## Faults and their tests")[2].partition("\n## ")[0]
    cells = [[cell.strip() for cell in one.strip("|").split("|")] for one in table.splitlines() if "|" in one]
    return {int(one[0]): one for one in cells if one[0].isdigit()}


def test_every_fault_has_a_row_with_what_happens_and_a_test() -> None:
    rows = _rows()

    assert list(rows) == list(range(1, FAULTS + 1))
    assert [number for number, one in rows.items() if not one[2] or "::test_" not in one[3]] == []


@pytest.mark.parametrize("file", sorted({file for file, _ in NAMED}))
def test_every_test_that_the_page_names_exists(file: str) -> None:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    known = {one.name for one in ast.walk(tree) if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)}

    assert {name for of, name in NAMED if of == file} - known == set()


def test_every_program_that_the_page_names_exists() -> None:
    programs = set(re.findall(r"`python ([\w/]+\.py)", PAGE))

    assert len(programs) >= 6
    assert [one for one in sorted(programs) if not (ROOT / one).is_file()] == []


def test_the_retry_table_says_what_the_code_does() -> None:
    table = PAGE.partition("## What is tried again")[2].partition("\n## ")[0]

    assert f"| a question | {MOST_TRIES} |" in table
    assert f"1 … {LONGEST_S:.0f} s" in table
