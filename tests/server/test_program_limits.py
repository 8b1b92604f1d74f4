"""Benchmarks and proofs that do not end are ended, with what they started, and that is told apart from a failure."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tools.limits import ENDED_BY_LIMIT, run

ROOT = Path(__file__).resolve().parents[2]

#: Starts a child, writes down its id, and waits for ever.
_HANGS = 'sleep 600 & echo $! > "$1"; exec "$2" -S -c "import time; time.sleep(600)"'


def is_alive(pid: int) -> bool:
    """Tell whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("code", [0, 3])
def test_a_program_that_ends_by_itself_gives_its_own_code(code: int) -> None:
    assert run([sys.executable, "-c", f"raise SystemExit({code})"], os.environ, 60.0, folder=ROOT) == code


def test_a_program_over_its_limit_says_where_it_stands_and_ends_with_its_children(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    told = tmp_path / "child"

    command = ["sh", "-c", _HANGS, "sh", str(told), sys.executable]
    code = run(command, os.environ, 3.0, folder=ROOT)

    said = capfd.readouterr()
    assert code == ENDED_BY_LIMIT
    assert "did not end within 3 s; it stands here" in said.out
    assert "most recent call first" in said.err
    child = int(told.read_text())
    until = time.monotonic() + 60
    # It was sent its end; when it gets to it is the machine's affair.
    while is_alive(child) and time.monotonic() < until:
        time.sleep(0.01)
    assert not is_alive(child)


def test_an_unknown_benchmark_is_named_and_the_known_ones_are_listed() -> None:
    command = [sys.executable, str(ROOT / "tools" / "bench.py"), "kernle"]

    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert found.returncode == 2
    assert "No benchmark named kernle" in found.stdout
    assert "kernel" in found.stdout


def test_a_benchmark_over_its_limit_gives_the_limits_exit_code() -> None:
    command = [sys.executable, str(ROOT / "tools" / "bench.py"), "kernel", "--quick", "--limit", "0.05"]

    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert found.returncode == ENDED_BY_LIMIT
    assert "kernel: ended by its limit of 0.05 s" in found.stdout
    assert "Ended by their limit: kernel" in found.stdout
