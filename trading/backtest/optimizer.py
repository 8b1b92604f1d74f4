"""The optimiser: a tree-structured Parzen estimator (Optuna) proposes, the runner tries, every trial is kept.

Proposals are asked for in batches of one per worker and told back in order, so that a seed gives the same search
on every run with the same number of workers.
"""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from threading import Event
from typing import Any

from trading.backtest.search_space import Axis, Value, key_of
from trading.backtest.sweep import Recorder, Runner, run_all
from trading.backtest.trials import SearchResult, Trial, check_objective, concluded
from trading.errors import BadParameter


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A parameter that may take any value of a range.

    Attributes:
        step: distance of allowed values from `low`; None: any number between.
        is_whole: whole numbers only.
        is_log: search by ratio instead of by difference; needs low > 0.
    """

    name: str
    low: float
    high: float
    step: float | None = None
    is_whole: bool = False
    is_log: bool = False

    def __post_init__(self) -> None:
        if not self.low <= self.high or (self.is_log and self.low <= 0.0):
            raise BadParameter(
                f"Range of '{self.name}' is {self.low:g} … {self.high:g}; low ≤ high, and low > 0 on a "
                "logarithmic scale, are allowed."
            )


Dimension = Interval | Axis


def search(
    run: Runner,
    space: Sequence[Dimension],
    *,
    trials: int = 100,
    objective: str = "sharpe",
    minimum_trades: int = 0,
    seed: int = 1,
    known: Sequence[Trial] = (),
    record: Recorder | None = None,
    cancel: Event | None = None,
    workers: int | None = None,
    executor: Executor | None = None,
) -> SearchResult:
    """Look for the parameters with the highest objective.

    Args:
        trials: in all, those known included.
        known: trials of an interrupted search: they count, and the estimator learns from them.
        seed: of the estimator.

    A parameter set that comes up again is answered from memory and counts once.
    """
    check_objective(objective)
    if trials < 1:
        raise BadParameter(f"{trials} trials were asked for; at least 1 is needed.")
    stop = cancel or Event()
    batch = workers or os.cpu_count() or 1
    found = {key_of(trial.params): trial for trial in known}
    number = max((trial.number for trial in known), default=-1) + 1
    study = _Study(space, objective, minimum_trades, seed=seed + number, known=known)
    # A small space may run out of new sets: stop once proposals have repeated for long.
    repeats = 0
    while len(found) < trials and repeats < 20 * batch and not stop.is_set():
        asked = [study.ask() for _ in range(min(batch, trials - len(found)))]
        fresh: list[tuple[int, dict[str, Value]]] = []
        for _, params in asked:
            key = key_of(params)
            if key not in found and all(key_of(other) != key for _, other in fresh):
                fresh.append((number, params))
                number += 1
        done, _ = run_all(run, fresh, record=record, cancel=stop, workers=batch, executor=executor)
        found.update({key_of(trial.params): trial for trial in done})
        for handle, params in asked:
            study.tell(handle, found.get(key_of(params)))
        repeats = 0 if fresh else repeats + len(asked)
    return concluded(
        found.values(), objective=objective, minimum_trades=minimum_trades, was_cancelled=stop.is_set()
    )


class _Study:
    """Optuna behind two words: ask for parameters, tell what they gave."""

    def __init__(
        self,
        space: Sequence[Dimension],
        objective: str,
        minimum_trades: int,
        *,
        seed: int,
        known: Sequence[Trial],
    ) -> None:
        import optuna  # half a second to import: only where it is used

        self._optuna = optuna
        self._objective, self._minimum_trades = objective, minimum_trades
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._whole = optuna.distributions.IntDistribution
        self._space = {one.name: one for one in space}
        self._distributions = {one.name: self._distribution(one) for one in space}
        with warnings.catch_warnings():
            # Joint sampling is marked experimental; it is pinned by our lock and by tests.
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            sampler = optuna.samplers.TPESampler(seed=seed, multivariate=True, constant_liar=True)
        self._study = optuna.create_study(direction="maximize", sampler=sampler)
        for trial in known:
            self._add(trial)

    def _distribution(self, one: Dimension) -> Any:
        kinds = self._optuna.distributions
        if isinstance(one, Axis):
            # Numbers in order are searched by their place, so that neighbours are near and values stay exact.
            ordered = one.is_numeric and len(one.values) > 1
            return (
                kinds.IntDistribution(0, len(one.values) - 1)
                if ordered
                else kinds.CategoricalDistribution(one.values)
            )
        if one.is_whole:
            step = 1 if one.is_log else int(one.step or 1)
            return kinds.IntDistribution(int(one.low), int(one.high), log=one.is_log, step=step)
        return kinds.FloatDistribution(
            one.low, one.high, log=one.is_log, step=None if one.is_log else one.step
        )

    def _inward(self, params: Mapping[str, Value]) -> dict[str, Value] | None:
        """Give parameters as the estimator knows them; None when they are outside the space."""
        if set(params) != set(self._space):
            return None
        inward: dict[str, Value] = {}
        for name, value in params.items():
            one = self._space[name]
            if isinstance(one, Axis):
                keys = [key_of({name: known}) for known in one.values]
                if key_of({name: value}) not in keys:
                    return None
                at = keys.index(key_of({name: value}))
                inward[name] = at if isinstance(self._distributions[name], self._whole) else one.values[at]
            elif isinstance(value, bool | str) or not one.low <= value <= one.high:
                return None
            else:
                inward[name] = value
        return inward

    def _outward(self, name: str, value: Value) -> Value:
        one = self._space[name]
        if isinstance(one, Axis) and isinstance(self._distributions[name], self._whole):
            return one.values[int(value)]
        return value

    def _add(self, trial: Trial) -> None:
        inward = self._inward(trial.params)
        if inward is None:
            return
        value = self._value(trial)
        state = self._optuna.trial.TrialState
        self._study.add_trial(
            self._optuna.trial.create_trial(
                params=inward,
                distributions=self._distributions,
                value=value,
                state=state.FAIL if value is None else state.COMPLETE,
            )
        )

    def _value(self, trial: Trial) -> float | None:
        value = trial.figure(self._objective)
        too_few = self._minimum_trades > 0 and not trial.figure("trades") >= self._minimum_trades
        return None if math.isnan(value) or too_few else value

    def ask(self) -> tuple[Any, dict[str, Value]]:
        handle = self._study.ask(self._distributions)
        return handle, {name: self._outward(name, value) for name, value in handle.params.items()}

    def tell(self, handle: Any, trial: Trial | None) -> None:
        value = None if trial is None else self._value(trial)
        if value is None:
            # Refused, undefined or too rarely trading: the estimator looks elsewhere.
            self._study.tell(handle, state=self._optuna.trial.TrialState.FAIL)
        else:
            self._study.tell(handle, value)
