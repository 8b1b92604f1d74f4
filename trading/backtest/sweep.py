"""Sweeps: every combination of a grid, in threads, with cancel and resume; every trial is recorded.

A runner backtests one parameter set. Compiled loops release the GIL, so threads suffice; a runner whose strategy
is Python on every bar may be handed a process pool instead.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import ExitStack
from itertools import islice
from threading import Event

from trading.backtest.metrics import Metrics
from trading.backtest.search_space import Grid, Value, key_of
from trading.backtest.trials import SearchResult, Trial, TrialState, check_objective, concluded
from trading.errors import BadParameter

#: Backtests one parameter set. Raises BadParameter for a combination that makes no sense (fast ≥ slow).
Runner = Callable[[Mapping[str, Value]], Metrics]

#: Told of each trial as it ends, in order of number.
Recorder = Callable[[Trial], None]


def sweep(
    run: Runner,
    grid: Grid,
    *,
    objective: str = "sharpe",
    minimum_trades: int = 0,
    known: Sequence[Trial] = (),
    record: Recorder | None = None,
    cancel: Event | None = None,
    workers: int | None = None,
    executor: Executor | None = None,
) -> SearchResult:
    """Run every combination that is not among the known trials.

    Args:
        objective: what is maximised; one of OBJECTIVES.
        minimum_trades: the winner must have closed at least that many.
        known: trials of an earlier, interrupted sweep of the same grid; they are not run again.
        record: journal; called in the caller's thread.
        cancel: when set, running combinations end and no further one starts.
        workers: threads; None: one per processor.
        executor: run there instead of in own threads (a process pool needs a picklable runner).
    """
    check_objective(objective)
    trials = {key_of(trial.params): trial for trial in known}
    wanted = ((number, params) for number, params in enumerate(grid) if key_of(params) not in trials)
    found, was_cancelled = run_all(
        run, wanted, record=record, cancel=cancel, workers=workers, executor=executor
    )
    trials.update({key_of(trial.params): trial for trial in found})
    return concluded(
        trials.values(), objective=objective, minimum_trades=minimum_trades, was_cancelled=was_cancelled
    )


def run_all(
    run: Runner,
    wanted: Iterable[tuple[int, Mapping[str, Value]]],
    *,
    record: Recorder | None,
    cancel: Event | None,
    workers: int | None,
    executor: Executor | None,
) -> tuple[list[Trial], bool]:
    """Run numbered parameter sets side by side; give the trials in order, and whether it was cancelled."""
    stop = cancel or Event()
    count = workers or os.cpu_count() or 1
    trials: list[Trial] = []
    with ExitStack() as stack:
        pool = executor or stack.enter_context(ThreadPoolExecutor(count, thread_name_prefix="sweep"))
        queue: Iterator[tuple[int, Mapping[str, Value]]] = iter(wanted)
        running: list[Future[Trial]] = []
        try:
            while True:
                # A few waiting per worker: none idles, and a cancel is felt at once.
                if stop.is_set():
                    running = [future for future in running if not future.cancel()]
                free = 0 if stop.is_set() else 3 * count - len(running)
                running += [pool.submit(run_one, run, *one) for one in islice(queue, free)]
                if not running:
                    break
                trial = running.pop(0).result()
                trials.append(trial)
                if record is not None:
                    record(trial)
        except BaseException:
            stop.set()
            for future in running:
                future.cancel()
            raise
    return trials, stop.is_set()


def run_one(run: Runner, number: int, params: Mapping[str, Value]) -> Trial:
    """Run one parameter set; a combination that makes no sense is a refused trial, not an error."""
    try:
        return Trial.done(number, params, run(params))
    except BadParameter as refusal:
        return Trial(
            number=number, params=dict(params), state=TrialState.REFUSED, figures={}, message=str(refusal)
        )
