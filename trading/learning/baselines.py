"""What a model must beat before anybody believes it: no return, the mean so far, the last return again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trading.learning.features import FEATURES
from trading.learning.panel import Panel
from trading.learning.predictors import QUANTILES, Forecasts

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainPredictor:
    """A rule without weights, with the spread that was seen while learning."""

    rule: Callable[[Panel, IntArray], FloatArray]
    up: float
    follows_sign: bool
    residuals: FloatArray

    def predict(self, panel: Panel, chosen: IntArray) -> Forecasts:
        mean = self.rule(panel, chosen)
        up = np.full(len(chosen), self.up)
        if self.follows_sign:
            up = np.where(mean > 0.0, self.up, 1.0 - self.up)
        return Forecasts(mean=mean, up=up, quantiles=mean[:, None] + self.residuals[None, :])


@dataclass(frozen=True, slots=True, kw_only=True)
class ZeroLearner:
    """Expects nothing: on prices, the same as tomorrow's price being today's."""

    name: str = "zero (last price)"
    is_seeded: bool = False

    def fit(self, panel: Panel, learned: IntArray, *, seed: int) -> PlainPredictor:
        return _plain(panel, learned, lambda _, chosen: np.zeros(len(chosen)), follows_sign=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlwaysLongLearner:
    """Expects the mean of what it learned from, and is long whatever that is: buy and hold."""

    name: str = "always long"
    is_seeded: bool = False

    def fit(self, panel: Panel, learned: IntArray, *, seed: int) -> PlainPredictor:
        mean = max(float(panel.target[learned].mean()), 1e-6)
        return _plain(panel, learned, lambda _, chosen: np.full(len(chosen), mean), follows_sign=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class LastReturnLearner:
    """Expects the return of the last day once more, as strongly as it was seen to come again."""

    name: str = "last return"
    is_seeded: bool = False

    def fit(self, panel: Panel, learned: IntArray, *, seed: int) -> PlainPredictor:
        before = last_return(panel, learned)
        slope = float(before @ panel.target[learned]) / max(float(before @ before), 1e-12)
        return _plain(panel, learned, lambda one, chosen: slope * last_return(one, chosen), follows_sign=True)


def last_return(panel: Panel, chosen: IntArray) -> FloatArray:
    """Give the return over the last 24 bars before each decision, as it stands among the features."""
    found: FloatArray = panel.table[panel.rows[chosen], FEATURES.index("return_24")]
    return found


def _plain(
    panel: Panel, learned: IntArray, rule: Callable[[Panel, IntArray], FloatArray], *, follows_sign: bool
) -> PlainPredictor:
    target, mean = panel.target[learned], rule(panel, learned)
    up = float(np.mean(target > 0.0))
    if follows_sign:
        up = float(np.mean((target > 0.0) == (mean > 0.0)))
    # A certainty would cost infinitely much the first time that it is wrong.
    return PlainPredictor(
        rule=rule,
        up=min(max(up, 0.01), 0.99),
        follows_sign=follows_sign,
        residuals=np.quantile(target - mean, QUANTILES),
    )
