"""A walk-forward of models and every baseline over the same folds, judged after costs; what a model's card is made of."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from desk.models.plan import TrainingPlan
from trading.candles import Candles
from trading.errors import InvalidInput
from trading.learning.baselines import AlwaysLongLearner, LastReturnLearner, ZeroLearner
from trading.learning.following import Followed, Rule, follow
from trading.learning.judging import Judgement, judge
from trading.learning.leaks import Finding, audit_features, audit_parrot
from trading.learning.linear import LinearLearner
from trading.learning.panel import Panel, make_panel
from trading.learning.predictors import Learner
from trading.learning.splits import folds_before, walk_folds
from trading.learning.walk import Track, Walk, walk_forward

#: Bars of the first pair on which the features are checked for looking ahead.
_AUDITED_BARS = 1_500


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One row of the table: a learner with one seed."""

    name: str
    seed: int
    judged: Judgement
    followed: Followed


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """What a walk-forward found."""

    panel: Panel
    walk: Walk
    lines: tuple[Line, ...]
    findings: tuple[Finding, ...]


def has_boosting() -> bool:
    """Tell whether the trees of the table can be grown here."""
    return importlib.util.find_spec("sklearn") is not None


def has_torch() -> bool:
    """Tell whether networks can be trained here."""
    return importlib.util.find_spec("torch") is not None


def learner_of(kind: str) -> Learner:
    """Give what trains a kind.

    Raises:
        InvalidInput: torch is missing here; asking again would not bring it.
    """
    if kind == "linear":
        return LinearLearner()
    if not has_torch():
        raise InvalidInput(
            f"Training a model of kind '{kind}' needs torch, which is not installed here; linear needs nothing more.",
            hint="Install requirements/train.txt where workers train, or train a linear model.",
        )
    from workers.forecasts.learners import NetworkLearner

    return NetworkLearner(kind=kind)


def baselines() -> list[Learner]:
    """Give everything that a model has to beat; boosted trees where scikit-learn is installed."""
    found: list[Learner] = [ZeroLearner(), AlwaysLongLearner(), LastReturnLearner(), LinearLearner()]
    if has_boosting() and has_torch():
        from workers.forecasts.learners import BoostedLearner

        found.append(BoostedLearner())
    return found


def study(
    series: Sequence[Candles],
    plan: TrainingPlan,
    learners: Sequence[Learner],
    *,
    retrain_ms: int | None = None,
    tell: Callable[[str, float, float], None] = lambda bar, done, total: None,
) -> Study:
    """Walk learners over a history and judge them.

    Args:
        retrain_ms: when the model that is judged is trained: the walk's trainings lie whole uses before it, and nothing
            later is looked at. None = as many trainings as the history holds, from its beginning.

    Raises:
        InvalidInput: too little history, or features that look ahead.
    """
    audited = audit_features(series[0].rows(0, min(len(series[0]), _AUDITED_BARS)))
    if not audited.is_clean:
        raise InvalidInput(
            f"The features look ahead: {'; '.join(one.message for one in audited.findings)[:500]}"
        )
    panel = make_panel(series, window_bars=plan.window_bars, horizon_bars=plan.horizon_bars)
    first, last = int(panel.decided_ms.min()), int(panel.decided_ms.max()) + plan.bar_ms
    if retrain_ms is None:
        folds = walk_folds(first, last, plan.retraining, least_train_ms=plan.least_train_ms)
    else:
        folds = folds_before(first, retrain_ms, plan.retraining, least_train_ms=plan.least_train_ms)
    walk = walk_forward(
        panel,
        learners,
        folds,
        plan.retraining,
        seeds=tuple(range(1, plan.seeds + 1)),
        stride_bars=plan.stride_bars,
        progress=lambda done, total: tell("walk", done, total),
    )
    lines = []
    findings = list(walk.findings)
    for one in walk.tracks:
        lines.append(line_of(panel, one, plan))
        findings += [] if one.name == "last return" else audit_parrot(panel, one.chosen, one.forecasts.mean)
        if lines[-1].judged.is_suspicious:
            findings.append(
                Finding(
                    check="accuracy",
                    message=f"{one.name} was right {lines[-1].judged.hit_rate:.1%} of the time: look for a leak.",
                )
            )
    return Study(panel=panel, walk=walk, lines=tuple(lines), findings=tuple(findings))


def line_of(panel: Panel, track: Track, plan: TrainingPlan) -> Line:
    """Judge a track."""
    return Line(
        name=track.name,
        seed=track.seed,
        judged=judge(panel, track.chosen, track.forecasts),
        followed=follow(
            panel, track.chosen, track.forecasts.mean, Rule(round_trip_cost=plan.round_trip_cost)
        ),
    )


def table_of(lines: Sequence[Line]) -> list[dict[str, Any]]:
    """Give the table as plain values: per learner the mean over seeds, and between which seeds it lay.

    The mean is the headline; a single best seed never is.
    """
    rows = []
    for name in dict.fromkeys(one.name for one in lines):
        own = [one for one in lines if one.name == name]
        judged = [asdict(one.judged) for one in own]
        row: dict[str, Any] = {"name": name, "seeds": len(own)}
        for key in judged[0]:
            if key != "coverage":
                row[key] = _mean([one[key] for one in judged])
        row["coverage"] = [
            round(float(one), 4) for one in np.mean([one["coverage"] for one in judged], axis=0)
        ]
        row["skill_of_seeds"] = [round(one["skill"], 5) for one in judged]
        for key in ("trades", "turnover", "gross", "net", "break_even_bps", "better_than_random"):
            row[key] = _mean([getattr(one.followed, key) for one in own])
        rows.append(row)
    return rows


def _mean(values: Sequence[float | None]) -> float | None:
    known = [float(one) for one in values if one is not None]
    return round(sum(known) / len(known), 6) if known else None
