"""Backtests, searches, walks and checks as jobs: what they give is what the same run gives without a job."""

from __future__ import annotations

import csv
import importlib
import io
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from desk.commands import CheckBias, Research, RunBacktest, RunOptimization, RunWalkForward
from desk.handlers.research import plain_input
from desk.jobs.queueing import new_job
from desk.research.runs import run_backtest
from desk.research.searches import laboratory, picker
from tests.support.records import NOON
from trading.backtest.bias_audits import random_walk
from trading.backtest.search_space import Grid, read_axis
from trading.errors import InvalidInput
from trading.timeframes import Timeframe
from workers.backtests import request_of
from workers.hand import Result, packed, unpacked
from workers.hands import Hand, JobRefused
from workers.sweeps import PART, split

CANDLES = replace(random_walk(3_000, seed=5, timeframe=Timeframe.parse("1h")), pair="BTC/USDT", venue="made")
STRATEGY: dict[str, Any] = {"strategy": "trend_following", "pairs": ("BTC/USDT",)}
GRID = ("fast_bars=5:40:5", "slow_bars=50:110:20")


def payload(command: Research | CheckBias, **more: Any) -> dict[str, Any]:
    return {"input": plain_input(command), "candles": [CANDLES], "strategy_path": None, **more}


def here(function: str, given: Mapping[str, Any]) -> tuple[Result, list[tuple[str, float, float]]]:
    """Do the work in this process: what the way to a hand and back adds is shown once."""
    module, _, name = function.partition(":")
    told: list[tuple[str, float, float]] = []
    found: Result = getattr(importlib.import_module(module), name)(
        given, lambda bar, at, of: told.append((bar, float(at), float(of)))
    )
    return found, told


async def done(function: str, given: Mapping[str, Any]) -> tuple[Result, list[tuple[str, float, float]]]:
    """Do the work in a hand."""
    told: list[tuple[str, float, float]] = []
    hand = Hand()
    try:
        found = await hand.work(function, given, lambda bar, at, of: told.append((bar, at, of)))
    finally:
        await hand.end()
    return found, told


async def test_a_backtest_gives_the_figures_of_the_same_run_with_its_report() -> None:
    given = payload(RunBacktest(**STRATEGY))
    direct = run_backtest(request_of(given)).document

    found, told = await done("workers.backtests:run", given)

    assert found.values["metrics"] == direct["metrics"]
    assert found.values["final_equity"] == format(direct["final_equity"], "f")
    assert told[-1][1:] == (3.0, 3.0)
    assert {name: data[:4] for name, (_, data) in found.files.items() if name != "trades.csv"} == {
        "equity.png": b"\x89PNG",
        "report.html": b"<!do",
        "report.pdf": b"%PDF",
    }
    rows = list(csv.DictReader(io.StringIO(found.files["trades.csv"][1].decode())))
    assert [one["pnl"] for one in rows] == [str(one["pnl"]) for one in direct["trades"]]
    assert rows


def test_a_grid_cut_into_parts_gives_what_one_piece_gives() -> None:
    command = RunOptimization(**STRATEGY, grid=GRID, minimum_trades=1)
    job = new_job("w", "optimization", title="", input=plain_input(command), now=NOON)
    parts = split(job)
    lines: list[str] = []
    for one in parts:
        found, _ = here("workers.sweeps:run_part", payload(command, trials=one["trials"]))
        lines += found.values["trials"]

    joined, _ = here("workers.sweeps:run", {"input": job.input, "lines": lines, "problems": [], "models": []})

    request = request_of(payload(command))
    lab, fixed = laboratory(request)
    pick, _ = picker(request, list(GRID), "", 0, "sharpe", 1)
    whole = pick(lambda params: lab({**fixed, **params}))
    assert [len(one["trials"]) for one in parts] == [PART, PART]
    assert joined.values["count"] == len(whole.trials) == 2 * PART
    assert whole.best is not None
    assert joined.values["best"]["params"] == dict(whole.best.params)
    assert joined.values["best"]["figures"] == dict(whole.best.figures)
    assert joined.values["plateau"] == whole.plateau(Grid(axes=tuple(read_axis(one) for one in GRID)))
    assert set(joined.files) == {"trials.csv", "heat.png"}


async def test_a_search_whose_parts_failed_says_so() -> None:
    command = RunOptimization(**STRATEGY, grid=GRID)

    with pytest.raises(JobRefused, match="the disk was full"):
        await done(
            "workers.sweeps:run",
            {"input": plain_input(command), "lines": [], "problems": ["the disk was full"]},
        )


def test_a_walk_gives_its_windows_and_refuses_a_history_that_is_too_short() -> None:
    walk = RunWalkForward(**STRATEGY, grid=("fast_bars=10,20",), train="40d", test="20d", minimum_trades=1)

    found, told = here("workers.sweeps:walk", payload(walk))
    with pytest.raises(InvalidInput, match="need"):
        here("workers.sweeps:walk", payload(replace(walk, train="900d")))

    assert len(found.values["windows"]) == told[-1][2] >= 3
    assert found.files["equity.png"][1][:4] == b"\x89PNG"


def test_a_bias_check_gives_a_verdict() -> None:
    found, told = here("workers.checks:run", payload(CheckBias(name="trend_following", pair="BTC/USDT")))

    assert (found.values["clean"], found.values["notes"]) == (True, [])
    assert told[-1] == ("checks", 1.0, 1.0)


def test_answers_are_read_as_data() -> None:
    files = {"a.txt": ("text/plain", b"one"), "b.bin": ("application/octet-stream", b"\x00\xff")}

    assert unpacked(packed(("done", {"x": 0.1}), files)) == (["done", {"x": 0.1}], files)
