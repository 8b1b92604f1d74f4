"""Training as a job: the version is entered with the job's end, its files reach the shelf, the clock trains the next."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from desk.bus import EventBus
from desk.clock import ManualClock, from_ms
from desk.jobs.bell import Bell
from desk.jobs.firings import Firing
from desk.jobs.queueing import new_job, queue
from desk.models.files import CARD, LINEAR
from desk.models.registry import promote, speaking_version
from desk.models.retraining import due_training_ms, next_training_ms, plan_drift, plan_retraining
from desk.models.room import room_of
from desk.models.tracking import figures_of, track
from desk.models.views import ModelVersion, Reason, Shelved
from desk.settings import Settings
from desk.store import SqlStore
from desk.views import Filter, Job, JobState, Page
from tests.support.learned_models import BARS, PAIRS, PLAN, Registry, known_by, markets, trained
from trading.candles import Candles
from trading.errors import InvalidInput
from trading.events import ModelDrifted, ModelPromoted
from trading.learning.drift import PSI_ALARM
from workers.forecasts import jobs
from workers.forecasts.drifting import run as look
from workers.forecasts.study import learner_of
from workers.hand import Result
from workers.kinds import Bench, Task
from workers.queue import Workers


class OneFeed:
    """Has the candles and nothing else."""

    venue = "made"

    async def pairs(self) -> tuple[str, ...]:
        return PAIRS

    async def history(self, pair: str, timeframe: str, *, before_ms: int | None, bars: int) -> Candles:
        candles = markets()[PAIRS.index(pair)]
        return candles.between(None, before_ms).rows(0, len(candles))


@pytest.fixture
async def registry(sqlite_store: SqlStore, tmp_path: Path) -> Registry:
    async with sqlite_store.transaction() as tx:
        workspace = await tx.workspaces.create("home")
    return Registry(sqlite_store, workspace.id, room_of(Settings(data_dir=tmp_path)))


def bench(tmp_path: Path) -> Bench:
    feed: Any = OneFeed()
    return Bench(feed=feed, settings=Settings(data_dir=tmp_path))


def at(bars: int) -> Any:
    return from_ms(known_by(bars))


async def all_jobs(registry: Registry, kind: str) -> list[Job]:
    async with registry.store.reading() as tx:
        found = await tx.jobs.page(registry.workspace_id, Filter(extra={"kind": kind}), Page(first=50))
    return list(found)


async def kept(
    registry: Registry, made: Result, tmp_path: Path, **more: Any
) -> tuple[ModelVersion, list[Any]]:
    """Let a training and what follows it end as the runner ends them."""
    job = new_job(
        registry.workspace_id, "train", title="t", input={"plan": made.values["plan"], **more}, now=at(BARS)
    )
    async with registry.store.transaction() as tx:
        await queue(tx, job)
        for name, (media_type, body) in made.files.items():
            await tx.jobs.add_file(
                job.workspace_id, job.id, name=name, media_type=media_type, data=body, at=at(BARS)
            )
        await jobs.conclude_training(tx, job, made, at(BARS))
    follower = (await all_jobs(registry, "model_keep"))[0]
    task = Task(
        job=follower,
        store=registry.store,
        clock=ManualClock(at(BARS)),
        bench=bench(tmp_path),
        tell=lambda bar, done, total: None,
    )
    done = await jobs.keep(task)
    again = await jobs.keep(task)
    assert done == again
    async with registry.store.transaction() as tx:
        facts = list(await jobs.conclude_keeping(tx, follower, done, at(BARS) + timedelta(minutes=1)))
        version = await tx.models.by_job(registry.workspace_id, job.id)
    assert version is not None
    return version, facts


async def test_a_training_job_is_done_by_a_hand_and_ends_with_a_version_that_can_speak(
    registry: Registry, tmp_path: Path
) -> None:
    bell = Bell()
    workers = Workers(
        registry.store,
        EventBus(),
        ManualClock(at(BARS)),
        bell=bell,
        bench=bench(tmp_path),
        url="",
        hands=1,
        known={one.name: one for one in jobs.KINDS},
    )
    job = new_job(
        registry.workspace_id,
        "train",
        title="hourly",
        input={"plan": PLAN.as_values(), "retrain_ms": known_by(BARS)},
        now=at(BARS),
    )
    async with registry.store.transaction() as tx:
        await queue(tx, job)
    await workers.start()
    try:
        bell.ring(job.id)
        async with asyncio.timeout(120.0):
            while True:
                async with registry.store.reading() as tx:
                    version = await tx.models.by_job(registry.workspace_id, job.id)
                if version is not None and version.state is Shelved.KEPT:
                    break
                for one in await all_jobs(registry, "model_keep"):
                    assert one.state is not JobState.FAILED, one.error
                    bell.ring(one.id)
                async with registry.store.reading() as tx:
                    now = await tx.jobs.by_id(registry.workspace_id, job.id)
                assert now is not None
                assert now.state is not JobState.FAILED, now.error
                await asyncio.sleep(0.05)
    finally:
        await workers.stop()

    # The same bits as the training that tests do in their own process.
    assert version.artefact == version.files[LINEAR]["sha256"]
    assert {name: one["sha256"] for name, one in version.files.items()} == {
        name: one["sha256"] for name, one in (await registry.enter(trained())).files.items()
    }
    assert version.card == trained().values["card"]
    assert await registry.room.files(version, [CARD])


async def test_a_version_and_the_job_that_keeps_it_come_once_whatever_is_done_again(
    registry: Registry, tmp_path: Path
) -> None:
    version, facts = await kept(registry, trained(), tmp_path)

    assert version.state is Shelved.KEPT
    assert facts == []
    assert len(await all_jobs(registry, "model_keep")) == 1
    assert await registry.room.speaker(version)


async def test_a_file_that_is_gone_or_changed_is_not_put_on_the_shelf(
    registry: Registry, tmp_path: Path
) -> None:
    version = await registry.enter(trained(), is_kept=False)
    follower = new_job(
        registry.workspace_id, "model_keep", title="", input={"version_id": version.id}, now=at(BARS)
    )
    task = Task(
        job=follower,
        store=registry.store,
        clock=ManualClock(at(BARS)),
        bench=bench(tmp_path),
        tell=lambda bar, done, total: None,
    )

    with pytest.raises(InvalidInput, match="not among the files of its job"):
        await jobs.keep(task)


async def speaking(registry: Registry, version: ModelVersion) -> int:
    async with registry.store.reading() as tx:
        return await speaking_version(tx, registry.workspace_id, version.model)


@pytest.mark.parametrize(
    ("auto_promote", "is_scheduled", "has_predecessor", "takes_over"),
    [
        (True, True, True, True),
        (False, True, True, False),
        (True, False, True, False),
        (True, True, False, False),
    ],
)
async def test_a_scheduled_version_takes_over_as_in_the_walk_and_no_other_does(
    registry: Registry,
    tmp_path: Path,
    auto_promote: bool,
    is_scheduled: bool,
    has_predecessor: bool,
    takes_over: bool,
) -> None:
    first = await registry.enter(trained())
    if has_predecessor:
        async with registry.store.transaction() as tx:
            await promote(tx, first, at=at(BARS), by="ann")
    plan = {**trained().values["plan"], "auto_promote": auto_promote}
    made = Result(values={**trained().values, "plan": plan}, files=trained().files)

    version, facts = await kept(registry, made, tmp_path, is_scheduled=is_scheduled)

    assert await speaking(registry, first) == (2 if takes_over else int(has_predecessor))
    assert [(type(one), one.version, one.reason) for one in facts] == (
        [(ModelPromoted, version.version, Reason.RETRAINED)] if takes_over else []
    )


async def test_a_scheduled_version_with_a_leak_never_takes_over(registry: Registry, tmp_path: Path) -> None:
    first = await registry.enter(trained())
    async with registry.store.transaction() as tx:
        await promote(tx, first, at=at(BARS), by="ann")
    values = trained().values
    leaking = {
        **values,
        "plan": {**values["plan"], "auto_promote": True},
        "card": {**values["card"], "findings": ["target: a feature is the target"]},
    }

    _, facts = await kept(
        registry, Result(values=leaking, files=trained().files), tmp_path, is_scheduled=True
    )

    assert facts == []
    assert await speaking(registry, first) == 1


async def test_the_clock_trains_at_the_times_of_the_walk_and_once(registry: Registry) -> None:
    version = await registry.enter(trained())
    days = PLAN.retrain_days * 24

    def firing(bars: int) -> Firing:
        moment = at(BARS) + timedelta(hours=bars)
        return Firing(
            workspace_id=registry.workspace_id,
            entry="model_retrain",
            slot=moment.isoformat(),
            slot_at=moment,
            fired_at=moment,
            outcome="fired",
        )

    async with registry.store.transaction() as tx:
        silent = await plan_retraining(tx, firing(5 * days))
        await promote(tx, version, at=at(BARS), by="ann")
        early = await plan_retraining(tx, firing(days - 1))
        due = await plan_retraining(tx, firing(days + 7))
        late = await plan_retraining(tx, firing(3 * days + 100))
        queued = [(await queue(tx, one))[1] for one in (*due, *await plan_retraining(tx, firing(days + 9)))]
        drifts = await plan_drift(tx, firing(1))

    assert silent == early == []
    assert [one.input["retrain_ms"] for one in due] == [known_by(BARS + days)]
    assert next_training_ms(version) == known_by(BARS + days)
    # Weeks without a process: the newest time of the grid, not one in between.
    assert [one.input["retrain_ms"] for one in late] == [known_by(BARS) + 3 * days * 3_600_000]
    assert due[0].input["is_scheduled"]
    assert queued == [True, False]
    assert [one.input["model"] for one in drifts] == ["hourly"]
    assert due_training_ms(version, at(BARS)) is None


async def test_a_market_like_the_one_that_was_learned_raises_no_alarm_and_another_one_does(
    registry: Registry, tmp_path: Path
) -> None:
    version = await registry.enter(trained())
    async with registry.store.transaction() as tx:
        await promote(tx, version, at=at(BARS), by="ann")
        job = new_job(
            registry.workspace_id, "model_drift", title="", input={"model": "hourly"}, now=at(1_700)
        )
        payload = await jobs.prepare_drift(tx, bench(tmp_path), job)

    calm = look(payload, lambda bar, done, total: None)
    wild = [_wild(one) for one in payload["candles"]]
    moved = look({**payload, "candles": wild}, lambda bar, done, total: None)
    async with registry.store.transaction() as tx:
        nothing = await jobs.conclude_drift(tx, job, calm, at(1_700))
        facts = await jobs.conclude_drift(tx, job, moved, at(1_700) + timedelta(hours=1))
        readings = await tx.models.drifts(registry.workspace_id, "hourly")

    assert not calm.values["is_alarming"]
    assert calm.values["samples"] == 2 * (401 - 7)
    assert calm.values["skill"] is not None
    assert nothing == ()
    assert moved.values["is_alarming"]
    assert moved.values["psi"][moved.values["worst"]] > PSI_ALARM
    (fact,) = facts
    assert isinstance(fact, ModelDrifted)
    assert (fact.model, fact.version, fact.worst) == ("hourly", 1, moved.values["worst"])
    assert [one.is_alarming for one in readings] == [True, False]


def _wild(candles: Candles) -> Candles:
    """Make every move of the last bars five times as large and always upwards."""
    start = len(candles) - 400
    change = np.diff(np.log(candles.close), prepend=np.log(candles.close[0]))
    change[start:] = np.abs(change[start:]) * 5.0
    close = candles.close[0] * np.exp(np.cumsum(change))
    factor = close / candles.close
    return replace(
        candles,
        open=candles.open * factor,
        high=candles.high * factor,
        low=candles.low * factor,
        close=close,
    )


def test_a_network_without_torch_is_refused_once_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.forecasts.study.has_torch", lambda: False)

    with pytest.raises(InvalidInput, match=r"needs torch.*requirements/train\.txt"):
        learner_of("lstm")
    assert learner_of("linear").name == "linear"


@contextmanager
def a_tracker(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Stand in for mlflow; give what it was told."""
    told: dict[str, Any] = {"artifacts": {}}
    module: Any = ModuleType("mlflow")

    @contextmanager
    def start_run(run_name: str) -> Any:
        told["run"] = run_name
        yield None

    def log_artifact(path: str) -> None:
        told["artifacts"][Path(path).name] = Path(path).read_bytes()

    module.set_tracking_uri = lambda url: told.update(url=url)
    module.set_experiment = lambda name: told.update(experiment=name)
    module.start_run = start_run
    module.set_tags = lambda tags: told.update(tags=tags)
    module.log_params = lambda params: told.update(params=params)
    module.log_metrics = lambda metrics: told.update(metrics=metrics)
    module.log_artifact = log_artifact
    monkeypatch.setitem(sys.modules, "mlflow", module)
    yield told


async def test_mlflow_is_told_of_a_version_where_it_is_set_and_keeps_nobody_back(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = await registry.enter(trained())
    bodies: Mapping[str, bytes] = {name: body for name, (_, body) in trained().files.items()}

    assert not await track("", version, bodies)
    with a_tracker(monkeypatch) as told:
        assert await track("http://localhost:5000", version, bodies)
    monkeypatch.setattr(sys.modules["mlflow"], "set_experiment", lambda name: 1 / 0)
    assert not await track("http://localhost:5000", version, bodies)
    monkeypatch.setitem(sys.modules, "mlflow", None)
    assert not await track("http://localhost:5000", version, bodies)

    assert (told["url"], told["run"]) == ("http://localhost:5000", "hourly v1")
    assert told["tags"]["artefact"] == version.artefact
    assert told["params"]["kind"] == "linear"
    assert told["metrics"]["skill"] == pytest.approx(version.skill)
    assert told["artifacts"] == bodies
    assert set(figures_of(version)) >= {"skill", "net", "brier"}
