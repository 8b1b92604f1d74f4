"""What a new pivot begins: the windows that end at it.

Three pivots can open an impulse and a correction, five a diagonal and a triangle.

Source: trading-rules.md A.7, layer 2.
"""

from __future__ import annotations

from trading.analysis.elliott.counts import (
    advance_all,
    emit,
    guard,
    load_window,
    open_count,
    protect,
    publish_opening,
)
from trading.analysis.elliott.records import (
    CLAIM_NONE,
    CLAIM_WAVE_3,
    ENDING_DIAGONAL,
    FLAT_EXPANDED,
    FLAT_REGULAR,
    IMPULSE,
    LABEL_B,
    LABEL_C,
    LABEL_D,
    LABEL_E,
    LEADING_DIAGONAL,
    NOBODY,
    OK,
    ONE_PIVOT,
    PIVOT_CONFIRMED,
    PIVOTS_OF_WAVE_2,
    PIVOTS_OF_WAVE_4,
    RING,
    RULE_B_BEYOND,
    RULE_DIAGONAL_WAVE_4,
    RULE_INSIDE,
    RULE_TRIANGLE_E,
    RULE_WAVE_2,
    TRIANGLE,
    UNKNOWN,
    WAVE_2,
    WAVE_3,
    WAVE_4,
    WAVE_5,
    Memory,
)
from trading.analysis.elliott.rules import (
    correction_family,
    diagonal_rule,
    impulse_rule,
    legs_rule,
    length,
    triangle_rule,
)
from trading.jit import helper


@helper
def _open_three(memory: Memory, d: int, ts_ms: int) -> None:
    """Three pivots are waves 1 and 2 of an impulse, or A and B of a correction, or either."""
    sign = load_window(memory, d, memory.state["degree"][d]["pivots"] - 3, PIVOTS_OF_WAVE_2)
    window = memory.state["window"]
    if legs_rule(window, PIVOTS_OF_WAVE_2) != OK:
        return
    if impulse_rule(window, PIVOTS_OF_WAVE_2, sign, 0.0) == OK:
        count = open_count(memory, d, IMPULSE, PIVOTS_OF_WAVE_2, sign, WAVE_2, WAVE_3, ts_ms)
        protect(count, window[0]["price"], RULE_WAVE_2, sign, True)
        publish_opening(memory, d, count, CLAIM_WAVE_3, ts_ms)
    family = correction_family(window, sign)
    if family == UNKNOWN:
        return
    count = open_count(memory, d, family, PIVOTS_OF_WAVE_2, sign, LABEL_B, LABEL_C, ts_ms)
    if family == FLAT_EXPANDED:
        protect(count, window[2]["price"], RULE_INSIDE, sign, False)
    else:
        protect(count, window[0]["price"], RULE_B_BEYOND, sign, family != FLAT_REGULAR)
    publish_opening(memory, d, count, CLAIM_NONE, ts_ms)


@helper
def _diagonal_kind(memory: Memory, d: int, first: int, sign: int) -> int:
    """Ending, when the leg before p0 stayed inside the one before it, as a wave 4 or B does; else leading."""
    if first < 2:
        return LEADING_DIAGONAL
    start = memory.state["ring"][d, (first - 2) % RING]["price"]
    return ENDING_DIAGONAL if sign * (memory.state["window"][0]["price"] - start) > 0.0 else LEADING_DIAGONAL


@helper
def _open_five(memory: Memory, d: int, ts_ms: int) -> None:
    """Five pivots are waves 1–4 of a diagonal, or A–D of a triangle, or neither."""
    first = memory.state["degree"][d]["pivots"] - 5
    sign = load_window(memory, d, first, PIVOTS_OF_WAVE_4)
    window = memory.state["window"]
    if diagonal_rule(window, PIVOTS_OF_WAVE_4, sign, memory.state["meta"]["overlap_tolerance"]) == OK:
        count = open_count(
            memory, d, _diagonal_kind(memory, d, first, sign), PIVOTS_OF_WAVE_4, sign, WAVE_4, WAVE_5, ts_ms
        )
        count["expanding"] = length(window, 3) > length(window, 1)
        protect(count, window[2]["price"], RULE_DIAGONAL_WAVE_4, sign, True)
        publish_opening(memory, d, count, CLAIM_NONE, ts_ms)
    if triangle_rule(window, PIVOTS_OF_WAVE_4, sign) == OK:
        count = open_count(memory, d, TRIANGLE, PIVOTS_OF_WAVE_4, sign, LABEL_D, LABEL_E, ts_ms)
        count["expanding"] = length(window, 3) > length(window, 1)
        if count["expanding"]:
            protect(count, window[4]["price"], RULE_INSIDE, sign, False)
        else:
            protect(count, window[3]["price"], RULE_TRIANGLE_E, -sign, False)
        publish_opening(memory, d, count, CLAIM_NONE, ts_ms)


@helper
def _link_lower(memory: Memory, d: int) -> None:
    """Note the completed motive count of the lower degree that fills the leg to the newest pivot exactly."""
    n = memory.state["degree"][d]["pivots"]
    if d == 0 or n < 2:
        return
    lower = memory.state["degree"][d - 1]
    pivot = memory.state["ring"][d, (n - 1) % RING]
    start = memory.state["ring"][d, (n - 2) % RING]["extreme_index"]
    k = 1 if pivot["kind"] > 0 else 0
    if lower["motive_start"][k] == start and lower["motive_end"][k] == pivot["extreme_index"]:
        pivot["sub_count_id"] = lower["motive_id"][k]


@helper
def take_pivot(memory: Memory, d: int, ts_ms: int) -> None:
    """Publish the newest pivot of a degree and let it advance, end and open counts."""
    degree = memory.state["degree"][d]
    _link_lower(memory, d)
    load_window(memory, d, degree["pivots"] - 1, ONE_PIVOT)
    emit(
        memory,
        d,
        PIVOT_CONFIRMED,
        memory.state["no_count"],
        ONE_PIVOT,
        memory.state["window"][0]["price"],
        NOBODY,
        ts_ms,
    )
    advance_all(memory, d, ts_ms)
    if degree["pivots"] >= 3:
        _open_three(memory, d, ts_ms)
    if degree["pivots"] >= 5:
        _open_five(memory, d, ts_ms)
    guard(memory, d)
