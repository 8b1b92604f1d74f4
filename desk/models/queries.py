"""What doors ask about forecasts and models."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from desk.clock import from_ms, to_ms
from desk.models.plan import plan_from
from desk.models.registry import speaking_version
from desk.models.retraining import next_training_ms
from desk.models.room import ModelRoom
from desk.models.views import DriftReading, ModelVersion, Promotion, Spoken
from desk.ports import Feed, Unit
from trading.candles import Candles, fill_gaps
from trading.errors import InvalidInput, NotFound
from trading.learning.predictors import QUANTILES
from trading.timeframes import Timeframe

#: Points of a fan after the present one.
_FAN_POINTS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class FanPoint:
    """What the price may be at a time, by the quantiles of the forecast.

    Attributes:
        prices: one for each quantile of the forecast, rising.
    """

    at: datetime
    prices: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PairForecast:
    """What the version that speaks expects of a pair, and how much such words were worth so far.

    Attributes:
        at: close of the last bar, from which it was forecast; `until` when the horizon ends.
        expected: return until then, as a ratio; up: probability of a rise.
        returns: at each of `quantiles`, as ratios, rising.
        coverage: share of returns that lay below each quantile in the walk-forward; near the quantile where it is calibrated.
        fan: from now to the horizon; between them the spread grows with the root of time, as volatility does.
        skill: of the walk-forward against saying zero; below 0 is worse than saying nothing.
        against: skill against each baseline, by name.
        verdict: of the walk-forward, in one sentence.
        is_useful: it was better than nothing beyond doubt, after costs.
        retrained_at: everything known by then was learned; next_at when the next version is due.
        drift: the last reading; None before the first.
    """

    pair: str
    timeframe: str
    model: str
    version: int
    kind: str
    at: datetime
    until: datetime
    horizon_bars: int
    price: float
    expected: float
    up: float
    quantiles: tuple[float, ...]
    returns: tuple[float, ...]
    coverage: tuple[float, ...]
    fan: tuple[FanPoint, ...]
    skill: float | None
    against: tuple[tuple[str, float | None], ...]
    verdict: str
    is_useful: bool
    round_trip_cost: float
    retrained_at: datetime
    next_at: datetime
    drift: DriftReading | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInfo:
    """A model with its versions, newest first.

    Attributes:
        speaks: the number of the version that speaks; 0 = none.
    """

    model: str
    speaks: int
    versions: tuple[ModelVersion, ...]
    promotions: tuple[Promotion, ...]
    drift: DriftReading | None
    next_at: datetime | None


async def models_of(tx: Unit, workspace_id: str, *, versions: int = 20) -> tuple[ModelInfo, ...]:
    """Give every model of a workspace."""
    return tuple(
        [
            await model_of(tx, workspace_id, name, versions=versions)
            for name in await tx.models.names(workspace_id)
        ]
    )


async def model_of(tx: Unit, workspace_id: str, model: str, *, versions: int = 20) -> ModelInfo:
    """Give a model; one that is not there has no versions."""
    found = tuple(await tx.models.versions(workspace_id, model, first=versions))
    drifts = await tx.models.drifts(workspace_id, model, last=1)
    return ModelInfo(
        model=model,
        speaks=await speaking_version(tx, workspace_id, model),
        versions=found,
        promotions=tuple(await tx.models.promotions(workspace_id, model)),
        drift=drifts[0] if drifts else None,
        next_at=from_ms(next_training_ms(found[0])) if found else None,
    )


async def forecast_of(
    tx: Unit, room: ModelRoom, feed: Feed, workspace_id: str, pair: str, *, timeframe: str = ""
) -> PairForecast:
    """Forecast a pair from its newest closed bars.

    Args:
        timeframe: of the model; empty = that of the model that was promoted last.

    Raises:
        NotFound: no model speaks for the pair.
        InvalidInput: too few bars are known.
        OperatorProblem: the model's files are missing or broken.
    """
    spoken = await _speaks(tx, room, workspace_id, pair, timeframe)
    version = await tx.models.by_id(workspace_id, spoken.id)
    assert version is not None, "it was promoted a moment ago"
    speaker = await room.speaker(version)
    candles, _ = fill_gaps(await _newest(tx, feed, pair, version.timeframe, speaker.least_bars + 8))
    said = speaker.say(candles.rows(max(0, len(candles) - speaker.least_bars - 1), len(candles)))
    if not len(said.close_ms):
        raise InvalidInput(
            f"{pair} {version.timeframe} has {len(candles)} bars; {speaker.least_bars} in a row are needed to forecast.",
            hint="Fetch more candles.",
        )
    scale = float(said.scale[-1])
    mean, price = float(said.forecasts.mean[-1]) * scale, float(candles.close[-1])
    logs = tuple(float(one) * scale for one in said.forecasts.quantiles[-1])
    close_ms, step = int(said.close_ms[-1]), Timeframe.parse(version.timeframe).ms
    plan, card = plan_from(version.plan), version.card
    drifts = await tx.models.drifts(workspace_id, version.model, last=1)
    return PairForecast(
        pair=pair,
        timeframe=version.timeframe,
        model=version.model,
        version=version.version,
        kind=version.kind,
        at=from_ms(close_ms),
        until=from_ms(close_ms + version.horizon_bars * step),
        horizon_bars=version.horizon_bars,
        price=price,
        expected=math.expm1(mean),
        up=float(said.forecasts.up[-1]),
        quantiles=QUANTILES,
        returns=tuple(math.expm1(one) for one in logs),
        coverage=tuple(float(one) for one in card.get("coverage", ())),
        fan=fan_of(price, mean, logs, close_ms, version.horizon_bars * step),
        skill=version.skill,
        against=tuple((str(k), _number(v)) for k, v in card.get("against", {}).items()),
        verdict=str(card.get("verdict", "")),
        is_useful=bool(card.get("is_useful", False)),
        round_trip_cost=plan.round_trip_cost,
        retrained_at=version.retrain_at,
        next_at=from_ms(next_training_ms(version)),
        drift=drifts[0] if drifts else None,
    )


def fan_of(
    price: float, mean: float, logs: Sequence[float], close_ms: int, span_ms: int
) -> tuple[FanPoint, ...]:
    """Give the quantiles of the price from now to the horizon: the mean grows with time, the spread with its root."""
    points = []
    for number in range(_FAN_POINTS + 1):
        share = number / _FAN_POINTS
        prices = tuple(price * math.exp(mean * share + (one - mean) * math.sqrt(share)) for one in logs)
        points.append(FanPoint(at=from_ms(close_ms + round(span_ms * share)), prices=prices))
    return tuple(points)


async def _speaks(tx: Unit, room: ModelRoom, workspace_id: str, pair: str, timeframe: str) -> Spoken:
    known = {(one.model, one.version): one for one in await tx.models.spoken(workspace_id)}
    promotions = await tx.models.promotions(workspace_id)
    frames = [timeframe] if timeframe else []
    if not frames:
        covering = [known.get((one.model, one.version)) for one in reversed(promotions)]
        frames = list(
            dict.fromkeys(one.timeframe for one in covering if one is not None and pair in one.pairs)
        )
    for frame in frames:
        reigns = await room.reigns(tx, workspace_id, pair, frame)
        if reigns and reigns[-1].version is not None:
            return reigns[-1].version
    covered = sorted({one for version in known.values() for one in version.pairs})
    raise NotFound(
        f"No model speaks for {pair}{f' {timeframe}' if timeframe else ''}; "
        f"{', '.join(covered) or 'no pair'} {'have' if len(covered) > 1 else 'has'} had one.",
        hint="Train one and promote it: breakwater train, breakwater models promote.",
    )


async def _newest(tx: Unit, feed: Feed, pair: str, timeframe: str, bars: int) -> Candles:
    """Give the newest bars that are known of a pair: stored ones, or the market's own history where that is newer."""
    stored = [one for one in await tx.candles.series() if one.pair == pair and one.timeframe == timeframe]
    found = (
        await feed.history(pair, timeframe, before_ms=None, bars=bars) if pair in await feed.pairs() else None
    )
    if stored:
        best = max(stored, key=lambda one: one.last)
        if found is None or not len(found) or to_ms(best.last) > int(found.ts_ms[-1]):
            return await tx.candles.last(best.venue, pair, timeframe, bars)
    if found is None:
        raise InvalidInput(f"{pair} {timeframe} has no candles.", hint="Fetch or import some.")
    return found


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
