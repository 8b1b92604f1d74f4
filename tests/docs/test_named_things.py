"""What the pages name exists: files, tests in them, proofs, benchmarks, commands with their options, targets of make, links."""

from __future__ import annotations

import ast
import functools
import re
from pathlib import Path
from typing import Any

import pytest
import typer

from server.cli import build

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    str(path.relative_to(ROOT))
    for path in (
        *ROOT.glob("docs/**/*.md"),
        *(
            ROOT / name
            for name in ("README.md", "CONTRIBUTING.md", "strategies/README.md", "graphql/README.md")
        ),
        *ROOT.glob("examples/**/*.md"),
    )
)

#: Files that a reader is told to make.
_TO_BE_MADE = {"strategies/my_idea.py"}

#: `tests/engine/test_hedges.py::test_that`, `benchmarks/kernel.py`, `trading/engine/entries.py::gate`, `server/cli/`.
_ROOMS = "benchmarks|chatops|deploy|desk|docs|examples|graphql|migrations|requirements|server|strategies|tests|tools|trading|workers"
_FILE = re.compile(rf"(?<![\w/.\-])((?:{_ROOMS})/[\w./\-]*[\w/])(?:::(\w+))?(?![\w*<{{…])")
_RUNNER = re.compile(r"tools/(prove|bench)\.py((?: [a-z][a-z_]+)+)")
_MAKE = re.compile(r"`(?:\w+=\S+ )?make ([a-z0-9\-]+)")
_PROGRAM = re.compile(r"(?:^\$? ?|`)breakwater ([a-z][^`\n|#>]*)", re.MULTILINE)
_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


@functools.cache
def names_in(file: str) -> frozenset[str]:
    """Functions, classes, methods and constants of a file."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    named = (
        one.name
        for one in ast.walk(tree)
        if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    )
    stored = (
        one.id for one in ast.walk(tree) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)
    )
    return frozenset((*named, *stored))


def unknown_files(text: str) -> list[str]:
    return [
        f"{file}::{name}" if name else file
        for file, name in _FILE.findall(text)
        if file not in _TO_BE_MADE
        if not (ROOT / file).exists() or (name and name not in names_in(file))
    ]


def unknown_scripts(text: str) -> list[str]:
    folders = {"prove": "tests/proofs", "bench": "benchmarks"}
    return [
        f"{folders[runner]}/{name}.py"
        for runner, names in _RUNNER.findall(text)
        for name in names.split()
        if not (ROOT / folders[runner] / f"{name}.py").exists()
    ]


def unknown_targets(text: str) -> list[str]:
    makefile = text_of("Makefile")
    return [
        name for name in _MAKE.findall(text) if not re.search(rf"^{re.escape(name)}:", makefile, re.MULTILINE)
    ]


@functools.cache
def program() -> Any:
    return typer.main.get_command(build())


def unknown_commands(text: str) -> list[str]:
    """Words after `breakwater` that are no command, and options that the command does not have."""
    wrong = []
    for line in _PROGRAM.findall(text):
        command, words = program(), re.split(r"[\s,;.]+", line)
        while words and hasattr(command, "commands"):
            inner = command.commands.get(words[0])
            if inner is None:
                break
            command, words = inner, words[1:]
        if command is program():
            wrong.append(f"breakwater {line}")
            continue
        options = {name for one in command.params for name in one.opts} | {"--help", "-h"}
        wrong += [
            f"breakwater {line}: {one}"
            for one in re.findall(r"(?<!\S)(--[a-z][a-z\-]*)", line)
            if one not in options
        ]
    return wrong


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_names_exists(page: str) -> None:
    text = text_of(page)
    links = [one for one in _LINK.findall(text) if "://" not in one and not one.startswith("mailto:")]

    assert unknown_files(text) == []
    assert unknown_scripts(text) == []
    assert unknown_targets(text) == []
    assert unknown_commands(text) == []
    assert [one for one in links if not (ROOT / page).parent.joinpath(one).exists()] == []


def test_what_does_not_exist_is_found() -> None:
    assert unknown_files(
        "see `tests/engine/test_hedges.py::test_nothing`, `benchmarks/none.py`, `trading/engine/`"
    ) == [
        "tests/engine/test_hedges.py::test_nothing",
        "benchmarks/none.py",
    ]
    assert unknown_scripts("`python tools/prove.py roles nowhere`, `tools/bench.py kernel`") == [
        "tests/proofs/nowhere.py"
    ]
    assert unknown_targets("`make test` and `make coffee`") == ["coffee"]
    assert unknown_commands("`breakwater brew` `breakwater check --deep` `breakwater user list --json`") == [
        "breakwater brew",
        "breakwater check --deep: --deep",
    ]
