"""Jobs for tests: each shows one way in which work can go."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from desk.ports import Unit
from desk.views import Job
from trading.errors import InvalidInput
from workers.hand import Result, Tell
from workers.kinds import Bench, Kind


async def as_given(tx: Unit, bench: Bench, job: Job) -> dict[str, Any]:
    """A job's own input is all that it needs."""
    return {**job.input, "job_id": job.id, "try": job.tries}


async def part_values(tx: Unit, bench: Bench, job: Job) -> dict[str, Any]:
    """What the parts found, in their order."""
    return {"values": [one.result["value"] for one in await tx.jobs.group(job.workspace_id, job.id)]}


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
    return Result(values={"worked": payload["job_id"]})


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


def cut(job: Job) -> list[Mapping[str, Any]]:
    """One part for each number."""
    return [{"number": number} for number in range(job.input["count"])]


def kinds(*, time_limit_s: float = 60.0) -> dict[str, Kind]:
    """Every kind above, by name."""
    room = "tests.support.job_kinds"
    names = ("add", "note", "refuse", "stumble", "die", "gorge", "chatter", "linger", "square")
    found = [
        Kind(
            name=name,
            function=f"{room}:{name}",
            prepare=as_given,
            time_limit_s=time_limit_s if name == "linger" else 60.0,
        )
        for name in names
    ]
    found.append(
        Kind(name="squares", function=f"{room}:collect", prepare=part_values, split=cut, part="square")
    )
    return {one.name: one for one in found}
