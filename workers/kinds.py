"""The kinds of jobs: what each needs from the house, and which function does it in a process of its own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from desk.ports import Feed, Unit
from desk.research.history import candles_for
from desk.views import Job

#: Longest time of one try.
TIME_LIMIT_S = 2 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What the house lends to preparations.

    Attributes:
        strategy_path: folder with strategies of one's own, if any.
    """

    feed: Feed
    strategy_path: Path | None = None


#: Gathers what a job needs, inside a reading transaction; the answer travels to another process.
Prepare = Callable[[Unit, Bench, Job], Awaitable[Any]]

#: Cuts a job into the inputs of its parts; none: it is done in one piece.
Split = Callable[[Job], list[Mapping[str, Any]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of job.

    Attributes:
        function: "module:name", run in a process of its own.
        split, part: how it is cut, and the kind of its parts.
    """

    name: str
    function: str
    prepare: Prepare
    time_limit_s: float = TIME_LIMIT_S
    split: Split | None = None
    part: str = ""


async def markets(tx: Unit, bench: Bench, job: Job) -> dict[str, Any]:
    """Give a job's input with its candles."""
    given = job.input
    pairs = given["pairs"] if "pairs" in given else [given["pair"]]
    series = [
        await candles_for(
            tx, bench.feed, pair, given["timeframe"], _time(given["since"]), _time(given["until"])
        )
        for pair in pairs
    ]
    return {"input": dict(given), "candles": series, "strategy_path": bench.strategy_path}


async def part_markets(tx: Unit, bench: Bench, job: Job) -> dict[str, Any]:
    """Give a part's trials with the whole job's input and candles."""
    head = await tx.jobs.by_id(job.workspace_id, job.group_id)
    assert head is not None, "a part outlived its job"
    return {**await markets(tx, bench, head), "trials": job.input["trials"]}


async def with_parts(tx: Unit, bench: Bench, job: Job) -> dict[str, Any]:
    """Give a job's input with what its parts found, in their order."""
    parts = await tx.jobs.group(job.workspace_id, job.id)
    if not parts:
        return await markets(tx, bench, job)
    lines = [line for one in parts for line in one.result.get("trials", ())]
    problems = sorted({one.error for one in parts if one.error})
    return {"input": dict(job.input), "lines": lines, "problems": problems}


def kinds() -> Mapping[str, Kind]:
    """Give every kind by name."""
    from workers.sweeps import split

    found = (
        Kind(name="backtest", function="workers.backtests:run", prepare=markets),
        Kind(
            name="optimization",
            function="workers.sweeps:run",
            prepare=with_parts,
            split=split,
            part="optimization_part",
        ),
        Kind(name="optimization_part", function="workers.sweeps:run_part", prepare=part_markets),
        Kind(name="walk_forward", function="workers.sweeps:walk", prepare=markets),
        Kind(name="bias_check", function="workers.checks:run", prepare=markets),
    )
    return {one.name: one for one in found}


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
