"""What the loop watches of each live line: the prices that may fill something or move its stop, and the next clock to
decide at.
"""

from __future__ import annotations

import numpy as np

from trading.engine.course import all_closes, all_highs, all_lows, all_odd, all_times, watched
from trading.engine.entries import is_stranded, is_taken
from trading.engine.grid import EMPTY, HELD, cell_floor
from trading.engine.reach import Handle, account_of, dying_of, line_of, order_of, position_of, rules_of
from trading.engine.records import T_LIMIT, T_MARKET
from trading.jit import helper, skeleton
from trading.risk.exits import liquidation_price, trails

#: Later than any bar, and earlier.
NEVER, NOW = 2**62, -(2**62)


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
    if is_stranded(book, i):
        wake = NOW
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
