"""Grids, trials, sweeps and the optimiser: nothing is lost, nothing runs twice, the winner is deflated."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping

import numpy as np
import pytest

from trading.backtest.metrics import Metrics, metrics_from_returns
from trading.backtest.optimizer import Interval, search
from trading.backtest.probabilistic import deflated_sharpe_ratio
from trading.backtest.search_space import Axis, Grid, Value, key_of, read_axis
from trading.backtest.sweep import sweep
from trading.backtest.trials import Trial, TrialState, read_trials
from trading.errors import BadParameter, InvalidInput

NOISE = np.random.default_rng(9).normal(0.0, 0.01, 250)


class Hill:
    """A runner whose returns are best at fast 12, slow 40; it counts its runs."""

    def __init__(self) -> None:
        self.runs: list[dict[str, Value]] = []

    def __call__(self, params: Mapping[str, Value]) -> Metrics:
        fast, slow = float(params["fast"]), float(params["slow"])
        if fast >= slow:
            raise BadParameter(f"fast is {fast:g} and slow {slow:g}; fast must be below slow.")
        self.runs.append(dict(params))
        edge = 0.002 - 1e-5 * (fast - 12) ** 2 - 1e-6 * (slow - 40) ** 2
        return metrics_from_returns(None, NOISE + edge, trades=[1.0, -0.5] * int(slow))


GRID = Grid.read(["fast=4:40:4", "slow=20:60:10"])


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("fast=5:20:5", (5, 10, 15, 20)),
        ("fast=5:22:5", (5, 10, 15, 20)),
        ("fast=1:3", (1, 2, 3)),
        ("k=0.1:0.5:0.1", (0.1, 0.2, 0.3, 0.4, 0.5)),
        ("k=1:2:0.5", (1.0, 1.5, 2.0)),
        ("mode=cross,stop", ("cross", "stop")),
        ("on=true,false", (True, False)),
        ("k=3", (3,)),
    ],
)
def test_an_axis_holds_exactly_what_was_written(text: str, values: tuple[Value, ...]) -> None:
    axis = read_axis(text)

    assert axis.values == values
    assert [type(value) for value in axis.values] == [type(value) for value in values]


@pytest.mark.parametrize(
    "text",
    [
        "fast",
        "fast=",
        "=1:2:1",
        "fast=1:2:0",
        "fast=3:1:1",
        "fast=1:nan:1",
        "fast=a:b:c",
        "fast=1,1",
        "fast=1,inf",
    ],
)
def test_a_malformed_axis_is_refused(text: str) -> None:
    with pytest.raises(BadParameter):
        read_axis(text)


def test_a_grid_too_large_or_with_a_name_twice_is_refused() -> None:
    with pytest.raises(BadParameter, match="at most 100000"):
        Grid.read(["a=1:1000:1", "b=1:1000:1"])
    with pytest.raises(BadParameter, match="repeat a name"):
        Grid.read(["a=1:3:1", "a=4:5:1"])
    with pytest.raises(BadParameter, match="Did you mean 'fast'"):
        GRID.axis("fasst")


def test_parameter_sets_are_recognised_whatever_their_order_and_type() -> None:
    assert key_of({"a": 5, "b": "x"}) == key_of({"b": "x", "a": 5.0})
    assert key_of({"a": True}) != key_of({"a": 1})


def test_a_sweep_runs_every_combination_once_and_finds_the_best() -> None:
    hill = Hill()

    result = sweep(hill, GRID, workers=2)

    assert len(result.trials) == len(GRID) == 50
    assert [trial.number for trial in result.trials] == list(range(50))
    refused = [trial for trial in result.trials if trial.state is TrialState.REFUSED]
    assert len(hill.runs) + len(refused) == 50
    assert "must be below" in refused[0].message
    assert result.best is not None
    assert result.best.params == {"fast": 12, "slow": 40}
    assert not result.was_cancelled


def test_the_winner_is_deflated_by_every_trial_that_was_looked_at() -> None:
    result = sweep(Hill(), GRID, workers=2)

    done = [trial for trial in result.trials if trial.state is TrialState.DONE]
    best, deflated = result.best, result.deflated
    assert best is not None
    assert deflated is not None
    spread = float(np.std([trial.figure("sharpe_daily") for trial in done], ddof=1))
    assert deflated.trials == len(done)
    assert deflated.dsr == pytest.approx(
        deflated_sharpe_ratio(
            best.figure("sharpe_daily"),
            250,
            skew=best.figure("skew"),
            kurt=best.figure("kurtosis"),
            trials=len(done),
            trial_sharpe_sd=spread,
        )
    )
    psr = best.figure("psr")
    assert deflated.dsr is not None
    assert 0.0 < deflated.dsr < psr


def test_a_cancelled_sweep_resumes_from_its_journal_without_running_anything_twice() -> None:
    cancel = threading.Event()
    journal: list[str] = []

    def stop_after_ten(trial: Trial) -> None:
        journal.append(trial.as_line())
        if len(journal) == 10:
            cancel.set()

    first = sweep(Hill(), GRID, workers=2, record=stop_after_ten, cancel=cancel)
    hill = Hill()
    second = sweep(hill, GRID, workers=2, known=read_trials(journal))
    whole = sweep(Hill(), GRID, workers=2)

    assert first.was_cancelled
    assert 10 <= len(journal) < 50
    done_first = {key_of(trial.params) for trial in first.trials}
    assert done_first.isdisjoint({key_of(params) for params in hill.runs})
    assert second.best == whole.best
    assert second.deflated == whole.deflated
    assert [trial.params for trial in second.trials] == [trial.params for trial in whole.trials]


def test_an_error_of_the_runner_ends_the_sweep_and_reaches_the_asker() -> None:
    def broken(params: Mapping[str, Value]) -> Metrics:
        raise ZeroDivisionError(f"at {params['fast']}")

    with pytest.raises(ZeroDivisionError, match="at 4"):
        sweep(broken, GRID, workers=2)


def test_a_torn_last_line_of_a_journal_is_left_out_and_one_before_it_is_not() -> None:
    lines = [trial.as_line() for trial in sweep(Hill(), GRID, workers=1).trials[:3]]

    assert len(read_trials([*lines, '{"trial": 3, "par'])) == 3
    with pytest.raises(InvalidInput, match="Line 1"):
        read_trials([lines[0], '{"trial"', lines[2]])


def test_winners_with_too_few_trades_do_not_qualify() -> None:
    strict = sweep(Hill(), GRID, workers=1, minimum_trades=110)
    impossible = sweep(Hill(), GRID, workers=1, minimum_trades=1_000)

    assert strict.best is not None
    assert strict.best.params["slow"] == 60
    assert impossible.best is None
    assert impossible.deflated is None


def test_unknown_objectives_are_refused_with_the_nearest() -> None:
    with pytest.raises(BadParameter, match="Did you mean 'sharpe'"):
        sweep(Hill(), GRID, objective="sharp")


def test_the_heat_map_holds_the_objective_where_it_is_defined() -> None:
    result = sweep(Hill(), GRID, workers=2)

    heat = result.heat_map(GRID.axis("fast"), GRID.axis("slow"))

    assert heat.values.shape == (5, 10)
    assert math.isnan(heat.values[0, 9])  # fast 40, slow 20
    i, j = np.unravel_index(int(np.nanargmax(heat.values)), heat.values.shape)
    assert (heat.y.values[i], heat.x.values[j]) == (40, 12)


def test_a_heat_map_over_more_axes_shows_the_best_or_the_mean() -> None:
    grid = Grid.read(["fast=8:12:4", "slow=30:40:10", "spare=1:2:1"])

    def run(params: Mapping[str, Value]) -> Metrics:
        return metrics_from_returns(None, NOISE + 0.001 * float(params["spare"]))

    result = sweep(run, grid, workers=1)
    best = result.heat_map(grid.axis("fast"), grid.axis("slow")).values
    mean = result.heat_map(grid.axis("fast"), grid.axis("slow"), use_mean=True).values

    assert (mean < best).all()


def test_a_plateau_is_told_from_a_peak() -> None:
    def peak(params: Mapping[str, Value]) -> Metrics:
        return metrics_from_returns(None, NOISE + (0.003 if params["fast"] == 12 else 0.0))

    fine = Grid.read(["fast=8:16:1", "slow=30:50:5"])
    smooth = sweep(Hill(), fine, workers=1).plateau(fine)
    sharp = sweep(peak, Grid.read(["fast=8:16:1"]), workers=1).plateau(Grid.read(["fast=8:16:1"]))

    assert smooth is not None
    assert sharp is not None
    assert smooth > 0.9
    assert sharp < 0.3


def test_the_optimiser_finds_the_hill_with_fewer_trials_than_the_grid_and_repeats_itself() -> None:
    wide = Grid.read(["fast=2:40:1", "slow=20:100:2"])

    first = search(Hill(), wide.axes, trials=60, workers=2, seed=3)
    again = search(Hill(), wide.axes, trials=60, workers=2, seed=3)

    assert len(first.trials) == 60 < len(wide)
    assert [trial.params for trial in first.trials] == [trial.params for trial in again.trials]
    assert first.best is not None
    assert abs(float(first.best.params["fast"]) - 12) <= 3
    assert first.deflated is not None
    assert first.deflated.trials == sum(trial.state is TrialState.DONE for trial in first.trials)


def test_the_optimiser_resumes_and_counts_what_it_knew() -> None:
    axes = Grid.read(["fast=2:40:1", "slow=20:100:2"]).axes
    half = search(Hill(), axes, trials=20, workers=2)
    hill = Hill()

    whole = search(hill, axes, trials=30, workers=2, known=half.trials)

    assert len(whole.trials) == 30
    assert whole.trials[:20] == half.trials
    assert {key_of(params) for params in hill.runs}.isdisjoint({key_of(t.params) for t in half.trials})


def test_the_optimiser_takes_ranges_words_and_stops_when_a_small_space_is_used_up() -> None:
    seen: list[Mapping[str, Value]] = []

    def run(params: Mapping[str, Value]) -> Metrics:
        seen.append(params)
        return metrics_from_returns(None, NOISE + 0.0001 * float(params["k"]))

    ranges = search(
        run,
        [
            Interval(name="k", low=0.5, high=2.0),
            Interval(name="n", low=2, high=64, is_whole=True, is_log=True),
            Axis(name="mode", values=("a", "b")),
        ],
        trials=12,
        workers=1,
    )
    tiny = search(Hill(), Grid.read(["fast=8:12:4", "slow=40:50:10"]).axes, trials=50, workers=1)

    assert len(ranges.trials) == 12
    assert all(0.5 <= float(params["k"]) <= 2.0 and 2 <= int(params["n"]) <= 64 for params in seen)
    assert {params["mode"] for params in seen} == {"a", "b"}
    assert len(tiny.trials) == 4


def test_a_cancelled_search_keeps_what_it_found() -> None:
    cancel = threading.Event()
    axes = Grid.read(["fast=2:40:1", "slow=20:100:2"]).axes

    result = search(
        Hill(),
        axes,
        trials=50,
        workers=2,
        cancel=cancel,
        record=lambda trial: cancel.set() if trial.number >= 5 else None,
    )

    assert result.was_cancelled
    assert 6 <= len(result.trials) <= 8
    assert result.best is not None


def test_impossible_ranges_and_counts_are_refused() -> None:
    with pytest.raises(BadParameter, match="low ≤ high"):
        Interval(name="k", low=2.0, high=1.0)
    with pytest.raises(BadParameter, match="0 trials"):
        search(Hill(), GRID.axes, trials=0)
