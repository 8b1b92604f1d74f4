"""Backtests with a say in Python: the compiled loop runs to the next event and asks there what is wanted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Event

import numpy as np

from trading.backtest.driver import CHUNK_BARS, Log, Progress, finished
from trading.backtest.result import BacktestResult
from trading.engine.ask import AS_PREPARED, FULL, NOTHING, RUN, go_on, lay
from trading.engine.config import AccountConfig
from trading.engine.convert import fill_value, signal_rows, write_signal
from trading.engine.course import COURSE, History, new_watch
from trading.engine.engine import AccountEngine
from trading.engine.records import BAR, SIGNAL, Records
from trading.engine.views import AccountView, EngineFill, PositionView
from trading.errors import InvalidInput
from trading.signals import Signal

#: What is wanted at the close of a bar: None or False nothing; True the prepared rows as they are; a row for
#: line 0, or rows by line, instead of the prepared ones.
Answer = Signal | Mapping[int, Signal] | bool | None


class EngineView:
    """The account between the fills of a bar and the decisions at its close: positions stand after this bar's fills.

    Everything is read when it is asked for. Valuation (mark, equity, best prices) is that of the last close before.
    """

    def __init__(
        self, engine: AccountEngine, history: History, signals: Records, run: Records, log: Log
    ) -> None:
        self._engine, self._history, self._signals, self._run, self._log = engine, history, signals, run, log
        self._sides = engine.book.positions["side"]
        self._exits = engine.book.positions["exit_reason"]

    @property
    def t(self) -> int:
        """Index of the bar whose close is being decided."""
        return int(self._run[0]["t"])

    @property
    def ts_ms(self) -> int:
        """Open time of that bar."""
        return int(self._history.ts_ms[self.t])

    def side(self, line: int = 0) -> int:
        """Give +1 while a line is long, -1 while it is short, 0 while it is flat."""
        return int(self._sides[line])

    def is_leaving(self, line: int = 0) -> bool:
        """Tell whether a line's position closes at the next open already."""
        return bool(self._exits[line])

    def position(self, line: int = 0) -> PositionView:
        """Give a line as it stands."""
        return self._engine.position(line)

    def account(self) -> AccountView:
        """Give the account as it stands."""
        return self._engine.account()

    @property
    def fills(self) -> tuple[EngineFill, ...]:
        """What this bar filled."""
        count = int(self._engine.book.account[0]["fills"])
        rows = self._log.tape.fills[int(self._run[0]["fills_before"]) : count]
        return tuple(fill_value(self._engine.config.account_id, row) for row in rows)

    @property
    def prepared(self) -> Records:
        """The SIGNAL records that the columns prepared for this bar, one per line that wants something."""
        return self._signals[int(self._run[0]["first"]) : int(self._run[0]["cursor"])]


#: Is asked at events, with the account and the index of the bar on the common time axis.
EventHook = Callable[[EngineView, int], Answer]


def run_asking(
    history: History,
    signals: Records,
    account: AccountConfig,
    on_event: EventHook,
    *,
    asks_always: bool = False,
    tags: tuple[tuple[str, ...], ...] = (),
    on_progress: Progress | None = None,
    cancel: Event | None = None,
) -> BacktestResult:
    """Run prepared rows over a prepared history and ask at each event; see `backtest_with`."""
    engine = AccountEngine(account)
    n, total = len(account.lines), len(history.ts_ms)
    log, watch = Log(n), new_watch(n)
    row, equity = np.zeros(len(engine.markets), BAR), np.empty(total)
    courses, run, answers = np.zeros(1, COURSE), np.zeros(1, RUN), signal_rows(n)
    lay(courses, history, watch, signals, row, equity)
    run["course_at"], run["course_count"] = courses.ctypes.data, 1
    run["answers_at"], run["answers_count"] = answers.ctypes.data, n
    run["asks_always"] = asks_always
    view = EngineView(engine, history, signals, run, log)
    address = int(run.ctypes.data)
    stop = 0
    while stop < total:
        stop = min(total, stop + CHUNK_BARS)
        run["stop"] = stop
        _pass(engine, log, run, address, view, on_event, answers)
        if on_progress is not None:
            on_progress(stop, total)
        if cancel is not None and cancel.is_set():
            break
    log.drain(engine.book)
    return finished(engine, history, log, equity, int(run[0]["t"]), tags)


def _pass(
    engine: AccountEngine,
    log: Log,
    run: Records,
    address: int,
    view: EngineView,
    on_event: EventHook,
    answers: Records,
) -> None:
    """Run up to the stop of the run."""
    book = engine.book
    while True:
        handle = log.handle(book)
        run["handle_at"], run["handle_count"] = handle.ctypes.data, 1
        at = go_on(address, NOTHING)
        while at >= 0:
            wanted = on_event(view, at)
            if wanted is None or wanted is False:
                at = go_on(address, NOTHING)
            elif wanted is True:
                at = go_on(address, AS_PREPARED)
            else:
                at = go_on(address, AS_PREPARED + _write(answers, wanted))
        log.drain(book, is_full=at == FULL)
        if at != FULL:
            return


def _write(answers: Records, wanted: Signal | Mapping[int, Signal]) -> int:
    """Write the rows that were answered, by line; give how many."""
    if isinstance(wanted, Signal):
        write_signal(answers, 0, 0, wanted)
        return 1
    for k, line in enumerate(sorted(wanted)):
        if not 0 <= line < len(answers):
            raise InvalidInput(f"A row for line {line} was answered; 0 … {len(answers) - 1} exist.")
        write_signal(answers, k, line, wanted[line])
    return len(wanted)


def no_rows() -> Records:
    """Give no prepared rows: for hooks that are asked at every bar."""
    return np.zeros(0, SIGNAL)
