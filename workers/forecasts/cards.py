"""Model cards: what a model is, how it was judged, against what, after which costs, and what to beware of."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from desk.clock import from_ms
from desk.models.plan import TrainingPlan
from trading.learning.features import FEATURES
from trading.learning.predictors import QUANTILES
from workers.forecasts.study import Study, table_of

IntArray = NDArray[np.int64]

_CAVEATS = (
    "A forecast is an expectation over many bars, not a promise about one.",
    "Pairs that are not listed any more are missing from what was learned and judged.",
    "Costs are those named here; a thin book costs more.",
)


def card_of(
    plan: TrainingPlan,
    found: Study,
    name: str,
    learned: IntArray,
    *,
    retrain_ms: int,
    parity: float | None,
) -> dict[str, Any]:
    """Give the card of a model as plain values.

    Args:
        name: of the learner in the study's table.
        learned: the samples that the kept model learned from.
    """
    panel = found.panel
    table = table_of(found.lines)
    own = next(row for row in table if row["name"] == name)
    tested = found.walk.tracks[0].chosen
    return {
        "model": plan.model,
        "kind": plan.kind,
        "what": (
            f"Expected return of the next {plan.horizon_bars} bars of {plan.timeframe}, its quantiles and the "
            f"probability of a rise, from {len(FEATURES)} features of the last "
            f"{1 if plan.kind == 'linear' else plan.window_bars} bars."
        ),
        "pairs": list(panel.pairs),
        "timeframe": plan.timeframe,
        "horizon_bars": plan.horizon_bars,
        "features": list(FEATURES),
        "learned": {
            "samples": len(learned),
            "from": _moment(panel.decided_ms[learned].min()),
            "until": _moment(panel.known_ms[learned].max()),
            "known_by": _moment(retrain_ms),
        },
        "walk": {
            "trainings": len(found.walk.folds),
            "samples": len(tested),
            "from": _moment(panel.decided_ms[tested].min()),
            "until": _moment(panel.decided_ms[tested].max()),
            "retrain_days": plan.retrain_days,
            "seeds": plan.seeds,
        },
        "table": table,
        "against": against(own, table),
        "quantiles": list(QUANTILES),
        "coverage": own["coverage"],
        "round_trip_cost": plan.round_trip_cost,
        "verdict": verdict(own),
        "is_useful": is_useful(own),
        "findings": [f"{one.check}: {one.message}" for one in found.findings],
        "caveats": list(_CAVEATS),
        "parity": parity,
    }


def against(own: Mapping[str, Any], table: list[dict[str, Any]]) -> dict[str, float | None]:
    """Give the skill against every other row: 1 - MSE / MSE of that row; negative is worse than it."""
    return {
        row["name"]: _share(1.0 - own["skill"], 1.0 - row["skill"])
        for row in table
        if row["name"] != own["name"]
    }


def is_useful(own: Mapping[str, Any]) -> bool:
    """Tell whether it was better than nothing beyond doubt, and earned more than its costs."""
    return own["skill_low"] > 0.0 and (own["net"] or 0.0) > 0.0


def verdict(own: Mapping[str, Any]) -> str:
    """Say in one sentence what the walk-forward found."""
    skill = f"skill {own['skill']:+.4f} [{own['skill_low']:+.4f}, {own['skill_high']:+.4f}]"
    net = f"net of costs {own['net'] or 0.0:+.3f} over the walk"
    if is_useful(own):
        return f"Beat a forecast of zero out of sample ({skill}) and its costs ({net})."
    if own["skill_low"] > 0.0:
        return f"Beat a forecast of zero out of sample ({skill}), but not its costs ({net})."
    return f"Did not beat a forecast of zero out of sample ({skill}); {net}."


def _share(part: float, whole: float) -> float | None:
    return round(1.0 - part / whole, 6) if whole > 0.0 and math.isfinite(part / whole) else None


def _moment(ts_ms: Any) -> str:
    return from_ms(int(ts_ms)).isoformat().replace("+00:00", "Z")
