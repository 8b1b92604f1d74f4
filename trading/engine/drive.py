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
    all_odd,
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
    watched,
)
from trading.engine.entries import is_taken
from trading.engine.grid import EMPTY, HELD, cell_floor
from trading.engine.kernel import decide_bar, match_bars, roll_day
from trading.engine.reach import (
    Handle,
    account_of,
    all_links,
    byte_at,
    dying_of,
    fetch,
    line_of,
    number_at,
    order_of,
    position_of,
    rules_of,
)
from trading.engine.records import (
    BAR,
    DAY_MS,
    FILLS_PER_LINE,
    HALTED,
    R_TRAIL,
    SIGNAL,
    T_LIMIT,
    T_MARKET,
    TRADES_PER_LINE,
    Records,
)
from trading.jit import helper, inlined, njit, skeleton
from trading.risk.exits import liquidation_price, trailing_stop, trails
from trading.risk.limits import daily_floor, drawdown_floor, update_links

FloatArray = NDArray[np.float64]

__all__ = ["History", "Watch", "drive", "new_watch"]

#: Later than any bar, and earlier.
NEVER, NOW = 2**62, -(2**62)
BAR_BYTES, SIGNAL_BYTES = BAR.itemsize, SIGNAL.itemsize


@helper
def watch_line(book: Handle, i: int) -> tuple[float, float, float, float, int]:
    """Give what matters for a line: the low and the high that may fill something, the low and the high that may
    move its stop, and the clock at which it must be decided anyway.
    """
    position = position_of(book, i)
    order = order_of(book, i)
    down, up, sink, lift, wake = -np.inf, np.inf, -np.inf, np.inf, NEVER
    side = position["side"]
    if line_of(book, i)["confirm_bars"] > 0 and position["confirm_count"] > 0:
        wake = NOW
    if side != 0:
        if position["break_even"] == 1 or position["late"] > 0 or position["exit_again"] > 0:
            # A move of the stop is due, or the next close sees the position with other eyes.
            wake = NOW
        near, far = -np.inf, np.inf
        if position["stop"] == position["stop"]:
            near = side * position["stop"]
        if side < 0:
            near = max(near, -liquidation_price(position["price"], rules_of(book)["maintenance"]))
        for k in range(3):
            if position["leg_lots"][k] > position["leg_filled"][k]:
                far = min(far, side * position["leg_price"][k])
        if side > 0:
            down, up = near, far
        else:
            down, up = -far, -near
        if position["trail"] == position["trail"]:
            best = position["high"] if side > 0 else position["low"]
            start = position["price"] * (1.0 + side * position["trail_after"] * (1.0 - 1e-9))
            # From the start of trailing every new best price moves the stop; after an entry the price paid may.
            is_due = trails(
                side, position["price"], best, position["trail_after"], position["trail"], position["stop"]
            )
            if side > 0:
                lift = -np.inf if is_due else max(best, start)
            else:
                sink = np.inf if is_due else min(best, start)
            if rules_of(book)["trail_inside"] > 0:
                # The bar's own extreme moves the stop inside it.
                down = np.inf
        for k in range(position["grid_levels"]):
            floor = cell_floor(position, k)
            if position["grid_held"][k] == HELD:
                up = min(up, cell_floor(position, k + 1))
            elif position["grid_held"][k] == EMPTY and position["mark"] > floor:
                down = max(down, floor)
            else:
                up = min(up, floor)
            if position["grid_held"][k] != HELD and position["grid_held"][k] != EMPTY:
                wake = NOW
        if position["max_bars"] > 0:
            wake = min(wake, position["entry_clock"] + position["max_bars"] - 1)
    if order["side"] != 0:
        if (order["type"] == T_LIMIT) == (order["side"] > 0):
            down = max(down, order["price"])
        else:
            up = min(up, order["price"])
        if order["expiry"] > 0:
            wake = min(wake, order["clock"] + order["expiry"])
        if order["type"] == T_MARKET:
            down = np.inf
    is_leaving = position["exit_reason"] > 0 or position["leave_lots"] > 0
    if is_leaving or dying_of(book, i)["side"] != 0:
        down = np.inf
    return down, up, sink, lift, wake


@skeleton
def arm(book: Handle, course: Handle) -> tuple[int, int]:
    """Set the watch from the records; give how many lines are live and the next clock to decide at."""
    count, wake = 0, NEVER
    for i in range(book["n"]):
        position = position_of(book, i)
        line = line_of(book, i)
        if not is_taken(book, i) and not (line["confirm_bars"] > 0 and position["confirm_count"] > 0):
            continue
        down, up, sink, lift, due = watch_line(book, i)
        watch = watched(course, count)
        watch["live"] = i
        watch["market"] = line["market"]
        watch["down"] = down
        watch["up"] = up
        watch["sink"] = sink
        watch["lift"] = lift
        watch["worth"] = position["side"] * position["lots"] * line["step"]
        watch["top"] = position["high"]
        watch["bottom"] = position["low"]
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
        watch = watched(course, k)
        position = position_of(book, watch["live"])
        if position["side"] != 0:
            position["high"] = watch["top"]
            position["low"] = watch["bottom"]
        position["mark"] = all_closes(course)[(t - 1) * course["m"] + watch["market"]]


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


@skeleton
def is_reached(course: Handle, t: int, count: int) -> bool:
    """Tell whether a bar may fill something of the watched lines."""
    if all_odd(course)[t] != 0:
        # A bar that is odd or absent as a whole may hold shorter bars that trade.
        return True
    for k in range(count):
        watch = watched(course, k)
        at = t * course["m"] + watch["market"]
        # Said so that a price that is not a number counts as reached.
        if not (all_lows(course)[at] > watch["down"] and all_highs(course)[at] < watch["up"]):
            return True
    return False


@helper
def day_bar(book: Handle, course: Handle, t: int, stop: int) -> int:
    """Give the first bar from t on, or `stop`, whose close begins a new day for the account."""
    ends_ms = (account_of(book)["day"] + 1) * DAY_MS - rules_of(book)["timeframe_ms"]
    times = all_times(course)
    if times[stop - 1] < ends_ms:
        return stop
    # Bars are a timeframe apart or more, so it lies no farther than this.
    high = min(stop - 1, t + max(0, ends_ms - times[t]) // rules_of(book)["timeframe_ms"] + 1)
    low = t
    while low < high:
        middle = (low + high) // 2
        if times[middle] < ends_ms:
            low = middle + 1
        else:
            high = middle
    return low


@skeleton
def fast_forward(
    book: Handle, course: Handle, t: int, stop: int, cursor: int, count: int, wake: int
) -> tuple[int, int]:
    """Pass over bars that do not matter; give the first one that does and its first signal row.

    Bar t may have been matched already: then only its close is in question.
    """
    account = account_of(book)
    rules = rules_of(book)
    last = course["signals_count"]
    if course["day"] != account["day"] or course["day_stop"] != stop:
        course["day"], course["day_stop"] = account["day"], stop
        course["day_bar"] = day_bar(book, course, t, stop)
    if count == 0:
        # Nothing is held or ordered: only an entry matters, and the value stands still.
        while cursor < last and signal_at(course, cursor)["enter"] == 0:
            cursor += 1
        until = min(stop, signal_at(course, cursor)["at"]) if cursor < last else stop
        if until > t:
            if course["matched"] == t and not is_quiet_end(book, course, t):
                return t, cursor
            all_equity(course)[t:until] = account["equity"]
            account["now_ms"] = all_times(course)[until - 1] + rules["timeframe_ms"]
            roll_day(book, account["equity"], account["now_ms"])
        return until, cursor
    end = min(stop, wake, course["day_bar"])
    if cursor < last:
        end = min(end, signal_at(course, cursor)["at"])
    if end <= t or (count == 1 and watched(course, 0)["down"] == np.inf):
        return t, cursor
    if count == 1:
        passed, value, peak = pass_one(book, course, t, end)
    else:
        passed, value, peak = pass_many(book, course, t, end, count)
    if passed > t:
        disarm(book, course, count, passed, value, peak)
    return passed, cursor


@helper
def is_quiet_end(book: Handle, course: Handle, t: int) -> bool:
    """Value an account that bar t left without positions and orders; False where the close must be decided."""
    account = account_of(book)
    cash = account["cash"]
    peak = max(account["peak"], cash)
    fall, day = floors(book, peak)
    if all_odd(course)[t] != 0 or t >= course["day_bar"] or cash <= fall or cash <= day:
        return False
    account["equity"] = cash
    account["peak"] = peak
    return True


@skeleton
def floors(book: Handle, peak: float) -> tuple[float, float]:
    """Give the values at or below which the account's limits act."""
    account = account_of(book)
    rules = rules_of(book)
    fall = drawdown_floor(peak, rules["max_drawdown"]) if account["state"] != HALTED else -np.inf
    day = daily_floor(account["day_start"], rules["daily_loss"]) if account["daily_blocked"] == 0 else -np.inf
    return fall, day


@helper
def pass_one(book: Handle, course: Handle, t: int, end: int) -> tuple[int, float, float]:
    """Pass over quiet bars while one line is live; everything it needs is a local number, its trailing stop too."""
    account = account_of(book)
    watch = watched(course, 0)
    position = position_of(book, watch["live"])
    cash, value, peak = account["cash"], account["equity"], account["peak"]
    fall, day = floors(book, peak)
    down, up, sink, lift, worth = watch["down"], watch["up"], watch["sink"], watch["lift"], watch["worth"]
    top, bottom = watch["top"], watch["bottom"]
    side, entry, stop = position["side"], position["price"], position["stop"]
    trail, after, moves = position["trail"], position["trail_after"], 0
    stride, at = 8 * course["m"], 8 * watch["market"]
    highs, lows, closes = course["high_at"] + at, course["low_at"] + at, course["close_at"] + at
    opens, volumes = course["open_at"] + at + 128, course["volume_at"] + at + 128
    odd, equity = course["odd_at"], all_equity(course)
    while t < end:
        high, low = number_at(highs + t * stride), number_at(lows + t * stride)
        if low <= down or high >= up or byte_at(odd + t) != 0:
            break
        close = number_at(closes + t * stride)
        now = cash + worth * close
        if now <= fall or now <= day:
            break
        if high >= lift or low <= sink:
            best = max(top, high) if side > 0 else min(bottom, low)
            if trails(side, entry, best, after, trail, stop):
                moved = trailing_stop(side, best, trail)
                if side * (close - moved) <= 0.0:
                    # The close has passed the new stop already: that is an exit, and no quiet bar.
                    break
                stop = moved
                moves += 1
                if side > 0:
                    down = stop
                else:
                    up = stop
            if side > 0:
                lift = max(lift, best)
            else:
                sink = min(sink, best)
        value = now
        if now > peak:
            peak = now
            fall, day = floors(book, peak)
        top = max(top, high)
        bottom = min(bottom, low)
        equity[t] = now
        t += 1
        fetch(opens + t * stride)
        fetch(volumes + t * stride)
    watch["top"], watch["bottom"] = top, bottom
    if moves > 0:
        # What each of these bars would have decided: one move, told to the venue.
        watch["down"], watch["up"] = down, up
        position["stop"] = stop
        position["stop_kind"] = R_TRAIL
        position["stop_revision"] += moves
        account["sequence"] += moves
    return t, value, peak


@helper
def pass_many(book: Handle, course: Handle, t: int, end: int, count: int) -> tuple[int, float, float]:
    """Pass over quiet bars while several lines are live."""
    account = account_of(book)
    cash, value, peak = account["cash"], account["equity"], account["peak"]
    fall, day = floors(book, peak)
    highs, lows, closes = all_highs(course), all_lows(course), all_closes(course)
    odd, equity, m = all_odd(course), all_equity(course), course["m"]
    while t < end:
        if odd[t] != 0:
            break
        matters = False
        now = cash
        for k in range(count):
            watch = watched(course, k)
            at = t * m + watch["market"]
            high, low = highs[at], lows[at]
            if low <= watch["down"] or high >= watch["up"] or low <= watch["sink"] or high >= watch["lift"]:
                matters = True
                break
            now += watch["worth"] * closes[at]
        if matters or now <= fall or now <= day:
            break
        value = now
        if now > peak:
            peak = now
            fall, day = floors(book, peak)
        for k in range(count):
            watch = watched(course, k)
            at = t * m + watch["market"]
            watch["top"] = max(watch["top"], highs[at])
            watch["bottom"] = min(watch["bottom"], lows[at])
        equity[t] = now
        t += 1
    return t, value, peak
