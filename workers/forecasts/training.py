"""A training: the walk-forward that judges it, the model that is kept, its card. Done by a hand, or by the command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from desk.clock import from_ms
from desk.models.files import (
    CARD,
    FORECASTS,
    LINEAR,
    NETWORK,
    REFERENCE,
    Heard,
    forecasts_body,
    linear_body,
    reference_body,
)
from desk.models.fingerprints import code_hash, data_hash
from desk.models.plan import TrainingPlan, plan_from
from trading.candles import Candles, fill_gaps
from trading.errors import InvalidInput
from trading.learning.drift import reference_of
from trading.learning.linear import LinearPredictor
from trading.learning.panel import Panel
from trading.learning.predictors import Predictor
from trading.learning.walk import Track, learnable
from workers.forecasts.cards import card_of
from workers.forecasts.study import baselines, learner_of, study
from workers.hand import Result, Tell

#: The seed of the model that is kept: the first of the walk, never the best.
SEED = 1

_MEDIA = {LINEAR: "application/json", NETWORK: "application/octet-stream"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """A model as a file.

    Attributes:
        parity: largest difference between the file and what was trained; None where they are the same thing.
    """

    name: str
    body: bytes
    parity: float | None


def run(payload: Mapping[str, Any], tell: Tell) -> Result:
    """Train a model and judge it."""
    plan = plan_from(payload["plan"])
    series, retrain_ms = prepared(payload["candles"], payload.get("retrain_ms"))
    learner = learner_of(plan.kind)
    against = [one for one in baselines() if one.name != learner.name]
    found = study(series, plan, [*against, learner], retrain_ms=retrain_ms, tell=tell)
    learned = learnable(found.panel, plan.retraining, retrain_ms, stride_bars=plan.stride_bars)
    predictor = learner.fit(found.panel, learned, seed=SEED)
    trained = as_file(plan, predictor, found.panel)
    tell("training", 1, 1)
    track = next(one for one in found.walk.tracks if one.name == learner.name and one.seed == SEED)
    card = card_of(plan, found, learner.name, learned, retrain_ms=retrain_ms, parity=trained.parity)
    files = {
        trained.name: (_MEDIA[trained.name], trained.body),
        FORECASTS: ("application/octet-stream", forecasts_body(heard_of(found.panel, track))),
        REFERENCE: (
            "application/json",
            reference_body(reference_of(found.panel.table[found.panel.rows[learned]])),
        ),
        CARD: ("application/json", orjson.dumps(card, option=orjson.OPT_INDENT_2)),
    }
    own = next(one for one in card["table"] if one["name"] == learner.name)
    return Result(
        values={
            "plan": plan.as_values(),
            "retrain_ms": retrain_ms,
            "data_hash": data_hash(series),
            "code_hash": code_hash(),
            "seed": SEED,
            "skill": own["skill"],
            "card": card,
        },
        files=files,
    )


def prepared(given: Sequence[Candles], retrain_ms: int | None) -> tuple[list[Candles], int]:
    """Give candles without holes up to the time of the training; without a time, the last close of all.

    Raises:
        InvalidInput: nothing is left of them.
    """
    known = [one for one in given if len(one)]
    if not known:
        raise InvalidInput("No candles were given.", hint="Fetch or import some first.")
    closes = max(int(one.ts_ms[-1]) + one.timeframe.ms for one in known)
    end = closes if retrain_ms is None else int(retrain_ms)
    series = []
    for one in known:
        # Nothing that was not known at the training travels on from here.
        whole, _ = fill_gaps(one.rows(0, int(np.searchsorted(one.ts_ms + one.timeframe.ms, end, "right"))))
        if len(whole):
            series.append(whole)
    if not series:
        raise InvalidInput(
            f"No bar closes by {from_ms(end).isoformat()}.", hint="Give older candles or a later time."
        )
    return series, end


def as_file(plan: TrainingPlan, predictor: Predictor, panel: Panel) -> Trained:
    """Give a model as the file that forecasts."""
    if isinstance(predictor, LinearPredictor):
        return Trained(name=LINEAR, body=linear_body(predictor), parity=None)
    from workers.forecasts.export import export
    from workers.forecasts.learners import NetworkPredictor

    assert isinstance(predictor, NetworkPredictor), f"a model of kind {plan.kind} is a network"
    some = np.linspace(0, len(panel) - 1, min(len(panel), 300)).astype(np.int64)
    body, difference = export(predictor.model, panel.windows(some))
    return Trained(name=NETWORK, body=body, parity=difference)


def heard_of(panel: Panel, track: Track) -> dict[str, Heard]:
    """Give what a walk forecast, by pair: each by a model that had learned only what was known before."""
    expected = track.forecasts.mean * panel.scale[track.chosen]
    found = {}
    for number, pair in enumerate(panel.pairs):
        own = panel.pair[track.chosen] == number
        found[pair] = Heard(close_ms=panel.decided_ms[track.chosen][own], expected=expected[own])
    return found
