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
    all_bottoms,
    all_closes,
    all_down,
    all_equity,
    all_flags,
    all_highs,
    all_inside,
    all_inside_from,
    all_inside_times,
    all_live,
    all_lows,
    all_markets,
    all_odd,
    all_opens,
    all_rho,
    all_rho_days,
    all_signals,
    all_times,
    all_tops,
    all_up,
    all_volumes,
    all_worth,
    bar_row,
    lay_out,
    new_watch,
)
from trading.engine.entries import is_taken
from trading.engine.grid import EMPTY, HELD, cell_floor
from trading.engine.kernel import decide_bar, match_bars, roll_day
from trading.engine.reach import (
    Handle,
    account_of,
    all_links,
    dying_of,
    line_of,
    order_of,
    position_of,
    rules_of,
)
from trading.engine.records import (
    DAY_MS,
    FILLS_PER_LINE,
    HALTED,
    T_LIMIT,
    T_MARKET,
    TRADES_PER_LINE,
    Records,
)
from trading.jit import helper, njit
from trading.risk.limits import daily_floor, drawdown_floor, update_links

FloatArray = NDArray[np.float64]

__all__ = ["History", "Watch", "drive", "new_watch"]

#: Later than any bar.
NEVER = 2**62


@helper
def watch_line(book: Handle, i: int) -> tuple[float, float, int]:
    """Give the low and the high that matter for a line, and the clock at which it must be stepped anyway."""
    position = position_of(book, i)
    order = order_of(book, i)
    down, up, wake = -np.inf, np.inf, NEVER
    side = position["side"]
    if position["exit_reason"] > 0 or dying_of(book, i)["side"] != 0:
        return np.inf, up, wake
    if line_of(book, i)["confirm_bars"] > 0 and position["confirm_count"] > 0:
        return np.inf, up, wake
    if side != 0 and position["break_even"] == 1:
        # The move is due: a bar whose own data were odd put it off.
        return np.inf, up, wake
    if side != 0:
        near, far = -np.inf, np.inf
        if position["stop"] == position["stop"]:
            near = side * position["stop"]
        for k in range(3):
            if position["leg_lots"][k] > position["leg_filled"][k]:
                far = min(far, side * position["leg_price"][k])
        if position["trail"] == position["trail"]:
            best = position["high"] if side > 0 else position["low"]
            start = position["price"] * (1.0 + side * position["trail_after"] * (1.0 - 1e-9))
            # From the start of trailing every new best price moves the stop.
            far = min(far, max(side * best, side * start))
        if side > 0:
            down, up = near, far
        else:
            down, up = -far, -near
        for k in range(position["grid_levels"]):
            floor = cell_floor(position, k)
            if position["grid_held"][k] == HELD:
                up = min(up, cell_floor(position, k + 1))
            elif position["grid_held"][k] == EMPTY and position["mark"] > floor:
                down = max(down, floor)
            else:
                up = min(up, floor)
        if position["max_bars"] > 0:
            wake = position["entry_clock"] + position["max_bars"] - 1
    if order["side"] != 0:
        if order["type"] == T_MARKET:
            return np.inf, up, wake
        if (order["type"] == T_LIMIT) == (order["side"] > 0):
            down = max(down, order["price"])
        else:
            up = min(up, order["price"])
        if order["expiry"] > 0:
            wake = min(wake, order["clock"] + order["expiry"])
    return down, up, wake


@helper
def arm(book: Handle, course: Handle) -> tuple[int, int]:
    """Set the watch from the records; give how many lines are live and the next clock to step at."""
    count, wake = 0, NEVER
    for i in range(book["n"]):
        position = position_of(book, i)
        line = line_of(book, i)
        if not is_taken(book, i) and not (line["confirm_bars"] > 0 and position["confirm_count"] > 0):
            continue
        down, up, due = watch_line(book, i)
        all_live(course)[count] = i
        all_down(course)[count] = down
        all_up(course)[count] = up
        all_worth(course)[count] = position["side"] * position["lots"] * line["step"]
        all_tops(course)[count] = position["high"]
        all_bottoms(course)[count] = position["low"]
        all_markets(course)[count] = line["market"]
        wake = min(wake, due)
        count += 1
    return count, wake


@helper
def disarm(book: Handle, course: Handle, count: int, t: int, equity: float, peak: float) -> None:
    """Write what the fast loop moved back into the records, as they stand after bar t - 1."""
    account = account_of(book)
    account["equity"] = equity
    account["peak"] = peak
    account["now_ms"] = all_times(course)[t - 1] + rules_of(book)["timeframe_ms"]
    for k in range(count):
        position = position_of(book, all_live(course)[k])
        if position["side"] != 0:
            position["high"] = all_tops(course)[k]
            position["low"] = all_bottoms(course)[k]
        position["mark"] = all_closes(course)[(t - 1) * course["m"] + all_markets(course)[k]]


@helper
def copy_row(course: Handle, t: int) -> None:
    """Write one bar of every market into the row of BAR records."""
    has_atr = course["atr_count"] > 0
    for m in range(course["m"]):
        at = t * course["m"] + m
        bar = bar_row(course)[m]
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


@helper
def match_at(book: Handle, course: Handle, t: int) -> None:
    """Fill what bar t fills, by its shorter bars where they are known."""
    copy_row(course, t)
    m = course["m"]
    if course["inside_from_count"] > 0:
        a, b = all_inside_from(course)[t], all_inside_from(course)[t + 1]
        if b > a:
            rows = all_inside(course)[a * m : b * m].reshape((b - a, m))
            match_bars(book, rows, all_inside_times(course)[a:b])
            return
    match_bars(book, bar_row(course).reshape((1, m)), all_times(course)[t : t + 1])


@helper
def step(book: Handle, course: Handle, t: int, first: int, stop: int) -> None:
    """Match and decide one bar."""
    account_of(book)["intents"] = 0
    match_at(book, course, t)
    now_ms = all_times(course)[t] + rules_of(book)["timeframe_ms"]
    decide_bar(book, bar_row(course), now_ms, all_signals(course), first, stop)


@helper
def has_room(book: Handle) -> bool:
    """Tell whether the tape can take one more step whatever happens in it."""
    account = account_of(book)
    n = book["n"]
    return bool(
        account["fills"] + n * FILLS_PER_LINE <= book["fills_count"]
        and account["trades"] + n * TRADES_PER_LINE <= book["trades_count"]
    )


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
    place[0], place[1], place[2] = follow(book, course, place[0], place[1], place[2], stop, skips)
    # A record does not keep its array alive, and numba frees an array after its last use: so this use comes last.
    courses[0]["m"] = 0
    return int(place[0])


@helper
def follow(
    book: Handle, course: Handle, t: int, cursor: int, links_at: int, stop: int, skips: bool
) -> tuple[int, int, int]:
    """Run bars up to `stop`, or until the tape is full; give where to go on."""
    account = account_of(book)
    shift = account["clock"] - t
    tf = rules_of(book)["timeframe_ms"]
    while t < stop:
        if skips:
            count, wake = arm(book, course)
            if account["clock"] > 0:
                t, cursor = fast_forward(book, course, t, stop, cursor, count, wake - shift)
                account["clock"] = t + shift
                if t >= stop:
                    break
        if not has_room(book):
            break
        first = cursor
        while cursor < course["signals_count"] and all_signals(course)[cursor]["at"] == t:
            cursor += 1
        links_at = link_days(book, course, links_at, all_times(course)[t] + tf)
        step(book, course, t, first, cursor)
        all_equity(course)[t] = account["equity"]
        t += 1
    return t, cursor, links_at


@helper
def fast_forward(
    book: Handle, course: Handle, t: int, stop: int, cursor: int, count: int, wake: int
) -> tuple[int, int]:
    """Pass over bars that do not matter; give the first one that does and its first signal row."""
    account = account_of(book)
    rules = rules_of(book)
    signals, last = all_signals(course), course["signals_count"]
    if count == 0:
        # Nothing is held or ordered: only an entry matters, and the value stands still.
        while cursor < last and signals[cursor]["enter"] == 0:
            cursor += 1
        until = min(stop, signals[cursor]["at"]) if cursor < last else stop
        if until > t:
            all_equity(course)[t:until] = account["equity"]
            account["now_ms"] = all_times(course)[until - 1] + rules["timeframe_ms"]
            roll_day(book, account["equity"], account["now_ms"])
            return until, cursor
        return t, cursor
    end = min(stop, wake)
    if cursor < last:
        end = min(end, signals[cursor]["at"])
    if end <= t or (count == 1 and all_down(course)[0] == np.inf):
        return t, cursor
    if count == 1:
        passed, value, peak = pass_one(book, course, t, end)
    else:
        passed, value, peak = pass_many(book, course, t, end, count)
    if passed > t:
        disarm(book, course, count, passed, value, peak)
    return passed, cursor


@helper
def floors(book: Handle, peak: float) -> tuple[float, float, int]:
    """Give the values at or below which the account's limits act, and the open time from which a day ends."""
    account = account_of(book)
    rules = rules_of(book)
    fall = drawdown_floor(peak, rules["max_drawdown"]) if account["state"] != HALTED else -np.inf
    day = daily_floor(account["day_start"], rules["daily_loss"]) if account["daily_blocked"] == 0 else -np.inf
    return fall, day, (account["day"] + 1) * DAY_MS - rules["timeframe_ms"]


@helper
def pass_one(book: Handle, course: Handle, t: int, end: int) -> tuple[int, float, float]:
    """Pass over quiet bars while one line is live; everything it needs is a local number."""
    account = account_of(book)
    cash, value, peak = account["cash"], account["equity"], account["peak"]
    fall, day, day_end = floors(book, peak)
    down, up, worth = all_down(course)[0], all_up(course)[0], all_worth(course)[0]
    top, bottom = all_tops(course)[0], all_bottoms(course)[0]
    m, at = course["m"], all_markets(course)[0]
    highs, lows, closes = all_highs(course), all_lows(course), all_closes(course)
    odd, times, equity = all_odd(course), all_times(course), all_equity(course)
    while t < end:
        high, low = highs[t * m + at], lows[t * m + at]
        if low <= down or high >= up or odd[t] != 0 or times[t] >= day_end:
            break
        now = cash + worth * closes[t * m + at]
        if now <= fall or now <= day:
            break
        value = now
        if now > peak:
            peak = now
            fall, day, day_end = floors(book, peak)
        top = max(top, high)
        bottom = min(bottom, low)
        equity[t] = now
        t += 1
    all_tops(course)[0], all_bottoms(course)[0] = top, bottom
    return t, value, peak


@helper
def pass_many(book: Handle, course: Handle, t: int, end: int, count: int) -> tuple[int, float, float]:
    """Pass over quiet bars while several lines are live."""
    account = account_of(book)
    cash, value, peak = account["cash"], account["equity"], account["peak"]
    fall, day, day_end = floors(book, peak)
    down, up, worth = all_down(course), all_up(course), all_worth(course)
    tops, bottoms, markets = all_tops(course), all_bottoms(course), all_markets(course)
    highs, lows, closes = all_highs(course), all_lows(course), all_closes(course)
    odd, times, equity, m = all_odd(course), all_times(course), all_equity(course), course["m"]
    while t < end:
        if odd[t] != 0 or times[t] >= day_end:
            break
        matters = False
        now = cash
        for k in range(count):
            at = t * m + markets[k]
            if lows[at] <= down[k] or highs[at] >= up[k]:
                matters = True
                break
            now += worth[k] * closes[at]
        if matters or now <= fall or now <= day:
            break
        value = now
        if now > peak:
            peak = now
            fall, day, day_end = floors(book, peak)
        for k in range(count):
            at = t * m + markets[k]
            tops[k] = max(tops[k], highs[at])
            bottoms[k] = min(bottoms[k], lows[at])
        equity[t] = now
        t += 1
    return t, value, peak
