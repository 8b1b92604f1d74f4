"""One thread's memory for many runs over the same history: nothing is allocated and no value object is built.

The run itself is the engine's, on the engine's records; only what surrounds it is kept between runs.
"""

from __future__ import annotations

from threading import Event

import numpy as np

from trading.backtest.driver import CHUNK_BARS
from trading.backtest.metrics import Metrics, metrics_of_curve
from trading.backtest.returns import Curve
from trading.backtest.trade_statistics import TradeColumns
from trading.engine.build import markets, new_book
from trading.engine.config import AccountConfig
from trading.engine.drive import History, drive, new_watch
from trading.engine.reach import new_handle
from trading.engine.records import BAR, Book, Records, tape

#: Steps that the first tape can hold; enough for a thousand trades of one line.
_STEPS = 256


class Bench:
    """Runs parameter sets one after the other; not to be shared between threads."""

    def __init__(self, history: History, account: AccountConfig) -> None:
        self._history, self._account = history, account
        self._fresh = new_book(account)
        self._book = Book(*(records.copy() for records in self._fresh))
        self._watch = new_watch(len(account.lines))
        self._row = np.zeros(len(markets(account)), BAR)
        self._equity = np.empty(len(history.ts_ms))
        self._close_ms = history.ts_ms + account.timeframe_ms
        self._place = np.zeros(3, np.int64)
        self._reserve(_STEPS)

    def _reserve(self, steps: int) -> None:
        self._steps = steps
        self._tape = tape(len(self._account.lines), steps)
        self._handle = new_handle(self._book, self._tape)

    def run(self, rows: Records, cancel: Event | None = None) -> Metrics:
        """Run signal rows over the whole history and give every figure; a cancelled run gives those of its part."""
        while True:
            done, is_full = self._pass(rows, cancel)
            if not is_full:
                break
            # Counted from the start again: rare, and the next run finds the room.
            self._reserve(self._steps * 4)
        closed = self._tape.trades[: self._book.account[0]["trades"]]
        capital = float(self._account.capital)
        curve = Curve(
            start_ms=int(self._history.ts_ms[0]),
            start=capital,
            ts_ms=self._close_ms[:done],
            value=self._equity[:done],
        )
        return metrics_of_curve(
            curve,
            profit=curve.end - capital,
            trades=TradeColumns(
                pnl=np.ascontiguousarray(closed["pnl"]),
                entry_ms=np.ascontiguousarray(closed["entry_ms"]),
                exit_ms=np.ascontiguousarray(closed["exit_ms"]),
            ),
        )

    def _pass(self, rows: Records, cancel: Event | None) -> tuple[int, bool]:
        """Give how many bars were done, and whether the tape was too short for the rest."""
        for mine, fresh in zip(self._book, self._fresh, strict=True):
            mine[...] = fresh
        self._place[:] = 0
        done, total = 0, len(self._equity)
        while done < total:
            stop = min(total, done + CHUNK_BARS)
            done = drive(
                self._handle,
                self._history,
                rows,
                self._watch,
                self._row,
                self._equity,
                self._place,
                stop,
                True,
            )
            if done < stop:
                return done, True
            if cancel is not None and cancel.is_set():
                break
        return done, False
