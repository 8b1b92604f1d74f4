"""Running an account over a history: array-driven or bar by bar, the same rules and the same result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from threading import Event
from typing import Literal

from trading.backtest.driver import Progress, run_records
from trading.backtest.history import make_history, market_candles, signal_records
from trading.backtest.result import BacktestResult
from trading.backtest.simulate import SimFill, SimOrder, SimPosition, Simulation, Trailing, simulate
from trading.candles import Candles
from trading.engine.config import AccountConfig
from trading.signals import SignalColumns

__all__ = ["SimFill", "SimOrder", "SimPosition", "Simulation", "Trailing", "backtest", "simulate"]


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
    rows = signal_records(history.ts_ms, series, signals)
    return run_records(
        history,
        rows,
        account,
        skips=driver == "array",
        tags=tuple(columns.tags for columns in signals),
        on_progress=on_progress,
        cancel=cancel,
    )
