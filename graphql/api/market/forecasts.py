"""Forecasts of learned models, and the registry that they come from."""

from __future__ import annotations

from datetime import datetime

import strawberry

from api.context import Info
from api.node import NamedValue, named_values, shaped
from api.pagination import bounded
from api.permissions import reads
from desk.models import queries, views

strawberry.enum(views.Shelved, name="ModelState", description="Whether a version's files lie on the shelf.")
strawberry.enum(views.Reason, name="PromotionReason", description="Why another version speaks.")

#: Most versions of one answer.
MAX_VERSIONS = 50


@strawberry.type(
    description="What the price may be at a time; a price for each quantile of the forecast, rising."
)
class FanPoint:
    """One point of a fan."""

    at: datetime
    prices: list[float]


@strawberry.type(description="A figure by name; null where it is not defined.")
class NamedFigure:
    """One entry of a table."""

    name: str
    value: float | None


@strawberry.type(description="How far the market moved away from what a version learned.")
class ModelDrift:
    """Alarming readings are told as alerts too."""

    version: int
    at: datetime
    worst: str = strawberry.field(description="The feature that moved most.")
    share_moved: float = strawberry.field(description="Share of the features that moved far.")
    skill: float | None = strawberry.field(
        description="Of the forecasts since the training, against zero; null where too few outcomes are known."
    )
    expected: float | None = strawberry.field(description="Skill of the walk-forward.")
    samples: int
    is_alarming: bool
    psi: list[NamedFigure] = strawberry.field(description="Population stability index of each feature.")


@strawberry.type(description="What a learned model expects of a pair, and what such words were worth so far.")
class PairForecast:
    """Returns are ratios until the end of the horizon."""

    pair: str
    timeframe: str
    model: str
    version: int
    kind: str
    at: datetime = strawberry.field(description="Close of the last bar; it was forecast from there.")
    until: datetime = strawberry.field(description="When the horizon ends.")
    horizon_bars: int
    price: float
    expected: float
    up: float = strawberry.field(description="Probability of a rise.")
    quantiles: list[float]
    returns: list[float] = strawberry.field(description="At each of the quantiles.")
    coverage: list[float] = strawberry.field(
        description="Share of returns that lay below each quantile out of sample; near the quantile where it is calibrated."
    )
    fan: list[FanPoint]
    skill: float | None = strawberry.field(
        description="Of the walk-forward, against saying zero; below 0 is worse than saying nothing."
    )
    against: list[NamedFigure] = strawberry.field(description="Skill against each baseline.")
    verdict: str
    is_useful: bool = strawberry.field(
        description="Whether it was better than nothing beyond doubt, after costs."
    )
    round_trip_cost: float
    retrained_at: datetime
    next_at: datetime = strawberry.field(description="When the next version is due.")
    drift: ModelDrift | None


@strawberry.type(description="A trained model; it never changes.")
class ModelVersion:
    """Hashes are SHA-256."""

    id: strawberry.ID
    version: int
    kind: str
    pairs: list[str]
    timeframe: str
    horizon_bars: int
    retrain_at: datetime = strawberry.field(description="Everything known by then was learned from.")
    made_at: datetime
    state: views.Shelved
    artefact: str
    data_hash: str
    code_hash: str
    seed: int
    skill: float | None
    verdict: str
    is_useful: bool
    against: list[NamedFigure]
    findings: list[str] = strawberry.field(
        description="Leaks that its training found; with one it cannot speak."
    )
    caveats: list[str]
    plan: list[NamedValue]


@strawberry.type(description="From a time on a version speaks; 0: none.")
class ModelPromotion:
    """One line of a model's history."""

    version: int
    before: int
    at: datetime
    reason: views.Reason


@strawberry.type(description="A learned model with its versions, newest first.")
class LearnedModel:
    """`speaks` is 0 where no version speaks."""

    model: str
    speaks: int
    versions: list[ModelVersion]
    promotions: list[ModelPromotion] = strawberry.field(description="Oldest first.")
    drift: ModelDrift | None
    next_at: datetime | None


@strawberry.type
class ForecastQueries:
    """Root fields about forecasts and models."""

    @reads()
    async def forecast(self, info: Info, pair: str, timeframe: str = "") -> PairForecast:
        """What the model that speaks for a pair expects, from its newest closed bars."""
        house = info.context.house
        async with house.store.reading() as unit:
            found = await queries.forecast_of(
                unit,
                house.models,
                house.feed,
                info.context.workspace_id,
                pair[:40].strip().upper(),
                timeframe=timeframe[:8],
            )
        return shaped(
            PairForecast,
            found,
            quantiles=list(found.quantiles),
            returns=list(found.returns),
            coverage=list(found.coverage),
            fan=[FanPoint(at=one.at, prices=list(one.prices)) for one in found.fan],
            against=_figures(dict(found.against)),
            drift=_drift(found.drift),
        )

    @reads()
    async def models(self, info: Info, model: str = "", versions: int = 10) -> list[LearnedModel]:
        """Learned models, all or one by name, each with its newest versions (at most 50)."""
        wanted = bounded(versions, MAX_VERSIONS)
        async with info.context.house.store.reading() as unit:
            found = await queries.models_of(unit, info.context.workspace_id, versions=wanted)
        return [_model(one) for one in found if model in ("", one.model)]


def _model(found: queries.ModelInfo) -> LearnedModel:
    return LearnedModel(
        model=found.model,
        speaks=found.speaks,
        versions=[model_version(one) for one in found.versions],
        promotions=[shaped(ModelPromotion, one) for one in found.promotions],
        drift=_drift(found.drift),
        next_at=found.next_at,
    )


def model_version(found: views.ModelVersion) -> ModelVersion:
    """Give a version."""
    card = found.card
    return shaped(
        ModelVersion,
        found,
        id=strawberry.ID(found.id),
        pairs=list(found.pairs),
        verdict=str(card.get("verdict", "")),
        is_useful=bool(card.get("is_useful", False)),
        against=_figures(card.get("against", {})),
        findings=[str(one) for one in card.get("findings", ())],
        caveats=[str(one) for one in card.get("caveats", ())],
        plan=named_values(found.plan),
    )


def _drift(found: views.DriftReading | None) -> ModelDrift | None:
    return None if found is None else shaped(ModelDrift, found, psi=_figures(found.psi))


def _figures(found: object) -> list[NamedFigure]:
    values = found if isinstance(found, dict) else {}
    return [
        NamedFigure(name=str(name), value=None if value is None else float(value))
        for name, value in values.items()
    ]
