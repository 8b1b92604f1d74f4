"""Running an account over a history: array-driven or bar by bar, the same rules and the same result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from threading import Event
from typing import Literal

from trading.backtest.asking import EngineView, EventHook, no_rows, run_asking
from trading.backtest.driver import Progress, run_records
from trading.backtest.history import make_history, market_candles, signal_records
from trading.backtest.result import BacktestResult
from trading.backtest.simulate import SimFill, SimOrder, SimPosition, Simulation, Trailing, simulate
from trading.candles import Candles
from trading.engine.config import AccountConfig
from trading.signals import SignalColumns

__all__ = [
    "EngineView",
    "EventHook",
    "SimFill",
    "SimOrder",
    "SimPosition",
    "Simulation",
    "Trailing",
    "backtest",
    "backtest_with",
    "simulate",
]


def backtest(
    series: Sequence[Candles],
    signals: Sequence[SignalColumns],
    account: AccountConfig,
    *,
    driver: Literal["array", "bar"] = "array",
    detail: Mapping[str, Candles] | None = None,
    on_progress: Progress | None = None,
    cancel: Event | None = None,
) -> BacktestResult:
    """Run signal columns over candles on one account.

    Args:
        series, signals: one per line of the account, in its order; lines of one pair share their candles.
        driver: "array" passes over bars that do not matter, "bar" steps every one; the results are equal.
        detail: shorter candles by pair, which settle what happened first inside a bar.
        on_progress: told (bars done, bars in all) between chunks.
        cancel: when set, the run ends at the next chunk and gives what it has.

    Raises:
        ShapeMismatch: series, signals and lines do not fit together.
        InvalidInput: timeframes differ from the account's.
    """
    history = make_history(account, market_candles(account, series), detail=detail)
    # These columns are all that the account is told, so a repeated exit wish changes nothing.
    rows = signal_records(history.ts_ms, series, signals, keeps_repeats=False)
    return run_records(
        history,
        rows,
        account,
        skips=driver == "array",
        tags=tuple(columns.tags for columns in signals),
        on_progress=on_progress,
        cancel=cancel,
    )


def backtest_with(
    series: Sequence[Candles],
    account: AccountConfig,
    on_event: EventHook,
    *,
    signals: Sequence[SignalColumns] | None = None,
    detail: Mapping[str, Candles] | None = None,
    tags: tuple[tuple[str, ...], ...] = (),
    on_progress: Progress | None = None,
    cancel: Event | None = None,
) -> BacktestResult:
    """Run candles on one account and ask Python code what is wanted, between a bar's fills and its decisions.

    With `signals` it is asked only at the bars where those columns want something or something was filled, and the
    compiled loop runs from one to the next; without them at every bar. Stops, targets and trailing stay with the
    engine. Rows that only ask to leave are passed over while nothing is held or ordered.

    Args:
        series: one per line of the account, in its order; lines of one pair share their candles.
        on_event: called as on_event(view, t). None or False: nothing is wanted; True: the prepared rows as they
            are; a Signal for line 0, or Signals by line, instead of them. `t` counts the common time axis.
        detail, on_progress, cancel: as in `backtest`.
        tags: the words of each line's tag indices; those of `signals` where left out.

    Raises:
        ShapeMismatch: series, signals and lines do not fit together.
        InvalidInput: timeframes differ from the account's, or a row was answered for an unknown line.

    Example:
        Take a crossing only while the close is above its average:
        `backtest_with([candles], account, lambda view, t: bool(close[t] > mean[t]), signals=[crossings])`.
    """
    history = make_history(account, market_candles(account, series), detail=detail)
    rows = no_rows() if signals is None else signal_records(history.ts_ms, series, signals)
    return run_asking(
        history,
        rows,
        account,
        on_event,
        asks_always=signals is None,
        tags=tags or tuple(columns.tags for columns in signals or ()),
        on_progress=on_progress,
        cancel=cancel,
    )
