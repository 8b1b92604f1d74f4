"""Counts: candidates that open, advance and die, one degree at a time.

Candidates are windows of consecutive pivots, so a new pivot opens at most one impulse, one correction, one diagonal
and one triangle and advances the others: six are open at once at most. No history is searched.

Source: trading-rules.md A.7, layers 2 and 3.
"""

from __future__ import annotations

from math import exp, inf, nan

from trading.analysis.elliott.claims import claim_now
from trading.analysis.elliott.records import (
    CLAIM_DIAGONAL,
    CLAIM_FLAT,
    CLAIM_IMPULSE,
    CLAIM_NONE,
    CLAIM_TRIANGLE,
    CLAIM_WAVE_5,
    CLAIM_ZIGZAG,
    COMPLETE,
    COUNT_COMPLETED,
    COUNT_INVALIDATED,
    COUNT_OPENED,
    COUNT_SUPERSEDED,
    ENDING_DIAGONAL,
    IMPULSE,
    INVALIDATED,
    LABEL_C,
    LABEL_E,
    MAX_PIVOTS,
    NOBODY,
    OK,
    OPEN,
    PIVOTS_OF_CORRECTION,
    RING,
    RULE_END_PASSED,
    RULE_OVERLAP,
    SUPERSEDED,
    TRIANGLE,
    WAVE_LABELLED,
    ZIGZAG,
    Memory,
    Record,
)
from trading.analysis.elliott.rules import (
    correction_rule,
    diagonal_rule,
    finished_pattern,
    impulse_rule,
    is_truncated,
    overlap_level,
    triangle_rule,
)
from trading.analysis.elliott.scoring import score_correction, score_motive, score_triangle
from trading.jit import helper


@helper
def _tell_pivot(pivot: Record, told: Record) -> None:
    told["id"], told["price"], told["kind"] = pivot["id"], pivot["price"], pivot["kind"]
    told["extreme_index"], told["extreme_ms"] = pivot["extreme_index"], pivot["extreme_ms"]
    told["confirmed_index"], told["confirmed_ms"] = pivot["confirmed_index"], pivot["confirmed_ms"]
    told["threshold"], told["sub_count_id"] = pivot["threshold"], pivot["sub_count_id"]


@helper
def emit(
    memory: Memory, d: int, kind: int, count: Record, pivots: int, price: float, other_id: int, ts_ms: int
) -> None:
    """Append an event with a copy of the count and of the first `pivots` pivots of the window."""
    meta = memory.state["meta"]
    row = meta["events"]
    event = memory.events[row]
    event["seq"], event["bar_index"], event["ts_ms"] = meta["next_seq"], meta["bar"], ts_ms
    event["type"], event["degree"] = kind, d
    event["other_id"], event["price"] = other_id, price
    event["count"] = count
    others = 0
    if count["status"] == OPEN or count["status"] == COMPLETE:
        for i in range(memory.state["degree"][d]["open"]):
            if memory.state["open"][d, i]["id"] != count["id"]:
                event["alternatives"][others] = memory.state["open"][d, i]["id"]
                others += 1
    event["alternatives"][others:] = -1
    for i in range(pivots):
        _tell_pivot(memory.state["window"][i], event["pivots"][i])
    for i in range(pivots, MAX_PIVOTS):
        event["pivots"][i] = memory.state["no_pivot"]
    meta["events"] = row + 1
    meta["next_seq"] += 1


@helper
def load_window(memory: Memory, d: int, first: int, pivots: int) -> int:
    """Copy pivots first … first + pivots - 1 into the window; give +1 when the first wave rises, else -1."""
    for i in range(pivots):
        memory.state["window"][i] = memory.state["ring"][d, (first + i) % RING]
    return -int(memory.state["window"][0]["kind"])


@helper
def guard(memory: Memory, d: int) -> None:
    """Remember the tightest invalidation price on each side, so that most bars need two comparisons."""
    degree = memory.state["degree"][d]
    low, high = -inf, inf
    for i in range(degree["open"]):
        count = memory.state["open"][d, i]
        if count["side"] > 0:
            low = max(low, count["invalidation"])
        else:
            high = min(high, count["invalidation"])
    degree["guard_low"], degree["guard_high"] = low, high


@helper
def _remove(memory: Memory, d: int, i: int) -> None:
    degree = memory.state["degree"][d]
    for k in range(i + 1, degree["open"]):
        memory.state["open"][d, k - 1] = memory.state["open"][d, k]
    degree["open"] -= 1


@helper
def protect(count: Record, price: float, rule: int, side: int, touch: int) -> None:
    count["invalidation"], count["rule"] = price, rule
    count["side"], count["touch"] = side, touch


@helper
def _is_broken(count: Record, low: float, high: float) -> bool:
    level = count["invalidation"]
    if count["side"] > 0:
        return bool(low < level or (count["touch"] != 0 and low == level))
    return bool(high > level or (count["touch"] != 0 and high == level))


@helper
def _kill(memory: Memory, d: int, count: Record, rule: int, price: float, ts_ms: int) -> None:
    count["status"], count["rule"], count["current"] = INVALIDATED, rule, 0
    count["updated_ms"] = ts_ms
    emit(memory, d, COUNT_INVALIDATED, count, count["pivots"], price, NOBODY, ts_ms)


@helper
def invalidate(memory: Memory, d: int, ts_ms: int) -> None:
    """Kill the open counts whose invalidation price this bar reached."""
    degree = memory.state["degree"][d]
    low, high = memory.state["bar"]["low"], memory.state["bar"]["high"]
    if low > degree["guard_low"] and high < degree["guard_high"]:
        return
    i = 0
    while i < degree["open"]:
        count = memory.state["open"][d, i]
        if _is_broken(count, low, high):
            load_window(memory, d, count["first"], count["pivots"])
            _kill(memory, d, count, count["rule"], count["invalidation"], ts_ms)
            _remove(memory, d, i)
        else:
            i += 1
    guard(memory, d)


@helper
def _score(memory: Memory, d: int, count: Record) -> None:
    pivots, sign, pattern = count["pivots"], count["direction"], count["pattern"]
    window, has_lower = memory.state["window"], d > 0
    if pattern <= ENDING_DIAGONAL:
        count["score"] = score_motive(window, pivots, sign, pattern != IMPULSE, has_lower, count["parts"])
    elif pattern == TRIANGLE:
        count["score"] = score_triangle(window, pivots, has_lower, count["parts"])
    else:
        count["score"] = score_correction(window, pivots, pattern == ZIGZAG, has_lower, count["parts"])


@helper
def open_count(
    memory: Memory, d: int, pattern: int, pivots: int, sign: int, label: int, current: int, ts_ms: int
) -> Record:
    """Start a count on the pivots in the window; it is published by `publish_opening`."""
    meta, degree = memory.state["meta"], memory.state["degree"][d]
    count = memory.state["open"][d, degree["open"]]
    count["id"] = meta["next_count"]
    count["first"] = degree["pivots"] - pivots
    count["opened_index"], count["opened_ms"], count["updated_ms"] = meta["bar"], ts_ms, ts_ms
    count["pattern"], count["direction"], count["status"] = pattern, sign, OPEN
    count["label"], count["current"], count["pivots"] = label, current, pivots
    count["truncated"], count["expanding"], count["claim"] = 0, 0, CLAIM_NONE
    count["confidence"] = nan
    meta["next_count"] += 1
    degree["open"] += 1
    _score(memory, d, count)
    return count


@helper
def publish_opening(memory: Memory, d: int, count: Record, claim: int, ts_ms: int) -> None:
    claim_now(memory, d, count, claim)
    emit(memory, d, COUNT_OPENED, count, count["pivots"], nan, NOBODY, ts_ms)


@helper
def _complete(memory: Memory, d: int, count: Record, claim: int, ts_ms: int) -> None:
    """Publish a whole pattern: it is final, and its last pivot is the price that would contradict its end."""
    window, pivots, sign = memory.state["window"], count["pivots"], count["direction"]
    degree = memory.state["degree"][d]
    last = window[pivots - 1]
    count["status"], count["current"] = COMPLETE, 0
    protect(count, last["price"], RULE_END_PASSED, -int(last["kind"]), False)
    _score(memory, d, count)
    claim_now(memory, d, count, claim)
    emit(memory, d, COUNT_COMPLETED, count, pivots, nan, NOBODY, ts_ms)
    memory.state["done"][d] = count
    for i in range(pivots):
        _tell_pivot(window[i], memory.state["done_pivots"][d, i])
    if count["pattern"] <= ENDING_DIAGONAL:
        k = 1 if sign > 0 else 0
        degree["motive_id"][k] = count["id"]
        degree["motive_start"][k] = window[0]["extreme_index"]
        degree["motive_end"][k] = last["extreme_index"]
    elif count["pattern"] != TRIANGLE:
        newest = memory.state["ring"][d, (degree["pivots"] - 1) % RING]
        newest["corrective_id"], newest["corrective_pattern"] = count["id"], count["pattern"]


@helper
def _advance_impulse(memory: Memory, d: int, count: Record, ts_ms: int) -> bool:
    """Fit the new pivot to an impulse; give whether it stays open."""
    window, pivots, sign = memory.state["window"], count["pivots"], int(count["direction"])
    meta, degree = memory.state["meta"], memory.state["degree"][d]
    tolerance = meta["overlap_tolerance"]
    broken = impulse_rule(window, pivots, sign, tolerance)
    if broken != OK:
        _kill(memory, d, count, broken, window[pivots - 1]["price"], ts_ms)
        return False
    count["label"] = pivots - 1
    if pivots == MAX_PIVOTS:
        count["truncated"] = is_truncated(window, sign)
        _complete(memory, d, count, CLAIM_IMPULSE, ts_ms)
        return False
    count["current"] = pivots
    level = window[1]["price"]
    if tolerance > 0.0:
        x = overlap_level(window, sign, tolerance)
        level = exp(x) if meta["log_scale"] else x
    protect(count, level, RULE_OVERLAP, sign, True)
    _score(memory, d, count)
    claim_now(memory, d, count, CLAIM_WAVE_5 if pivots == 5 else CLAIM_NONE)
    emit(memory, d, WAVE_LABELLED, count, pivots, nan, NOBODY, ts_ms)
    # Wave 4 began before its start was confirmed and may have overlapped already.
    reached = degree["ext_price"]
    if pivots == 4 and _is_broken(count, reached, reached):
        _kill(memory, d, count, RULE_OVERLAP, level, ts_ms)
        return False
    return True


@helper
def _advance(memory: Memory, d: int, count: Record, ts_ms: int) -> bool:
    """Fit the new pivot to an open count; give whether it stays open."""
    pivots = memory.state["degree"][d]["pivots"] - count["first"]
    sign = load_window(memory, d, count["first"], pivots)
    count["pivots"], count["updated_ms"] = pivots, ts_ms
    pattern = count["pattern"]
    if pattern == IMPULSE:
        return _advance_impulse(memory, d, count, ts_ms)
    if pattern <= ENDING_DIAGONAL:
        count["label"] = 5
        broken = diagonal_rule(
            memory.state["window"], pivots, sign, memory.state["meta"]["overlap_tolerance"]
        )
        claim = CLAIM_DIAGONAL
    elif pattern == TRIANGLE:
        count["label"] = LABEL_E
        broken = triangle_rule(memory.state["window"], pivots, sign)
        claim = CLAIM_TRIANGLE
    else:
        count["label"] = LABEL_C
        broken = correction_rule(memory.state["window"], sign, pattern)
        count["pattern"] = finished_pattern(memory.state["window"], sign, pattern)
        claim = CLAIM_ZIGZAG if pattern == ZIGZAG else CLAIM_FLAT
    if broken != OK:
        count["pattern"] = pattern
        _kill(memory, d, count, broken, memory.state["window"][pivots - 1]["price"], ts_ms)
    else:
        _complete(memory, d, count, claim, ts_ms)
    return False


@helper
def _supersede_finished(memory: Memory, d: int, winner: int, ts_ms: int) -> None:
    """Withdraw the corrections that ended at p3 or p4 of a completed motive wave: they were parts of it."""
    n = memory.state["degree"][d]["pivots"]
    for end in range(n - 3, n - 1):
        pivot = memory.state["ring"][d, end % RING]
        if pivot["corrective_id"] < 0:
            continue
        sign = load_window(memory, d, end - 3, PIVOTS_OF_CORRECTION)
        count = memory.state["draft"]
        count["id"], count["first"] = pivot["corrective_id"], end - 3
        count["opened_index"] = memory.state["window"][2]["confirmed_index"]
        count["opened_ms"] = memory.state["window"][2]["confirmed_ms"]
        count["updated_ms"] = ts_ms
        count["pattern"], count["direction"], count["status"] = pivot["corrective_pattern"], sign, SUPERSEDED
        count["label"], count["pivots"], count["rule"] = LABEL_C, 4, RULE_END_PASSED
        count["invalidation"] = memory.state["window"][3]["price"]
        count["score"], count["confidence"], count["claim"] = nan, nan, CLAIM_NONE
        count["parts"][:] = nan
        emit(memory, d, COUNT_SUPERSEDED, count, count["pivots"], nan, winner, ts_ms)


@helper
def advance_all(memory: Memory, d: int, ts_ms: int) -> None:
    """Advance the motive counts, then the others; a motive wave completed here supersedes those inside it."""
    degree = memory.state["degree"][d]
    winner = -1
    for motive in (True, False):
        i = 0
        while i < degree["open"]:
            count = memory.state["open"][d, i]
            if (count["pattern"] <= ENDING_DIAGONAL) != motive:
                i += 1
                continue
            if winner >= 0 and not motive:
                load_window(memory, d, count["first"], count["pivots"])
                count["status"], count["current"], count["updated_ms"] = SUPERSEDED, 0, ts_ms
                emit(memory, d, COUNT_SUPERSEDED, count, count["pivots"], nan, winner, ts_ms)
                stays = False
            else:
                stays = _advance(memory, d, count, ts_ms)
                if motive and count["status"] == COMPLETE:
                    winner = count["id"]
            if stays:
                i += 1
            else:
                _remove(memory, d, i)
    if winner >= 0:
        _supersede_finished(memory, d, winner, ts_ms)
