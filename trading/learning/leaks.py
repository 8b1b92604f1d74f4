"""Leaks that a pipeline can have, each with a check that finds it (trading-rules.md C.2)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trading.backtest.bias import BiasReport, check_subject
from trading.backtest.bias_subjects import FunctionSubject
from trading.candles import Candles
from trading.errors import InvalidInput
from trading.learning.features import FEATURES, WARMUP_BARS, feature_columns
from trading.learning.panel import FeatureMaker, Panel
from trading.learning.splits import Retraining
from trading.market import MarketView

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

#: A feature that goes with the target so closely is the target.
_SAME = 0.95

#: Rows of a fold that may be found among what was learned, as a share: a market that stood still repeats itself.
_REPEATED = 0.001

#: Forecasts that go with the last return so closely are the last return.
_PARROT = 0.999


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A leak, or what looks like one."""

    check: str
    message: str


def audit_fold(panel: Panel, learned: IntArray, tested: IntArray, plan: Retraining) -> list[Finding]:
    """Look for a future in what a fold learned from."""
    found = []
    first = int(panel.decided_ms[tested].min())
    late = panel.known_ms[learned] > first - plan.embargo_ms
    if late.any():
        found.append(
            Finding(
                check="purge",
                message=(
                    f"{int(late.sum())} of {len(learned)} learned samples had labels that were not known "
                    f"{plan.embargo_ms} ms before the first test; none may."
                ),
            )
        )
    repeated = _repeated(panel, learned, tested)
    if repeated > _REPEATED:
        found.append(
            Finding(
                check="duplicates",
                message=f"{repeated:.1%} of the tested rows were among the learned ones; at most {_REPEATED:.1%} may.",
            )
        )
    return found + audit_targets(panel, learned)


def audit_targets(panel: Panel, learned: IntArray) -> list[Finding]:
    """Look for a feature that is the target under another name."""
    rows, target = panel.table[panel.rows[learned]], panel.target[learned]
    found = []
    for column in range(rows.shape[1]):
        values = rows[:, column]
        if np.ptp(values) == 0.0 or np.ptp(target) == 0.0:
            continue
        rho = float(np.corrcoef(values, target)[0, 1])
        if abs(rho) > _SAME:
            name = FEATURES[column] if rows.shape[1] == len(FEATURES) else f"column {column}"
            found.append(
                Finding(
                    check="target",
                    message=f"Feature '{name}' goes with the target at {rho:.3f}; below {_SAME} is believable.",
                )
            )
    return found


def audit_parrot(panel: Panel, chosen: IntArray, mean: FloatArray) -> list[Finding]:
    """Say so where a model gives the last return and nothing else."""
    last = panel.table[panel.rows[chosen], FEATURES.index("return_24")]
    if np.ptp(mean) == 0.0 or np.ptp(last) == 0.0:
        return []
    rho = float(np.corrcoef(mean, last)[0, 1])
    if abs(rho) < _PARROT:
        return []
    return [
        Finding(check="parrot", message=f"The forecasts are the last return in other words (ρ = {rho:.4f}).")
    ]


def audit_features(
    candles: Candles, function: Callable[[MarketView], dict[str, FloatArray]] = feature_columns
) -> BiasReport:
    """Check features for looking ahead: whole prefixes, poisoned futures, late starts."""
    subject = FunctionSubject(name="features", warmup_bars=WARMUP_BARS, function=function)
    return check_subject(subject, MarketView(candles=candles))


def delayed(make: FeatureMaker, bars: int) -> FeatureMaker:
    """Give the same features some bars late; skill must not grow by it.

    Raises:
        InvalidInput: a negative delay: nothing here gives features early.
    """
    if bars < 0:
        raise InvalidInput(
            f"A delay of {bars} bars was given; 0 or more is allowed: features are never early."
        )

    def late(candles: Candles) -> FloatArray:
        table = make(candles)
        out = np.full_like(table, np.nan)
        out[bars:] = table[: len(table) - bars]
        return out

    return late


def _repeated(panel: Panel, learned: IntArray, tested: IntArray) -> float:
    """Give the share of tested samples whose features and target were learned bit for bit."""
    seen = {_key(panel, one) for one in learned.tolist()}
    return sum(_key(panel, one) in seen for one in tested.tolist()) / max(len(tested), 1)


def _key(panel: Panel, sample: int) -> bytes:
    return bytes(panel.table[panel.rows[sample]].tobytes() + panel.target[sample].tobytes())
