"""What following forecasts earns after costs: one position per pair, held for the horizon."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trading.learning.panel import Panel

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """When a forecast is followed.

    Attributes:
        round_trip_cost: both fees and both slippages, as a share of the price.
        cost_multiple: the forecast in round-trip costs below which nothing is done.
    """

    round_trip_cost: float = 0.003
    cost_multiple: float = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """What came of following forecasts.

    Attributes:
        trades: how many positions were taken, over all pairs.
        turnover: round trips per pair and day.
        gross, net: sum of returns over all pairs, each with the same share of the capital, before and after costs.
        break_even_bps: round-trip cost in basis points at which nothing is left; None without trades.
        better_than_random: share of draws with the same entries at other times that earned less; None without trades.
        daily: net return per UTC day, from the first decision on.
    """

    trades: int
    turnover: float
    gross: float
    net: float
    break_even_bps: float | None
    better_than_random: float | None
    daily: FloatArray


def follow(
    panel: Panel,
    chosen: IntArray,
    mean: FloatArray,
    rule: Rule | None = None,
    *,
    draws: int = 1_000,
    seed: int = 1,
) -> Followed:
    """Follow forecasts.

    Args:
        mean: expected return per sample, in units of its scale.
        draws: of random signals with the same turnover: each pair's entries moved to another time, in a circle.
    """
    rule = rule or Rule()
    expected = mean * panel.scale[chosen]
    came = np.expm1(panel.returns(chosen))
    count = len(panel.pairs)
    random = np.random.default_rng(seed)
    gross, drawn, took = np.zeros(len(chosen)), np.zeros(draws), np.zeros(len(chosen), np.bool_)
    trades = 0
    for pair in range(count):
        own = np.flatnonzero(panel.pair[chosen] == pair)
        side = _entries(panel, chosen[own], expected[own], rule)
        rows = np.flatnonzero(side)
        trades += len(rows)
        took[own[rows]] = True
        gross[own[rows]] = side[rows] * came[own[rows]] / count
        if len(rows):
            moved = (rows[None, :] + random.integers(0, len(own), (draws, 1))) % len(own)
            drawn += (side[rows] * came[own][moved]).sum(axis=1) / count
    cost = rule.round_trip_cost / count
    net = gross - np.where(took, cost, 0.0)
    day = panel.known_ms[chosen] // _DAY_MS
    first = int(panel.decided_ms[chosen].min() // _DAY_MS)
    daily = np.bincount(day - first, weights=net).astype(np.float64)
    total = float(gross.sum())
    return Followed(
        trades=trades,
        turnover=trades / count / max(len(daily), 1),
        gross=total,
        net=total - trades * cost,
        break_even_bps=total * count / trades * 10_000.0 if trades else None,
        better_than_random=float(np.mean(drawn < total)) if trades else None,
        daily=daily,
    )


def _entries(panel: Panel, own: IntArray, expected: FloatArray, rule: Rule) -> FloatArray:
    """Give +1, -1 or 0 per sample of one pair: no entry before the last position has ended."""
    side = np.zeros(len(own))
    wanted = np.flatnonzero(np.abs(expected) > rule.cost_multiple * rule.round_trip_cost)
    decided, known = panel.decided_ms[own], panel.known_ms[own]
    free_from = np.iinfo(np.int64).min
    for row in wanted.tolist():
        if decided[row] >= free_from:
            side[row] = np.sign(expected[row])
            free_from = known[row]
    return side
