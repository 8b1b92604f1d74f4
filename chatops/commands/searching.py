"""The picture of a search under way: what its trials reached, and the best so far."""

from __future__ import annotations

import math
from collections.abc import Mapping

from chatops.cards import Chart, Text, Value
from chatops.reading import reference
from chatops.room import Asked
from desk.ports import Unit
from desk.views import Job
from trading.backtest.trials import Trial, read_trials

#: A guided search tells "best 7" for what its trial 7 reached when it was the best so far.
BEST = "best "


async def search_so_far(asked: Asked, tx: Unit, job: Job) -> Chart | None:
    """Give the picture of a search that has not ended; None before its first trial, and for other jobs."""
    if job.kind != "optimization" or not job.state.is_open:
        return None
    known = {
        int(name.removeprefix(BEST)): float(bar[0])
        for name, bar in job.progress.items()
        if name.startswith(BEST)
    }
    done, of = (int(one) for one in job.progress.get("trials", (0, job.input.get("trials", 0))))
    if job.input.get("grid"):
        parts = await tx.jobs.group(asked.workspace_id, job.id)
        trials = read_trials(line for part in parts for line in part.result.get("trials", ()))
        known = _reached(trials, job.input)
        done, of = len(trials), sum(len(part.input.get("trials", ())) for part in parts)
    if not known:
        return None
    speaker = asked.speaker
    gaps: dict[str, Value] = {
        "objective": str(job.input.get("objective", "")).replace("_", " "),
        "done": done,
        "of": of,
    }
    return Chart(
        kind="search",
        name=f"search-{reference(job.id)}",
        spec={
            "title": job.title,
            "subtitle": speaker.say(Text("job.searched", gaps)),
            "trials": list(known),
            "values": list(known.values()),
            "done": max(done, max(known) + 1),
            "of": of,
        },
    )


def _reached(trials: tuple[Trial, ...], given: Mapping[str, object]) -> dict[int, float]:
    """Give what each trial reached that traded often enough to be the winner."""
    least = float(str(given.get("minimum_trades") or 0))
    found = {
        one.number: one.figure(str(given.get("objective", ""))) for one in trials if _trades(one) >= least
    }
    return {number: value for number, value in found.items() if math.isfinite(value)}


def _trades(trial: Trial) -> float:
    count = trial.figure("trades")
    return 0.0 if math.isnan(count) else count
