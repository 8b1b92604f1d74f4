"""A sweep of a strategy in pure Python as a background job: one worker process against two, in the same run.

    python benchmarks/job_sweep.py [--quick]

The strategy loops over its bars in Python, so nothing but more processes makes it faster. The workers are real
`breakwater work` processes with one hand each on one SQLite file; they have done a job before the clock starts, and the
clock runs from the first part that is taken to the end of the whole. The target: two workers at least 1.7 times as fast
as one, and the same result bit for bit. Processor time, starts and warm-ups included, says whether both did the same
work; on a machine that is busy with other things the ratio says nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import resource
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from desk.assembly import HouseOptions, open_house
from desk.commands import RunOptimization
from desk.identity import Actor, Role
from desk.views import JobState
from tests.support.job_house import ended
from trading.backtest.bias_audits import random_walk

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "job_sweep.json"
TARGET = 1.7

#: Longest wait for one job.
LIMIT_S = 900.0

STRATEGY = """
import numpy as np

from strategies.frame import indicators
from strategies.parameters import Parameter
from strategies.plan import Entry, ExitPlan, Plan, Rule
from strategies.rule_strategy import RuleStrategy
from trading.signals import Exit


class Slow(RuleStrategy):
    name = "slow_python"
    title = "Slow"
    idea = "Long above an average that is computed bar by bar in Python."
    source = "A benchmark."
    fails_in = "Everywhere."
    tags = ("above", "below")
    parameters = (
        Parameter(name="bars", kind="int", default=50, minimum=2, maximum=400, text="Window."),
        Parameter(name="band", kind="float", default=0.0, minimum=0.0, maximum=0.1, text="Band."),
    )

    def inputs(self):
        return indicators(atr="atr:14")

    def plan(self, frame):
        close, bars = frame["close"], self.whole("bars")
        smooth, average = float(close[0]), []
        for price in close.tolist():
            for _ in range(160):
                smooth += (price - smooth) / bars / 160.0
            average.append(smooth)
        line = np.asarray(average) * (1.0 + self.number("band"))
        return Plan(
            entries=(
                Entry(
                    side=1,
                    tag="above",
                    rules=(Rule("above", close, ">", line),),
                    stop=close - 2.0 * frame["atr"],
                    targets=(close + 2.0 * frame["atr"],),
                ),
            ),
            exits=(ExitPlan(closes=Exit.LONG, tag="below", rules=(Rule("below", close, "<", line),)),),
        )
"""


def main() -> None:
    """Run the sweep with one worker and with two."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    asked = parser.parse_args()
    bars, grid = (
        (4_000, ("bars=10:80:10", "band=0,0.01"))
        if asked.quick
        else (40_000, ("bars=10:400:10", "band=0,0.01,0.02,0.03"))
    )
    # One, two, two, one: a machine that becomes slower or faster meanwhile favours neither.
    order = (1, 2) if asked.quick else (1, 2, 2, 1)
    load = os.getloadavg()[0]
    runs = [(workers, asyncio.run(run(workers, bars, grid))) for workers in order]
    seconds = {count: [one["seconds"] for workers, one in runs if workers == count] for count in (1, 2)}
    cpu = {count: [one["cpu_s"] for workers, one in runs if workers == count] for count in (1, 2)}
    document = {
        "bars": bars,
        "trials": runs[0][1]["trials"],
        "one_worker_s": [round(one, 1) for one in seconds[1]],
        "two_workers_s": [round(one, 1) for one in seconds[2]],
        "one_worker_cpu_s": [round(one, 1) for one in cpu[1]],
        "two_workers_cpu_s": [round(one, 1) for one in cpu[2]],
        "speed_up": round(sum(seconds[1]) / sum(seconds[2]), 2),
        "target": TARGET,
        "is_worth_a_minute": min(seconds[1]) >= 60.0,
        "same_result": len({one["digest"] for _, one in runs}) == 1,
        "processors": os.cpu_count(),
        "load_before": round(load, 1),
    }
    print(json.dumps(document, indent=1))
    assert document["same_result"], "the number of workers changed the result"
    if not asked.quick:
        RESULTS.write_text(json.dumps(document, indent=1) + "\n")


async def run(workers: int, bars: int, grid: tuple[str, ...]) -> dict[str, Any]:
    """Give seconds, the processor time of the workers with their hands, and a digest of everything that was found."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with tempfile.TemporaryDirectory(prefix="breakwater-sweep-") as name:
        folder = Path(name)
        (folder / "own").mkdir()
        (folder / "own" / "slow_python.py").write_text(STRATEGY)
        options = HouseOptions(
            data_dir=folder, strategy_paths=(folder / "own",), is_trading=False, is_pumping=False
        )
        async with open_house(options) as house:
            async with house.store.transaction() as tx:
                workspace = await tx.workspaces.create("bench")
                person = await tx.members.add(workspace.id, name="Ada", email="", role=Role.OWNER)
                await tx.candles.add(replace(random_walk(bars, seed=7), pair="BTC/USDT", venue="bench"))
            actor = Actor(
                workspace_id=workspace.id,
                user_id=person.user_id,
                name="Ada",
                role=Role.OWNER,
                channel="bench",
            )
            timeframe = str(random_walk(10, seed=7).timeframe)
            command = RunOptimization(
                strategy="slow_python", pairs=("BTC/USDT",), timeframe=timeframe, grid=grid, minimum_trades=1
            )
            warm = replace(command, grid=("bars=10:20:10",))
            packs = [start(folder) for _ in range(workers)]
            try:
                # Asked for at once, so that the first does not do them all and leave the second cold.
                warming = [(await house.desk.do(warm, actor)).view for _ in packs]
                for one in warming:
                    await ended(house.store, one, within_s=LIMIT_S, every_s=0.1)
                asked = (await house.desk.do(command, actor)).view
                job = await ended(house.store, asked, within_s=LIMIT_S, every_s=0.1)
                async with house.store.reading() as tx:
                    parts = await tx.jobs.group(workspace.id, job.id)
                    table = await tx.jobs.file(workspace.id, job.id, "trials.csv")
            finally:
                for pack in packs:
                    stop(pack)
    assert job.state is JobState.DONE, job.error
    assert job.finished_at is not None
    began = min(one.started_at for one in parts if one.started_at)
    digest = hashlib.sha256(orjson.dumps(dict(job.result), option=orjson.OPT_SORT_KEYS) + (table or b""))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "cpu_s": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "seconds": (job.finished_at - began).total_seconds(),
        "digest": digest.hexdigest(),
        "trials": job.result["count"],
    }


def start(folder: Path) -> subprocess.Popen[bytes]:
    """Start a worker process."""
    environment = {
        **os.environ,
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'graphql'}",
        "BREAKWATER_STRATEGY_PATH": str(folder / "own"),
    }
    command = [sys.executable, "-m", "server", "work", "--data-dir", str(folder)]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
    assert process.stderr is not None
    while b"Working with" not in (line := process.stderr.readline()):
        assert line, "the worker did not start"
    return process


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a worker process, with force when it does not listen."""
    process.terminate()
    try:
        process.wait(timeout=30.0)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


if __name__ == "__main__":
    main()
