"""A test that hangs fails within its limit, whatever it swallows, and the tests after it run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from trading import __file__ as inside

PLUGINS = ("xdist", "pytest_asyncio.plugin", "pytest_timeout", "tests.support.hanging")
ROOT = Path(inside).parent.parent

HANGING = """
import asyncio

async def test_swallows_every_end():
    while True:
        try:
            await asyncio.sleep(3600)
        except BaseException:
            pass

async def test_comes_after_it():
    pass
"""


def test_a_test_that_swallows_its_end_fails_and_the_next_one_runs(tmp_path: Path) -> None:
    (tmp_path / "test_hanging_on.py").write_text(HANGING, encoding="utf-8")
    settings = (
        "timeout=0.5",
        "grace_s=0.5",
        "asyncio_mode=auto",
        "asyncio_default_fixture_loop_scope=function",
    )

    ended = subprocess.run(
        [
            *(
                sys.executable,
                "-m",
                "pytest",
                "-c",
                "/dev/null",
                "--rootdir",
                str(tmp_path),
                "-p",
                "no:cacheprovider",
            ),
            *(word for plugin in PLUGINS for word in ("-p", plugin)),
            *("-W", "ignore", "--numprocesses", "1"),
            *(word for setting in settings for word in ("-o", setting)),
            str(tmp_path),
        ],
        cwd=ROOT,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    # It fails where it hangs, and once more as its process ends.
    assert "2 failed, 1 passed" in ended.stdout, ended.stdout + ended.stderr
    assert "crashed while running 'test_hanging_on.py::test_swallows_every_end'" in ended.stdout
    assert "Timeout (0:00:01)!" in ended.stderr
    assert "in _cancel_all_tasks" in ended.stderr, "the stacks say where it hangs"
