"""Kinds of jobs about learned models: training, putting files on the shelf, looking for drift."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import structlog

from desk.clock import from_ms
from desk.identity import new_id
from desk.jobs.queueing import new_job, queue
from desk.models.files import REFERENCE
from desk.models.plan import plan_from
from desk.models.registry import enter_version, promote, speaking_version
from desk.models.room import ModelRoom, room_of
from desk.models.shelf import digest_of
from desk.models.speaking import needed_files
from desk.models.tracking import track
from desk.models.views import DriftReading, ModelVersion, Reason
from desk.ports import Unit
from desk.research.history import candles_for
from desk.views import Job
from trading.candles import Candles
from trading.errors import InvalidInput, NotFound, OperatorProblem
from trading.events import Event, ModelDrifted
from workers.hand import Result
from workers.kinds import Bench, Kind, Task

log = structlog.get_logger(__name__)

#: Networks on forty pairs of years take hours.
_TRAIN_LIMIT_S = 12 * 3600.0
_KEEP_LIMIT_S = 600.0
_DRIFT_LIMIT_S = 1_800.0

#: Candles of the drift check, beyond what one forecast needs.
DRIFT_DAYS = 30
_DAY_MS = 86_400_000


async def prepare_training(tx: Unit, bench: Bench, job: Job) -> dict[str, Any]:
    """Give the plan with all candles known by the time of the training."""
    plan, retrain_ms = plan_from(job.input["plan"]), job.input.get("retrain_ms")
    until = None if retrain_ms is None else from_ms(retrain_ms)
    series = [await candles_for(tx, bench.feed, pair, plan.timeframe, None, until) for pair in plan.pairs]
    return {"plan": plan.as_values(), "retrain_ms": retrain_ms, "candles": series}


async def conclude_training(tx: Unit, job: Job, result: Result, now: datetime) -> Sequence[Event]:
    """Enter the version, and queue what puts its files on the shelf: both with the job's end, or neither."""
    version = await enter_version(
        tx,
        job.workspace_id,
        result.values,
        result.files,
        job_id=job.id,
        made_by=job.asked_by,
        at=now,
    )
    is_scheduled = bool(job.input.get("is_scheduled"))
    await queue(
        tx,
        new_job(
            job.workspace_id,
            "model_keep",
            title=f"Put {version.label} on the shelf",
            input={"version_id": version.id, "is_scheduled": is_scheduled},
            now=now,
            asked_by=job.asked_by,
            dedupe_key=f"model_keep:{version.id}",
        ),
    )
    return ()


async def keep(task: Task) -> Result:
    """Copy the files of a version from its job onto the shelf; done again it changes nothing."""
    room = required_room(task.bench)
    async with task.store.reading() as tx:
        version = await _version(tx, task.job)
        names = list(version.files)
        bodies = {name: await tx.jobs.file(version.workspace_id, version.job_id, name) for name in names}
    for number, name in enumerate(names):
        body = bodies[name]
        if body is None or digest_of(body) != version.files[name]["sha256"]:
            raise InvalidInput(
                f"File '{name}' of {version.label} is not among the files of its job any more.",
                hint="Train it anew.",
            )
        await room.shelf.put(body)
        task.tell("files", number + 1, len(names))
    settings = task.bench.settings
    tracked = await track(
        "" if settings is None else settings.mlflow_url, version, {k: v for k, v in bodies.items() if v}
    )
    return Result(values={"model": version.model, "version": version.version, "tracked": tracked})


async def conclude_keeping(tx: Unit, job: Job, result: Result, now: datetime) -> Sequence[Event]:
    """Write down that the files are there; a scheduled version takes its predecessor's place where its plan says so."""
    await tx.models.keep(job.workspace_id, job.input["version_id"])
    version = await _version(tx, job)
    plan = plan_from(version.plan)
    before = await speaking_version(tx, job.workspace_id, version.model)
    if not (job.input["is_scheduled"] and plan.auto_promote and before):
        return ()
    if version.card.get("findings"):
        log.warning("model_not_promoted", model=version.model, version=version.version)
        return ()
    return [await promote(tx, version, at=now, by="", reason=Reason.RETRAINED)]


async def prepare_drift(tx: Unit, bench: Bench, job: Job) -> dict[str, Any]:
    """Give the version that speaks with its files, and what happened since its training, at most the last weeks."""
    name = job.input["model"]
    number = await speaking_version(tx, job.workspace_id, name)
    version = await tx.models.one(job.workspace_id, name, number) if number else None
    if version is None:
        raise InvalidInput(f"No version of '{name}' speaks; there is nothing to look at.")
    series: list[Candles] = []
    for pair in version.pairs:
        try:
            found = await candles_for(tx, bench.feed, pair, version.timeframe, None, None)
        except InvalidInput:
            # A pair that nobody fetches any more keeps no other back.
            continue
        bars = DRIFT_DAYS * _DAY_MS // found.timeframe.ms + plan_from(version.plan).least_bars
        series.append(found.rows(max(0, len(found) - bars), len(found)))
    return {
        "version": version,
        "files": await required_room(bench).files(version, (*needed_files(version), REFERENCE)),
        "candles": series,
    }


async def conclude_drift(tx: Unit, job: Job, result: Result, now: datetime) -> Sequence[Event]:
    """Keep the reading, and tell people where they should look."""
    values = result.values
    reading = DriftReading(
        id=new_id(),
        workspace_id=job.workspace_id,
        model=str(values["model"]),
        version=int(values["version"]),
        at=now,
        worst=str(values["worst"]),
        share_moved=float(values["share_moved"]),
        skill=_number(values["skill"]),
        expected=_number(values["expected"]),
        samples=int(values["samples"]),
        is_alarming=bool(values["is_alarming"]),
        psi=dict(values["psi"]),
    )
    await tx.models.add_drift(reading)
    if not reading.is_alarming:
        return ()
    return [
        ModelDrifted(
            workspace_id=job.workspace_id,
            occurred_at=now,
            model=reading.model,
            version=reading.version,
            worst=reading.worst,
            moved=reading.share_moved,
            skill=reading.skill,
        )
    ]


def required_room(bench: Bench) -> ModelRoom:
    """Give the registry's room of a worker.

    Raises:
        OperatorProblem: the worker was started without settings.
    """
    if bench.settings is None:
        raise OperatorProblem("This worker has no settings, so it does not know where files of models lie.")
    return room_of(bench.settings)


async def _version(tx: Unit, job: Job) -> ModelVersion:
    found = await tx.models.by_id(job.workspace_id, job.input["version_id"])
    if found is None:
        raise NotFound(f"Version {job.input['version_id']} of a model is not there any more.")
    return found


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


KINDS = (
    Kind(
        name="train",
        function="workers.forecasts.training:run",
        prepare=prepare_training,
        conclude=conclude_training,
        time_limit_s=_TRAIN_LIMIT_S,
    ),
    Kind(name="model_keep", duty=keep, conclude=conclude_keeping, time_limit_s=_KEEP_LIMIT_S),
    Kind(
        name="model_drift",
        function="workers.forecasts.drifting:run",
        prepare=prepare_drift,
        conclude=conclude_drift,
        time_limit_s=_DRIFT_LIMIT_S,
    ),
)
