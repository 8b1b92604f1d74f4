"""Runs the command line in this process: fast, and with exit code, stdout and stderr."""

from __future__ import annotations

import contextlib
import io
import json
from dataclasses import dataclass
from typing import Any

from server.cli import run


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command gave."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Stdout as the one JSON document that it must be."""
        return json.loads(self.out)


def breakwater(*arguments: object) -> Ran:
    """Run one command."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run([str(one) for one in arguments])
    return Ran(code, out.getvalue(), err.getvalue())


def assert_refused(ran: Ran, *words: str) -> None:
    """A wrong request: exit code 2, nothing on stdout, one clear line, no traceback."""
    assert ran.code == 2, ran
    assert ran.out == ""
    assert len(ran.err.strip().splitlines()) == 1, ran.err
    assert "Traceback" not in ran.err
    for word in words:
        assert word in ran.err, f"{word!r} is not in {ran.err!r}"
