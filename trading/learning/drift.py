"""Whether the market still looks like what a model learned from, and whether its forecasts still say anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trading.learning.features import FEATURES
from trading.learning.judging import skill_of

FloatArray = NDArray[np.float64]

#: Population stability index: below the first nothing happened, above the second the market is another one.
PSI_WATCH = 0.10
PSI_ALARM = 0.25

#: Features whose distribution follows the clock or the level of volatility: they move without anything being wrong.
_CALENDAR = frozenset({"hour_sin", "hour_cos", "weekday_sin", "weekday_cos"})

_BINS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """How features were spread while learning: inner edges of ten equally filled bins, and their shares.

    Attributes:
        edges: shape (features, 9); shares: shape (features, 10).
    """

    edges: FloatArray
    shares: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """How far a market moved away.

    Attributes:
        psi: per feature name.
        worst: the feature that moved most.
        share_moved: share of judged features above PSI_ALARM.
        skill: of the forecasts whose outcome is known since the training; None with too few.
        samples: how many those are.
        is_alarming: people should look at it.
    """

    psi: dict[str, float]
    worst: str
    share_moved: float
    skill: float | None
    samples: int
    is_alarming: bool


def reference_of(rows: FloatArray) -> Reference:
    """Take the spread of features that were learned from, shape (rows, features)."""
    edges = np.quantile(rows, np.arange(1, _BINS) / _BINS, axis=0).T
    return Reference(edges=edges, shares=np.array([_shares(rows[:, k], one) for k, one in enumerate(edges)]))


def psi(reference: Reference, rows: FloatArray) -> dict[str, float]:
    """Give the population stability index of each feature: Σ (now - then) · ln(now / then) over the bins."""
    found = {}
    for k, name in enumerate(FEATURES):
        now, then = _shares(rows[:, k], reference.edges[k]), reference.shares[k]
        found[name] = float(((now - then) * np.log(now / then)).sum())
    return found


def drift(
    reference: Reference,
    rows: FloatArray,
    mean: FloatArray,
    target: FloatArray,
    *,
    expected_skill: float,
    least_samples: int = 200,
) -> Drift:
    """Compare what comes now with what was learned.

    Args:
        rows: features of late, shape (bars, features).
        mean, target: forecasts since the training and what came of them, in units of volatility.
        expected_skill: of the walk-forward, the mark that live forecasts are held against.

    An alarm is raised when more than a third of the features moved, or when the live skill is both below zero by a
    hundredth and below what was expected.
    """
    found = psi(reference, rows)
    judged = {name: value for name, value in found.items() if name not in _CALENDAR}
    worst = max(judged, key=lambda name: judged[name])
    moved = float(np.mean([value > PSI_ALARM for value in judged.values()]))
    skill = skill_of(mean, target) if len(target) >= least_samples else None
    has_decayed = skill is not None and skill < min(expected_skill, 0.0) - 0.01
    return Drift(
        psi=found,
        worst=worst,
        share_moved=moved,
        skill=skill,
        samples=len(target),
        is_alarming=moved > 1.0 / 3.0 or has_decayed,
    )


def _shares(values: FloatArray, edges: Sequence[float] | FloatArray) -> FloatArray:
    counts = np.bincount(np.searchsorted(edges, values, "right"), minlength=_BINS)
    # Half a sample in an empty bin keeps the logarithm finite.
    shares: FloatArray = ((counts + 0.5) / (len(values) + 0.5 * _BINS)).astype(np.float64)
    return shares
