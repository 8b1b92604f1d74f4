"""A program with a limit: one that does not end is asked where it stands, then ended with everything it had started."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

#: What a program that was asked where it stands has to print it.
LAST_WORDS_S = 5.0

#: The exit code of "ended by its limit"; that of coreutils' timeout.
ENDED_BY_LIMIT = 124


def run(command: Sequence[str], environment: Mapping[str, str], limit_s: float, *, folder: Path) -> int:
    """Run a program in a session of its own and give its exit code; one over its limit prints its stacks first."""
    # faulthandler answers SIGABRT with the stack of every thread.
    process = subprocess.Popen(
        command, cwd=folder, env={**environment, "PYTHONFAULTHANDLER": "1"}, start_new_session=True
    )
    try:
        return process.wait(limit_s)
    except subprocess.TimeoutExpired:
        print(f"── did not end within {limit_s:g} s; it stands here:", flush=True)
        process.send_signal(signal.SIGABRT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(LAST_WORDS_S)
        return ENDED_BY_LIMIT
    finally:
        # Also what it had started and left behind.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
