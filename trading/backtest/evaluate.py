"""From runs of the engine to figures: metrics and reports of a result, and runners for sweeps and walks.

A `Laboratory` lays out a history once; each parameter set then costs its signals, one pass of the engine, and its
figures. Signals are kept per parameter set (only the rows that want something), so that a walk-forward computes
them once for all its windows.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from threading import Event, Lock, local

import numpy as np
from numpy.typing import NDArray

from trading.backtest.bench import Bench
from trading.backtest.bias_audits import FillColumns
from trading.backtest.driver import run_records
from trading.backtest.history import make_history, market_candles, signal_records
from trading.backtest.metrics import Metrics, Trials, performance
from trading.backtest.report import BacktestReport, ReportTrade, build_report, trials_of
from trading.backtest.result import BacktestResult
from trading.backtest.search_space import Value, key_of
from trading.backtest.sparse import without_repeats
from trading.backtest.trade_statistics import TradeColumns
from trading.backtest.trials import Deflated, HeatMap
from trading.backtest.walk_forward import WindowRun
from trading.candles import Candles
from trading.engine.config import AccountConfig
from trading.engine.drive import History
from trading.engine.records import R_END, R_SIGNAL, Records
from trading.errors import InvalidInput
from trading.remember import Memory, remembering
from trading.signals import SignalColumns

#: Gives the signals of a parameter set, one set of columns per line of the account. Raises BadParameter for a
#: combination that makes no sense.
SignalMaker = Callable[[Mapping[str, Value]], Sequence[SignalColumns]]

#: The words behind the tag indices of each line's signals.
Tags = tuple[tuple[str, ...], ...]

#: Gives the rows that want something directly, as SIGNAL records sorted by bar, then line.
RecordMaker = Callable[[Mapping[str, Value]], Records]


#: Who moves a trailing stop, in the words of a report.
_TRAILING = {
    "close": "moved by the bot at the close of a bar, in force from the next",
    "venue": "moved by the venue inside the bar",
}


def closed_trades(result: BacktestResult) -> TradeColumns:
    """Give the finished round trips of a run as columns."""
    # Column by column: picking whole records would copy every field of each.
    rows, closed = result.trade_records, result.closed
    return TradeColumns(
        pnl=rows["pnl"][closed], entry_ms=rows["entry_ms"][closed], exit_ms=rows["exit_ms"][closed]
    )


def close_times(result: BacktestResult) -> NDArray[np.int64]:
    """Give when each value of the equity was known."""
    return result.ts_ms + result.config.timeframe_ms


def metrics_of(result: BacktestResult, *, trials: Trials | None = None) -> Metrics:
    """Compute every figure of a run; positions that the data's end found open count in the equity only.

    Raises:
        InvalidInput: the run holds no bar.
    """
    if len(result.ts_ms) == 0:
        raise InvalidInput("The run holds no bar; at least one is needed for figures.")
    return performance(
        close_times(result),
        result.equity,
        trades=closed_trades(result),
        initial=float(result.config.capital),
        start_ms=int(result.ts_ms[0]),
        trials=trials,
    )


def report_of(
    result: BacktestResult,
    *,
    strategy: str,
    params: Mapping[str, Value],
    timeframe: str,
    metrics: Metrics | None = None,
    deflated: Deflated | None = None,
    heat: HeatMap | None = None,
    objective: str = "",
    notes: Sequence[str] = (),
) -> BacktestReport:
    """Compute the report of a run.

    Args:
        notes: what a careful reader should know, beside what the run itself tells (refused entries, notices).
    """
    config = result.config
    costs = config.costs
    settings = {
        "Capital": f"{config.capital:,} {config.lines[0].instrument.quote}",
        "Fees": f"maker {costs.maker_fee:.3%}, taker {costs.taker_fee:.3%}",
        "Slippage and spread": f"{costs.slippage:.3%} and {costs.spread:.3%}",
        "Limit orders fill": f"on {costs.fill}",
        "Trailing stops": _TRAILING[costs.trailing],
    }
    denied = [
        f"{count:,} {'entry was' if count == 1 else 'entries were'} refused: {reason}."
        for reason, count in result.denied.items()
    ]
    still_open = int((~result.closed).sum())
    if still_open:
        some = "1 position was" if still_open == 1 else f"{still_open} positions were"
        denied.append(f"{some} open at the end, valued at the last close.")
    if not result.is_complete:
        denied.append("The run was cancelled; the figures cover the bars that were done.")
    ts_ms = np.concatenate((result.ts_ms[:1], close_times(result)))
    return build_report(
        strategy=strategy,
        params=params,
        pairs=tuple(dict.fromkeys(line.instrument.pair for line in config.lines)),
        timeframe=timeframe,
        bars=len(result.ts_ms),
        ts_ms=ts_ms,
        equity=np.concatenate(([float(config.capital)], result.equity)),
        trades=report_trades(result),
        settings=settings,
        currency=config.lines[0].instrument.quote,
        metrics=metrics or metrics_of(result, trials=trials_of(deflated)),
        deflated=deflated,
        heat=heat,
        objective=objective,
        notes=(*notes, *denied),
    )


def report_trades(result: BacktestResult) -> tuple[ReportTrade, ...]:
    """Give the round trips as rows of a report, those still open last and marked."""
    return tuple(
        ReportTrade(
            number=number,
            pair=trade.pair,
            side=1 if trade.is_long else -1,
            quantity=float(trade.quantity),
            entry_ms=trade.entry_ms,
            exit_ms=trade.exit_ms,
            entry_price=float(trade.entry_price),
            exit_price=float(trade.exit_price),
            pnl=float(trade.pnl),
            pnl_ratio=trade.pnl_ratio,
            fees=float(trade.fees),
            reason=str(trade.reason),
            tag=trade.tag,
            is_open_at_end=trade.is_open,
        )
        for number, trade in enumerate(result.trades, start=1)
    )


class Laboratory:
    """One history and one account, many parameter sets. Safe to call from several threads.

    Args:
        series: candles, one per line of the account, in its order.
        signals: see `SignalMaker`; or `records` for makers that give the sparse rows themselves.
        most_kept: parameter sets whose signals are remembered.
        cancel: when set, running backtests end at their next chunk.
    """

    def __init__(
        self,
        series: Sequence[Candles],
        account: AccountConfig,
        signals: SignalMaker | None = None,
        *,
        records: RecordMaker | None = None,
        detail: Mapping[str, Candles] | None = None,
        most_kept: int = 256,
        cancel: Event | None = None,
    ) -> None:
        if (signals is None) == (records is None):
            raise InvalidInput("A laboratory needs either signals or records, not both.")
        self.account = account
        self.series = tuple(series)
        self.history = make_history(account, market_candles(account, series), detail=detail)
        self._signals, self._records = signals, records
        self._kept: OrderedDict[tuple[tuple[str, str], ...], tuple[Records, Tags]] = OrderedDict()
        self._most_kept, self._cancel, self._lock = most_kept, cancel, Lock()
        self._own, self._memory = local(), Memory()

    def rows(self, params: Mapping[str, Value], *, keeps: bool = False) -> tuple[Records, Tags]:
        """Give the signal rows of a parameter set and their words.

        Args:
            keeps: remember them: a walk asks for the same set once per window, a sweep only once.
        """
        key = key_of(params)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        made = self._made(params)
        if keeps:
            with self._lock:
                self._kept[key] = made
                while len(self._kept) > self._most_kept:
                    self._kept.popitem(last=False)
        return made

    def _made(self, params: Mapping[str, Value]) -> tuple[Records, Tags]:
        if self._records is not None:
            return self._records(params), ()
        assert self._signals is not None
        # What several sets have in common (an average, the waves) is computed for the first of them.
        with remembering(self._memory):
            columns = [without_repeats(one) for one in self._signals(params)]
        return signal_records(self.history.ts_ms, self.series, columns), tuple(one.tags for one in columns)

    def result(self, params: Mapping[str, Value]) -> BacktestResult:
        """Backtest a parameter set over the whole history."""
        rows, tags = self.rows(params)
        return run_records(self.history, rows, self.account, tags=tags, cancel=self._cancel)

    def __call__(self, params: Mapping[str, Value]) -> Metrics:
        """Backtest a parameter set: the runner of sweeps and searches."""
        rows, _ = self.rows(params)
        bench: Bench | None = getattr(self._own, "bench", None)
        if bench is None:
            bench = self._own.bench = Bench(self.history, self.account)
        return bench.run(rows, self._cancel)

    def window(self, params: Mapping[str, Value], from_ms: int, to_ms: int) -> WindowRun:
        """Backtest the bars that open in [from_ms, to_ms): the runner of walks.

        Indicators are warm from the bars before; the account starts flat with its capital.
        """
        start, stop = np.searchsorted(self.history.ts_ms, (from_ms, to_ms)).tolist()
        if stop <= start:
            raise InvalidInput(f"No bar opens in [{from_ms}, {to_ms}); the history lies elsewhere.")
        rows, tags = self.rows(params, keeps=True)
        first, last = np.searchsorted(rows["at"], (start, stop)).tolist()
        inside = rows[first:last].copy()
        inside["at"] -= start
        part = _part(self.history, start, stop)
        result = run_records(part, inside, self.account, tags=tags, cancel=self._cancel)
        return WindowRun(
            ts_ms=np.concatenate((result.ts_ms[:1], close_times(result))),
            equity=np.concatenate(([float(self.account.capital)], result.equity)),
            trades=closed_trades(result),
        )


def _part(history: History, start: int, stop: int) -> History:
    """Cut rows start … stop - 1 out of a history as views; correlations of earlier days stay."""
    bars = slice(start, stop)
    inside, inside_ms, inside_from = history.inside, history.inside_ms, history.inside_from
    if len(inside_from):
        low, high = int(inside_from[start]), int(inside_from[stop])
        inside, inside_ms = inside[low:high], inside_ms[low:high]
        inside_from = inside_from[start : stop + 1] - low
    return history._replace(
        ts_ms=history.ts_ms[bars],
        open=history.open[bars],
        high=history.high[bars],
        low=history.low[bars],
        close=history.close[bars],
        volume=history.volume[bars],
        atr=history.atr[bars] if len(history.atr) else history.atr,
        flags=history.flags[bars],
        odd=history.odd[bars],
        inside=inside,
        inside_ms=inside_ms,
        inside_from=inside_from,
    )


def fills_of(result: BacktestResult, rows: Records, *, line: int = 0) -> FillColumns:
    """Give a line's fills with the bar that decided each, for `audit_fills`.

    Args:
        rows: the SIGNAL records that the run was given. An entry was decided by the last row that entered before
            it filled, a closing by signal by the last row that asked for it; stops, targets and time limits were
            decided with the entry. A fill without such a row counts as decided in its own bar: a finding.
    """
    fills = result.fill_records[result.fill_records["line"] == line]
    own = rows[rows["line"] == line]
    entered = own["at"][own["enter"] != 0]
    asked = own["at"][own["exit"] != 0]
    wanted = np.searchsorted(entered, fills["bar"], "left") - 1
    by_entry = np.where(wanted >= 0, entered[np.maximum(wanted, 0)] if len(entered) else 0, fills["bar"])
    told = np.searchsorted(asked, fills["bar"], "left") - 1
    by_signal = np.where(told >= 0, asked[np.maximum(told, 0)] if len(asked) else 0, fills["bar"])
    step = float(result.config.lines[line].instrument.step)
    return FillColumns(
        decided=np.where(fills["reason"] == R_SIGNAL, by_signal, by_entry).astype(np.int64),
        bar=fills["bar"].astype(np.int64),
        side=fills["side"].astype(np.int64),
        quantity=fills["lots"] * step,
        price=np.ascontiguousarray(fills["price"]),
        is_report=fills["reason"] == R_END,
        is_limit=fills["maker"] != 0,
    )
