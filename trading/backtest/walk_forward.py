"""Walk-forward: parameters are picked on a training window, fixed, and judged on the window after a gap.

Only the concatenated out-of-sample equity is a result (trading-rules.md B.5). Anchored windows train from the first
bar, rolling ones on the last stretch only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Event

import numpy as np
from numpy.typing import NDArray

from trading.backtest.metrics import Figure, Metrics, Trials, performance
from trading.backtest.search_space import Value
from trading.backtest.sweep import Runner
from trading.backtest.trade_statistics import TradeColumns
from trading.backtest.trials import SearchResult
from trading.errors import InvalidInput

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How the history is cut, in milliseconds.

    Attributes:
        train_ms, test_ms: lengths of the windows.
        gap_ms: between them; at least the longest time a trade is held, so that no trade spans both.
        is_anchored: train from the first bar on instead of on the last `train_ms`.
    """

    train_ms: int
    test_ms: int
    gap_ms: int = 0
    is_anchored: bool = False

    def __post_init__(self) -> None:
        if self.train_ms <= 0 or self.test_ms <= 0 or self.gap_ms < 0:
            raise InvalidInput(
                f"train {self.train_ms} ms, test {self.test_ms} ms and gap {self.gap_ms} ms were given; positive "
                "windows and a gap ≥ 0 are allowed."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Half-open times [from, to) of one step."""

    train_from_ms: int
    train_to_ms: int
    test_from_ms: int
    test_to_ms: int


def windows(from_ms: int, to_ms: int, plan: Plan) -> tuple[Window, ...]:
    """Cut a history; test windows follow each other without holes, the last may be shorter.

    Raises:
        InvalidInput: the history is too short for one training window, the gap and some test.
    """
    first_test = from_ms + plan.train_ms + plan.gap_ms
    if first_test >= to_ms:
        needed = (plan.train_ms + plan.gap_ms) / 86_400_000
        raise InvalidInput(
            f"The history has {(to_ms - from_ms) / 86_400_000:.1f} days; training and gap alone need {needed:.1f}.",
            hint="Use more candles or shorter windows.",
        )
    out = []
    for test_from in range(first_test, to_ms, plan.test_ms):
        train_to = test_from - plan.gap_ms
        out.append(
            Window(
                train_from_ms=from_ms if plan.is_anchored else train_to - plan.train_ms,
                train_to_ms=train_to,
                test_from_ms=test_from,
                test_to_ms=min(test_from + plan.test_ms, to_ms),
            )
        )
    return tuple(out)


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowRun:
    """A backtest of a stretch of time; indicators are warm from the bars before it, positions start flat.

    Attributes:
        ts_ms, equity: marks; the first is the start of the window with the initial equity.
        trades: closed trades with entry and exit times.
    """

    ts_ms: IntArray
    equity: FloatArray
    trades: TradeColumns


#: Backtests a parameter set on [from_ms, to_ms).
WindowRunner = Callable[[Mapping[str, Value], int, int], WindowRun]

#: Picks parameters with a runner that is bound to the training window: a sweep or a search.
Picker = Callable[[Runner], SearchResult]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One window: what was picked, how it did in and out of sample.

    Attributes:
        params: None when no parameter set qualified: the account stood aside.
        efficiency: out-of-sample / in-sample annual return; None where in-sample is not positive.
        longest_held_ms: longest trade of the training window, to compare with the gap.
    """

    window: Window
    params: Mapping[str, Value] | None
    in_sample: Metrics | None
    out_of_sample: Metrics
    efficiency: float | None
    trials: int
    longest_held_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkForward:
    """The whole walk.

    Attributes:
        ts_ms, equity: concatenated out-of-sample marks; each window starts with what the one before left.
        metrics: of that curve, with the deflated Sharpe ratio over all trials of all windows.
        efficiency: annual return out of sample / mean annual return in sample; None with its reason.
        efficiency_reason: "" or why it is undefined.
        gap_is_enough: no training trade was held longer than the gap.
    """

    steps: tuple[Step, ...]
    ts_ms: IntArray
    equity: FloatArray
    metrics: Metrics
    efficiency: float | None
    efficiency_reason: str
    gap_is_enough: bool
    was_cancelled: bool = False


def walk_forward(
    run: WindowRunner,
    pick: Picker,
    cuts: Sequence[Window],
    *,
    cancel: Event | None = None,
    progress: Callable[[Step], None] | None = None,
) -> WalkForward:
    """Walk through the windows in order.

    Args:
        pick: called once per window; see `Picker`.
        cancel: ends the walk after the running window; what was walked is the result. So does ruin.
    """
    stop = cancel or Event()
    steps: list[Step] = []
    parts: list[WindowRun] = []
    sharpes: list[float] = []
    level = 1.0
    for cut in cuts:
        if stop.is_set() or level <= 0.0:
            break  # asked to, or nothing is left to trade with
        found = pick(_bound(run, cut))
        if found.was_cancelled:
            break
        sharpes += [trial.figure("sharpe_daily") for trial in found.trials]
        step, part = _step(run, cut, found)
        steps.append(step)
        parts.append(_scaled(part, level))
        level = float(parts[-1].equity[-1])
        if progress is not None:
            progress(step)
    if not steps:
        raise InvalidInput(
            "The walk was cancelled before its first window ended; there is nothing to report."
        )
    ts_ms, equity, trades = _joined(parts)
    spread = np.array([one for one in sharpes if np.isfinite(one)])
    metrics = performance(
        ts_ms,
        equity,
        trades=trades,
        trials=Trials(
            count=max(len(sharpes), 1), sharpe_daily_sd=float(spread.std(ddof=1)) if len(spread) > 1 else 0.0
        ),
    )
    efficiency, reason = _efficiency(steps, metrics["cagr"])
    held = max(step.longest_held_ms for step in steps)
    return WalkForward(
        steps=tuple(steps),
        ts_ms=ts_ms,
        equity=equity,
        metrics=metrics,
        efficiency=efficiency,
        efficiency_reason=reason,
        gap_is_enough=held <= cuts[0].test_from_ms - cuts[0].train_to_ms,
        was_cancelled=stop.is_set() and len(steps) < len(cuts),
    )


def _bound(run: WindowRunner, cut: Window) -> Runner:
    def runner(params: Mapping[str, Value]) -> Metrics:
        found = run(params, cut.train_from_ms, cut.train_to_ms)
        return performance(found.ts_ms, found.equity, trades=found.trades)

    return runner


def _step(run: WindowRunner, cut: Window, found: SearchResult) -> tuple[Step, WindowRun]:
    if found.best is None:
        flat = WindowRun(
            ts_ms=np.array([cut.test_from_ms, cut.test_to_ms], np.int64),
            equity=np.ones(2),
            trades=TradeColumns.of([], [], []),
        )
        idle = performance(flat.ts_ms, flat.equity, trades=flat.trades)
        step = Step(
            window=cut,
            params=None,
            in_sample=None,
            out_of_sample=idle,
            efficiency=None,
            trials=len(found.trials),
            longest_held_ms=0,
        )
        return step, flat
    params = found.best.params
    trained = run(params, cut.train_from_ms, cut.train_to_ms)
    tested = run(params, cut.test_from_ms, cut.test_to_ms)
    inside = performance(trained.ts_ms, trained.equity, trades=trained.trades)
    outside = performance(tested.ts_ms, tested.equity, trades=tested.trades)
    step = Step(
        window=cut,
        params=dict(params),
        in_sample=inside,
        out_of_sample=outside,
        efficiency=_ratio(outside["cagr"], inside["cagr"]),
        trials=len(found.trials),
        longest_held_ms=_longest_held(trained.trades),
    )
    return step, tested


def _longest_held(trades: TradeColumns) -> int:
    if trades.entry_ms is None or trades.exit_ms is None or len(trades.pnl) == 0:
        return 0
    return int((trades.exit_ms - trades.entry_ms).max())


def _ratio(outside: Figure, inside: Figure) -> float | None:
    if outside is None or inside is None or not inside > 0.0:
        return None
    return outside / inside


def _efficiency(steps: Sequence[Step], outside: Figure) -> tuple[float | None, str]:
    inside = [step.in_sample["cagr"] for step in steps if step.in_sample is not None]
    defined = [one for one in inside if one is not None]
    if outside is None or not defined:
        return None, "An annual return is undefined in or out of sample."
    mean = float(np.mean(defined))
    if not mean > 0.0:
        return (
            None,
            f"The mean annual return in sample is {mean:.2%}; a positive one is needed to compare with.",
        )
    return outside / mean, ""


def _scaled(run: WindowRun, level: float) -> WindowRun:
    """Let a window start with what the one before left."""
    factor = level / float(run.equity[0])
    return WindowRun(
        ts_ms=run.ts_ms,
        equity=run.equity * factor,
        trades=TradeColumns(
            pnl=run.trades.pnl * factor, entry_ms=run.trades.entry_ms, exit_ms=run.trades.exit_ms
        ),
    )


def _joined(parts: Sequence[WindowRun]) -> tuple[IntArray, FloatArray, TradeColumns]:
    """Chain the windows; a start that repeats the end of the window before is dropped."""
    times, values = [parts[0].ts_ms], [parts[0].equity]
    for part in parts[1:]:
        fresh = part.ts_ms > times[-1][-1]
        times.append(part.ts_ms[fresh])
        values.append(part.equity[fresh])
        if not len(times[-1]):
            times.pop()
            values.pop()
    columns = [part.trades for part in parts]
    has_times = all(one.entry_ms is not None and one.exit_ms is not None for one in columns)
    trades = TradeColumns(
        pnl=np.concatenate([one.pnl for one in columns]),
        entry_ms=np.concatenate([one.entry_ms for one in columns if one.entry_ms is not None])
        if has_times
        else None,
        exit_ms=np.concatenate([one.exit_ms for one in columns if one.exit_ms is not None])
        if has_times
        else None,
    )
    return np.concatenate(times), np.concatenate(values), trades
