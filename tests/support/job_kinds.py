"""Kinds of jobs for tests: each shows one way in which work can go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from desk.ports import Unit
from desk.views import Job
from workers.kinds import Bench, Kind


async def as_given(tx: Unit, bench: Bench, job: Job) -> dict[str, Any]:
    """A job's own input is all that it needs."""
    return {**job.input, "job_id": job.id, "try": job.tries}


async def part_values(tx: Unit, bench: Bench, job: Job) -> dict[str, Any]:
    """What the parts found, in their order."""
    return {"values": [one.result["value"] for one in await tx.jobs.group(job.workspace_id, job.id)]}


def cut(job: Job) -> list[Mapping[str, Any]]:
    """One part for each number."""
    return [{"number": number} for number in range(job.input["count"])]


def kinds(*, time_limit_s: float = 60.0) -> dict[str, Kind]:
    """Every kind of work, by name."""
    room = "tests.support.job_work"
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
    # As long as it takes to kill whoever does it, whatever the limit of the others is.
    found.append(Kind(name="hold", function=f"{room}:linger", prepare=as_given))
    found.append(
        Kind(name="squares", function=f"{room}:collect", prepare=part_values, split=cut, part="square")
    )
    return {one.name: one for one in found}
