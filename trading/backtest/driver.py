"""The loop around the compiled loop: chunks, cancellation, and collecting what the tape holds."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event

import numpy as np
from numpy.typing import NDArray

from trading.backtest.result import BacktestResult
from trading.engine.config import AccountConfig
from trading.engine.convert import notice_value
from trading.engine.drive import History, drive, new_watch
from trading.engine.engine import AccountEngine
from trading.engine.reach import new_handle
from trading.engine.records import BAR, DENIALS, R_END, TRADE, Book, Records, Tape, tape
from trading.engine.views import Notice

#: Bars between two looks at the cancel flag.
CHUNK_BARS = 100_000

Progress = Callable[[int, int], None]


def run_records(
    history: History,
    signals: Records,
    account: AccountConfig,
    *,
    skips: bool = True,
    tags: tuple[tuple[str, ...], ...] = (),
    on_progress: Progress | None = None,
    cancel: Event | None = None,
) -> BacktestResult:
    """Run prepared signal records over a prepared history; sweeps prepare the history once."""
    engine = AccountEngine(account)
    book = engine.book
    n, total = len(account.lines), len(history.ts_ms)
    log = Log(n)
    watch = new_watch(n)
    row = np.zeros(len(engine.markets), BAR)
    equity = np.empty(total)
    place = np.zeros(3, np.int64)
    done = 0
    while done < total:
        stop = min(total, done + (CHUNK_BARS if skips else 1))
        done = drive(log.handle(book), history, signals, watch, row, equity, place, stop, skips)
        if skips or done < stop:
            log.drain(book, is_full=done < stop)
        if done % CHUNK_BARS == 0 or done == total:
            if on_progress is not None:
                on_progress(done, total)
            if cancel is not None and cancel.is_set():
                break
    log.drain(book)
    return finished(engine, history, log, equity, done, tags)


class Log:
    """The tape of a whole run; it is given more room when it was too short."""

    def __init__(self, lines: int) -> None:
        self.lines = lines
        self.steps = 64
        self.tape: Tape = tape(lines, self.steps)
        self._handle: Records | None = None
        self.notices: list[Notice] = []

    def handle(self, book: Book) -> Records:
        """Give the handle of the account that writes on this tape."""
        if self._handle is None:
            self._handle = new_handle(book, self.tape)
        return self._handle

    def drain(self, book: Book, *, is_full: bool = False) -> None:
        """Take over what may be forgotten; fills and trades stay on the tape, and a full one grows."""
        account = book.account[0]
        self.notices += [notice_value(row) for row in self.tape.notices[: account["notices"]]]
        account["notices"] = account["intents"] = 0
        if is_full:
            self.steps *= 4
            longer = tape(self.lines, self.steps)
            for name in ("fills", "trades"):
                _copy(getattr(self.tape, name)[: account[name]], getattr(longer, name))
            self.tape = longer
            self._handle = None

    def taken(self, book: Book, name: str, further: Records | None = None) -> Records:
        """Give the fills or the trades of the run, and what stands after them; the tape is not used again."""
        rows: Records = getattr(self.tape, name)
        count = int(book.account[0][name])
        total = count + (0 if further is None else len(further))
        if total > len(rows) or 2 * total < len(rows):
            # A result may be kept for long: it does not hold much more memory than it shows.
            room = np.empty(total, rows.dtype)
            _copy(rows[:count], room)
            rows = room
        if further is not None:
            rows[count:total] = further
        return rows[:total]


def _copy(rows: Records, out: Records) -> None:
    """Copy records as bytes: numpy copies them one by one."""
    out[: len(rows)].view(np.uint8)[:] = rows.view(np.uint8)


def finished(
    engine: AccountEngine,
    history: History,
    log: Log,
    equity: NDArray[np.float64],
    done: int,
    tags: tuple[tuple[str, ...], ...],
) -> BacktestResult:
    """Give the result of a run that has done so many bars."""
    book = engine.book
    still_open = _still_open(book, int(history.ts_ms[done - 1]) if done else 0)
    return BacktestResult(
        config=engine.config,
        tags=tags or tuple(line.tags for line in engine.config.lines),
        ts_ms=history.ts_ms[:done],
        equity=equity[:done],
        fill_records=log.taken(book, "fills"),
        trade_records=log.taken(book, "trades", still_open),
        denied={
            reason: int(count)
            for reason, count in zip(DENIALS, book.account[0]["denied"], strict=True)
            if reason and count
        },
        notices=tuple(log.notices),
        account=engine.account(),
        positions=engine.positions(),
        is_complete=done == len(history.ts_ms),
    )


def _still_open(book: Book, last_ms: int) -> Records:
    """Give the positions that the data's end found open, valued at their last close, without exit costs."""
    held = np.flatnonzero((book.positions["side"] != 0) & (book.positions["entry_lots"] > 0))
    out = np.zeros(len(held), TRADE)
    for k, i in enumerate(held):
        p, trade, step = book.positions[i], out[k], float(book.lines[i]["step"])
        lots, side = int(p["lots"]), int(p["side"])
        entry = float(p["entry_value"]) / int(p["entry_lots"])
        pnl = float(p["realised"] - p["fees"]) + side * (float(p["mark"]) - float(p["price"])) * lots * step
        cost = float(p["entry_value"]) * step + float(p["entry_fees"])
        trade["line"], trade["side"], trade["lots"] = i, side, p["entry_lots"]
        trade["entry_ms"], trade["exit_ms"] = p["entry_ms"], last_ms
        trade["entry_bar"], trade["exit_bar"] = p["entry_clock"], max(0, book.account[0]["clock"] - 1)
        trade["entry_price"] = entry
        trade["exit_price"] = (float(p["exit_value"]) + float(p["mark"]) * lots) / max(
            1, int(p["exit_lots"]) + lots
        )
        trade["pnl"], trade["pnl_ratio"], trade["fees"] = pnl, pnl / cost, p["fees"]
        trade["reason"], trade["tag"], trade["exit_tag"] = R_END, p["tag"], -1
        best, worst = (p["high"], p["low"]) if side > 0 else (p["low"], p["high"])
        trade["mfe"], trade["mae"] = side * (best - entry) / entry, side * (worst - entry) / entry
        trade["binding"], trade["first_stop"] = p["binding"], p["first_stop"]
    return out
