"""Models of the registry as values: versions, who speaks since when, how far the market moved away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class Shelved(StrEnum):
    """Whether a version's files lie on the shelf: only those can be promoted."""

    WAITING = "waiting"
    KEPT = "kept"


class Reason(StrEnum):
    """Why another version speaks."""

    PROMOTED = "promoted"
    RETRAINED = "retrained"
    ROLLED_BACK = "rolled_back"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """A version as far as it is needed to forecast with it.

    Attributes:
        retrain_at: everything known by then was learned from, nothing later.
        files: name → SHA-256 and size; what is read from the shelf must be that.
    """

    id: str
    model: str
    version: int
    kind: str
    pairs: tuple[str, ...]
    timeframe: str
    horizon_bars: int
    window_bars: int
    retrain_at: datetime
    files: Mapping[str, Any]

    @property
    def label(self) -> str:
        """How people name it."""
        return f"{self.model} v{self.version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelVersion(Spoken):
    """A trained model with everything that says where it came from; never changed afterwards.

    Attributes:
        version: counts up under its name.
        made_at: when it was entered here.
        state: whether its files lie on the shelf.
        artefact: SHA-256 of the model's file; trained twice at one time it is the same.
        data_hash, code_hash: of the candles that it learned from and of the code that trained it.
        plan: as in `desk.models.plan.TrainingPlan`.
        card: what it is, how it was judged, against what, and what to beware of.
        skill: of the walk-forward, against saying zero; None where it was not judged.
        made_by: who asked for it; empty: the clock.
    """

    workspace_id: str
    made_at: datetime
    state: Shelved
    artefact: str
    data_hash: str
    code_hash: str
    seed: int
    plan: Mapping[str, Any]
    card: Mapping[str, Any]
    skill: float | None
    job_id: str
    made_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """From a time on a version speaks for its pairs.

    Attributes:
        version: 0 = none of this model any more.
        before: the version that spoke until then; 0 = none.
        by: who wanted it; empty: the clock.
    """

    id: str
    workspace_id: str
    model: str
    version: int
    before: int
    at: datetime
    reason: Reason
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftReading:
    """How far the market moved away from what a version learned, and how its forecasts fared since.

    Attributes:
        worst: the feature that moved most, by its population stability index in `psi`.
        share_moved: of the judged features.
        skill: of the forecasts whose outcome is known since the training; None with too few.
        expected: skill of the walk-forward.
    """

    id: str
    workspace_id: str
    model: str
    version: int
    at: datetime
    worst: str
    share_moved: float
    skill: float | None
    expected: float | None
    samples: int
    is_alarming: bool
    psi: Mapping[str, Any]
