"""An independent judge of published wave counts: reads the JSON of events and raw bars, shares no engine code."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import log
from typing import Any


def _pattern_faults(count: dict[str, Any], p: list[float]) -> list[str]:
    s = 1 if count["direction"] == "up" else -1
    x = [log(price) for price in p] if count["scale"] == "log" else p
    length, name = [0.0] + [abs(b - a) for a, b in pairwise(x)], count["pattern"]
    q = [s * price for price in p]  # rising is forward
    checks: dict[str, bool] = {"first wave": q[1] > q[0]}
    if name == "impulse" or name.endswith("_diagonal"):
        checks |= {"six pivots": len(p) == 6, "I2": q[2] > q[0], "I3": q[3] > q[1]}
        checks["I4"] = not (length[3] < length[1] and length[3] < length[5])
        checks["fifth"] = q[5] > q[3] or count["waves"][4]["sub_count_id"] is not None
    if name == "impulse":
        checks["I5"] = q[4] > q[1]
    elif name.endswith("_diagonal"):
        checks |= {"overlap": q[4] <= q[1], "wave 4": q[4] > q[2]}
        shrinks = length[1] > length[3] > length[5] and length[2] > length[4]
        grows = length[1] < length[3] < length[5] and length[2] < length[4]
        checks["lengths"] = grows if count["expanding"] else shrinks
    elif name == "zigzag":
        checks |= {"B": length[2] < length[1] and length[2] / length[1] < 0.9, "C": q[3] > q[1]}
    elif name.startswith("flat_"):
        checks["B"] = length[2] / length[1] >= 0.9 - 1e-8
        checks["family"] = (name == "flat_regular") == (q[2] >= q[0])
        checks["C"] = (q[3] > q[1]) != (name == "flat_running")
    elif name == "triangle":
        checks |= {"C": (q[3] > q[1]) == count["expanding"], "E": (q[5] > q[3]) == count["expanding"]}
        checks["legs"] = all((length[i] > length[i - 2]) == count["expanding"] for i in (3, 4, 5))
    else:
        checks["known pattern"] = False
    return [rule for rule, holds in checks.items() if not holds]


def unsound(event: dict[str, Any], high: Sequence[float], low: Sequence[float]) -> list[str]:
    """Name the hard rules that a COUNT_COMPLETED event breaks, with I1, I6 and causality against the raw bars."""
    pivots = event["pivots"]
    p = [float(pivot["price"]) for pivot in pivots]
    faults = _pattern_faults(event, p)
    for i, pivot in enumerate(pivots):
        sign = (-1 if event["direction"] == "up" else 1) * (-1) ** i
        extreme = pivot["extreme_index"]
        if (high if sign > 0 else low)[extreme] != p[i] or extreme > pivot["confirmed_index"]:
            faults.append(f"pivot {i} is not the extreme of its bar, or was published before it")
        if i and not pivots[i - 1]["extreme_index"] < extreme:
            faults.append(f"pivots {i - 1} and {i} are out of order")
        start = pivots[i - 1]["extreme_index"] if i else extreme
        span = slice(start, extreme + 1)
        if i and (min(low[span]) < min(p[i - 1], p[i]) or max(high[span]) > max(p[i - 1], p[i])):
            faults.append(f"I6: wave {i} holds a price beyond its ends")
    if pivots[-1]["confirmed_index"] != event["bar_index"]:
        faults.append("published at another bar than its last confirmation")
    return faults
