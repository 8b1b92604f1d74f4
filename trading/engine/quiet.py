"""Passing over quiet bars: a few comparisons each, until one comes that matters."""

from __future__ import annotations

import numpy as np

from trading.engine.course import (
    all_closes,
    all_equity,
    all_highs,
    all_lows,
    all_odd,
    all_times,
    signal_at,
    watched,
)
from trading.engine.kernel import roll_day
from trading.engine.reach import Handle, account_of, byte_at, fetch, number_at, position_of, rules_of
from trading.engine.records import DAY_MS, HALTED, R_TRAIL
from trading.engine.watching import disarm
from trading.jit import helper, skeleton
from trading.risk.exits import trailing_stop, trails
from trading.risk.limits import daily_floor, drawdown_floor


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
