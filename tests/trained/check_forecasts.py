"""Networks trained and exported for real, small; run by `make test-train`, because torch is not among our requirements."""

from __future__ import annotations

import hashlib
from functools import cache

import numpy as np
import onnxruntime
import pytest
import torch

from trading.candles import Candles
from trading.learning.judging import judge
from trading.learning.panel import Panel, make_panel
from trading.learning.predictors import QUANTILES
from trading.learning.splits import Retraining
from trading.learning.walk import learnable
from trading.timeframes import Timeframe
from workers.forecasts.export import PARITY, export, parity
from workers.forecasts.learners import BoostedLearner, NetworkLearner, NetworkPredictor, Recipe
from workers.forecasts.networks import weights_of

HOUR_MS = 3_600_000
HORIZON = 4
PLAN = Retraining(train_ms=0, test_ms=20 * 24 * HOUR_MS, embargo_ms=HORIZON * HOUR_MS)


def waves(seed: int) -> Candles:
    """Make hourly candles that swing, so that there is something to learn."""
    random = np.random.default_rng(seed)
    bars = 2_200
    steps = 0.006 * np.sin(np.arange(bars) / 6.0 + seed) + random.normal(0.0, 0.003, bars)
    close = 100.0 * np.exp(np.cumsum(steps))
    open_ = np.r_[100.0, close[:-1]]
    return Candles(
        ts_ms=1_704_067_200_000 + np.arange(bars, dtype=np.int64) * HOUR_MS,
        open=open_,
        high=np.maximum(open_, close) * 1.001,
        low=np.minimum(open_, close) * 0.999,
        close=close,
        volume=random.lognormal(3.0, 0.5, bars),
        timeframe=Timeframe.parse("1h"),
        pair=f"W{seed}/USDT",
    )


@cache
def panel() -> Panel:
    return make_panel([waves(1), waves(2)], window_bars=16, horizon_bars=HORIZON)


def retrain_ms() -> int:
    return int(np.quantile(panel().decided_ms, 0.7))


@cache
def trained(kind: str, seed: int = 1) -> NetworkPredictor:
    learned = learnable(panel(), PLAN, retrain_ms(), stride_bars=2)
    return NetworkLearner(kind=kind, recipe=Recipe(epochs=6, rate=3e-3)).fit(panel(), learned, seed=seed)


@pytest.mark.parametrize("kind", ["lstm", "transformer"])
def test_networks_learn_what_there_is_to_learn(kind: str) -> None:
    tested = np.flatnonzero(panel().decided_ms >= retrain_ms())

    found = trained(kind).predict(panel(), tested)

    assert judge(panel(), tested, found, draws=50).skill > 0.2
    assert found.quantiles.shape == (len(tested), len(QUANTILES))
    assert (np.diff(found.quantiles, axis=1) >= 0.0).all()


@pytest.mark.parametrize("kind", ["lstm", "transformer"])
def test_the_exported_file_says_what_the_network_says(kind: str) -> None:
    model = trained(kind).model

    _, difference = export(model, panel().windows(np.arange(300)))

    assert difference <= PARITY
    assert not model.training


def test_a_file_of_another_network_is_told_apart() -> None:
    windows = panel().windows(np.arange(300))
    body, _ = export(trained("lstm").model, windows)

    assert parity(trained("lstm", seed=2).model, body, windows) > PARITY


@pytest.mark.parametrize("kind", ["lstm", "transformer"])
def test_training_twice_gives_the_same_weights_and_the_same_file(kind: str) -> None:
    learned = learnable(panel(), PLAN, retrain_ms(), stride_bars=8)
    learner = NetworkLearner(kind=kind, recipe=Recipe(epochs=1))

    models = [learner.fit(panel(), learned, seed=3).model for _ in range(2)]
    files = [hashlib.sha256(export(one, panel().windows(np.arange(300)))[0]).hexdigest() for one in models]

    assert weights_of(models[0]) == weights_of(models[1])
    assert files[0] == files[1]


def test_one_window_at_a_time_gives_what_the_batch_gave() -> None:
    windows = panel().windows(np.arange(40))
    body, _ = export(trained("transformer").model, panel().windows(np.arange(300)))
    session = onnxruntime.InferenceSession(body, providers=["CPUExecutionProvider"])

    (batch,) = session.run(None, {"windows": windows})
    single = np.concatenate([session.run(None, {"windows": one[None]})[0] for one in windows])

    assert np.abs(batch - single).max() <= PARITY


def test_trees_learn_the_swings_too() -> None:
    tested = np.flatnonzero(panel().decided_ms >= retrain_ms())

    found = (
        BoostedLearner().fit(panel(), learnable(panel(), PLAN, retrain_ms()), seed=1).predict(panel(), tested)
    )

    assert judge(panel(), tested, found, draws=50).skill > 0.2


def test_a_network_begins_by_knowing_nothing() -> None:
    learned = learnable(panel(), PLAN, retrain_ms(), stride_bars=8)
    untrained = NetworkLearner(kind="lstm", recipe=Recipe(epochs=0)).fit(panel(), learned, seed=1)

    found = untrained.predict(panel(), learned[:50])

    assert not found.mean.any()
    assert torch.is_grad_enabled()
