"""What can be asked about learned models."""

from __future__ import annotations

from dataclasses import dataclass

from desk.commands.table import Command, Danger, asks
from desk.identity import Role
from trading.events import JobChanged, ModelPromoted


@asks(role=Role.OPERATOR, danger=Danger.TAP, causes=(JobChanged,))
@dataclass(frozen=True, slots=True, kw_only=True)
class TrainModel(Command):
    """Train the next version of a model in the background, with a walk-forward that judges it; it speaks when promoted.

    Attributes:
        model: its name; versions count up under it.
        kind: linear, lstm or transformer; the networks need torch where workers train.
        horizon_bars: how far a forecast looks ahead.
        window_bars: bars that a network sees.
        train_days: what is learned from; 0 = everything known.
        retrain_days: how long a version is used before the next takes its place.
        seeds: how often a network is trained in the walk.
        auto_promote: when the clock retrains it, the new version takes the place of the one that speaks.
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


@asks(role=Role.ADMIN, danger=Danger.TAP, causes=(ModelPromoted,))
@dataclass(frozen=True, slots=True, kw_only=True)
class PromoteModel(Command):
    """Let a version of a model speak for its pairs from now on; bots that follow forecasts hear it at their next bar.

    Attributes:
        version: 0 = the newest.
    """

    model: str
    version: int = 0


@asks(role=Role.ADMIN, danger=Danger.TAP, causes=(ModelPromoted,))
@dataclass(frozen=True, slots=True, kw_only=True)
class RollBackModel(Command):
    """Let the version speak that spoke before the present one; before the first there was none."""

    model: str
