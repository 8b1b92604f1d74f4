"""Learned models: training, and which version speaks."""

from __future__ import annotations

from dataclasses import fields, replace

from desk.commands import PromoteModel, RollBackModel, TrainModel
from desk.desk import Desk, Handling, Preview
from desk.handlers.finding import pair_name
from desk.handlers.research import plain_input
from desk.identity import Actor
from desk.jobs.bell import Bell
from desk.jobs.queueing import changed, new_job, queue
from desk.models.plan import TrainingPlan
from desk.models.registry import promote, roll_back, speaking_version, version_named
from desk.models.views import ModelVersion
from desk.ports import Feed, Unit
from desk.research.history import require_pairs
from desk.views import Job
from trading.timeframes import Timeframe


class ModelHandlers:
    """Queues trainings, lets versions speak."""

    def __init__(self, feed: Feed, bell: Bell) -> None:
        self._feed = feed
        self._bell = bell

    def register(self, desk: Desk) -> None:
        """Enter the handlers."""
        desk.handle(TrainModel, self.train, preview=self.preview_training)
        desk.handle(PromoteModel, self.promote, preview=self.preview_promotion)
        desk.handle(RollBackModel, self.roll_back, preview=self.preview_roll_back)

    async def train(self, command: TrainModel, handling: Handling) -> Job:
        """Queue a training; what can be refused at once is refused at once."""
        plan = await self._planned(command, handling.tx)
        actor = handling.actor
        job = new_job(
            actor.workspace_id,
            "train",
            title=training_title(plan),
            input={"plan": plan.as_values(), "pairs": list(plan.pairs), "timeframe": plan.timeframe},
            now=handling.now,
            asked_by=actor.user_id,
            channel=actor.channel,
        )
        await queue(handling.tx, job)
        handling.emit(changed(job, handling.now))
        handling.after_commit.append(lambda: self._bell.ring(job.id))
        return job

    async def promote(self, command: PromoteModel, handling: Handling) -> ModelVersion:
        """Let a version speak."""
        actor = handling.actor
        version = await version_named(handling.tx, actor.workspace_id, command.model, command.version)
        handling.emit(await promote(handling.tx, version, at=handling.now, by=actor.user_id))
        return version

    async def roll_back(self, command: RollBackModel, handling: Handling) -> ModelVersion | None:
        """Let the version before speak; None where there was none."""
        actor = handling.actor
        fact = await roll_back(
            handling.tx, actor.workspace_id, command.model, at=handling.now, by=actor.user_id
        )
        handling.emit(fact)
        return await handling.tx.models.one(actor.workspace_id, command.model, fact.version)

    async def preview_training(self, command: TrainModel, tx: Unit, actor: Actor) -> Preview:
        """Say what is going to be trained."""
        plan = await self._planned(command, tx)
        return Preview(
            code="confirm.TrainModel",
            params={
                "model": plan.model,
                "kind": plan.kind,
                "pairs": ", ".join(plan.pairs),
                "timeframe": plan.timeframe,
            },
        )

    async def preview_promotion(self, command: PromoteModel, tx: Unit, actor: Actor) -> Preview:
        """Say what the version's walk-forward found: most models earn nothing."""
        version = await version_named(tx, actor.workspace_id, command.model, command.version)
        return Preview(
            code="confirm.PromoteModel",
            params={
                "model": version.model,
                "version": version.version,
                "pairs": ", ".join(version.pairs),
                "verdict": version.card.get("verdict", ""),
            },
        )

    async def preview_roll_back(self, command: RollBackModel, tx: Unit, actor: Actor) -> Preview:
        """Say which version stops speaking."""
        await version_named(tx, actor.workspace_id, command.model)
        now = await speaking_version(tx, actor.workspace_id, command.model)
        return Preview(code="confirm.RollBackModel", params={"model": command.model, "version": now})

    async def _planned(self, command: TrainModel, tx: Unit) -> TrainingPlan:
        pairs = tuple(dict.fromkeys(pair_name(one) for one in command.pairs if one.strip()))
        await require_pairs(tx, self._feed, pairs)
        checked = replace(command, pairs=pairs, timeframe=str(Timeframe.parse(command.timeframe)))
        given = {**plain_input(checked), "pairs": pairs}
        return TrainingPlan(**{one.name: given[one.name] for one in fields(TrainingPlan)})


def training_title(plan: TrainingPlan) -> str:
    """Give the title of a training's job."""
    return f"{plan.model}: {plan.kind} on {len(plan.pairs)} pairs, {plan.timeframe}"
