"""Trials of a search: every one is recorded, so that the winner can be deflated by how many were tried."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trading.backtest.metrics import NAMES, Figure, Metrics
from trading.backtest.probabilistic import deflated_sharpe_ratio, expected_maximum
from trading.backtest.search_space import Axis, Grid, Value, key_of
from trading.errors import BadParameter, InvalidInput, nearest

#: What can be maximised.
OBJECTIVES = (
    "sharpe",
    "sharpe_robust",
    "sortino",
    "calmar",
    "omega",
    "psr",
    "roi",
    "cagr",
    "max_drawdown",
    "profit_factor",
    "win_rate",
    "expectancy",
)


def check_objective(name: str) -> str:
    """Give the objective back if it can be maximised."""
    if name not in OBJECTIVES:
        raise BadParameter(
            f"Objective '{name}' was given; {', '.join(OBJECTIVES)} are allowed.",
            hint=nearest(name, OBJECTIVES) or None,
        )
    return name


class TrialState(StrEnum):
    """How a trial ended."""

    DONE = "done"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One parameter set and what it gave.

    Attributes:
        number: place in the search, from 0.
        figures: metrics by name; empty when refused.
        message: why the parameters were refused.
    """

    number: int
    params: Mapping[str, Value]
    state: TrialState
    figures: Mapping[str, Figure]
    message: str = ""

    @classmethod
    def done(cls, number: int, params: Mapping[str, Value], metrics: Metrics) -> Trial:
        """Record a finished run."""
        return cls(number=number, params=dict(params), state=TrialState.DONE, figures=metrics.values)

    def figure(self, name: str) -> float:
        """Give a figure as a number; NaN where undefined."""
        value = self.figures.get(name)
        return math.nan if value is None else float(value)

    def as_line(self) -> str:
        """Write the trial as one line of JSON."""
        return json.dumps(
            {
                "trial": self.number,
                "params": dict(self.params),
                "state": str(self.state),
                "figures": dict(self.figures),
                "message": self.message,
            },
            allow_nan=False,
        )


def read_trials(lines: Iterable[str]) -> tuple[Trial, ...]:
    """Read trials back; a torn last line (a crash while writing) is left out.

    Raises:
        InvalidInput: a line before the last is malformed.
    """
    trials: list[Trial] = []
    torn: int | None = None
    for row, line in enumerate(lines):
        if not line.strip():
            continue
        if torn is not None:
            raise InvalidInput(f"Line {torn} of the trial journal is not a trial; only the last may be torn.")
        try:
            found: dict[str, Any] = json.loads(line)
            trials.append(
                Trial(
                    number=int(found["trial"]),
                    params=found["params"],
                    state=TrialState(found["state"]),
                    figures={name: value for name, value in found["figures"].items() if name in NAMES},
                    message=found["message"],
                )
            )
        except (ValueError, KeyError, TypeError, AttributeError):
            torn = row
    return tuple(trials)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deflated:
    """How far the winner can be believed.

    Attributes:
        trials: how many were looked at.
        sharpe_daily_sd: spread of their per-day Sharpe ratios.
        luck_sharpe: annualised Sharpe ratio that the best of as many trials without edge is expected to show.
        dsr: probability that the winner's true Sharpe ratio is above that; None where undefined.
    """

    trials: int
    sharpe_daily_sd: float
    luck_sharpe: float
    dsr: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatMap:
    """An objective over two axes: the best (or the mean) over all other axes; NaN where nothing was tried.

    Attributes:
        values: shape (len(y), len(x)).
    """

    x: Axis
    y: Axis
    values: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """A search and its winner.

    Attributes:
        trials: all of them, by number.
        best: the highest objective among those with enough trades; None if there is none.
        was_cancelled: the search stopped early; it can be resumed from its trials.
    """

    objective: str
    trials: tuple[Trial, ...]
    best: Trial | None
    deflated: Deflated | None
    was_cancelled: bool = False
    minimum_trades: int = 0

    def ranked(self) -> tuple[Trial, ...]:
        """Give the finished trials, best first; undefined objectives last; ties by number."""
        return ranked(self.trials, self.objective, self.minimum_trades)

    def heat_map(self, x: Axis, y: Axis, *, use_mean: bool = False) -> HeatMap:
        """Give the objective over two axes."""
        column = {key_of({x.name: value}): k for k, value in enumerate(x.values)}
        row = {key_of({y.name: value}): k for k, value in enumerate(y.values)}
        cells: dict[tuple[int, int], list[float]] = {}
        for trial in self.trials:
            found = trial.figure(self.objective)
            if math.isnan(found) or x.name not in trial.params or y.name not in trial.params:
                continue
            i = row.get(key_of({y.name: trial.params[y.name]}))
            j = column.get(key_of({x.name: trial.params[x.name]}))
            if i is not None and j is not None:
                cells.setdefault((i, j), []).append(found)
        values = np.full((len(y.values), len(x.values)), np.nan)
        for (i, j), found_here in cells.items():
            values[i, j] = float(np.mean(found_here)) if use_mean else max(found_here)
        return HeatMap(x=x, y=y, values=values)

    def plateau(self, grid: Grid) -> float | None:
        """Give the mean objective of the winner's direct neighbours in a grid over the winner's own.

        Near 1: a plateau. Far below: a peak that a little change of the market may end. None without a positive
        winner or without neighbours.
        """
        if self.best is None:
            return None
        own = self.best.figure(self.objective)
        if not own > 0.0:
            return None
        known = {key_of(trial.params): trial.figure(self.objective) for trial in self.trials}
        found = [known[key] for key in _neighbours(grid, self.best.params) if key in known]
        found = [value for value in found if not math.isnan(value)]
        return float(np.mean(found)) / own if found else None


def _neighbours(grid: Grid, params: Mapping[str, Value]) -> Iterable[tuple[tuple[str, str], ...]]:
    for axis in grid.axes:
        if not axis.is_numeric:
            continue
        keys = [key_of({axis.name: value}) for value in axis.values]
        own = key_of({axis.name: params[axis.name]})
        if own not in keys:
            continue
        at = keys.index(own)
        for near in (at - 1, at + 1):
            if 0 <= near < len(axis.values):
                yield key_of({**params, axis.name: axis.values[near]})


def ranked(trials: Sequence[Trial], objective: str, minimum_trades: int) -> tuple[Trial, ...]:
    """Order finished trials, best first; undefined or too rarely trading ones last, ties by number."""

    def key(trial: Trial) -> tuple[float, int]:
        value = trial.figure(objective)
        traded = trial.figure("trades")
        too_few = minimum_trades > 0 and not traded >= minimum_trades
        return (math.inf if math.isnan(value) or too_few else -value, trial.number)

    return tuple(sorted((trial for trial in trials if trial.state is TrialState.DONE), key=key))


def concluded(
    trials: Iterable[Trial], *, objective: str, minimum_trades: int, was_cancelled: bool
) -> SearchResult:
    """Pick the winner and deflate it by every trial that was looked at."""
    every = tuple(sorted(trials, key=lambda trial: trial.number))
    order = ranked(every, objective, minimum_trades)
    best = order[0] if order else None
    if best is not None and (
        math.isnan(best.figure(objective))
        or (minimum_trades > 0 and not best.figure("trades") >= minimum_trades)
    ):
        best = None
    return SearchResult(
        objective=objective,
        trials=every,
        best=best,
        deflated=None if best is None else deflated(best, order),
        was_cancelled=was_cancelled,
        minimum_trades=minimum_trades,
    )


def deflated(best: Trial, looked_at: Sequence[Trial]) -> Deflated:
    """Deflate a winner by the number and the spread of the trials it was picked from."""
    sharpes = np.array([trial.figure("sharpe_daily") for trial in looked_at])
    sharpes = sharpes[np.isfinite(sharpes)]
    spread = float(sharpes.std(ddof=1)) if len(sharpes) > 1 else 0.0
    luck = spread * expected_maximum(len(looked_at))
    dsr = math.nan
    if not math.isnan(best.figure("sharpe_daily")):
        dsr = deflated_sharpe_ratio(
            best.figure("sharpe_daily"),
            int(best.figure("days")),
            skew=best.figure("skew"),
            kurt=best.figure("kurtosis"),
            trials=len(looked_at),
            trial_sharpe_sd=spread,
        )
    return Deflated(
        trials=len(looked_at),
        sharpe_daily_sd=spread,
        luck_sharpe=luck * math.sqrt(365.0),
        dsr=None if math.isnan(dsr) else dsr,
    )
