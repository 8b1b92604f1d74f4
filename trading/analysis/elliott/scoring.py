"""Guideline score of a count: how well it looks, never whether it lives.

Each guideline gives a value in (0, 1]; the score is their weighted geometric mean times the weakest one to the
power 0.25, so that one broken property cannot be bought back. It is not a probability.

Source: trading-rules.md A.3 and A.7, layer 4.
"""

from __future__ import annotations

from math import exp, isnan, log, nan

import numpy as np
from numpy.typing import NDArray

from trading.analysis.elliott.records import PARTS, Records
from trading.analysis.elliott.rules import length
from trading.jit import helper, inlined

# Where each guideline stands among the parts of a motive count…
RETRACE_2, EXTEND_3, RETRACE_4, EXTEND_5 = 0, 1, 2, 3
TIME_2, TIME_4, ALTERNATION, EXTENSION = 4, 5, 6, 7
CHANNEL, VOLUME, MOMENTUM, SUB_WAVES = 8, 9, 10, 11
# …of a correction…
RATIO_B, RATIO_C, TIME_B = 0, 1, 4
# …and of a triangle.
RATIO_TC, RATIO_TD, RATIO_TE = 0, 1, 2

#: Names of the parts, by family, in the order above; empty names are not used.
MOTIVE_PARTS = (
    "wave_2_retrace", "wave_3_extension", "wave_4_retrace", "wave_5_extension", "wave_2_time", "wave_4_time",
    "alternation", "one_extension", "channel", "volume", "momentum", "sub_waves",
)  # fmt: skip
CORRECTION_PARTS = ("b_ratio", "c_ratio", "", "", "b_time", "", "", "", "", "", "", "sub_waves")
TRIANGLE_PARTS = ("c_ratio", "d_ratio", "e_ratio", "", "", "", "", "", "", "", "", "sub_waves")

_WEIGHTS = (1.0, 1.5, 1.0, 1.0, 0.5, 0.5, 0.5, 0.5, 0.75, 0.5, 0.5, 0.75)

_SIGMA = 0.12  # of ln(ratio / target)
_SOFT = 0.35  # of the guidelines that know only "more" or "less"
_IN_BAND = log(0.05)  # a ratio inside the acceptable band never scores less
_WORST = log(1e-4)
_WEAKEST_POWER = 0.25

_LN_RETRACE_2 = (log(0.382), log(0.5), log(0.618), log(0.786))
_LN_EXTEND_3 = (log(1.0), log(1.618), log(2.618))
_LN_RETRACE_4 = (log(0.236), log(0.382), log(0.5))
_LN_EXTEND_5 = (log(0.618), log(1.0), log(1.618))
_LN_SPAN_5 = (log(0.382), log(0.618))
_LN_ZIGZAG_B = (log(0.5), log(0.618))
_LN_FLAT_B = (log(1.0), log(1.236), log(1.382))
_LN_RATIO_C = (log(0.618), log(1.0), log(1.618))
_LN_TRIANGLE = (log(0.5), log(0.618), log(0.786))
_LN_ALTERNATION = log(1.6)
_LN_EXTENDED = log(1.618)


@helper
def _near(ratio: float, targets: tuple[float, ...], low: float, high: float) -> float:
    """Give ln of the value of a ratio: 0 at a target, falling with the distance in ln."""
    if not ratio > 0.0:
        return _WORST
    x = log(ratio)
    nearest = abs(x - targets[0])
    for target in targets:
        nearest = min(nearest, abs(x - target))
    worst = _IN_BAND if low <= ratio <= high else _WORST
    return max(-0.5 * (nearest / _SIGMA) ** 2, worst)


@helper
def _lacking(amount: float) -> float:
    """Give ln of the value of a guideline that is missed by an amount (0 or less: kept)."""
    if not amount > 0.0:
        return 0.0
    return max(-0.5 * (amount / _SOFT) ** 2, _WORST)


@inlined
def _bars(window: Records, wave: int) -> float:
    return float(window[wave]["extreme_index"] - window[wave - 1]["extreme_index"])


@helper
def _time(window: Records, wave: int) -> float:
    """Value the time of a corrective wave against the wave before: 0.382–1.618 is right, 0.1–5 acceptable."""
    ratio = _bars(window, wave) / _bars(window, wave - 1)
    amount = max(log(0.382) - log(ratio), log(ratio) - log(1.618))
    return max(_lacking(amount), _IN_BAND if 0.1 <= ratio <= 5.0 else _WORST)


@helper
def _sub_waves(window: Records, pivots: int, motive: bool) -> float:
    """Value how fully the legs subdivide at the next lower degree: five in motive legs, three in the others."""
    total = 0.0
    for i in range(1, pivots):
        expected = 5.0 if motive and i % 2 == 1 else 3.0
        found = float(window[i]["lower_pivots"] - window[i - 1]["lower_pivots"])
        total += min(1.0, found / expected)
    return log(max(total / (pivots - 1), 0.05))


@helper
def _line_at(window: Records, i: int, j: int, at: int) -> float:
    slope = (window[j]["x"] - window[i]["x"]) / (window[j]["extreme_index"] - window[i]["extreme_index"])
    rise: float = window[i]["x"] + slope * (window[at]["extreme_index"] - window[i]["extreme_index"])
    return rise


@helper
def _channel(window: Records, pivots: int, sign: int) -> float:
    """Value how well the channel 0-2 with its parallel through the further of 1 and 3 holds waves 4 and 5."""
    width = 0.0
    for i in (1, 3):
        width = max(width, sign * (window[i]["x"] - _line_at(window, 0, 2, i)))
    if width <= 0.0:
        return _WORST
    outside = max(0.0, sign * (_line_at(window, 0, 2, 4) - window[4]["x"])) / width
    if pivots > 5:
        above = sign * (window[5]["x"] - _line_at(window, 0, 2, 5)) / width - 1.0
        outside = max(outside, above)
    return _lacking(outside)


@inlined
def _mean_volume(window: Records, wave: int) -> float:
    traded: float = window[wave]["volume"] - window[wave - 1]["volume"]
    return traded / _bars(window, wave)


@helper
def _volume(window: Records) -> float:
    """Value volume: most in wave 3, less in wave 5. NaN where a wave traded nothing."""
    first, third, fifth = _mean_volume(window, 1), _mean_volume(window, 3), _mean_volume(window, 5)
    if first <= 0.0 or third <= 0.0 or fifth <= 0.0:
        return nan
    return _lacking(log(max(first, fifth) / third))


@helper
def _alternation(window: Records) -> float:
    depth_2 = length(window, 2) / length(window, 1)
    depth_4 = length(window, 4) / length(window, 3)
    by_depth = abs(log(depth_2 / depth_4))
    by_time = abs(log(_bars(window, 2) / _bars(window, 4)))
    return _lacking(_LN_ALTERNATION - max(by_depth, by_time))


@helper
def _one_extension(window: Records) -> float:
    first, third, fifth = length(window, 1), length(window, 3), length(window, 5)
    longest = max(first, third, fifth)
    middle = first + third + fifth - longest - min(first, third, fifth)
    return _lacking(_LN_EXTENDED - log(longest / middle))


@helper
def _combine(parts: NDArray[np.float64]) -> float:
    """Turn ln values into values in place and give the score; NaN parts do not count."""
    total = 0.0
    weights = 0.0
    weakest = 0.0
    for i in range(PARTS):
        value = parts[i]
        if isnan(value):
            continue
        total += _WEIGHTS[i] * value
        weights += _WEIGHTS[i]
        weakest = min(weakest, value)
        parts[i] = exp(value)
    if weights == 0.0:
        return nan
    return exp(total / weights + _WEAKEST_POWER * weakest)


@helper
def score_motive(
    window: Records, pivots: int, sign: int, is_diagonal: bool, has_lower: bool, parts: NDArray[np.float64]
) -> float:
    """Score an impulse or diagonal of 3 to 6 pivots; `parts` receives the value of each guideline."""
    parts[:] = nan
    first = length(window, 1)
    parts[RETRACE_2] = _near(length(window, 2) / first, _LN_RETRACE_2, 0.236, 0.886)
    parts[TIME_2] = _time(window, 2)
    if has_lower:
        parts[SUB_WAVES] = _sub_waves(window, pivots, not is_diagonal)
    if pivots > 3 and not is_diagonal:
        parts[EXTEND_3] = _near(length(window, 3) / first, _LN_EXTEND_3, 1.0, 4.236)
    if pivots > 4:
        if not is_diagonal:
            parts[RETRACE_4] = _near(length(window, 4) / length(window, 3), _LN_RETRACE_4, 0.146, 0.618)
            parts[CHANNEL] = _channel(window, pivots, sign)
            parts[ALTERNATION] = _alternation(window)
        parts[TIME_4] = _time(window, 4)
    if pivots > 5:
        span = sign * (window[3]["x"] - window[0]["x"])
        by_first = _near(length(window, 5) / first, _LN_EXTEND_5, 0.382, 2.618)
        by_span = _near(length(window, 5) / span, _LN_SPAN_5, 0.382, 0.618)
        if not is_diagonal:
            parts[EXTEND_5] = max(by_first, by_span)
            parts[EXTENSION] = _one_extension(window)
        parts[VOLUME] = _volume(window)
        parts[MOMENTUM] = _lacking(
            log(length(window, 5) / _bars(window, 5)) - log(length(window, 3) / _bars(window, 3))
        )
    return _combine(parts)


@helper
def score_correction(
    window: Records, pivots: int, is_zigzag: bool, has_lower: bool, parts: NDArray[np.float64]
) -> float:
    """Score a zigzag or flat of 3 or 4 pivots."""
    parts[:] = nan
    b_ratio = length(window, 2) / length(window, 1)
    if is_zigzag:
        parts[RATIO_B] = _near(b_ratio, _LN_ZIGZAG_B, 0.382, 0.79)
    else:
        parts[RATIO_B] = _near(b_ratio, _LN_FLAT_B, 0.9, 2.0)
    parts[TIME_B] = _time(window, 2)
    if pivots > 3:
        parts[RATIO_C] = _near(length(window, 3) / length(window, 1), _LN_RATIO_C, 0.5, 2.618)
    if has_lower:
        parts[SUB_WAVES] = _sub_waves(window, pivots, is_zigzag)
    return _combine(parts)


@helper
def score_triangle(window: Records, pivots: int, has_lower: bool, parts: NDArray[np.float64]) -> float:
    """Score a triangle of 5 or 6 pivots: each leg about 0.618 of the one before the last (or its inverse)."""
    parts[:] = nan
    expanding = length(window, 3) > length(window, 1)
    for wave in range(3, pivots):
        ratio = length(window, wave) / length(window, wave - 2)
        if expanding:
            ratio = 1.0 / ratio
        parts[RATIO_TC + wave - 3] = _near(ratio, _LN_TRIANGLE, 0.382, 0.95)
    if has_lower:
        parts[SUB_WAVES] = _sub_waves(window, pivots, False)
    return _combine(parts)
