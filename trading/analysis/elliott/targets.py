"""Fibonacci targets, in price as every charting tool draws them, and the price that confirms a count.

Source: trading-rules.md A.3, A.4 and A.9.
"""

from __future__ import annotations

from collections.abc import Sequence

from trading.analysis.elliott import records
from trading.analysis.elliott.events import Target

_MOTIVE = (records.IMPULSE, records.LEADING_DIAGONAL, records.ENDING_DIAGONAL)

#: Retracements of a whole motive wave after its end.
RETRACEMENTS = (0.236, 0.382, 0.5, 0.618)


def retracement(start: float, end: float, ratio: float) -> float:
    """Give the price that takes back a share of the move from start to end.

    Example:
        >>> retracement(100.0, 120.0, 0.618)
        107.64
    """
    return end - ratio * (end - start)


def extension(start: float, end: float, base: float, ratio: float) -> float:
    """Give the price that repeats a multiple of the move from start to end, from base on.

    Example:
        >>> round(extension(100.0, 120.0, 108.0, 1.618), 2)
        140.36
    """
    return base + ratio * (end - start)


def _extensions(
    label: str, p: Sequence[float], base: int, ratios: Sequence[float], basis: str
) -> list[Target]:
    return [
        Target(label=label, ratio=ratio, price=extension(p[0], p[1], p[base], ratio), basis=basis)
        for ratio in ratios
    ]


def _raw_targets(pattern: int, p: Sequence[float], is_complete: bool) -> list[Target]:
    n = len(p)
    if pattern in _MOTIVE:
        if n == 3:
            return _extensions("3", p, 2, (1.0, 1.618, 2.618), "wave 1 from the end of wave 2")
        if n == 4:
            return [
                Target(label="4", ratio=r, price=retracement(p[2], p[3], r), basis="wave 3")
                for r in (0.236, 0.382, 0.5)
            ]
        if n == 5:
            extended = abs(p[3] - p[2]) >= 1.618 * abs(p[1] - p[0])
            ratios: tuple[float, ...] = (0.618, 1.0) if extended else (0.618, 1.0, 1.618)
            return _extensions("5", p, 4, ratios, "wave 1 from the end of wave 4")
        return [
            Target(label="A", ratio=r, price=retracement(p[0], p[5], r), basis="the whole move")
            for r in RETRACEMENTS
        ]
    if pattern == records.TRIANGLE:
        if not is_complete:
            return [Target(label="E", ratio=0.618, price=p[4] + 0.618 * (p[3] - p[2]), basis="wave C")]
        width = max(abs(p[i + 1] - p[i]) for i in range(5))
        thrust = width if p[0] > p[1] else -width
        return [Target(label="thrust", ratio=1.0, price=p[5] + thrust, basis="the widest leg")]
    if not is_complete:
        return _extensions("C", p, 2, (0.618, 1.0, 1.618), "wave A from the end of wave B")
    return [
        Target(label="after C", ratio=r, price=p[3] + r * (p[0] - p[3]), basis="the range of A to C")
        for r in (1.0, 1.618)
    ]


def targets_of(pattern: int, prices: Sequence[float], is_complete: bool) -> tuple[Target, ...]:
    """Give where the wave in progress (or the move after a whole pattern) tends to end; prices above zero only."""
    return tuple(target for target in _raw_targets(pattern, prices, is_complete) if target.price > 0.0)


def confirmation_price(pattern: int, prices: Sequence[float], is_complete: bool) -> float | None:
    """Give the price beyond which the count is confirmed: the break that the next wave must make."""
    n = len(prices)
    if pattern in _MOTIVE:
        # Waves 3 and 5 must pass the end of 1 and 3; an end is confirmed by passing the end of wave 4.
        return prices[{3: 1, 4: 3, 5: 3, 6: 4}[n]]
    if pattern == records.TRIANGLE:
        return prices[4] if is_complete else prices[3]
    return prices[2] if is_complete else prices[1]
