"""The loop over a history: the same match → decide on every bar that matters, a few comparisons on the others.

A bar *matters* when it carries a signal, when a pending order or an exit is due, when a stop, a target or a new best
price is reached, when the day ends or a limit of the account is passed, or when its data are odd. The test is
conservative: a bar that did not have to be stepped may be, never the reverse; on all other bars `match` and `decide`
would change nothing but the value of the account.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trading.engine.course import (
    COURSE,
    History,
    Watch,
    all_atrs,
    all_closes,
    all_equity,
    all_flags,
    all_highs,
    all_inside_from,
    all_inside_times,
    all_lows,
    all_opens,
    all_rho,
    all_rho_days,
    all_signals,
    all_times,
    all_volumes,
    bar_row,
    lay_out,
    new_watch,
    signal_at,
)
from trading.engine.kernel import decide_bar, match_bars
from trading.engine.quiet import fast_forward
from trading.engine.reach import Handle, account_of, all_links, fetch, rules_of
from trading.engine.records import BAR, DAY_MS, FILLS_PER_LINE, SIGNAL, TRADES_PER_LINE, Records
from trading.engine.watching import arm, is_reached
from trading.jit import helper, inlined, njit, skeleton
from trading.risk.limits import update_links

FloatArray = NDArray[np.float64]

__all__ = ["History", "Watch", "drive", "new_watch"]

BAR_BYTES, SIGNAL_BYTES = BAR.itemsize, SIGNAL.itemsize


@njit
def drive(
    handles: Records,
    history: History,
    signals: Records,
    watch: Watch,
    row: Records,
    equity: FloatArray,
    place: NDArray[np.int64],
    stop: int,
    skips: bool,
) -> int:
    """Run bars up to `stop`, or until the tape is full; give the next bar.

    Args:
        signals: SIGNAL records sorted by bar, then line.
        equity: shape (t,), written.
        place: [next bar, next signal row, next day of coefficients], changed.
        skips: pass over bars that do not matter; the result is the same.
    """
    book = handles[0]
    courses = np.zeros(1, COURSE)
    course = courses[0]
    lay_out(course, history, watch, signals, row, equity)
    book["row_at"] = course["row_at"]
    place[0], place[1], place[2] = follow(book, course, place[0], place[1], place[2], stop, skips)
    # A record does not keep its array alive, and numba frees an array after its last use: so this use comes last.
    courses[0]["m"] = 0
    return int(place[0])


@inlined
def follow(
    book: Handle, course: Handle, t: int, cursor: int, links_at: int, stop: int, skips: bool
) -> tuple[int, int, int]:
    """Run bars up to `stop`, or until the tape is full; give where to go on.

    A bar that fills something is matched, and decided only if its close matters too; a bar whose close matters is
    decided, and matched only if it could fill something.
    """
    account = account_of(book)
    shift = account["clock"] - t
    tf = rules_of(book)["timeframe_ms"]
    course["matched"] = -1
    while t < stop:
        count = book["n"]
        is_first = account["clock"] == 0
        if skips and not is_first:
            count, wake = arm(book, course)
            t, cursor = fast_forward(book, course, t, stop, cursor, count, wake - shift)
            account["clock"] = t + shift
            if t >= stop:
                break
        first = cursor
        while cursor < course["signals_count"] and signal_at(course, cursor)["at"] == t:
            cursor += 1
        if course["matched"] != t:
            if not has_room(book):
                cursor = first
                break
            copy_row(course, t)
            if not skips or is_first or is_reached(course, t, count):
                match_at(book, course, t)
                course["matched"] = t
                if skips and not is_first and first == cursor:
                    continue
        if cursor > first:
            look_ahead(course, cursor)
        links_at = link_days(book, course, links_at, all_times(course)[t] + tf)
        account["intents"] = 0
        decide_bar(book, all_times(course)[t] + tf, all_signals(course), first, cursor)
        all_equity(course)[t] = account["equity"]
        t += 1
    return t, cursor, links_at


@skeleton
def copy_row(course: Handle, t: int) -> None:
    """Write one bar of every market into the row of BAR records."""
    has_atr = course["atr_count"] > 0
    for m in range(course["m"]):
        at = t * course["m"] + m
        bar = bar_row(course, m)
        bar["open"] = all_opens(course)[at]
        bar["high"] = all_highs(course)[at]
        bar["low"] = all_lows(course)[at]
        bar["close"] = all_closes(course)[at]
        bar["volume"] = all_volumes(course)[at]
        bar["flags"] = all_flags(course)[at]
        bar["atr"] = all_atrs(course)[at] if has_atr else np.nan


@helper
def link_days(book: Handle, course: Handle, links_at: int, now_ms: int) -> int:
    """Bring the correlation links up to a moment, day by day; give the next day's index."""
    rules, n = rules_of(book), book["n"]
    while links_at < course["rho_day_count"] and all_rho_days(course)[links_at] <= now_ms // DAY_MS:
        rho = all_rho(course)[links_at * n * n : (links_at + 1) * n * n].reshape((n, n))
        links = all_links(book).reshape((2, n, n))
        update_links(links, rho, rules["correlation_high"], rules["correlation_low"])
        links_at += 1
    return links_at


@inlined
def match_at(book: Handle, course: Handle, t: int) -> None:
    """Fill what bar t fills, by its shorter bars where they are known."""
    at, times, first, stop = course["row_at"], all_times(course), t, t + 1
    if course["inside_from_count"] > 0 and all_inside_from(course)[t + 1] > all_inside_from(course)[t]:
        first, stop = all_inside_from(course)[t], all_inside_from(course)[t + 1]
        at, times = course["inside_at"] + first * course["m"] * BAR_BYTES, all_inside_times(course)
    match_bars(book, at, course["m"], times, first, stop)
    book["row_at"] = course["row_at"]


@skeleton
def has_room(book: Handle) -> bool:
    """Tell whether the tape can take one more step whatever happens in it."""
    account = account_of(book)
    n = book["n"]
    return bool(
        account["fills"] + n * FILLS_PER_LINE <= book["fills_count"]
        and account["trades"] + n * TRADES_PER_LINE <= book["trades_count"]
    )


@skeleton
def look_ahead(course: Handle, cursor: int) -> None:
    """Ask for what the next signal row will need; rows lie so far apart that it would be waited for."""
    if cursor >= course["signals_count"]:
        return
    t = signal_at(course, cursor)["at"]
    at = 8 * t * course["m"]
    fetch(course["open_at"] + at)
    fetch(course["high_at"] + at)
    fetch(course["low_at"] + at)
    fetch(course["close_at"] + at)
    fetch(course["volume_at"] + at)
    fetch(course["ts_ms_at"] + 8 * t)
    fetch(course["flags_at"] + t * course["m"])
    row = course["signals_at"] + (cursor + 1) * SIGNAL_BYTES
    for k in range(0, SIGNAL_BYTES, 64):
        fetch(row + k)
