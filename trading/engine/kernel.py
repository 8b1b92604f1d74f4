"""The rules of trading, once: `match`, `apply`, `decide` and `protection` over the records of one account.

No clock, no input or output, and nothing that knows where bars and fills come from.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from trading.candles import MISSING, QUARANTINED
from trading.engine.booking import notice
from trading.engine.entries import admit, cancel_entry, emit
from trading.engine.grid import settle_cells
from trading.engine.matching import end_of_match, forget_cancelled, match_row
from trading.engine.records import (
    ACTIVE,
    DAY_MS,
    HALTED,
    K_CLOSE,
    K_PROTECT,
    N_DAILY,
    N_HALTED,
    R_BREAK_EVEN,
    R_EXPIRED,
    R_KILL,
    R_MAX_BARS,
    R_SIGNAL,
    R_TRAIL,
    T_MARKET,
    Book,
    Records,
    Tape,
)
from trading.jit import njit
from trading.risk.exits import break_even_stop, is_tighter, is_trailing_active, trailing_stop
from trading.risk.limits import daily_floor, drawdown_floor
from trading.risk.sizing import LIMITS

_UNTRUSTED = int(MISSING | QUARANTINED)
_LIMIT_COUNT = len(LIMITS)


@njit
def match(book: Book, tape: Tape, rows: Records, ts_ms: NDArray[np.int64]) -> None:
    """Fill what a bar fills: the venue model over one bar, given whole or as the shorter bars inside it.

    Args:
        rows: BAR records, shape (k, m): k consecutive bars of m markets.
        ts_ms: open times, shape (k,).
    """
    forget_cancelled(book)
    for r in range(len(ts_ms)):
        match_row(book, tape, rows[r], ts_ms[r])
    end_of_match(book, tape)


@njit
def mark(book: Book, row: Records) -> None:
    """Value the account at the closes of a bar; bars that cannot be trusted leave the last value standing."""
    account = book.account[0]
    equity = account["cash"]
    for i in range(len(book.lines)):
        position = book.positions[i]
        bar = row[book.lines[i]["market"]]
        if bar["flags"] & _UNTRUSTED == 0:
            position["mark"] = bar["close"]
        if position["lots"] > 0:
            equity += position["side"] * position["lots"] * book.lines[i]["step"] * position["mark"]
    account["equity"] = equity


@njit
def roll_day(book: Book, before: float, now_ms: int) -> None:
    """Begin a new UTC day: its start is the equity at 00:00, and the day's block ends."""
    account = book.account[0]
    if account["day"] < 0:
        account["day"] = (now_ms - book.rules[0]["timeframe_ms"]) // DAY_MS
    day = now_ms // DAY_MS
    if day > account["day"]:
        account["day"] = day
        account["day_start"] = account["equity"] if now_ms % DAY_MS == 0 else before
        account["daily_blocked"] = 0


@njit
def want_exit(book: Book, tape: Tape, i: int, reason: int, tag: int) -> None:
    """Ask for the whole position to be closed at the market; the first reason stays."""
    position = book.positions[i]
    if position["side"] == 0 or position["exit_reason"] > 0:
        return
    position["exit_reason"] = reason
    position["exit_tag"] = tag
    position["exit_sequence"] = emit(
        book, tape, i, K_CLOSE, -position["side"], position["lots"], T_MARKET, np.nan, reason, 0,
        position["sequence"], tag,
    )  # fmt: skip


@njit
def check_limits(book: Book, tape: Tape) -> None:
    """Update the peak, trip the drawdown breaker and the daily loss limit at the valuation of a close."""
    account = book.account[0]
    rules = book.rules[0]
    equity = account["equity"]
    if equity > account["peak"]:
        account["peak"] = equity
    if account["state"] != HALTED and equity <= drawdown_floor(account["peak"], rules["max_drawdown"]):
        account["state"] = HALTED
        notice(book, tape, N_HALTED, -1, 0, equity / account["peak"] - 1.0, 0)
        stop_entries(book, tape, R_KILL)
        if rules["flatten"] > 0:
            for i in range(len(book.lines)):
                want_exit(book, tape, i, R_KILL, -1)
    if account["daily_blocked"] == 0 and equity <= daily_floor(account["day_start"], rules["daily_loss"]):
        account["daily_blocked"] = 1
        notice(book, tape, N_DAILY, -1, 0, equity / account["day_start"] - 1.0, (account["day"] + 1) * DAY_MS)
        stop_entries(book, tape, R_KILL)


@njit
def stop_entries(book: Book, tape: Tape, reason: int) -> None:
    """Ask for the cancellation of every pending entry."""
    for i in range(len(book.lines)):
        if book.orders[i]["side"] != 0:
            cancel_entry(book, tape, i, reason)


@njit
def manage(book: Book, tape: Tape, i: int, bar: Any) -> None:
    """Move a position's stop and end its time, by what its bar showed; effective from the next bar."""
    position = book.positions[i]
    account = book.account[0]
    side = position["side"]
    if bar["flags"] == 0:
        favourable = bar["high"] if side > 0 else bar["low"]
        if position["late"] > 0:
            favourable = bar["close"]
        adverse = bar["low"] if side > 0 else bar["high"]
        position["high"] = max(position["high"], favourable if side > 0 else adverse)
        position["low"] = min(position["low"], adverse if side > 0 else favourable)
        position["late"] = 0
        move_stop(book, tape, i, bar["close"])
    settle_cells(position)
    if position["max_bars"] > 0 and account["clock"] - position["entry_clock"] + 1 >= position["max_bars"]:
        want_exit(book, tape, i, R_MAX_BARS, -1)


@njit
def move_stop(book: Book, tape: Tape, i: int, close: float) -> None:
    """Tighten the stop by break-even and trailing; a stop that the close already passed becomes an exit."""
    position = book.positions[i]
    rules = book.rules[0]
    side = position["side"]
    moved = False
    if position["break_even"] == 1:
        position["break_even"] = 2
        step = book.lines[i]["step"]
        paid = position["entry_fees"] / (position["entry_value"] * step)
        stop = break_even_stop(side, position["price"], paid, rules["taker_fee"], rules["slippage"])
        if is_tighter(side, stop, position["stop"]):
            position["stop"] = stop
            position["stop_kind"] = R_BREAK_EVEN
            moved = True
    if position["trail"] == position["trail"]:
        best = position["high"] if side > 0 else position["low"]
        if is_trailing_active(side, position["price"], best, position["trail_after"]):
            stop = trailing_stop(side, best, position["trail"])
            if is_tighter(side, stop, position["stop"]):
                position["stop"] = stop
                position["stop_kind"] = R_TRAIL
                moved = True
    if not moved or position["exit_reason"] > 0:
        return
    position["stop_revision"] += 1
    if side * (close - position["stop"]) <= 0.0:
        want_exit(book, tape, i, position["stop_kind"], -1)
        return
    emit(
        book, tape, i, K_PROTECT, -side, position["lots"], 2, position["stop"], position["stop_kind"], 0,
        position["sequence"], position["tag"],
    )  # fmt: skip


@njit
def expire(book: Book, tape: Tape, i: int) -> None:
    """Cancel a resting entry that has lived its bars."""
    order = book.orders[i]
    age = book.account[0]["clock"] - order["clock"]
    if order["expiry"] > 0 and age >= order["expiry"]:
        cancel_entry(book, tape, i, R_EXPIRED)


@njit
def take_exit(book: Book, tape: Tape, i: int, signal: Any) -> None:
    """Apply a row's exit wish to a line's position and to its pending entry of that side."""
    wish = signal["exit"]
    position = book.positions[i]
    order = book.orders[i]
    if (position["side"] > 0 and wish & 1) or (position["side"] < 0 and wish & 2):
        want_exit(book, tape, i, R_SIGNAL, signal["exit_tag"])
    if (order["side"] > 0 and wish & 1) or (order["side"] < 0 and wish & 2):
        cancel_entry(book, tape, i, R_SIGNAL)


@njit
def confirm(book: Book, i: int, side: int) -> None:
    """Count the closes at which an entry's conditions held without a break."""
    position = book.positions[i]
    if side != 0 and side == position["confirm_side"]:
        position["confirm_count"] += 1
    else:
        position["confirm_side"] = side
        position["confirm_count"] = 1 if side != 0 else 0


@njit
def take_entries(book: Book, tape: Tape, row: Records, signals: Records, first: int, stop: int) -> None:
    """Admit a bar's entries, by score (highest first), then by pair and bot."""
    limits = np.empty(_LIMIT_COUNT)
    last_score, last_rank = np.inf, -1
    while True:
        chosen, best_score, best_rank = -1, -np.inf, 0
        for s in range(first, stop):
            signal = signals[s]
            if signal["enter"] == 0:
                continue
            score = signal["score"] if signal["score"] == signal["score"] else -1e300
            rank = book.lines[signal["line"]]["rank"]
            if score > last_score or (score == last_score and rank <= last_rank):
                continue
            if chosen < 0 or score > best_score or (score == best_score and rank < best_rank):
                chosen, best_score, best_rank = s, score, rank
        if chosen < 0:
            return
        last_score, last_rank = best_score, best_rank
        signal = signals[chosen]
        i = signal["line"]
        admit(book, tape, row[book.lines[i]["market"]], i, signal, limits)


@njit
def decide(
    book: Book, tape: Tape, row: Records, now_ms: int, signals: Records, first: int, stop: int
) -> None:
    """Decide at the close of a bar time: value, limits, stops, exits, then entries. It never fills.

    Args:
        row: BAR records, shape (m,), one per market.
        now_ms: close time of the bar.
        signals: SIGNAL records; rows first … stop - 1 belong to this bar, at most one per line.
    """
    account = book.account[0]
    before = account["equity"]
    account["now_ms"] = now_ms
    mark(book, row)
    roll_day(book, before, now_ms)
    for i in range(len(book.lines)):
        if book.positions[i]["side"] != 0:
            manage(book, tape, i, row[book.lines[i]["market"]])
    check_limits(book, tape)
    for i in range(len(book.lines)):
        if book.orders[i]["side"] != 0:
            expire(book, tape, i)
        if book.lines[i]["confirm_bars"] > 0:
            wish = 0
            for s in range(first, stop):
                if signals[s]["line"] == i:
                    wish = signals[s]["enter"]
            confirm(book, i, wish)
        else:
            book.positions[i]["confirm_count"] = 1
    for s in range(first, stop):
        if signals[s]["exit"] != 0:
            take_exit(book, tape, signals[s]["line"], signals[s])
    take_entries(book, tape, row, signals, first, stop)
    account["clock"] += 1


@njit
def is_open_for_entries(book: Book) -> bool:
    """Tell whether the account as a whole may enter at all."""
    account = book.account[0]
    return bool(account["kill"] == 0 and account["state"] == ACTIVE and account["daily_blocked"] == 0)
