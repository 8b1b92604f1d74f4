"""The rules of trading, once: `match`, `apply`, `decide` and `protection` over the records of one account.

No clock, no input or output, and nothing that knows where bars and fills come from.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from trading.candles import MISSING, QUARANTINED
from trading.engine.booking import divide, notice
from trading.engine.entries import admit, cancel_entry, emit, is_stranded
from trading.engine.grid import settle_cells
from trading.engine.matching import bar_of, end_of_match, forget_cancelled, match_row
from trading.engine.reach import Handle, account_of, line_of, order_of, position_of, rules_of
from trading.engine.records import (
    BAR,
    DAY_MS,
    HALTED,
    K_CLOSE,
    K_PROTECT,
    K_REDUCE,
    L_MANUAL,
    N_DAILY,
    N_HALTED,
    R_BREAK_EVEN,
    R_EXPIRED,
    R_HEDGE,
    R_KILL,
    R_MAX_BARS,
    R_SIGNAL,
    R_TRAIL,
    T_MARKET,
    Records,
)
from trading.jit import helper, inlined, njit, skeleton
from trading.risk.exits import break_even_stop, is_tighter, trailing_stop, trails
from trading.risk.limits import daily_floor, drawdown_floor

_UNTRUSTED = int(MISSING | QUARANTINED)
_BAR_BYTES = BAR.itemsize


@inlined
def match_bars(book: Handle, at: int, markets: int, ts_ms: NDArray[np.int64], first: int, stop: int) -> None:
    """Fill what a bar fills, given whole or as the shorter bars inside it.

    Args:
        at: address of BAR records, `markets` for each bar; they begin with bar `first`.
        ts_ms: open times; those from `first` up to `stop` are meant.
    """
    forget_cancelled(book)
    for r in range(first, stop):
        book["row_at"] = at + (r - first) * markets * _BAR_BYTES
        match_row(book, ts_ms[r])
    end_of_match(book)


@skeleton
def mark(book: Handle) -> None:
    """Value the account at the closes of a bar; bars that cannot be trusted leave the last value standing."""
    account = account_of(book)
    equity = account["cash"]
    for i in range(book["n"]):
        position = position_of(book, i)
        bar = bar_of(book, i)
        if bar["flags"] & _UNTRUSTED == 0:
            position["mark"] = bar["close"]
        if position["lots"] > 0:
            equity += position["side"] * position["lots"] * line_of(book, i)["step"] * position["mark"]
    account["equity"] = equity


@skeleton
def roll_day(book: Handle, before: float, now_ms: int) -> None:
    """Begin a new UTC day: its start is the equity at 00:00, and the day's block ends."""
    account = account_of(book)
    if account["day"] < 0:
        account["day"] = (now_ms - rules_of(book)["timeframe_ms"]) // DAY_MS
    day = now_ms // DAY_MS
    if day > account["day"]:
        account["day"] = day
        account["day_start"] = account["equity"] if now_ms % DAY_MS == 0 else before
        account["daily_blocked"] = 0


@helper
def want_exit(book: Handle, i: int, reason: int, tag: int) -> None:
    """Ask for the whole position to be closed at the market; the first reason stays."""
    position = position_of(book, i)
    if position["side"] == 0 or position["exit_reason"] > 0:
        return
    position["exit_reason"] = reason
    position["exit_tag"] = tag
    position["exit_sequence"] = emit(
        book, i, K_CLOSE, -position["side"], position["lots"] - position["leave_lots"], T_MARKET, np.nan, reason, 0,
        position["sequence"], tag,
    )  # fmt: skip


@helper
def want_part(book: Handle, i: int, lots: int, reason: int) -> None:
    """Ask for a part of a position to be closed at the market; nothing when it is leaving already."""
    position = position_of(book, i)
    if position["lots"] < lots or position["exit_reason"] > 0 or position["leave_lots"] > 0:
        return
    position["leave_lots"] = lots
    position["stop_revision"] += 1
    position["leave_sequence"] = emit(
        book, i, K_REDUCE, -position["side"], lots, T_MARKET, np.nan, reason, 0, position["sequence"], -1,
    )  # fmt: skip


@helper
def check_limits(book: Handle) -> None:
    """Update the peak, trip the drawdown breaker and the daily loss limit at the valuation of a close."""
    account = account_of(book)
    rules = rules_of(book)
    equity = account["equity"]
    if equity > account["peak"]:
        account["peak"] = equity
    if account["state"] != HALTED and equity <= drawdown_floor(account["peak"], rules["max_drawdown"]):
        account["state"] = HALTED
        notice(book, N_HALTED, -1, 0, equity / account["peak"] - 1.0, 0)
        stop_entries(book, R_KILL)
        if rules["flatten"] > 0:
            for i in range(book["n"]):
                want_exit(book, i, R_KILL, -1)
    if account["daily_blocked"] == 0 and equity <= daily_floor(account["day_start"], rules["daily_loss"]):
        account["daily_blocked"] = 1
        notice(book, N_DAILY, -1, 0, equity / account["day_start"] - 1.0, (account["day"] + 1) * DAY_MS)
        stop_entries(book, R_KILL)


@helper
def stop_entries(book: Handle, reason: int) -> None:
    """Ask for the cancellation of every pending entry."""
    for i in range(book["n"]):
        if order_of(book, i)["side"] != 0:
            cancel_entry(book, i, reason)


@helper
def manage(book: Handle, i: int, bar: Any) -> None:
    """Move a position's stop and end its time, by what its bar showed; effective from the next bar."""
    position = position_of(book, i)
    account = account_of(book)
    side = position["side"]
    if bar["flags"] == 0:
        favourable = bar["high"] if side > 0 else bar["low"]
        if position["late"] > 0:
            favourable = bar["close"]
        adverse = bar["low"] if side > 0 else bar["high"]
        position["high"] = max(position["high"], favourable if side > 0 else adverse)
        position["low"] = min(position["low"], adverse if side > 0 else favourable)
        position["late"] = 0
        move_stop(book, i, bar["close"])
    if position["grid_levels"] > 0:
        settle_cells(position)
    if position["exit_again"] > 0:
        want_exit(book, i, position["exit_again"], -1)
        position["exit_again"] = 0
    if position["max_bars"] > 0 and account["clock"] - position["entry_clock"] + 1 >= position["max_bars"]:
        want_exit(book, i, R_MAX_BARS, -1)


@helper
def move_stop(book: Handle, i: int, close: float) -> None:
    """Tighten the stop by break-even and trailing; a stop that the close already passed becomes an exit."""
    position = position_of(book, i)
    rules = rules_of(book)
    side = position["side"]
    moved = False
    if position["break_even"] == 1:
        position["break_even"] = 2
        step = line_of(book, i)["step"]
        paid = position["entry_fees"] / (position["entry_value"] * step)
        stop = break_even_stop(side, position["price"], paid, rules["taker_fee"], rules["slippage"])
        if is_tighter(side, stop, position["stop"]):
            position["stop"] = stop
            position["stop_kind"] = R_BREAK_EVEN
            moved = True
    if position["trail"] == position["trail"]:
        best = position["high"] if side > 0 else position["low"]
        if trails(
            side, position["price"], best, position["trail_after"], position["trail"], position["stop"]
        ):
            position["stop"] = trailing_stop(side, best, position["trail"])
            position["stop_kind"] = R_TRAIL
            moved = True
    if not moved or position["exit_reason"] > 0:
        return
    position["stop_revision"] += 1
    if side * (close - position["stop"]) <= 0.0:
        want_exit(book, i, position["stop_kind"], -1)
        return
    emit(
        book, i, K_PROTECT, -side, position["lots"], 2, position["stop"], position["stop_kind"], 0,
        position["sequence"], position["tag"],
    )  # fmt: skip


@skeleton
def expire(book: Handle, i: int) -> None:
    """Cancel a resting entry that has lived its bars."""
    order = order_of(book, i)
    age = account_of(book)["clock"] - order["clock"]
    if order["expiry"] > 0 and age >= order["expiry"]:
        cancel_entry(book, i, R_EXPIRED)


@helper
def take_exit(book: Handle, i: int, signal: Any) -> None:
    """Apply a row's exit wish to a line's position and to its pending entry of that side."""
    wish = signal["exit"]
    position = position_of(book, i)
    order = order_of(book, i)
    if (position["side"] > 0 and wish & 1) or (position["side"] < 0 and wish & 2):
        want_exit(book, i, R_SIGNAL, signal["exit_tag"])
    if (order["side"] > 0 and wish & 1) or (order["side"] < 0 and wish & 2):
        cancel_entry(book, i, R_SIGNAL)


@helper
def drop_hedge(book: Handle, i: int) -> None:
    """Close a hedge that has nothing left to hedge, and cancel it where it is still ordered."""
    position = position_of(book, i)
    if position["side"] != 0 and position["is_hedge"] > 0:
        want_exit(book, i, R_HEDGE, -1)
    order = order_of(book, i)
    if order["is_hedge"] > 0 and order["side"] != 0:
        cancel_entry(book, i, R_HEDGE)


@skeleton
def confirm(book: Handle, i: int, side: int) -> None:
    """Count the closes at which an entry's conditions held without a break."""
    position = position_of(book, i)
    if side != 0 and side == position["confirm_side"]:
        position["confirm_count"] += 1
    else:
        position["confirm_side"] = side
        position["confirm_count"] = 1 if side != 0 else 0


@helper
def take_entries(book: Handle, signals: Records, first: int, stop: int) -> None:
    """Admit a bar's entries, by score (highest first), then by pair and bot."""
    if first == stop:
        return
    last_score, last_rank = np.inf, -1
    while True:
        chosen, best_score, best_rank = -1, -np.inf, 0
        for s in range(first, stop):
            signal = signals[s]
            if signal["enter"] == 0:
                continue
            score = signal["score"] if signal["score"] == signal["score"] else -1e300
            rank = line_of(book, signal["line"])["rank"]
            if score > last_score or (score == last_score and rank <= last_rank):
                continue
            if chosen < 0 or score > best_score or (score == best_score and rank < best_rank):
                chosen, best_score, best_rank = s, score, rank
        if chosen < 0:
            return
        last_score, last_rank = best_score, best_rank
        signal = signals[chosen]
        i = signal["line"]
        admit(book, bar_of(book, i), i, signal)


@skeleton
def decide_bar(book: Handle, now_ms: int, signals: Records, first: int, stop: int) -> None:
    """Decide at the close of the bar at hand: value, limits, stops, exits, then entries."""
    account = account_of(book)
    before = account["equity"]
    account["now_ms"] = now_ms
    mark(book)
    roll_day(book, before, now_ms)
    for i in range(book["n"]):
        if position_of(book, i)["side"] != 0:
            manage(book, i, bar_of(book, i))
    check_limits(book)
    for i in range(book["n"]):
        if order_of(book, i)["side"] != 0:
            expire(book, i)
        if line_of(book, i)["confirm_bars"] > 0:
            wish = 0
            for s in range(first, stop):
                if signals[s]["line"] == i:
                    wish = signals[s]["enter"]
            confirm(book, i, wish)
        else:
            position_of(book, i)["confirm_count"] = 1
    for s in range(first, stop):
        if signals[s]["exit"] != 0:
            take_exit(book, signals[s]["line"], signals[s])
    for i in range(book["n"]):
        if is_stranded(book, i):
            drop_hedge(book, i)
    take_entries(book, signals, first, stop)
    account["clock"] += 1


@njit
def match(handles: Records, rows: Records, ts_ms: NDArray[np.int64]) -> None:
    """Fill what a bar fills: the venue model over one bar, given whole or as the shorter bars inside it.

    Args:
        rows: BAR records, shape (k, m): k consecutive bars of m markets.
        ts_ms: open times, shape (k,).
    """
    match_bars(handles[0], rows.ctypes.data, rows.shape[1], ts_ms, 0, len(ts_ms))


@njit
def decide(handles: Records, row: Records, now_ms: int, signals: Records, first: int, stop: int) -> None:
    """Decide at the close of a bar time: value, limits, stops, exits, then entries. It never fills.

    Args:
        row: BAR records, shape (m,), one per market.
        now_ms: close time of the bar.
        signals: SIGNAL records; rows first … stop - 1 belong to this bar, at most one per line.
    """
    book = handles[0]
    book["row_at"] = row.ctypes.data
    decide_bar(book, now_ms, signals, first, stop)


#: What `act` can do.
CANCEL, LEAVE, LEAVE_PART, DIVIDE, NOTE = range(5)


@njit
def act(handles: Records, what: int, i: int, code: int, number: int) -> None:
    """Do one thing that a person asked for: cancel a line's entry, leave it, divide its ladder anew, or note it.

    Args:
        code: the reason of a cancellation or exit; the kind of a notice, whose reason is a lock set by hand.
        number: lots of a part that leaves; the end of a notice's lock, in milliseconds.
    """
    book = handles[0]
    if what == CANCEL and order_of(book, i)["side"] != 0:
        cancel_entry(book, i, code)
    elif what == LEAVE:
        want_exit(book, i, code, -1)
    elif what == LEAVE_PART:
        want_part(book, i, number, code)
    elif what == DIVIDE:
        divide(book, i)
    elif what == NOTE:
        notice(book, code, i, L_MANUAL, 0.0, number)
