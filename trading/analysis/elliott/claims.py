"""Confidence: how often a claim like this one came true so far, in this very series.

Each published count makes a claim (`CLAIM_*`): a target will be reached before a stop. Claims wait for their
outcome in a small fixed list; outcomes are counted by score bucket, and the confidence of a new count is the
isotonic fit (pool adjacent violators) over the buckets. Only outcomes known by then are used, so the calibration
is walk-forward by construction. Below `MIN_CASES` the confidence is undefined.

Source: trading-rules.md A.7, layer 4.
"""

from __future__ import annotations

from math import nan

import numpy as np
from numpy.typing import NDArray

from trading.analysis.elliott.records import (
    CLAIM_DIAGONAL,
    CLAIM_IMPULSE,
    CLAIM_NONE,
    CLAIM_TRIANGLE,
    CLAIM_WAVE_3,
    CLAIM_WAVE_5,
    MAX_PENDING,
    SCORE_BINS,
    Memory,
    Record,
    Records,
)
from trading.jit import helper, inlined

#: Cases of a claim, over all scores, below which its confidence is undefined.
MIN_CASES = 200


@helper
def claim_levels(window: Records, sign: int, claim: int) -> tuple[int, float, float]:
    """Give direction, target and stop of a claim, in the scale.

    Wave 3 equals wave 1 before p0 breaks; wave 5 passes p3 before p1 breaks; after an impulse 38.2 % and after a
    diagonal 61.8 % are retraced before its end breaks; after a correction the end of B, after a triangle that of
    D, is passed before its own end breaks.
    """
    x = window["x"]
    if claim == CLAIM_WAVE_3:
        return sign, x[2] + (x[1] - x[0]), x[0]
    if claim == CLAIM_WAVE_5:
        return sign, x[3], x[1]
    if claim == CLAIM_IMPULSE:
        return -sign, x[5] - 0.382 * (x[5] - x[0]), x[5]
    if claim == CLAIM_DIAGONAL:
        return -sign, x[5] - 0.618 * (x[5] - x[0]), x[5]
    if claim == CLAIM_TRIANGLE:
        return -sign, x[4], x[5]
    return -sign, x[2], x[3]


@inlined
def score_bin(score: float) -> int:
    """Give the bucket of a score."""
    return min(int(score * SCORE_BINS), SCORE_BINS - 1)


@helper
def isotonic_confidence(table: NDArray[np.int64], claim: int, bin_number: int) -> float:
    """Give the non-decreasing fit of the hit rate at a bucket, NaN below `MIN_CASES` cases.

    `table[claim, bucket]` holds failed and true cases. An empty bucket takes the fit of the next filled one below
    it, or of the lowest filled one.
    """
    rates = np.empty(SCORE_BINS)
    weights = np.empty(SCORE_BINS)
    last_bin = np.empty(SCORE_BINS, np.int64)
    blocks = 0
    cases = 0
    for i in range(SCORE_BINS):
        failed, true = table[claim, i, 0], table[claim, i, 1]
        n = failed + true
        if n == 0:
            continue
        cases += n
        rates[blocks], weights[blocks], last_bin[blocks] = true / n, float(n), i
        blocks += 1
        while blocks > 1 and rates[blocks - 2] >= rates[blocks - 1]:
            total = weights[blocks - 2] + weights[blocks - 1]
            pooled = rates[blocks - 2] * weights[blocks - 2] + rates[blocks - 1] * weights[blocks - 1]
            rates[blocks - 2] = pooled / total
            weights[blocks - 2] = total
            last_bin[blocks - 2] = last_bin[blocks - 1]
            blocks -= 1
    if cases < MIN_CASES:
        return nan
    for i in range(blocks):
        if bin_number <= last_bin[i]:
            return float(rates[i])
    return float(rates[blocks - 1])


@helper
def claim_now(memory: Memory, d: int, count: Record, claim: int) -> None:
    """Give a count its confidence and wait for the outcome of its claim (the window holds its pivots)."""
    count["claim"] = claim
    count["confidence"] = nan
    if claim == CLAIM_NONE:
        return
    bucket = score_bin(count["score"])
    count["confidence"] = isotonic_confidence(memory.state["table"], claim, bucket)
    direction, target, stop = claim_levels(memory.state["window"], count["direction"], claim)
    close = memory.state["bar"]["close_x"]
    if direction * (target - close) <= 0.0 or direction * (close - stop) <= 0.0:
        return  # decided before anybody could act on it
    degree = memory.state["degree"][d]
    pending = memory.state["pending"][d]
    if degree["pending"] == MAX_PENDING:
        for i in range(1, MAX_PENDING):
            pending[i - 1] = pending[i]
        degree["pending"] -= 1
    case = pending[degree["pending"]]
    case["direction"], case["claim"], case["bin"] = direction, claim, bucket
    case["target"], case["stop"] = target, stop
    degree["pending"] += 1


@helper
def settle_claims(memory: Memory, d: int) -> None:
    """Count the outcomes that this bar decides; stop and target in one bar is a failure."""
    degree = memory.state["degree"][d]
    pending = memory.state["pending"][d]
    high, low = memory.state["bar"]["high_x"], memory.state["bar"]["low_x"]
    kept = 0
    for i in range(degree["pending"]):
        case = pending[i]
        if case["direction"] > 0:
            failed = low <= case["stop"]
            true = high >= case["target"]
        else:
            failed = high >= case["stop"]
            true = low <= case["target"]
        if failed or true:
            memory.state["table"][case["claim"], case["bin"], 0 if failed else 1] += 1
            continue
        if kept != i:
            pending[kept] = case
        kept += 1
    degree["pending"] = kept
