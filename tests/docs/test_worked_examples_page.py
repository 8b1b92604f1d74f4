"""The page of worked examples names tests that exist and commands whose options exist."""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path

import pytest

from tests.support.cli import breakwater

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "worked-examples.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)))
COMMANDS = sorted(set(re.findall(r"`breakwater (size [^`]*)`", PAGE)))


@pytest.mark.parametrize("file", sorted({file for file, _ in NAMED}))
def test_every_test_that_the_page_names_exists(file: str) -> None:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    known = {one.name for one in ast.walk(tree) if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)}

    assert {name for of, name in NAMED if of == file} - known == set()


def test_every_row_names_a_test() -> None:
    rows = [
        one
        for one in PAGE.splitlines()
        if one.startswith("| ") and not one.startswith(("| Example", "| Check"))
    ]

    assert len(rows) > 50
    assert [one for one in rows if "::test_" not in one] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_every_size_of_the_page_is_computed(command: str) -> None:
    ran = breakwater(*shlex.split(command), "--json")

    assert ran.code == 0, ran.err
    assert ran.json["binding"]
