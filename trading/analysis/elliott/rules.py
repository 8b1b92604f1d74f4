"""Hard rules: what kills a count. Each function looks at a window of pivots and names the first rule broken.

Prices are compared as they are, so a touch is a touch in either scale; lengths are compared in the scale (A.4).
`window[0]` is p0 (or a0), `sign` is +1 when the first wave rises.

Source: trading-rules.md A.2.
"""

from __future__ import annotations

from trading.analysis.elliott.records import (
    FLAT_EXPANDED,
    FLAT_REGULAR,
    FLAT_RUNNING,
    OK,
    RULE_ALTERNATION,
    RULE_B_BEYOND,
    RULE_C_SHORT,
    RULE_DIAGONAL_LENGTHS,
    RULE_DIAGONAL_LINES,
    RULE_DIAGONAL_WAVE_4,
    RULE_INSIDE,
    RULE_OVERLAP,
    RULE_TRIANGLE_E,
    RULE_TRUNCATED,
    RULE_WAVE_2,
    RULE_WAVE_3_BEYOND,
    RULE_WAVE_3_SHORTEST,
    UNKNOWN,
    ZIGZAG,
    Records,
)
from trading.jit import helper, inlined

#: From this share of A on a B makes a flat, below it a zigzag: the dead band of the guidelines is closed here.
FLAT_FROM = 0.90
#: A B longer than this many times A is no correction of A.
FLAT_TO = 2.0
#: A running flat, whose C falls short: B is at most this many times A (the typical ratio)…
RUNNING_B_TO = 1.382
#: …and C at least this share of A (the acceptable band). Longer or shorter it is a trend with a pause in it.
RUNNING_C_FROM = 0.5
#: B and D of a barrier triangle differ by at most this share of A.
BARRIER = 0.05
#: Ratios are compared with boundaries up to rounding, so that scaled prices give the same classes.
ROUNDING = 1e-9


@inlined
def length(window: Records, wave: int) -> float:
    """Give the length of a wave in the scale, positive."""
    return float(abs(window[wave]["x"] - window[wave - 1]["x"]))


@inlined
def _ahead(window: Records, i: int, j: int, sign: int) -> float:
    """Give how far pivot i lies beyond pivot j in the direction of the sign, in price."""
    return float(sign * (window[i]["price"] - window[j]["price"]))


@inlined
def _slope(window: Records, i: int, j: int) -> float:
    bars = window[j]["extreme_index"] - window[i]["extreme_index"]
    return float((window[j]["x"] - window[i]["x"]) / bars)


@helper
def legs_rule(window: Records, pivots: int) -> int:
    """Rules I1 and I6: the pivots alternate, and no leg holds a price beyond its ends."""
    for i in range(1, pivots):
        if window[i]["kind"] == window[i - 1]["kind"]:
            return RULE_ALTERNATION
        if window[i]["clean"] == 0:
            return RULE_INSIDE
    return OK


@helper
def overlap_level(window: Records, sign: int, tolerance: float) -> float:
    """Give the x that wave 4 must stay beyond: the end of wave 1, less the tolerated share of wave 1."""
    return float(window[1]["x"] - sign * tolerance * length(window, 1))


@helper
def overlaps(window: Records, sign: int, tolerance: float) -> bool:
    """Tell whether wave 4 enters (or touches) the territory of wave 1."""
    if tolerance == 0.0:
        return _ahead(window, 4, 1, sign) <= 0.0
    return bool(sign * (window[4]["x"] - overlap_level(window, sign, tolerance)) <= 0.0)


@helper
def impulse_rule(window: Records, pivots: int, sign: int, tolerance: float) -> int:
    """Check as much of an impulse as there are pivots (3 to 6)."""
    broken = legs_rule(window, pivots)
    if broken != OK:
        return broken
    if _ahead(window, 2, 0, sign) <= 0.0:
        return RULE_WAVE_2
    if pivots > 3 and _ahead(window, 3, 1, sign) <= 0.0:
        return RULE_WAVE_3_BEYOND
    if pivots > 4 and overlaps(window, sign, tolerance):
        return RULE_OVERLAP
    if pivots > 5:
        third = length(window, 3)
        if third < length(window, 1) and third < length(window, 5):
            return RULE_WAVE_3_SHORTEST
        # A truncated fifth is legal only when it subdivides into five at the lower degree.
        if _ahead(window, 5, 3, sign) <= 0.0 and window[5]["sub_count_id"] < 0:
            return RULE_TRUNCATED
    return OK


@helper
def is_truncated(window: Records, sign: int) -> bool:
    """Tell whether wave 5 fails to pass the end of wave 3."""
    return _ahead(window, 5, 3, sign) <= 0.0


@helper
def diagonal_rule(window: Records, pivots: int, sign: int, tolerance: float) -> int:
    """Check as much of a diagonal as there are pivots (5 or 6)."""
    broken = legs_rule(window, pivots)
    if broken != OK:
        return broken
    if _ahead(window, 2, 0, sign) <= 0.0:
        return RULE_WAVE_2
    if _ahead(window, 3, 1, sign) <= 0.0:
        return RULE_WAVE_3_BEYOND
    if not overlaps(window, sign, tolerance):
        return RULE_OVERLAP
    if _ahead(window, 4, 2, sign) <= 0.0:
        return RULE_DIAGONAL_WAVE_4
    first, second, third, fourth = (
        length(window, 1),
        length(window, 2),
        length(window, 3),
        length(window, 4),
    )
    expanding = first < third
    if expanding:
        if not second < fourth:
            return RULE_DIAGONAL_LENGTHS
    elif not (first > third and second > fourth):
        return RULE_DIAGONAL_LENGTHS
    outer = sign * _slope(window, 1, 3)
    inner = sign * _slope(window, 2, 4)
    if (expanding and outer <= inner) or (not expanding and outer >= inner):
        return RULE_DIAGONAL_LINES
    if pivots > 5:
        fifth = length(window, 5)
        if (expanding and fifth <= third) or (not expanding and fifth >= third):
            return RULE_DIAGONAL_LENGTHS
        if _ahead(window, 5, 3, sign) <= 0.0:
            return RULE_TRUNCATED
    return OK


@helper
def correction_family(window: Records, sign: int) -> int:
    """Name the correction that A and B begin, or UNKNOWN when B is too long for one.

    `sign` is the direction of A. B below 90 % of A begins a zigzag; from there on a flat, expanded when B passes
    the start of A.
    """
    share = length(window, 2) / length(window, 1)
    if share < FLAT_FROM * (1.0 - ROUNDING):
        return ZIGZAG
    if share > FLAT_TO * (1.0 + ROUNDING):
        return UNKNOWN
    return FLAT_EXPANDED if _ahead(window, 2, 0, sign) < 0.0 else FLAT_REGULAR


@helper
def correction_rule(window: Records, sign: int, family: int) -> int:
    """Check a whole correction a0, A, B, C of a family; a short C is legal only after an expanded B (running)."""
    broken = legs_rule(window, 4)
    if broken != OK:
        return broken
    if family == ZIGZAG and not length(window, 2) < length(window, 1):
        return RULE_B_BEYOND
    if _ahead(window, 3, 1, sign) <= 0.0:
        first = length(window, 1)
        b_share, c_share = length(window, 2) / first, length(window, 3) / first
        fits = b_share <= RUNNING_B_TO * (1.0 + ROUNDING) and c_share >= RUNNING_C_FROM * (1.0 - ROUNDING)
        if family != FLAT_EXPANDED or not fits:
            return RULE_C_SHORT
    return OK


@helper
def finished_pattern(window: Records, sign: int, family: int) -> int:
    """Name a correction that passed its rules: an expanded flat whose C falls short is a running one."""
    if family == FLAT_EXPANDED and _ahead(window, 3, 1, sign) <= 0.0:
        return FLAT_RUNNING
    return family


@helper
def triangle_rule(window: Records, pivots: int, sign: int) -> int:
    """Check as much of a triangle a0, A…E as there are pivots (5 or 6); `sign` is the direction of A.

    Contracting: each leg shorter than the one before the last, C inside A, D inside B or level with it (barrier),
    E inside C, and the lines A-C and B-D converge. Expanding: the reverse.
    """
    broken = legs_rule(window, pivots)
    if broken != OK:
        return broken
    a, b, c, d = length(window, 1), length(window, 2), length(window, 3), length(window, 4)
    expanding = c > a
    c_ahead = _ahead(window, 3, 1, sign)
    d_ahead = -_ahead(window, 4, 2, sign)
    if expanding:
        if not (d > b and c_ahead > 0.0 and d_ahead > 0.0):
            return RULE_DIAGONAL_LENGTHS
    else:
        level = abs(window[4]["x"] - window[2]["x"]) <= BARRIER * a
        if not (c < a and d < b and c_ahead < 0.0 and (d_ahead < 0.0 or level)):
            return RULE_DIAGONAL_LENGTHS
        if sign * _slope(window, 1, 3) >= sign * _slope(window, 2, 4):
            return RULE_DIAGONAL_LINES
    if pivots > 5:
        e = length(window, 5)
        if expanding != (e > c) or e == c:
            return RULE_DIAGONAL_LENGTHS
        if (_ahead(window, 5, 3, sign) > 0.0) != expanding:
            return RULE_TRIANGLE_E
    return OK
