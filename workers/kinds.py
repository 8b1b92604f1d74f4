"""The kinds of jobs: what each needs from the house, and what does it.

Heavy work is done by a function in a process of its own, which knows neither store nor network. A *duty* is light
work that waits more than it computes: it runs on the worker's loop, with store, market and network, beside the heavy
jobs and never behind them.
"""

from __future__ import annotations

import importlib
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from desk.clock import Clock, from_ms
from desk.models.book import Book, may_read_forecasts
from desk.models.room import room_of
from desk.ports import Feed, Store, Unit
from desk.research.history import MOST_BARS, candles_for
from desk.series import offered_series
from desk.settings import Settings
from desk.views import Job
from trading.candles import Candles
from trading.errors import InvalidInput
from trading.events import Event
from trading.timeframes import Timeframe
from workers.hand import Result, Tell
from workers.rooms import ROOMS

#: Longest time of one try.
TIME_LIMIT_S = 2 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What the house lends to preparations and duties.

    Attributes:
        strategy_path: folder with strategies of one's own, if any.
        settings: of the house: addresses, folders, switches.
    """

    feed: Feed
    strategy_path: Path | None = None
    settings: Settings | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What a duty works with. It may be run again at any point, so what it writes by itself must bear that.

    Attributes:
        tell: called with (bar, done, total) to show progress.
    """

    job: Job
    store: Store
    clock: Clock
    bench: Bench
    tell: Tell


#: Gathers what a job needs, inside a reading transaction; the answer travels to another process.
Prepare = Callable[[Unit, Bench, Job], Awaitable[Any]]

#: Cuts a job into the inputs of its parts; none: it is done in one piece.
Split = Callable[[Job], list[Mapping[str, Any]]]

#: Light work, on the worker's loop.
Duty = Callable[[Task], Coroutine[Any, Any, Result]]

#: Writes a job's effect in the transaction that ends it, so it happens once; gives the facts to tell.
Conclude = Callable[[Unit, Job, Result, datetime], Awaitable[Sequence[Event]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of job: heavy work (function and prepare), or a duty.

    Attributes:
        function: "module:name", run in a process of its own with what `prepare` gives.
        duty: done on the worker's loop instead.
        conclude: what the house does with the result, exactly once.
        split, part: how heavy work is cut, and the kind of its parts.
    """

    name: str
    function: str = ""
    prepare: Prepare | None = None
    duty: Duty | None = None
    conclude: Conclude | None = None
    time_limit_s: float = TIME_LIMIT_S
    split: Split | None = None
    part: str = ""

    def __post_init__(self) -> None:
        assert (self.duty is None) == bool(self.function and self.prepare), f"{self.name}: heavy, or a duty"


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
    return {
        "input": dict(given),
        "candles": series,
        "detail": await _details(tx, bench, given, series),
        "series": await offered_series(tx, series),
        "books": await _books(tx, bench, job, series),
        "strategy_path": bench.strategy_path,
    }


async def _details(
    tx: Unit, bench: Bench, given: Mapping[str, Any], series: Sequence[Candles]
) -> list[Candles]:
    """Give the shorter candles that settle what came first inside the bars of some markets."""
    if not given.get("detail"):
        return []
    step = Timeframe.parse(given["detail"]).ms
    bars = sum((int(one.ts_ms[-1]) - int(one.ts_ms[0])) // step for one in series)
    if bars > MOST_BARS:
        raise InvalidInput(
            f"{bars} candles of {given['detail']} lie inside these bars; up to {MOST_BARS} can be worked on.",
            hint="Choose a shorter range, fewer pairs or longer detail candles.",
        )
    return [
        await candles_for(
            tx,
            bench.feed,
            one.pair,
            given["detail"],
            from_ms(int(one.ts_ms[0])),
            from_ms(int(one.ts_ms[-1]) + one.timeframe.ms),
        )
        for one in series
    ]


async def _books(tx: Unit, bench: Bench, job: Job, series: Sequence[Candles]) -> dict[str, Book]:
    """Give what forecasts rest on, by pair, for strategies that may read them; they are computed where the work is done."""
    if bench.settings is None or not may_read_forecasts(str(job.input.get("strategy", ""))):
        return {}
    room, model = room_of(bench.settings), str(job.input.get("model", ""))
    found = {
        one.pair: await room.book(tx, job.workspace_id, one.pair, str(one.timeframe), model=model)
        for one in series
    }
    return {pair: book for pair, book in found.items() if book.reigns}


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
    heard = [one.result["models"] for one in parts if "models" in one.result]
    if any(one != heard[0] for one in heard):
        problems.append("another model began to speak during the search; ask for it again")
    return {
        "input": dict(job.input),
        "lines": lines,
        "problems": problems,
        "models": heard[0] if heard else [],
    }


def kinds() -> Mapping[str, Kind]:
    """Give every kind by name: those of each room in `workers.rooms`."""
    found: dict[str, Kind] = {}
    for room in ROOMS:
        for one in importlib.import_module(room).KINDS:
            assert one.name not in found, f"kind {one.name} is there twice"
            found[one.name] = one
    return found


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
