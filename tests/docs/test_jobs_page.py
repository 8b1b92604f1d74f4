"""The page of jobs says of each promise where it is kept and which test tries it; both exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "jobs.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("| ").split(" | ")]
    for line in PAGE.split("| Clause | Where | Test |")[1].split("\n\n")[0].splitlines()
    if line.startswith("| ")
]
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)))
METRICS = sorted(set(re.findall(r"`(breakwater_job\w*)", PAGE)))


def test_every_clause_has_a_place_and_a_test() -> None:
    assert len(ROWS) >= 15
    assert [row[0] for row in ROWS if len(row) != 3 or "::test_" not in row[2]] == []


@pytest.mark.parametrize("file", sorted({file for file, _ in NAMED}))
def test_every_test_that_the_page_of_jobs_names_exists(file: str) -> None:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    known = {one.name for one in ast.walk(tree) if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)}

    assert {name for of, name in NAMED if of == file} - known == set()


def test_every_place_that_the_page_of_jobs_names_exists() -> None:
    places = [one for row in ROWS for one in re.findall(r"`([^`]+)`", row[1])]

    assert [one for one in places if not (ROOT / one).exists()] == []


def test_every_metric_of_the_page_is_one_of_the_code() -> None:
    code = (ROOT / "server" / "job_metrics.py").read_text(encoding="utf-8")

    assert len(METRICS) == 6
    assert [one for one in METRICS if f'"{one.removesuffix("_total")}"' not in code] == []
