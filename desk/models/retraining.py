"""Retraining by the clock: at the times that the walk-forward trained at, and by the same rule."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from desk.clock import to_ms
from desk.jobs.firings import Firing
from desk.jobs.queueing import new_job
from desk.models.plan import TrainingPlan, plan_from
from desk.models.registry import speaking_version
from desk.models.views import ModelVersion
from desk.ports import Unit
from desk.views import Job


def next_training_ms(version: ModelVersion) -> int:
    """Give when the next version of a model is due."""
    return to_ms(version.retrain_at) + plan_from(version.plan).retraining.test_ms


def due_training_ms(version: ModelVersion, now: datetime) -> int | None:
    """Give the newest time of a training that is due: whole uses after the last one, as in the walk; None: not yet."""
    use_ms, last_ms = plan_from(version.plan).retraining.test_ms, to_ms(version.retrain_at)
    uses = (to_ms(now) - last_ms) // use_ms
    return last_ms + uses * use_ms if uses >= 1 else None


async def plan_retraining(tx: Unit, firing: Firing) -> Sequence[Job]:
    """Plan a training of each model of which a version speaks and whose next one is due."""
    jobs = []
    for name in await tx.models.names(firing.workspace_id):
        if not await speaking_version(tx, firing.workspace_id, name):
            continue
        newest = (await tx.models.versions(firing.workspace_id, name, first=1))[0]
        due_ms = due_training_ms(newest, firing.fired_at)
        if due_ms is not None:
            jobs.append(retraining_job(firing, plan_from(newest.plan), due_ms))
    return jobs


def retraining_job(firing: Firing, plan: TrainingPlan, retrain_ms: int) -> Job:
    """Give the job of a scheduled training; one that is queued or was done for the same time is not queued again."""
    return new_job(
        firing.workspace_id,
        "train",
        title=f"{plan.model}: {plan.kind}, next version",
        input={
            "plan": plan.as_values(),
            "pairs": list(plan.pairs),
            "timeframe": plan.timeframe,
            "retrain_ms": retrain_ms,
            "is_scheduled": True,
        },
        now=firing.fired_at,
        dedupe_key=f"train:{plan.model}:{retrain_ms}",
    )


async def plan_drift(tx: Unit, firing: Firing) -> Sequence[Job]:
    """Plan a look at every model of which a version speaks."""
    names = [
        name
        for name in await tx.models.names(firing.workspace_id)
        if await speaking_version(tx, firing.workspace_id, name)
    ]
    return [
        new_job(
            firing.workspace_id,
            "model_drift",
            title=f"Drift of {name}",
            input={"model": name},
            now=firing.fired_at,
        )
        for name in names
    ]
