"""Searches over parameters: cut into parts that any worker takes, and put together again in the order of trials."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from desk.reports.exports import harmless_cell
from trading.backtest.search_space import Grid, read_axis
from trading.backtest.sweep import run_one
from trading.backtest.trials import SearchResult, Trial, concluded, read_trials
from trading.errors import InvalidInput
from workers.hand import Result, Tell

if TYPE_CHECKING:
    from desk.research.runs import Request
    from desk.views import Job

#: Names the figures among a job's bars: "best 7" is what trial 7 reached when it was the best so far.
BEST = "best"

#: Trials of one part. It does not depend on the number of workers, so neither does the result.
PART = 16


def split(job: Job) -> list[Mapping[str, Any]]:
    """Cut a grid into parts; a guided search, where each trial needs those before it, is done in one piece."""
    if not job.input["grid"]:
        return []
    trials = enumerate(_space(job.input["grid"]))
    parts: list[Mapping[str, Any]] = []
    while rows := [[number, dict(params)] for number, params in islice(trials, PART)]:
        parts.append({"trials": rows})
    return parts


def run_part(payload: Mapping[str, Any], tell: Tell) -> Result:
    """Run some trials of a grid."""
    from desk.research.runs import spoken
    from desk.research.searches import laboratory
    from workers.backtests import request_of

    request = request_of(payload)
    lab, fixed = laboratory(request)
    rows = payload["trials"]
    lines: list[str] = []
    for number, params in rows:
        lines.append(run_one(lambda own: lab({**fixed, **own}), number, params).as_line())
        tell("trials", len(lines), len(rows))
    return Result(values={"trials": lines, "models": spoken(request.models)})


def run(payload: Mapping[str, Any], tell: Tell) -> Result:
    """Conclude a grid from its parts, or search with guidance."""
    from desk.research.runs import spoken
    from workers.backtests import request_of

    given = payload["input"]
    if "lines" in payload:
        if problems := payload["problems"]:
            raise InvalidInput(f"Parts of this search failed: {'; '.join(problems)[:1_000]}")
        found = concluded(
            read_trials(payload["lines"]),
            objective=given["objective"],
            minimum_trades=given["minimum_trades"],
            was_cancelled=False,
        )
        return _told(given, found, payload["models"])
    request = request_of(payload)
    return _told(given, _guided(given, request, tell), spoken(request.models))


def walk(payload: Mapping[str, Any], tell: Tell) -> Result:
    """Pick parameters on one stretch and trade the next, again and again."""
    from desk.research.pictures import walk_picture
    from desk.research.searches import laboratory, picker
    from desk.research.walks import span_ms, walk_document
    from trading.backtest.walk_forward import Plan, walk_forward, windows
    from workers.backtests import request_of

    given, request = payload["input"], request_of(payload)
    lab, fixed = laboratory(request)
    plan = Plan(
        train_ms=span_ms(given["train"]),
        test_ms=span_ms(given["test"]),
        gap_ms=span_ms(given["gap"]),
        is_anchored=given["anchored"],
    )
    first = min(int(one.ts_ms[0]) for one in lab.series)
    last = max(int(one.ts_ms[-1]) + one.timeframe.ms for one in lab.series)
    cuts = windows(first, last, plan)
    pick, _ = picker(
        request, given["grid"], _search(given), given["trials"], given["objective"], given["minimum_trades"]
    )
    ended = 0

    def step(_: Any) -> None:
        nonlocal ended
        ended += 1
        tell("windows", ended, len(cuts))

    done = walk_forward(
        lambda params, start, end: lab.window({**fixed, **params}, start, end), pick, cuts, progress=step
    )
    picture = walk_picture(
        done,
        title=f"{request.strategy}: out of sample",
        subtitle=f"train {given['train']}, test {given['test']}",
    )
    document = walk_document(request, done)
    # The curve is in the picture; in the row it would weigh megabytes.
    document.pop("equity")
    return Result(values=document, files={"equity.png": ("image/png", picture)})


def _guided(given: Mapping[str, Any], request: Request, tell: Tell) -> SearchResult:
    from desk.research.searches import laboratory, picker

    lab, fixed = laboratory(request)
    ended, best = 0, -math.inf

    def record(trial: Trial) -> None:
        nonlocal ended, best
        ended += 1
        tell("trials", ended, given["trials"])
        reached = trial.figure(given["objective"])
        is_enough = not given["minimum_trades"] or trial.figure("trades") >= given["minimum_trades"]
        if is_enough and reached > best:
            # A bar of nothing is a figure: so far this trial is the best.
            best = reached
            tell(f"{BEST} {trial.number}", reached, 0.0)

    pick, _ = picker(
        request,
        given["grid"],
        _search(given),
        given["trials"],
        given["objective"],
        given["minimum_trades"],
        record=record,
    )
    return pick(lambda params: lab({**fixed, **params}))


def _told(given: Mapping[str, Any], found: SearchResult, models: Sequence[Mapping[str, Any]]) -> Result:
    from desk.research.searches import heat_picture, search_document

    axes = tuple(read_axis(one) for one in given["grid"])
    document = search_document(given["strategy"], found, given["objective"], axes, models)
    document["count"] = len(document.pop("trials"))
    files = {"trials.csv": ("text/csv", _table(found.trials, given["objective"]).encode())}
    if axes:
        files["heat.png"] = ("image/png", heat_picture(found, axes))
    return Result(values=document, files=files)


def _table(trials: Sequence[Trial], objective: str) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    names = sorted({name for one in trials for name in one.params})
    figures = list(dict.fromkeys((objective, "roi", "sharpe", "max_drawdown", "profit_factor", "trades")))
    writer.writerow(["trial", *names, "state", *figures, "message"])
    for one in trials:
        given = [one.params.get(name, "") for name in names]
        cells = (*given, one.state, *(one.figures.get(name, "") for name in figures), one.message)
        # Words of a strategy and its errors must not be run by a spreadsheet.
        writer.writerow([one.number, *map(harmless_cell, cells)])
    return buffer.getvalue()


def _space(grid: Sequence[str]) -> Grid:
    return Grid(axes=tuple(read_axis(one) for one in grid))


def _search(given: Mapping[str, Any]) -> str:
    return "" if given["grid"] else "tpe"
