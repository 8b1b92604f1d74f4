"""Whether the market still looks like what a model learned, and whether its forecasts still say anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from desk.clock import to_ms
from desk.models.files import REFERENCE, read_reference
from desk.models.speaking import speaker_of
from desk.models.views import ModelVersion
from trading.candles import fill_gaps
from trading.errors import InvalidInput
from trading.learning.drift import drift
from trading.learning.labels import forward_returns
from trading.learning.panel import inputs_of
from workers.hand import Result, Tell


def run(payload: Mapping[str, Any], tell: Tell) -> Result:
    """Compare the features of late with those that were learned, and the forecasts since with what came of them.

    Raises:
        InvalidInput: no pair has a bar since the training from which a forecast can be made.
    """
    version: ModelVersion = payload["version"]
    speaker, learned_ms = speaker_of(version, payload["files"]), to_ms(version.retrain_at)
    rows, means, targets = [], [], []
    for number, given in enumerate(payload["candles"]):
        candles, _ = fill_gaps(given)
        asked = inputs_of(candles, window_bars=version.window_bars, horizon_bars=version.horizon_bars)
        said = speaker.say(candles)
        came = forward_returns(candles, version.horizon_bars).values[asked.bars] / asked.scale
        since = said.close_ms >= learned_ms
        is_known = since & np.isfinite(came)
        rows.append(asked.table[asked.bars[since]])
        means.append(said.forecasts.mean[is_known])
        targets.append(came[is_known])
        tell("pairs", number + 1, len(payload["candles"]))
    seen = np.concatenate(rows) if rows else np.empty((0, 0))
    if not len(seen):
        raise InvalidInput(
            f"No pair of {version.label} has a bar since {version.retrain_at.isoformat()} to look at.",
            hint="Fetch newer candles.",
        )
    found = drift(
        read_reference(payload["files"][REFERENCE]),
        seen,
        np.concatenate(means),
        np.concatenate(targets),
        expected_skill=version.skill or 0.0,
    )
    return Result(
        values={
            "model": version.model,
            "version": version.version,
            "worst": found.worst,
            "share_moved": found.share_moved,
            "skill": found.skill,
            "expected": version.skill,
            "samples": found.samples,
            "bars": len(seen),
            "is_alarming": found.is_alarming,
            "psi": {name: round(value, 6) for name, value in found.psi.items()},
        }
    )
