"""A test that hangs fails, also one that swallows the failure: its process ends and says where each thread stood.

`pytest-timeout` raises inside the test. Whoever loses that on the way, as a task does that ignores its cancellation,
hangs on while the loop is closed, where nothing looks any more; this is the net below.
"""

from __future__ import annotations

import faulthandler
import os
from collections.abc import Generator
from typing import Any

import pytest

#: How much longer than the limit of a test its end may take.
GRACE_S = 60.0

_STDERR = pytest.StashKey[int]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the proof of this net be patient for less."""
    parser.addini("grace_s", "seconds a test may take to end after its timeout", default=str(GRACE_S))


def pytest_configure(config: pytest.Config) -> None:
    """Keep the real stderr: while a test runs, the number 2 means a file."""
    config.stash[_STDERR] = os.dup(2)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Give the descriptor back."""
    os.close(config.stash[_STDERR])


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Hold the net under set-up, call and teardown."""
    _hold(item.config)
    try:
        return (yield)
    finally:
        faulthandler.cancel_dump_traceback_later()


@pytest.hookimpl(trylast=True)
def pytest_exception_interact(node: Any) -> None:
    """Hold it anew: pytest takes every such watch away when a test fails, and the end is still to come."""
    _hold(node.config)


def _hold(config: pytest.Config) -> None:
    if not config.getoption("usepdb"):
        limit_s = float(config.getini("timeout") or 0) + float(config.getini("grace_s"))
        faulthandler.dump_traceback_later(limit_s, exit=True, file=config.stash[_STDERR])
