"""What the jobs of tests do; light to import, because a process that died starts with it."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trading.errors import InvalidInput
from workers.hand import Result, Tell


def add(payload: Mapping[str, Any], tell: Tell) -> Result:
    """Add two numbers, and leave a file."""
    tell("adding", 1, 1)
    total = payload["a"] + payload["b"]
    return Result(values={"total": total}, files={"total.txt": ("text/plain", str(total).encode())})


def note(payload: Mapping[str, Any], tell: Tell) -> Result:
    """Append a line to a file: a trace of every try, outside the store."""
    with Path(payload["trace"]).open("a") as trace:
        trace.write(payload["job_id"] + "\n")
    time.sleep(payload.get("seconds", 0.0))
    return Result(values={"worked": payload["job_id"]}, files={"note.txt": ("text/plain", b"done")})


def refuse(payload: Mapping[str, Any], tell: Tell) -> Result:
    """Say that it cannot be done as asked."""
    raise InvalidInput("The range is empty.", hint="Choose another.")


def stumble(payload: Mapping[str, Any], tell: Tell) -> Result:
    """Fail until the third try."""
    if payload["try"] < payload["good_try"]:
        raise RuntimeError(f"try {payload['try']}")
    return Result(values={"try": payload["try"]})


def die(payload: Mapping[str, Any], tell: Tell) -> Result:
    """Take the process along."""
    os._exit(9)


def gorge(payload: Mapping[str, Any], tell: Tell) -> Result:
    """Ask for more memory than a job may have."""
    return Result(values={"size": len(bytearray(payload["bytes"]))})


def chatter(payload: Mapping[str, Any], tell: Tell) -> Result:
    """Print, which must not be taken for an answer."""
    print("P" * 100_000)
    sys.stdout.flush()
    os.write(1, b"\x00" * 64)
    return Result(values={"said": True})


def linger(payload: Mapping[str, Any], tell: Tell) -> Result:
    """Work for a long time, and say how far it is."""
    for second in range(600):
        tell("seconds", second, 600)
        time.sleep(0.05)
    return Result(values={})


def square(payload: Mapping[str, Any], tell: Tell) -> Result:
    """Square a part's number."""
    return Result(values={"value": payload["number"] ** 2})


def collect(payload: Mapping[str, Any], tell: Tell) -> Result:
    """Put the parts together."""
    return Result(values={"values": payload["values"]})
