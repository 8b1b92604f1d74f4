"""From events to rows, compiled: see columns.py for what the columns mean."""

from __future__ import annotations

from math import nan

import numpy as np

from trading.analysis.elliott.records import (
    COUNT_COMPLETED,
    COUNT_INVALIDATED,
    COUNT_OPENED,
    COUNT_SUPERSEDED,
    ENDING_DIAGONAL,
    LABEL_A,
    LABEL_B,
    LABEL_C,
    MAX_PIVOTS,
    PIVOT_CONFIRMED,
    TRIANGLE,
    WAVE_LABELLED,
    Record,
    Records,
)
from trading.jit import helper, njit

SETUP_WAVE_2 = 2
SETUP_CORRECTION = 3
SETUP_WAVE_4 = 4
SETUP_MOTIVE = 5
SETUP_IN_PROGRESS = 6

#: Which setup wins when several are confirmed at one bar; the index is the setup.
_RANK = (0, 0, 3, 2, 4, 5, 1)

_PRICES = ("p0", "p1", "p2", "p3", "p4", "p5")
_INDICES = ("p_index0", "p_index1", "p_index2", "p_index3", "p_index4", "p_index5")

ROW = np.dtype(
    [
        ("setup", np.int64),
        ("direction", np.int64),
        ("pattern", np.int64),
        *[(name, np.float64) for name in _PRICES],
        *[(name, np.int64) for name in _INDICES],
        ("current_label", np.int64),
        ("invalidation", np.float64),
        ("retrace", np.float64),
        ("score", np.float64),
        ("pivot_price", np.float64),
        ("pivot_kind", np.int64),
        ("pivot_index", np.int64),
        ("corrective", np.int64),
        ("corrective_direction", np.int64),
        ("a0", np.float64),
        ("a", np.float64),
        ("b", np.float64),
        ("c", np.float64),
        ("before_a0", np.float64),
        ("range_low", np.float64),
        ("range_high", np.float64),
    ],
    align=True,
)

#: What is held from bar to bar.
HOLD = np.dtype(
    [
        ("row", ROW),
        ("setup_id", np.int64),  # count of the setup in force, or -1
        ("motive_id", np.int64),
        ("motive_rank", np.int64),  # of the motive event taken at this bar
        ("corrective_id", np.int64),
        ("corrective_rank", np.int64),
        ("range_id", np.int64),
        ("prices", np.float64, (MAX_PIVOTS + 1,)),  # of the latest pivots, newest last
        ("since_motive", np.int64),  # pivots since a motive wave completed, -1 when none did
    ],
    align=True,
)


@helper
def _setup(hold: Record, event: Record, setup: int, direction: int, retrace: float) -> None:
    """Make a count the setup of this bar unless a higher-ranked one already is."""
    row, count = hold["row"], event["count"]
    if _RANK[setup] <= _RANK[row["setup"]]:
        return
    row["setup"], row["direction"], row["pattern"] = setup, direction, count["pattern"]
    row["invalidation"], row["score"], row["retrace"] = count["invalidation"], count["score"], retrace
    hold["setup_id"] = count["id"]


@helper
def _share(event: Record, wave: int, of_wave: int) -> float:
    """Give the length of a wave as a share of another, in price."""
    p = event["pivots"]["price"]
    return float(abs((p[wave] - p[wave - 1]) / (p[of_wave] - p[of_wave - 1])))


@helper
def _motive(hold: Record, event: Record) -> None:
    count, row = event["count"], hold["row"]
    n = count["pivots"]
    # Pivots advance the longest count first, and a longer count is the better founded one.
    if n <= hold["motive_rank"]:
        return
    hold["motive_rank"], hold["motive_id"] = n, count["id"]
    pivots = event["pivots"]
    row["p0"], row["p1"], row["p2"] = pivots[0]["price"], pivots[1]["price"], pivots[2]["price"]
    row["p3"] = pivots[3]["price"] if n > 3 else nan
    row["p4"] = pivots[4]["price"] if n > 4 else nan
    row["p5"] = pivots[5]["price"] if n > 5 else nan
    row["p_index0"] = pivots[0]["extreme_index"]
    row["p_index1"] = pivots[1]["extreme_index"]
    row["p_index2"] = pivots[2]["extreme_index"]
    row["p_index3"] = pivots[3]["extreme_index"] if n > 3 else -1
    row["p_index4"] = pivots[4]["extreme_index"] if n > 4 else -1
    row["p_index5"] = pivots[5]["extreme_index"] if n > 5 else -1
    if n == 3:
        _setup(hold, event, SETUP_WAVE_2, count["direction"], _share(event, 2, 1))
    elif n == 5:
        _setup(hold, event, SETUP_WAVE_4, count["direction"], _share(event, 4, 3))
    elif n == MAX_PIVOTS:
        _setup(hold, event, SETUP_MOTIVE, count["direction"], _share(event, 5, 1))
        hold["since_motive"] = 0
        hold["motive_id"] = -1
    else:
        # Wave 3 ended: no setup, and the count of the last one goes on under a new invalidation price.
        row["direction"], row["pattern"] = count["direction"], count["pattern"]
        row["invalidation"], row["score"], row["retrace"] = count["invalidation"], count["score"], nan
        hold["setup_id"] = count["id"]


@helper
def _range(hold: Record, event: Record) -> None:
    """Give the band of a corrective phase in progress."""
    row, count, p = hold["row"], event["count"], event["pivots"]["price"]
    if count["pattern"] == TRIANGLE:
        first, second = p[3], p[4]
    else:
        c_at_equality = p[2] + (p[1] - p[0])
        if count["direction"] < 0:
            first, second = min(p[1], c_at_equality), max(p[2], p[0])
        else:
            first, second = max(p[1], c_at_equality), min(p[2], p[0])
    row["range_low"], row["range_high"] = min(first, second), max(first, second)
    hold["range_id"] = count["id"]


@helper
def _corrective(hold: Record, event: Record) -> None:
    count, row, pivots = event["count"], hold["row"], event["pivots"]
    is_done = event["type"] == COUNT_COMPLETED
    is_triangle = count["pattern"] == TRIANGLE
    if not is_done:
        _range(hold, event)
    rank = (2 if is_done else 0) + (1 if is_triangle else 0) + 1
    if rank <= hold["corrective_rank"]:
        return
    hold["corrective_rank"] = rank
    hold["corrective_id"] = count["id"]
    setup = SETUP_CORRECTION if is_done else SETUP_IN_PROGRESS
    row["corrective"], row["corrective_direction"] = setup, -count["direction"]
    row["a0"], row["a"] = pivots[0]["price"], pivots[1]["price"]
    row["before_a0"] = hold["prices"][MAX_PIVOTS - count["pivots"]]
    row["b"] = pivots[4]["price"] if is_triangle else pivots[2]["price"]
    row["c"] = nan
    if is_done:
        row["c"] = pivots[5]["price"] if is_triangle else pivots[3]["price"]
    _setup(hold, event, setup, -count["direction"], _share(event, 2, 1))


@helper
def _clear(hold: Record, count_id: int) -> None:
    """Forget what a dead count said."""
    row = hold["row"]
    if hold["setup_id"] == count_id:
        hold["setup_id"] = -1
        row["direction"], row["pattern"] = 0, 0
        row["invalidation"], row["score"], row["retrace"] = nan, nan, nan
        # A setup that died at its own bar is none.
        row["setup"] = 0
    if hold["motive_id"] == count_id:
        hold["motive_id"] = -1
        row["p0"], row["p1"], row["p2"] = nan, nan, nan
        row["p3"], row["p4"], row["p5"] = nan, nan, nan
        row["p_index0"], row["p_index1"], row["p_index2"] = -1, -1, -1
        row["p_index3"], row["p_index4"], row["p_index5"] = -1, -1, -1
    if hold["corrective_id"] == count_id:
        hold["corrective_id"] = -1
        row["corrective"], row["corrective_direction"] = 0, 0
        row["a0"], row["a"], row["b"], row["c"] = nan, nan, nan, nan
        row["before_a0"] = nan
    if hold["range_id"] == count_id:
        hold["range_id"] = -1
        row["range_low"], row["range_high"] = nan, nan


@helper
def _take(hold: Record, event: Record) -> None:
    kind = event["type"]
    if kind == PIVOT_CONFIRMED:
        row, pivot = hold["row"], event["pivots"][0]
        row["pivot_price"], row["pivot_kind"] = pivot["price"], pivot["kind"]
        row["pivot_index"] = pivot["extreme_index"]
        prices = hold["prices"]
        for i in range(MAX_PIVOTS):
            prices[i] = prices[i + 1]
        prices[MAX_PIVOTS] = pivot["price"]
        if hold["since_motive"] >= 0:
            hold["since_motive"] += 1
    elif kind in (COUNT_INVALIDATED, COUNT_SUPERSEDED):
        _clear(hold, event["count"]["id"])
    elif kind in (COUNT_OPENED, WAVE_LABELLED, COUNT_COMPLETED):
        if kind == COUNT_COMPLETED and hold["range_id"] == event["count"]["id"]:
            hold["range_id"] = -1
            hold["row"]["range_low"], hold["row"]["range_high"] = nan, nan
        if event["count"]["pattern"] <= ENDING_DIAGONAL:
            _motive(hold, event)
        else:
            _corrective(hold, event)


@helper
def _current_label(hold: Record) -> int:
    """After a motive wave the next three legs are A, B and C; else the longest motive count says where it is."""
    since = hold["since_motive"]
    if since == 0:
        return LABEL_A
    if since == 1:
        return LABEL_B
    if since == 2:
        return LABEL_C
    if hold["motive_id"] >= 0:
        row = hold["row"]
        if row["p_index4"] >= 0:
            return 5
        return 4 if row["p_index3"] >= 0 else 3
    return LABEL_C if hold["range_id"] >= 0 else 0


@njit
def fill_rows(
    holds: Records, events: Records, degree: int, rows: Records, start_bar: int, stop_bar: int
) -> None:
    """Write the rows of bars start … stop - 1 from their events; a single row buffer takes the last one."""
    hold = holds[0]
    row = hold["row"]
    taken = 0
    for bar in range(start_bar, stop_bar):
        row["setup"], row["corrective"] = 0, 0
        row["pivot_price"], row["pivot_kind"], row["pivot_index"] = nan, 0, -1
        hold["motive_rank"], hold["corrective_rank"] = 0, 0
        while taken < len(events) and events[taken]["bar_index"] <= bar:
            if events[taken]["degree"] == degree:
                _take(hold, events[taken])
            taken += 1
        row["current_label"] = _current_label(hold)
        rows[bar if len(rows) > 1 else 0] = row
