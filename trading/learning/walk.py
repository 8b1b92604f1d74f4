"""Walk-forward: train with what was known, forecast what came next, train anew; exactly as retraining does it live."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trading.errors import InvalidInput
from trading.learning.leaks import Finding, audit_fold
from trading.learning.panel import Panel
from trading.learning.predictors import Forecasts, Learner, Predictor, joined
from trading.learning.splits import Fold, Retraining

IntArray = NDArray[np.int64]

#: Least samples that anything is learned from.
LEAST_SAMPLES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """What one learner forecast out of sample, with one seed.

    Attributes:
        chosen: the samples, in order of time; forecasts has a row for each.
        last: what was learned last.
    """

    name: str
    seed: int
    chosen: IntArray
    forecasts: Forecasts
    last: Predictor


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """A walk-forward of several learners over the same folds.

    Attributes:
        findings: what the audit of each fold found; nothing, unless a leak.
    """

    folds: tuple[Fold, ...]
    tracks: tuple[Track, ...]
    findings: tuple[Finding, ...]


def learnable(panel: Panel, plan: Retraining, retrain_ms: int, *, stride_bars: int = 1) -> IntArray:
    """Give the samples that a training at a time learns from: the same rule in the walk and live.

    Args:
        stride_bars: take every so many bars of a pair, pairs in turn: neighbours share most of their window and target.

    Raises:
        InvalidInput: too few are left.
    """
    known = plan.learned(retrain_ms, panel.decided_ms, panel.known_ms)
    # By time, not by place in the panel: a longer history must not move the grid.
    step = panel.decided_ms // panel.bar_ms + panel.pair
    found = np.flatnonzero(known & (step % stride_bars == 0))
    if len(found) < LEAST_SAMPLES:
        raise InvalidInput(
            f"{len(found)} samples were known at the training; {LEAST_SAMPLES} at least are needed.",
            hint="Give longer candles or more pairs.",
        )
    return found


def walk_forward(
    panel: Panel,
    learners: Sequence[Learner],
    folds: Sequence[Fold],
    plan: Retraining,
    *,
    seeds: Sequence[int] = (1,),
    stride_bars: int = 1,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Walk:
    """Walk every learner over the folds; those that depend on a seed once per seed."""
    runs = [(one, seed) for one in learners for seed in (seeds if one.is_seeded else seeds[:1])]
    findings: list[Finding] = []
    stretches: list[tuple[IntArray, IntArray]] = []
    for fold in folds:
        learned = learnable(panel, plan, fold.retrain_ms, stride_bars=stride_bars)
        tested = np.flatnonzero((panel.decided_ms >= fold.retrain_ms) & (panel.decided_ms < fold.until_ms))
        if len(tested):
            findings += audit_fold(panel, learned, tested, plan)
            stretches.append((learned, tested))
    if not stretches:
        raise InvalidInput("No sample lies in any test stretch; longer candles are needed.")
    chosen = np.concatenate([tested for _, tested in stretches])
    tracks: list[Track] = []
    done, total = 0, len(runs) * len(stretches)
    for learner, seed in runs:
        parts: list[Forecasts] = []
        for learned, tested in stretches:
            predictor = learner.fit(panel, learned, seed=seed)
            parts.append(predictor.predict(panel, tested))
            done += 1
            progress(done, total)
        tracks.append(
            Track(name=learner.name, seed=seed, chosen=chosen, forecasts=joined(parts), last=predictor)
        )
    return Walk(folds=tuple(folds), tracks=tuple(tracks), findings=tuple(findings))
