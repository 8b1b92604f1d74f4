"""The loop that stops to ask: compiled from one question to the next, so that Python runs only where it has a say.

A question stands between `match` and `decide` of a bar, like the signal of a running account. One call answers the
last question and runs on to the next; it takes two numbers, because numba spends longer on each array it is handed
than on a quiet step.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trading.engine.course import (
    COURSE,
    History,
    Watch,
    all_equity,
    all_signals,
    all_times,
    lay_out,
    signal_at,
)
from trading.engine.drive import copy_row, has_room, link_days, match_at
from trading.engine.kernel import decide_bar
from trading.engine.quiet import fast_forward
from trading.engine.reach import HANDLE, Handle, account_of, by_address, rules_of, whole
from trading.engine.records import SIGNAL, Records
from trading.engine.watching import arm, is_reached
from trading.jit import helper, njit

FloatArray = NDArray[np.float64]

#: Where a run stands. `t` is the next bar or the one asked about; `first` … `cursor` - 1 are its prepared rows.
RUN = np.dtype(
    [
        (name, "i8")
        for name in (
            "handle_at", "handle_count", "course_at", "course_count", "answers_at", "answers_count",
            "t", "stop", "first", "cursor", "links_at", "is_asked", "asks_always", "fills_before",
        )
    ]
)  # fmt: skip

#: Answers: want nothing, or take the prepared rows; above them, the number of answered rows + 1.
NOTHING, AS_PREPARED = 0, 1
#: What `go_on` gives instead of a bar: the stop is reached, or the tape is full.
STOPPED, FULL = -1, -2

handles_of = whole("handle", HANDLE)
courses_of = whole("course", COURSE)
answers_of = whole("answers", SIGNAL)
run_at = by_address(RUN)


@njit
def lay(
    courses: Records, history: History, watch: Watch, signals: Records, row: Records, equity: FloatArray
) -> None:
    """Write where everything of a run is into the first COURSE record; the arrays must outlive it."""
    lay_out(courses[0], history, watch, signals, row, equity)


@helper
def settle(book: Handle, course: Handle, run: Handle, answer: int) -> None:
    """Decide the bar that was matched, with what was answered for it."""
    t = run["t"]
    now_ms = all_times(course)[t] + rules_of(book)["timeframe_ms"]
    if answer == AS_PREPARED:
        decide_bar(book, now_ms, all_signals(course), run["first"], run["cursor"])
    else:
        decide_bar(book, now_ms, answers_of(run), 0, max(0, answer - AS_PREPARED))
    all_equity(course)[t] = account_of(book)["equity"]
    run["t"] = t + 1
    run["is_asked"] = 0


@njit
def go_on(address: int, answer: int) -> int:
    """Decide the bar asked about, then run to the next one to ask about; give it, or why there is none.

    Bars with prepared rows and bars with a fill are asked about, or every bar. Prepared rows that only ask to leave
    are passed over while nothing is held or ordered.

    Args:
        address: of a RUN record.
        answer: NOTHING, AS_PREPARED, or 1 + how many rows of the answers count.
    """
    run = run_at(address)
    book = handles_of(run)[0]
    course = courses_of(run)[0]
    account = account_of(book)
    if run["is_asked"] != 0:
        settle(book, course, run, answer)
    last = course["signals_count"]
    tf = rules_of(book)["timeframe_ms"]
    stop = run["stop"]
    book["row_at"] = course["row_at"]
    while run["t"] < stop:
        t, cursor = run["t"], run["cursor"]
        count = book["n"]
        is_first = account["clock"] == 0
        if run["asks_always"] == 0 and not is_first:
            shift = account["clock"] - t
            count, wake = arm(book, course)
            t, cursor = fast_forward(book, course, t, stop, cursor, count, wake - shift)
            account["clock"] = t + shift
            run["t"], run["cursor"] = t, cursor
            if t >= stop:
                break
        if not has_room(book):
            return FULL
        run["first"] = cursor
        while cursor < last and signal_at(course, cursor)["at"] == t:
            cursor += 1
        run["cursor"] = cursor
        run["links_at"] = link_days(book, course, run["links_at"], all_times(course)[t] + tf)
        account["intents"] = 0
        before = account["fills"]
        run["fills_before"] = before
        copy_row(course, t)
        if run["asks_always"] != 0 or is_first or is_reached(course, t, count):
            match_at(book, course, t)
        if run["asks_always"] != 0 or cursor > run["first"] or account["fills"] > before:
            run["is_asked"] = 1
            return int(t)
        settle(book, course, run, NOTHING)
    return STOPPED
