"""What learns and what was learned, as protocols: baselines, networks and files on disk answer the same question."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from trading.learning.panel import Panel

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

#: The quantiles that every model gives.
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecasts:
    """What is expected, per sample, in units of the sample's scale.

    Attributes:
        mean: expected return, shape (n,).
        up: probability that the return is positive, shape (n,).
        quantiles: shape (n, len(QUANTILES)), increasing.
    """

    mean: FloatArray
    up: FloatArray
    quantiles: FloatArray

    def __len__(self) -> int:
        return len(self.mean)


class Predictor(Protocol):
    """Something that was learned."""

    def predict(self, panel: Panel, chosen: IntArray) -> Forecasts:
        """Forecast some samples from their windows."""
        ...


class Learner(Protocol):
    """Something that learns."""

    @property
    def name(self) -> str:
        """What it is called in tables."""
        ...

    @property
    def is_seeded(self) -> bool:
        """Whether another seed gives another model."""
        ...

    def fit(self, panel: Panel, learned: IntArray, *, seed: int) -> Predictor:
        """Learn from some samples, ordered by time, and from nothing else."""
        ...


def joined(parts: list[Forecasts]) -> Forecasts:
    """Put forecasts one after another."""
    return Forecasts(
        mean=np.concatenate([one.mean for one in parts]),
        up=np.concatenate([one.up for one in parts]),
        quantiles=np.concatenate([one.quantiles for one in parts]),
    )
