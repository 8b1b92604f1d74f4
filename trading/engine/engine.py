"""The engine's Python face: one account, one closed bar time at a time."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trading.candles import MISSING
from trading.engine import evidence, kernel, snapshot
from trading.engine.build import markets, new_book
from trading.engine.commands import CommandKind, EngineCommand, obey
from trading.engine.config import AccountConfig
from trading.engine.convert import (
    exact_fill,
    exact_intent,
    fill_value,
    intent_value,
    notice_value,
    reason_code,
    reason_of,
    side_of,
    signal_rows,
    trade_value,
    write_signal,
)
from trading.engine.reach import new_handle
from trading.engine.records import (
    BAR,
    EVENT,
    GRID_LEVELS,
    KINDS,
    LOCKS,
    REASONS,
    RESTING,
    STATES,
    Book,
    Records,
    Tape,
    tape,
)
from trading.engine.summary import summarise
from trading.engine.views import (
    AccountView,
    BarRow,
    ClosedTrade,
    EngineEvent,
    EngineFill,
    EngineIntent,
    LegView,
    Notice,
    PositionView,
    RestingOrder,
)
from trading.errors import InvalidInput
from trading.fills import Fill
from trading.orders import Intent, OrderType, Side
from trading.risk.limits import update_links
from trading.signals import Signal

__all__ = ["AccountEngine", "CommandKind", "EngineCommand"]


class AccountEngine:
    """One account's rules and state.

    Call order per closed bar time: `match` where bars fill orders (no venue), else `apply` for each piece of
    evidence; then `decide`. What is wanted comes back as values; nothing is sent and no time is read here.
    """

    def __init__(self, config: AccountConfig) -> None:
        self.config = config
        #: Pairs of the account, each once; the columns of `set_correlation` follow the lines, not these.
        self.markets = markets(config)
        self._book: Book = new_book(config)
        n = len(config.lines)
        self._tape: Tape = tape(n)
        self._handle = new_handle(self._book, self._tape)
        self._row = np.zeros(len(self.markets), BAR)
        self._one_row = self._row.reshape(1, -1)
        self._one_time = np.zeros(1, np.int64)
        # Views of the counters, so that nothing is looked up when nothing happened.
        self._counts = {name: self._book.account[name] for name in ("fills", "trades", "intents", "notices")}
        self._market_of = [int(m) for m in self._book.lines["market"]]
        self._signals = signal_rows(n)
        self._event = np.zeros(1, EVENT)
        self._resting = np.zeros(4 + GRID_LEVELS, RESTING)
        self._trades: list[ClosedTrade] = []
        self._notices: list[Notice] = []

    def match(self, bars: BarRow, *, inside: tuple[BarRow, ...] = ()) -> tuple[EngineFill, ...]:
        """Fill what a bar fills, as a venue would; the fills are already applied.

        Args:
            inside: the shorter bars that make up the bar, in order, where they are known.
        """
        if not inside:
            self._one_time[0] = self._write_row(self._row, bars)
            kernel.match(self._handle, self._one_row, self._one_time)
            return self._drain_fills()
        block = np.zeros((len(inside), len(self.markets)), BAR)
        ts_ms = np.zeros(len(inside), np.int64)
        for k, row in enumerate(inside):
            ts_ms[k] = self._write_row(block[k], row)
        self._fill_absent(block, bars)
        kernel.match(self._handle, block, ts_ms)
        return self._drain_fills()

    def apply(self, event: EngineEvent) -> tuple[EngineFill, ...]:
        """Fold one piece of evidence into the account; a known sequence changes nothing.

        Returns:
            The fills that were booked, empty for evidence that moves nothing.
        """
        self._check_line(event.line)
        self._event[0] = (
            int(event.kind), event.sequence, event.line, event.intent_sequence, 1 if event.side is Side.BUY else -1,
            event.lots, event.price, event.fee, event.ts_ms, reason_code(event.reason), event.leg, event.is_maker,
            event.amount,
        )  # fmt: skip
        evidence.apply(self._handle, self._event)
        return self._drain_fills()

    def decide(self, bars: BarRow, signals: Mapping[int, Signal]) -> tuple[EngineIntent, ...]:
        """Decide at the close of a bar time; denied entries are among the intents, with their reason."""
        ts_ms = self._write_row(self._row, bars)
        for k, (line, signal) in enumerate(signals.items()):
            self._check_line(line)
            write_signal(self._signals, k, line, signal)
        kernel.decide(
            self._handle,
            self._row,
            ts_ms + self.config.timeframe_ms,
            self._signals,
            0,
            len(signals),
        )
        return self._drain_intents()

    def protection(self, line: int) -> tuple[RestingOrder, ...]:
        """Give the orders that should rest at the venue for a line's position now."""
        self._check_line(line)
        count = evidence.protection(self._handle, line, self._resting)
        return tuple(_resting_value(line, self._resting[k]) for k in range(count))

    def command(self, command: EngineCommand) -> tuple[EngineIntent, ...]:
        """Obey a person: pause, halt, close, move a stop, lock; intents that follow are given at once."""
        if command.line is not None:
            self._check_line(command.line)
        obey(self._book, self._handle, command)
        return self._drain_intents()

    def set_correlation(self, rho: NDArray[np.float64]) -> None:
        """Take the day's correlation coefficients between lines, shape (n, n), NaN where undefined."""
        n = len(self.config.lines)
        if rho.shape != (n, n):
            raise InvalidInput(f"Coefficients of shape {rho.shape} were given; ({n}, {n}) is needed.")
        limits = self.config.limits
        update_links(
            self._book.links,
            np.ascontiguousarray(rho, np.float64),
            limits.correlation_threshold,
            limits.correlation_release,
        )

    @property
    def book(self) -> Book:
        """The records behind the engine, for loops that run in compiled code."""
        return self._book

    def take_trades(self) -> tuple[ClosedTrade, ...]:
        """Give the round trips finished since the last call."""
        self._drain_history()
        out, self._trades = tuple(self._trades), []
        return out

    def take_notices(self) -> tuple[Notice, ...]:
        """Give what happened to the account since the last call: halts, locks, lapsed entries."""
        self._drain_history()
        out, self._notices = tuple(self._notices), []
        return out

    def position(self, line: int) -> PositionView:
        """Give one line as it stands."""
        self._check_line(line)
        one, row, order = self.config.lines[line], self._book.positions[line], self._book.orders[line]
        instrument = one.instrument
        lots, side = int(row["lots"]), int(row["side"])
        step = float(instrument.step)
        return PositionView(
            line=line,
            bot_id=one.bot_id,
            pair=instrument.pair,
            side=side,
            lots=lots,
            quantity=instrument.quantity_of(lots),
            entry_price=float(row["price"]) if lots else math.nan,
            entry_ms=int(row["entry_ms"]) if side else 0,
            bars_held=int(self._book.account[0]["clock"] - row["entry_clock"]) if side else 0,
            mark=float(row["mark"]),
            stop=float(row["stop"]) if side else math.nan,
            stop_reason=REASONS[row["stop_kind"]] if side else None,
            legs=tuple(
                LegView(
                    leg=k + 1,
                    price=float(row["leg_price"][k]),
                    quantity=instrument.quantity_of(int(row["leg_lots"][k])),
                    filled=instrument.quantity_of(int(row["leg_filled"][k])),
                )
                for k in range(len(row["leg_lots"]))
                if side and row["leg_lots"][k] > 0
            ),
            unrealised=side * (float(row["mark"]) - float(row["price"])) * lots * step,
            realised=float(row["realised"]) if side else 0.0,
            fees=float(row["fees"]) if side else 0.0,
            tag=int(row["tag"]) if side else -1,
            is_closing=bool(row["exit_reason"]),
            is_grid=bool(row["grid_levels"]),
            is_paused=bool(row["paused"]),
            is_frozen=bool(row["frozen"]),
            locked_until_ms=int(row["lock_until_ms"]),
            lock_reason=LOCKS[row["lock_reason"]],
            pending_side=int(order["side"]),
            pending_lots=int(order["lots"] - order["filled"]),
            pending_price=float(order["price"]) if order["side"] else math.nan,
            pending_sequence=int(order["sequence"]),
        )

    def positions(self) -> tuple[PositionView, ...]:
        """Give every line as it stands, flat ones too, in the order of the configuration."""
        return tuple(self.position(line) for line in range(len(self.config.lines)))

    def account(self) -> AccountView:
        """Give the account as it stands."""
        row, book = self._book.account[0], self._book
        worth = [
            float(p["side"] * p["lots"]) * float(one["step"]) * float(p["mark"])
            for p, one in zip(book.positions, book.lines, strict=True)
        ]
        free, open_risk, taken = summarise(self._handle)
        entry_worth = sum(
            float(p["side"] * p["lots"]) * float(one["step"]) * float(p["price"])
            for p, one in zip(book.positions, book.lines, strict=True)
        )
        equity, peak, start = float(row["equity"]), float(row["peak"]), float(row["day_start"])
        return AccountView(
            account_id=self.config.account_id,
            state=STATES[row["state"]],
            is_killed=bool(row["kill"]),
            is_daily_blocked=bool(row["daily_blocked"]),
            cash=float(row["cash"]),
            free=free,
            equity=equity,
            peak=peak,
            drawdown_ratio=equity / peak - 1.0 if peak > 0 else 0.0,
            day_start=start,
            day_ratio=equity / start - 1.0 if start > 0 else 0.0,
            realised=float(row["realised"]),
            unrealised=sum(worth) - entry_worth,
            fees=float(row["fees"]),
            flows=float(row["flows"]),
            open_risk=open_risk,
            gross=sum(abs(w) for w in worth),
            net=sum(worth),
            slots_taken=taken,
            locked_until_ms=int(row["lock_until_ms"]),
            lock_reason=LOCKS[row["lock_reason"]],
            now_ms=int(row["now_ms"]),
            bars=int(row["clock"]),
            last_sequence=int(row["sequence"]),
            last_event=int(row["event_sequence"]),
        )

    def fill(self, fill: EngineFill) -> Fill:
        """Give an engine's fill in exact money."""
        line = self.config.lines[fill.line]
        return exact_fill(fill, line.instrument, line.bot_id)

    def intent(self, intent: EngineIntent) -> Intent:
        """Give an engine's intent as an order in exact money."""
        line = self.config.lines[intent.line]
        return exact_intent(intent, line.instrument, line.bot_id)

    def tag_name(self, line: int, tag: int) -> str:
        """Give the word behind a tag of a line's bot; empty for none."""
        tags = self.config.lines[line].tags
        return tags[tag] if 0 <= tag < len(tags) else ""

    def snapshot(self) -> bytes:
        """Give the whole state as bytes; an engine restored from them behaves identically."""
        return snapshot.save(self._book, self.config)

    def restore(self, data: bytes) -> None:
        """Take over the state of a snapshot; lines are matched by bot and pair.

        Raises:
            InvalidInput: not a snapshot, of another account, or of an unknown version.
        """
        snapshot.load(self._book, self.config, data)
        self._trades, self._notices = [], []

    def _write_row(self, out: Any, bars: BarRow) -> int:
        out["flags"] = int(MISSING)
        ts_ms = 0
        for line, bar in bars.items():
            self._check_line(line)
            out[self._market_of[line]] = (
                bar.open, bar.high, bar.low, bar.close, bar.volume, bar.atr, bar.flags,
            )  # fmt: skip
            ts_ms = max(ts_ms, bar.ts_ms)
        if ts_ms == 0:
            ts_ms = int(self._book.account[0]["now_ms"])
        return ts_ms

    def _fill_absent(self, block: NDArray[Any], bars: BarRow) -> None:
        """Give markets without shorter bars their whole bar in the first row."""
        for line, bar in bars.items():
            column = block[:, self._market_of[line]]
            if (column["flags"] & int(MISSING)).all():
                column[0] = (bar.open, bar.high, bar.low, bar.close, bar.volume, bar.atr, bar.flags)

    def _check_line(self, line: int) -> None:
        if not 0 <= line < len(self.config.lines):
            raise InvalidInput(f"Line {line} was given; 0 … {len(self.config.lines) - 1} exist.")

    def _drain_fills(self) -> tuple[EngineFill, ...]:
        out = tuple(fill_value(self.config.account_id, row) for row in self._taken("fills", self._tape.fills))
        self._drain_history()
        return out

    def _drain_intents(self) -> tuple[EngineIntent, ...]:
        out = tuple(intent_value(row) for row in self._taken("intents", self._tape.intents))
        self._drain_history()
        return out

    def _drain_history(self) -> None:
        self._trades += [trade_value(row) for row in self._taken("trades", self._tape.trades)]
        self._notices += [notice_value(row) for row in self._taken("notices", self._tape.notices)]

    def _taken(self, name: str, rows: Records) -> Records | tuple[()]:
        """Give what was written on a part of the tape since the last call, and begin it anew."""
        count = self._counts[name]
        if count[0] == 0:
            return ()
        written = rows[: count[0]]
        count[0] = 0
        return written


def _resting_value(line: int, row: Any) -> RestingOrder:
    return RestingOrder(
        line=line,
        kind=KINDS[row["kind"]],
        leg=int(row["leg"]),
        side=side_of(row["side"]),
        lots=int(row["lots"]),
        order_type=OrderType.STOP if KINDS[row["kind"]].value == "set_protection" else OrderType.LIMIT,
        price=float(row["price"]),
        reason=reason_of(row["reason"]),
        revision=int(row["revision"]),
    )
