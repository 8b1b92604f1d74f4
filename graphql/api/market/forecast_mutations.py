"""Training models, and choosing which version speaks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import strawberry

from api.bots.mutations import few
from api.context import Info
from api.jobs.types import Job, job
from api.market.forecasts import ModelVersion, model_version
from api.mutation import Payload, carry_out, kept_id, mutates
from desk.commands import PromoteModel, RollBackModel, TrainModel


@strawberry.input
class TrainModelInput:
    """A model's name, what it is, and what it learns from; kinds are linear, lstm and transformer."""

    idempotency_key: UUID
    model: str
    kind: str
    pairs: list[str]
    timeframe: str = "1h"
    horizon_bars: int = 24
    window_bars: int = 48
    train_days: int = strawberry.field(default=0, description="What is learned from; 0 = everything known.")
    least_train_days: int = 60
    retrain_days: int = 30
    stride_bars: int = 4
    seeds: int = 1
    round_trip_cost: float = 0.003
    auto_promote: bool = strawberry.field(
        default=False,
        description="When the clock retrains it, the new version takes the place of the one that speaks.",
    )


@strawberry.input
class PromoteModelInput:
    """Which version; 0 is the newest."""

    idempotency_key: UUID
    model: str
    version: int = 0


@strawberry.input
class RollBackModelInput:
    """Which model."""

    idempotency_key: UUID
    model: str


@strawberry.type
class TrainModelPayload(Payload):
    """The queued job."""

    job: Job | None = None


@strawberry.type
class PromoteModelPayload(Payload):
    """The version that speaks now."""

    version: ModelVersion | None = None


@strawberry.type
class RollBackModelPayload(Payload):
    """The version that speaks now; null where none does."""

    version: ModelVersion | None = None


@strawberry.type
class ForecastMutations:
    """Mutations about models."""

    @mutates(TrainModel)
    async def train_model(self, info: Info, input: TrainModelInput) -> TrainModelPayload:
        """Train a model."""

        def build() -> TrainModel:
            return TrainModel(
                model=input.model,
                kind=input.kind,
                pairs=tuple(few(input.pairs, "pairs")),
                timeframe=input.timeframe,
                horizon_bars=input.horizon_bars,
                window_bars=input.window_bars,
                train_days=input.train_days,
                least_train_days=input.least_train_days,
                retrain_days=input.retrain_days,
                stride_bars=input.stride_bars,
                seeds=input.seeds,
                round_trip_cost=input.round_trip_cost,
                auto_promote=input.auto_promote,
            )

        done = await carry_out(info, build, key=input.idempotency_key, keep=kept_id)
        if done.errors:
            return TrainModelPayload(user_errors=done.errors)
        async with info.context.house.store.reading() as unit:
            found = await unit.jobs.by_id(info.context.workspace_id, str(done.kept["id"]))
        return TrainModelPayload(job=job(found) if found else None, idempotent_replay=done.is_replay)

    @mutates(PromoteModel)
    async def promote_model(self, info: Info, input: PromoteModelInput) -> PromoteModelPayload:
        """Promote a version."""
        done = await carry_out(
            info,
            lambda: PromoteModel(model=input.model, version=input.version),
            key=input.idempotency_key,
            keep=_kept,
        )
        if done.errors:
            return PromoteModelPayload(user_errors=done.errors)
        return PromoteModelPayload(version=await _speaks(info, done.kept), idempotent_replay=done.is_replay)

    @mutates(RollBackModel)
    async def roll_back_model(self, info: Info, input: RollBackModelInput) -> RollBackModelPayload:
        """Go back to the version before."""
        done = await carry_out(
            info, lambda: RollBackModel(model=input.model), key=input.idempotency_key, keep=_kept
        )
        if done.errors:
            return RollBackModelPayload(user_errors=done.errors)
        return RollBackModelPayload(version=await _speaks(info, done.kept), idempotent_replay=done.is_replay)


def _kept(view: Any) -> dict[str, str]:
    return {"id": "" if view is None else view.id}


async def _speaks(info: Info, kept: Mapping[str, Any]) -> ModelVersion | None:
    async with info.context.house.store.reading() as unit:
        found = await unit.models.by_id(info.context.workspace_id, str(kept["id"]))
    return None if found is None else model_version(found)
