"""Fibonacci retracements and extensions, in linear price as charting tools draw them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Price = TypeVar("Price", float, FloatArray)

#: Ratios of a retracement.
RETRACEMENTS = (0.236, 0.382, 0.5, 0.618, 0.786)
#: Ratios of an extension.
EXTENSIONS = (0.618, 1.0, 1.618, 2.618, 4.236)


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One price level and the ratio it stands for."""

    ratio: float
    price: float


def retracement(start: Price, end: Price, ratio: float) -> Price:
    """Give the price at which a move start → end has been taken back by a ratio.

    Example:
        >>> round(retracement(100.0, 120.0, 0.618), 2)
        107.64
    """
    return end - ratio * (end - start)


def extension(start: Price, end: Price, base: Price, ratio: float) -> Price:
    """Give the price a ratio of the move start → end beyond a base.

    Example:
        >>> round(extension(100.0, 120.0, 108.0, 1.618), 2)
        140.36
    """
    return base + ratio * (end - start)


def retraced_ratio(start: Price, end: Price, price: Price) -> Price:
    """Give the share of a move start → end that a price has taken back: 0 at its end, 1 at its start."""
    return (end - price) / (end - start)


def retracement_levels(start: float, end: float, ratios: Sequence[float] = RETRACEMENTS) -> tuple[Level, ...]:
    """Give a retracement's levels in the order of the ratios."""
    return tuple(Level(ratio=ratio, price=retracement(start, end, ratio)) for ratio in ratios)


def extension_levels(
    start: float, end: float, base: float, ratios: Sequence[float] = EXTENSIONS
) -> tuple[Level, ...]:
    """Give an extension's levels in the order of the ratios."""
    return tuple(Level(ratio=ratio, price=extension(start, end, base, ratio)) for ratio in ratios)
