"""What a training is asked to do, as values that travel with the job and stay in the model's card."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from trading.errors import BadParameter, InvalidInput, nearest
from trading.learning.features import WARMUP_BARS
from trading.learning.splits import Retraining
from trading.timeframes import Timeframe

#: What can be trained. The networks need torch where they are trained (requirements/train.txt), never where they forecast.
KINDS = ("linear", "lstm", "transformer")

#: Most pairs of one model.
MOST_PAIRS = 40

_DAY_MS = 86_400_000
_NAME = re.compile(r"[a-z][a-z0-9_-]{1,39}")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPlan:
    """How a model is trained, and how its walk-forward retrains it; both by the same rule.

    Attributes:
        model: its name in the registry; versions count up under it.
        kind: one of KINDS.
        horizon_bars: how far a forecast looks ahead.
        window_bars: bars that a network sees.
        train_days: what is learned from; 0 = everything known.
        least_train_days: before the first model of the walk.
        retrain_days: how long a model is used before the next takes its place.
        stride_bars: every so many bars of a pair are learned from.
        seeds: how often networks are trained in the walk, with seeds 1, 2, …; the first is the one that is kept.
        round_trip_cost: both fees and both slippages, for judging.
        auto_promote: a scheduled retraining takes its predecessor's place, as it did in the walk.
    """

    model: str
    kind: str
    pairs: tuple[str, ...]
    timeframe: str = "1h"
    horizon_bars: int = 24
    window_bars: int = 48
    train_days: int = 0
    least_train_days: int = 60
    retrain_days: int = 30
    stride_bars: int = 4
    seeds: int = 1
    round_trip_cost: float = 0.003
    auto_promote: bool = False

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.model):
            raise InvalidInput(
                f"Model name '{self.model[:60]}' was given; 2 to 40 small letters, digits, - and _ are allowed, "
                "beginning with a letter."
            )
        if self.kind not in KINDS:
            raise InvalidInput(
                f"Kind '{self.kind[:40]}' was given; {', '.join(KINDS)} can be trained.",
                hint=nearest(self.kind, KINDS) or None,
            )
        if not 1 <= len(self.pairs) <= MOST_PAIRS or len(set(self.pairs)) != len(self.pairs):
            raise InvalidInput(
                f"{len(self.pairs)} pairs were given; 1 to {MOST_PAIRS}, each once, are allowed."
            )
        Timeframe.parse(self.timeframe)
        for name, low, high in _RANGES:
            if not low <= getattr(self, name) <= high:
                raise BadParameter(f"{name} is {getattr(self, name)}; {low} to {high} is allowed.")

    @property
    def bar_ms(self) -> int:
        """Length of a bar."""
        return Timeframe.parse(self.timeframe).ms

    @property
    def least_bars(self) -> int:
        """Bars of history that one forecast needs."""
        return WARMUP_BARS + self.window_bars

    @property
    def retraining(self) -> Retraining:
        """When models are trained and from what; the embargo is the horizon."""
        return Retraining(
            train_ms=self.train_days * _DAY_MS,
            test_ms=self.retrain_days * _DAY_MS,
            embargo_ms=self.horizon_bars * self.bar_ms,
        )

    @property
    def least_train_ms(self) -> int:
        """What the first model of the walk learns from."""
        return max(self.train_days, self.least_train_days) * _DAY_MS

    def as_values(self) -> dict[str, Any]:
        """Give it as plain values."""
        return asdict(self) | {"pairs": list(self.pairs)}


#: Field, least and most.
_RANGES: tuple[tuple[str, float, float], ...] = (
    ("horizon_bars", 1, 240),
    ("window_bars", 8, 128),
    ("train_days", 0, 3_650),
    ("least_train_days", 5, 3_650),
    ("retrain_days", 1, 365),
    ("stride_bars", 1, 96),
    ("seeds", 1, 10),
    ("round_trip_cost", 0.0, 0.05),
)


def plan_from(values: Mapping[str, Any]) -> TrainingPlan:
    """Read a plan from plain values; what else is in them is passed over."""
    known = {one.name for one in fields(TrainingPlan)}
    own = {name: value for name, value in values.items() if name in known}
    return TrainingPlan(**{**own, "pairs": tuple(own.get("pairs", ()))})
