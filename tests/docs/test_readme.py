"""What the README says is run: its commands work, its answers have that shape, its links lead somewhere."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import re
import shlex
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.support.cli import breakwater

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^\$ (.*)$", README, re.MULTILINE)


def environment(folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BREAKWATER_")}
    return {
        **kept,
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'graphql'}",
        "BREAKWATER_DATA_DIR": str(folder / "data"),
        "COLUMNS": "100",
        "NO_COLOR": "1",
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the candle file that the README speaks of."""
    place = tmp_path_factory.mktemp("readme")
    rng = np.random.default_rng(3)
    n = 2_400
    close = 100 * np.exp(np.cumsum(np.repeat(rng.normal(0, 0.0012, n // 100), 100) + rng.normal(0, 0.006, n)))
    opened = np.r_[100.0, close[:-1]]
    high, low = np.maximum(opened, close) * 1.002, np.minimum(opened, close) * 0.998
    rows = [
        f"{1_704_067_200_000 + i * 3_600_000},{opened[i]:.4f},{high[i]:.4f},{low[i]:.4f},{close[i]:.4f},10"
        for i in range(n)
    ]
    (place / "candles.csv.gz").write_bytes(
        gzip.compress(("ts_ms,open,high,low,close,volume\n" + "\n".join(rows)).encode())
    )
    return place


@pytest.fixture(scope="module")
def demo(folder: Path) -> Iterator[dict[str, str]]:
    """The demo, running in another process, after its first finished trade."""
    with (folder / "up.err").open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "server", "up", "--demo", "--json", "--port", "0", "--speed", "60"],
            cwd=folder,
            env=environment(folder),
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        assert process.stdout is not None
        try:
            ready = json.loads(process.stdout.readline())
            for _ in range(300):
                if has_closed_a_trade(ready):
                    break
                time.sleep(0.5)
            yield ready
            process.terminate()
            assert process.wait(timeout=10) == 0
        finally:
            process.kill()
            process.wait()
            process.stdout.close()


def has_closed_a_trade(ready: dict[str, str]) -> bool:
    """Ask the API: a console is a process of its own, and starting it again and again is dear."""
    request = urllib.request.Request(
        ready["graphql"],
        data=b'{"query": "{ trades(first: 1) { edges { node { id } } } }"}',
        headers={"authorization": f"Bearer {ready['token']}", "content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return bool(json.load(answer)["data"]["trades"]["edges"])


def run(command: str, folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own."""
    words = shlex.split(os.path.expandvars(command) if not more else _expanded(command, more))
    if words[0] == "breakwater":
        words = [sys.executable, "-m", "server", *words[1:]]
    return subprocess.run(
        words, cwd=folder, env=environment(folder), capture_output=True, text=True, timeout=150, check=False
    )


@contextlib.contextmanager
def standing_in(folder: Path) -> Iterator[None]:
    """Be in the folder with its settings: the program runs in this process, as starting one costs seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name in [one for one in os.environ if one.startswith("BREAKWATER_")]:
            patch.delenv(name)
        for name, value in environment(folder).items():
            patch.setenv(name, value)
        yield


def answer(command: str, folder: Path) -> str:
    """Give what a command of ours prints."""
    program, *words = shlex.split(command)
    assert program == "breakwater"
    with standing_in(folder):
        ran = breakwater(*words)
    assert ran.code == 0, ran.err
    return ran.out


def _expanded(command: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        command = command.replace(f"${name}", value)
    return command


@pytest.mark.parametrize(
    "command", [one for one in COMMANDS if "console" not in one and one.startswith("breakwater")]
)
def test_a_command_on_candles_works(command: str, folder: Path) -> None:
    assert answer(command, folder)

    for name in re.findall(r"(?:--chart|--trades) (\S+)", command):
        assert (folder / name).stat().st_size > 0


def test_every_link_and_picture_leads_somewhere() -> None:
    targets = [one for one in re.findall(r"\]\(([^)]+)\)", README) if "://" not in one]

    assert targets
    assert [one for one in targets if not (ROOT / one).exists()] == []


def test_the_two_commands_are_targets_of_the_runner() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")

    for target in re.findall(r"^make (\w+)", README, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


# Last, so that the demo runs no longer than it is needed.
@pytest.mark.parametrize("command", [one for one in COMMANDS if "console" in one])
def test_the_first_session_works_as_shown(command: str, demo: dict[str, str], folder: Path) -> None:
    said = answer(command, folder)

    shown = README.split(f"$ {command}\n")[1].split("\n$ ")[0].split("```")[0]
    headings = re.findall(r"│ ([a-z]+)   ", shown)[:3]
    assert all(heading in said for heading in headings), said


def test_a_word_that_changes_something_is_one_json_document_and_nothing_else(
    demo: dict[str, str], folder: Path
) -> None:
    done = run('breakwater console --json "/lock BTC/USDT for=1h"', folder)

    assert json.loads(done.stdout)["card"] == "locked", done.stdout


@pytest.mark.parametrize("command", [one for one in COMMANDS if one.startswith("curl")])
def test_the_graphql_request_is_answered(command: str, demo: dict[str, str], folder: Path) -> None:
    done = run(command, folder, GRAPHQL=demo["graphql"], TOKEN=demo["token"])

    assert json.loads(done.stdout)["data"]["bots"]["edges"][0]["node"]["desired"] == "RUNNING", done.stdout
