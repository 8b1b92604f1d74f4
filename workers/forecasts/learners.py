"""Learners that need more than numpy: the networks (torch) and boosted trees (scikit-learn)."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from trading.learning.linear import MOST_TARGET
from trading.learning.panel import Panel
from trading.learning.predictors import QUANTILES, Forecasts
from trading.learning.scaling import Scaler, fit_scaler
from workers.forecasts.networks import NETWORKS, loss

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

#: Samples of one pass without gradients.
_BATCH = 2_048


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a network is trained.

    Attributes:
        tune_share: the last part of what is learned from, in time, that decides when to stop; none of it is trained on.
        patience: passes without a better loss on it before the best one is taken.
    """

    epochs: int = 8
    batch: int = 256
    rate: float = 1e-3
    decay: float = 1e-2
    clip: float = 1.0
    tune_share: float = 0.15
    patience: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkPredictor:
    """A trained network."""

    model: nn.Module

    def predict(self, panel: Panel, chosen: IntArray) -> Forecasts:
        parts = [
            self.predict_windows(panel.windows(chosen[start : start + _BATCH]))
            for start in range(0, len(chosen), _BATCH)
        ]
        return as_forecasts(np.concatenate(parts))

    def predict_windows(self, windows: NDArray[np.float32]) -> FloatArray:
        """Give the head's values."""
        self.model.eval()
        with torch.inference_mode():
            found: FloatArray = self.model(torch.from_numpy(windows)).numpy().astype(np.float64)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkLearner:
    """Trains "lstm" or "transformer" on one thread, the same weights for the same seed."""

    kind: str
    recipe: Recipe = Recipe()
    is_seeded: bool = True

    @property
    def name(self) -> str:
        return self.kind

    def fit(self, panel: Panel, learned: IntArray, *, seed: int) -> NetworkPredictor:
        torch.set_num_threads(1)
        torch.use_deterministic_algorithms(True)
        torch.manual_seed(seed)
        train, tune = parted(panel, learned, self.recipe.tune_share)
        scaler = fit_scaler(panel, train)
        model = NETWORKS[self.kind](scaler, panel.window_bars)
        return NetworkPredictor(model=_trained(model, panel, train, tune, self.recipe, seed))


def parted(panel: Panel, learned: IntArray, share: float) -> tuple[IntArray, IntArray]:
    """Cut what is learned from in two by time, without samples whose label reaches into the second part."""
    edge = panel.decided_ms[learned[int(len(learned) * (1.0 - share))]]
    train = learned[panel.known_ms[learned] <= edge]
    tune = learned[panel.decided_ms[learned] >= edge]
    return train, tune


def _trained(
    model: nn.Module, panel: Panel, train: IntArray, tune: IntArray, recipe: Recipe, seed: int
) -> nn.Module:
    random = np.random.default_rng(seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=recipe.rate, weight_decay=recipe.decay)
    best, best_loss, waited = copy.deepcopy(model.state_dict()), _tuning_loss(model, panel, tune), 0
    for _ in range(recipe.epochs):
        model.train()
        order = random.permutation(train)
        for start in range(0, len(order), recipe.batch):
            chosen = order[start : start + recipe.batch]
            optimizer.zero_grad()
            value = loss(model(torch.from_numpy(panel.windows(chosen))), _targets(panel, chosen))
            value.backward()
            nn.utils.clip_grad_norm_(model.parameters(), recipe.clip)
            optimizer.step()
        found = _tuning_loss(model, panel, tune)
        if found < best_loss:
            best, best_loss, waited = copy.deepcopy(model.state_dict()), found, 0
        else:
            waited += 1
            if waited >= recipe.patience:
                break
    model.load_state_dict(best)
    model.eval()
    return model


def _tuning_loss(model: nn.Module, panel: Panel, tune: IntArray) -> float:
    model.eval()
    total = 0.0
    with torch.inference_mode():
        for start in range(0, len(tune), _BATCH):
            chosen = tune[start : start + _BATCH]
            out = model(torch.from_numpy(panel.windows(chosen)))
            total += float(loss(out, _targets(panel, chosen))) * len(chosen)
    return total / max(len(tune), 1)


def _targets(panel: Panel, chosen: IntArray) -> torch.Tensor:
    clipped = np.clip(panel.target[chosen], -MOST_TARGET, MOST_TARGET)
    return torch.from_numpy(clipped.astype(np.float32))


def as_forecasts(out: FloatArray) -> Forecasts:
    """Read a head's values."""
    return Forecasts(mean=out[:, 0], up=1.0 / (1.0 + np.exp(-out[:, 1])), quantiles=out[:, 2:])


@dataclass(frozen=True, slots=True, kw_only=True)
class BoostedPredictor:
    """Trees for the return and for its direction."""

    mean: Any
    direction: Any
    scaler: Scaler
    residuals: FloatArray

    def predict(self, panel: Panel, chosen: IntArray) -> Forecasts:
        x = self.scaler.apply(panel.table[panel.rows[chosen]])
        mean = self.mean.predict(x)
        return Forecasts(
            mean=mean,
            up=self.direction.predict_proba(x)[:, 1],
            quantiles=mean[:, None] + self.residuals[None, :],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BoostedLearner:
    """Fits gradient-boosted trees on the last bar's features; the same stop rule as the networks."""

    name: str = "gradient boosting"
    is_seeded: bool = False
    rounds: int = 100

    def fit(self, panel: Panel, learned: IntArray, *, seed: int) -> BoostedPredictor:
        from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

        train, tune = parted(panel, learned, Recipe().tune_share)
        scaler = fit_scaler(panel, train)
        x, tuned = (scaler.apply(panel.table[panel.rows[one]]) for one in (train, tune))
        y = np.clip(panel.target[train], -MOST_TARGET, MOST_TARGET)
        given: dict[str, Any] = {
            "learning_rate": 0.05,
            "max_iter": self.rounds,
            "max_leaf_nodes": 15,
            "min_samples_leaf": 200,
            "l2_regularization": 1.0,
            "early_stopping": False,
            "random_state": seed,
        }
        mean = HistGradientBoostingRegressor(**given).fit(x, y)
        direction = HistGradientBoostingClassifier(**given).fit(x, panel.target[train] > 0.0)
        rounds = _best_round(mean, tuned, np.clip(panel.target[tune], -MOST_TARGET, MOST_TARGET))
        if rounds < self.rounds:
            given["max_iter"] = rounds
            mean = HistGradientBoostingRegressor(**given).fit(x, y)
            direction = HistGradientBoostingClassifier(**given).fit(x, panel.target[train] > 0.0)
        return BoostedPredictor(
            mean=mean,
            direction=direction,
            scaler=scaler,
            residuals=np.quantile(y - mean.predict(x), QUANTILES),
        )


def _best_round(model: Any, x: FloatArray, y: FloatArray) -> int:
    """Give how many trees were best on what decides when to stop; at least one."""
    wrong = [float(((y - found) ** 2).mean()) for found in model.staged_predict(x)]
    return int(np.argmin(wrong)) + 1
