"""Linear models: ridge regression for the return, logistic regression for its direction."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from trading.learning.panel import Panel
from trading.learning.predictors import QUANTILES, Forecasts
from trading.learning.scaling import Scaler, fit_scaler
from trading.learning.splits import combinatorial_folds

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

#: Targets are cut off here while learning: a crash is remembered as a crash, not as a thousand samples.
MOST_TARGET = 4.0

#: Stretches of time, and how many of them are tested at once, where the penalty is picked: fifteen choices of two.
GROUPS, TESTED = 6, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearPredictor:
    """What a linear model learned.

    Attributes:
        weights: of the last bar's scaled features and, last, the constant: for the return.
        up_weights: the same for the log odds of a rise.
        residuals: quantiles of what the return was beside the forecast.
    """

    scaler: Scaler
    weights: FloatArray
    up_weights: FloatArray
    residuals: FloatArray

    def predict(self, panel: Panel, chosen: IntArray) -> Forecasts:
        return self.predict_rows(panel.table[panel.rows[chosen]])

    def predict_rows(self, rows: FloatArray) -> Forecasts:
        """Forecast from rows of features."""
        x = _with_constant(self.scaler.apply(rows))
        # Row by row in one order: a row alone, live, gives the bits that it gives among thousands.
        mean = (x * self.weights).sum(axis=1)
        up: FloatArray = expit((x * self.up_weights).sum(axis=1))
        return Forecasts(mean=mean, up=up, quantiles=mean[:, None] + self.residuals[None, :])


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearLearner:
    """Fits ridge and logistic regression on the last bar's features.

    Attributes:
        penalties: on the squared weights, per sample; the constant is free. Which is taken is decided by purged
            cross-validation inside what is learned from.
    """

    penalties: tuple[float, ...] = (0.03, 0.3, 3.0, 30.0)
    name: str = "linear"
    is_seeded: bool = False

    def fit(self, panel: Panel, learned: IntArray, *, seed: int) -> LinearPredictor:
        scaler = fit_scaler(panel, learned)
        x = _with_constant(scaler.apply(panel.table[panel.rows[learned]]))
        y = np.clip(panel.target[learned], -MOST_TARGET, MOST_TARGET)
        penalty = self._penalty(panel, learned, x, y)
        weights = _ridge(x, y, penalty)
        return LinearPredictor(
            scaler=scaler,
            weights=weights,
            up_weights=_logistic(x, panel.target[learned] > 0.0, penalty),
            residuals=np.quantile(y - x @ weights, QUANTILES),
        )

    def _penalty(self, panel: Panel, learned: IntArray, x: FloatArray, y: FloatArray) -> float:
        """Give the penalty with the least error on stretches that were not learned from."""
        wrong = dict.fromkeys(self.penalties, 0.0)
        decided, known = panel.decided_ms[learned], panel.known_ms[learned]
        embargo_ms = panel.horizon_bars * panel.bar_ms
        for train, tested in combinatorial_folds(decided, known, GROUPS, TESTED, embargo_ms=embargo_ms):
            for penalty in wrong:
                weights = _ridge(x[train], y[train], penalty)
                wrong[penalty] += float(((y[tested] - x[tested] @ weights) ** 2).sum())
        return min(wrong, key=lambda one: wrong[one])


def _ridge(x: FloatArray, y: FloatArray, penalty: float) -> FloatArray:
    ridge = np.eye(x.shape[1]) * penalty * len(y)
    ridge[-1, -1] = 0.0
    weights: FloatArray = np.linalg.solve(x.T @ x + ridge, x.T @ y).astype(np.float64)
    return weights


def _logistic(x: FloatArray, is_up: NDArray[np.bool_], penalty: float) -> FloatArray:
    sign = np.where(is_up, 1.0, -1.0)
    # The square's own factor differs from that of the squared error by about four.
    strength = np.full(x.shape[1], penalty / 4.0)
    strength[-1] = 0.0

    def loss(weights: FloatArray) -> tuple[float, FloatArray]:
        margin = sign * (x @ weights)
        value = float(np.logaddexp(0.0, -margin).mean() + 0.5 * strength @ weights**2)
        slope = -(x.T @ (sign * expit(-margin))) / len(sign) + strength * weights
        return value, slope

    found: FloatArray = minimize(loss, np.zeros(x.shape[1]), jac=True, method="L-BFGS-B").x
    return found


def _with_constant(x: FloatArray) -> FloatArray:
    return np.column_stack((x, np.ones(len(x))))
