"""Compiled code never outlives the sources that it came from."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from server import warm_paths
from server.warm import KEPT_BUILDS, compiled_sources, fingerprint, is_warm, mark_warm, use_cache
from trading.engine import evidence, kernel

ROOT = Path(__file__).resolve().parents[2]

CALLEE = "from trading.jit import njit\n\n\n@njit\ndef doubled(x: float) -> float:\n    return {factor} * x\n"
CALLER = "from trading.jit import njit\nfrom trading.callee import doubled\n\n\n@njit\ndef run(x: float) -> float:\n    return doubled(x)\n"
PROGRAM = "from pathlib import Path\nfrom server.warm import use_cache\nuse_cache(Path('data'))\nfrom trading.caller import run\nprint(run(10.0))\n"


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A small house: our cache rules, a compiled caller and its callee in another file."""
    (tmp_path / "trading").mkdir()
    (tmp_path / "server").mkdir()
    shutil.copy(ROOT / "server" / "warm.py", tmp_path / "server")
    shutil.copy(ROOT / "trading" / "jit.py", tmp_path / "trading")
    for room in ("trading", "server"):
        (tmp_path / room / "__init__.py").write_text("")
    (tmp_path / "trading" / "caller.py").write_text(CALLER)
    (tmp_path / "trading" / "callee.py").write_text(CALLEE.format(factor="2.0"))
    return tmp_path


def answer(house: Path, **environment: str) -> str:
    kept = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=house,
        env={**kept, "PYTHONPATH": str(house), **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_an_edited_callee_gives_the_new_result_at_the_next_run(house: Path) -> None:
    before = answer(house)

    (house / "trading" / "callee.py").write_text(CALLEE.format(factor="3.0"))

    assert (before, answer(house)) == ("20.0", "30.0")


def test_the_same_sources_are_compiled_once(house: Path) -> None:
    answer(house)
    compiled = sorted((path, path.stat().st_mtime_ns) for path in house.rglob("*.nbc"))

    answer(house)

    assert compiled
    assert sorted((path, path.stat().st_mtime_ns) for path in house.rglob("*.nbc")) == compiled


def test_the_fingerprint_covers_what_compiled_code_imports_and_nothing_else(house: Path) -> None:
    (house / "trading" / "report.py").write_text("WIDTH = 80\n")
    named = {path.name for path in compiled_sources(house)}
    before = fingerprint(house)

    (house / "trading" / "report.py").write_text("WIDTH = 100\n")
    unrelated = fingerprint(house)
    (house / "trading" / "callee.py").write_text(CALLEE.format(factor="3.0"))

    assert named == {"jit.py", "caller.py", "callee.py"}
    assert unrelated == before
    assert fingerprint(house) != before


def test_old_builds_are_forgotten_but_a_few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    for i in range(KEPT_BUILDS + 3):
        old = tmp_path / "kernel" / f"old{i}"
        old.mkdir(parents=True)
        os.utime(old, (i, i))

    chosen = use_cache(tmp_path)

    left = {path.name for path in (tmp_path / "kernel").iterdir()}
    assert chosen is not None
    assert left == {chosen.name, f"old{KEPT_BUILDS + 2}", f"old{KEPT_BUILDS + 1}"}


def test_a_folder_that_cannot_be_written_costs_only_speed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")

    assert use_cache(blocked) is None


def test_nothing_that_an_account_calls_is_left_to_be_compiled_on_the_loop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A `/lock` that had to be compiled first held the loop for so long that the watchdog ended the process."""
    wanted = {
        f"{call.func.value.id}.{call.func.attr}"
        for name in ("engine.py", "commands.py")
        for call in ast.walk(ast.parse((ROOT / "trading" / "engine" / name).read_text(encoding="utf-8")))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id in ("kernel", "evidence")
    }
    called: set[str] = set()

    def watched(name: str, compiled: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any) -> Any:
            called.add(name)
            return compiled(*given)

        return call

    for name in wanted:
        room, function = name.split(".")
        module = {"kernel": kernel, "evidence": evidence}[room]
        monkeypatch.setattr(module, function, watched(name, getattr(module, function)))

    warm_paths.account_steps()

    assert {"kernel.act", "kernel.decide", "evidence.apply"} <= wanted
    assert called == wanted


def test_a_build_that_was_warmed_with_an_older_list_is_warmed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    assert not is_warm()

    mark_warm()
    assert is_warm()

    (tmp_path / "warm").write_text("", encoding="utf-8")
    assert not is_warm()
