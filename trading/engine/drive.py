"""The loop over a history: the same match → decide on every bar that matters, a few comparisons on the others.

A bar *matters* when it carries a signal, when a pending order or an exit is due, when a stop, a target or a new best
price is reached, when the day ends or a limit of the account is passed, or when its data are odd. The test is
conservative: a bar that did not have to be stepped may be, never the reverse; on all other bars `match` and `decide`
would change nothing but the value of the account.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

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
    T_LIMIT,
    T_MARKET,
    TRADES_PER_LINE,
    Records,
)
from trading.jit import helper, njit
from trading.risk.limits import daily_floor, drawdown_floor, update_links

FloatArray = NDArray[np.float64]

#: Later than any bar.
NEVER = 2**62


class History(NamedTuple):
    """The bars of an account's markets, on one common time axis.

    Attributes:
        ts_ms: open times, shape (t,).
        open, high, low, close, volume, atr: shape (t, m); `atr` (0, m) where no method needs it.
        flags: uint8, shape (t, m).
        odd: uint8, shape (t,): some market's bar has a flag.
        inside, inside_ms: shorter BAR records, shape (k, m), and their open times.
        inside_from: int64, shape (t + 1,): where each bar's shorter bars begin; shape (0,) = none.
        rho_day: int64, shape (d,), days since the epoch, increasing, on which `rho` (d, n, n) took effect.
    """

    ts_ms: NDArray[np.int64]
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray
    atr: FloatArray
    flags: NDArray[np.uint8]
    odd: NDArray[np.uint8]
    inside: Records
    inside_ms: NDArray[np.int64]
    inside_from: NDArray[np.int64]
    rho_day: NDArray[np.int64]
    rho: FloatArray


class Watch(NamedTuple):
    """What the fast loop keeps beside the records, per line; `count` lines of `live` are watched.

    Attributes:
        down, up: lows at or below, highs at or above these matter.
        worth: signed quantity; high, low: extremes since the entry.
        live: indices of the lines that hold or wait for something.
    """

    down: FloatArray
    up: FloatArray
    worth: FloatArray
    high: FloatArray
    low: FloatArray
    live: NDArray[np.int64]
    market: NDArray[np.int64]


def new_watch(n: int) -> Watch:
    """Give an empty watch over n lines."""
    return Watch(
        down=np.zeros(n),
        up=np.zeros(n),
        worth=np.zeros(n),
        high=np.zeros(n),
        low=np.zeros(n),
        live=np.zeros(n, np.int64),
        market=np.zeros(n, np.int64),
    )


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
def arm(book: Handle, watch: Watch) -> tuple[int, int]:
    """Set the watch from the records; give how many lines are live and the next clock to step at."""
    count, wake = 0, NEVER
    for i in range(book["n"]):
        if not is_taken(book, i) and not (
            line_of(book, i)["confirm_bars"] > 0 and position_of(book, i)["confirm_count"] > 0
        ):
            continue
        position = position_of(book, i)
        down, up, due = watch_line(book, i)
        watch.live[count] = i
        watch.down[count] = down
        watch.up[count] = up
        watch.worth[count] = position["side"] * position["lots"] * line_of(book, i)["step"]
        watch.high[count] = position["high"]
        watch.low[count] = position["low"]
        watch.market[count] = line_of(book, i)["market"]
        wake = min(wake, due)
        count += 1
    return count, wake


@helper
def disarm(
    book: Handle, watch: Watch, count: int, history: History, t: int, equity: float, peak: float
) -> None:
    """Write what the fast loop moved back into the records, as they stand after bar t - 1."""
    account = account_of(book)
    account["equity"] = equity
    account["peak"] = peak
    account["now_ms"] = history.ts_ms[t - 1] + rules_of(book)["timeframe_ms"]
    for k in range(count):
        position = position_of(book, watch.live[k])
        if position["side"] != 0:
            position["high"] = watch.high[k]
            position["low"] = watch.low[k]
        position["mark"] = history.close[t - 1, watch.market[k]]


@helper
def copy_row(history: History, t: int, row: Records) -> None:
    """Write one bar of every market into BAR records."""
    has_atr = len(history.atr) > 0
    for m in range(len(row)):
        bar = row[m]
        bar["open"] = history.open[t, m]
        bar["high"] = history.high[t, m]
        bar["low"] = history.low[t, m]
        bar["close"] = history.close[t, m]
        bar["volume"] = history.volume[t, m]
        bar["flags"] = history.flags[t, m]
        bar["atr"] = history.atr[t, m] if has_atr else np.nan


@helper
def link_days(book: Handle, history: History, links_at: int, now_ms: int) -> int:
    """Bring the correlation links up to a moment, day by day; give the next day's index."""
    rules, n = rules_of(book), book["n"]
    while links_at < len(history.rho_day) and history.rho_day[links_at] <= now_ms // DAY_MS:
        update_links(
            all_links(book).reshape((2, n, n)),
            history.rho[links_at],
            rules["correlation_high"],
            rules["correlation_low"],
        )
        links_at += 1
    return links_at


@helper
def match_at(book: Handle, history: History, t: int, row: Records) -> None:
    """Fill what bar t fills, by its shorter bars where they are known."""
    copy_row(history, t, row)
    if len(history.inside_from) > 0 and history.inside_from[t + 1] > history.inside_from[t]:
        a, b = history.inside_from[t], history.inside_from[t + 1]
        match_bars(book, history.inside[a:b], history.inside_ms[a:b])
    else:
        match_bars(book, row.reshape((1, len(row))), history.ts_ms[t : t + 1])


@helper
def step(
    book: Handle, history: History, t: int, row: Records, signals: Records, first: int, stop: int
) -> None:
    """Match and decide one bar."""
    account_of(book)["intents"] = 0
    match_at(book, history, t, row)
    now_ms = history.ts_ms[t] + rules_of(book)["timeframe_ms"]
    decide_bar(book, row, now_ms, signals, first, stop)


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
    account = account_of(book)
    rules = rules_of(book)
    t, cursor, links_at = place[0], place[1], place[2]
    shift = account["clock"] - t
    tf = rules["timeframe_ms"]
    while t < stop:
        if skips:
            count, wake = arm(book, watch)
            if account["clock"] > 0:
                before = t
                t, cursor = fast_forward(
                    book, history, signals, watch, equity, t, stop, cursor, count, wake - shift
                )
                if t > before:
                    account["clock"] = t + shift
                if t >= stop:
                    break
        if not has_room(book):
            break
        first = cursor
        while cursor < len(signals) and signals[cursor]["at"] == t:
            cursor += 1
        links_at = link_days(book, history, links_at, history.ts_ms[t] + tf)
        step(book, history, t, row, signals, first, cursor)
        equity[t] = account["equity"]
        t += 1
    place[0], place[1], place[2] = t, cursor, links_at
    return int(t)


@helper
def fast_forward(
    book: Handle,
    history: History,
    signals: Records,
    watch: Watch,
    equity: FloatArray,
    t: int,
    stop: int,
    cursor: int,
    count: int,
    wake: int,
) -> tuple[int, int]:
    """Pass over bars that do not matter; give the first one that does and its first signal row."""
    account = account_of(book)
    rules = rules_of(book)
    if count == 0:
        # Nothing is held or ordered: only an entry matters, and the value stands still.
        while cursor < len(signals) and signals[cursor]["enter"] == 0:
            cursor += 1
        until = min(stop, signals[cursor]["at"]) if cursor < len(signals) else stop
        if until > t:
            equity[t:until] = account["equity"]
            account["now_ms"] = history.ts_ms[until - 1] + rules["timeframe_ms"]
            roll_day(book, account["equity"], account["now_ms"])
            return until, cursor
        return t, cursor
    value, peak = account["equity"], account["peak"]
    start = t
    end = min(stop, wake)
    if cursor < len(signals):
        end = min(end, signals[cursor]["at"])
    fall = drawdown_floor(peak, rules["max_drawdown"]) if account["state"] != 2 else -np.inf
    day = daily_floor(account["day_start"], rules["daily_loss"]) if account["daily_blocked"] == 0 else -np.inf
    day_end = (account["day"] + 1) * DAY_MS - rules["timeframe_ms"]
    if count == 1:
        t, value, peak = pass_one(
            history, watch, equity, account["cash"], t, end, value, peak, fall, day, day_end, rules["max_drawdown"],
            account["state"] != 2,
        )  # fmt: skip
    else:
        t, value, peak = pass_many(
            history, watch, equity, account["cash"], t, end, value, peak, fall, day, day_end, rules["max_drawdown"],
            account["state"] != 2, count,
        )  # fmt: skip
    if t > start:
        disarm(book, watch, count, history, t, value, peak)
    return t, cursor


@helper
def pass_one(
    history: History,
    watch: Watch,
    equity: FloatArray,
    cash: float,
    t: int,
    end: int,
    value: float,
    peak: float,
    fall: float,
    day: float,
    day_end: int,
    max_drawdown: float,
    guards_peak: bool,
) -> tuple[int, float, float]:
    """Pass over quiet bars while one line is live; everything it needs is a local number."""
    m = watch.market[0]
    down, up, worth, top, bottom = watch.down[0], watch.up[0], watch.worth[0], watch.high[0], watch.low[0]
    while t < end:
        high, low = history.high[t, m], history.low[t, m]
        if low <= down or high >= up or history.odd[t] != 0 or history.ts_ms[t] >= day_end:
            break
        now = cash + worth * history.close[t, m]
        if now <= fall or now <= day:
            break
        value = now
        if now > peak:
            peak = now
            if guards_peak:
                fall = drawdown_floor(peak, max_drawdown)
        top = max(top, high)
        bottom = min(bottom, low)
        equity[t] = now
        t += 1
    watch.high[0], watch.low[0] = top, bottom
    return t, value, peak


@helper
def pass_many(
    history: History,
    watch: Watch,
    equity: FloatArray,
    cash: float,
    t: int,
    end: int,
    value: float,
    peak: float,
    fall: float,
    day: float,
    day_end: int,
    max_drawdown: float,
    guards_peak: bool,
    count: int,
) -> tuple[int, float, float]:
    """Pass over quiet bars while several lines are live."""
    while t < end:
        if history.odd[t] != 0 or history.ts_ms[t] >= day_end:
            break
        matters = False
        now = cash
        for k in range(count):
            m = watch.market[k]
            if history.low[t, m] <= watch.down[k] or history.high[t, m] >= watch.up[k]:
                matters = True
                break
            now += watch.worth[k] * history.close[t, m]
        if matters or now <= fall or now <= day:
            break
        value = now
        if now > peak:
            peak = now
            if guards_peak:
                fall = drawdown_floor(peak, max_drawdown)
        for k in range(count):
            m = watch.market[k]
            watch.high[k] = max(watch.high[k], history.high[t, m])
            watch.low[k] = min(watch.low[k], history.low[t, m])
        equity[t] = now
        t += 1
    return t, value, peak
