"""What if a market moves: returns that move together, and what a shock would do to what is held."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from desk.ports import Unit
from desk.views import Position
from trading.candles import Candles

#: Bars that correlations are taken over, and the least that say anything.
BARS, LEAST = 500, 30

Matrix = np.ndarray[tuple[int, int], np.dtype[np.float64]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Together:
    """How the returns of some pairs move together: correlations, and moves per move (betas: row on column)."""

    pairs: tuple[str, ...]
    correlation: Matrix
    beta: Matrix

    def of(self, pair: str, on: str) -> float:
        """Give how much a pair moves when another moves by one; nought where nothing is known."""
        if pair == on:
            return 1.0
        if pair not in self.pairs or on not in self.pairs:
            return 0.0
        value = float(self.beta[self.pairs.index(pair), self.pairs.index(on)])
        return value if np.isfinite(value) else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """What a shock does to one position."""

    position: Position
    move: float
    pnl: Decimal


async def moving_together(tx: Unit, pairs: Sequence[str]) -> Together:
    """Read the newest candles of some pairs and give how their returns move together."""
    series: dict[str, Candles] = {}
    known = sorted(await tx.candles.series(), key=lambda one: one.last)
    for pair in pairs:
        fits = [one for one in known if one.pair == pair]
        if fits:
            series[pair] = await tx.candles.last(fits[-1].venue, pair, fits[-1].timeframe, BARS)
    return together(series)


def together(series: Mapping[str, Candles]) -> Together:
    """Give how returns move together, on the bars that each two pairs share; NaN below `LEAST` of them."""
    pairs = tuple(series)
    n = len(pairs)
    correlation, beta = np.full((n, n), np.nan), np.full((n, n), np.nan)
    returns = {pair: _returns(candles) for pair, candles in series.items()}
    for row, one in enumerate(pairs):
        correlation[row, row] = beta[row, row] = 1.0
        for column, other in enumerate(pairs):
            if row == column:
                continue
            _, left, right = np.intersect1d(
                returns[one][0], returns[other][0], assume_unique=True, return_indices=True
            )
            x, y = returns[one][1][left], returns[other][1][right]
            if len(x) < LEAST or not x.std() or not y.std():
                continue
            correlation[row, column] = float(np.corrcoef(x, y)[0, 1])
            beta[row, column] = correlation[row, column] * float(x.std() / y.std())
    return Together(pairs=pairs, correlation=correlation, beta=beta)


def _returns(
    candles: Candles,
) -> tuple[np.ndarray[tuple[int], np.dtype[np.int64]], np.ndarray[tuple[int], np.dtype[np.float64]]]:
    close = np.asarray(candles.close, np.float64)
    return np.asarray(candles.ts_ms, np.int64)[1:], np.diff(np.log(close))


def shocked(positions: Sequence[Position], pair: str, move: float, moves: Together) -> tuple[Hit, ...]:
    """Give what a move of a pair does to what is held; the others move as they did with it. Stops are not counted on."""
    hits = []
    for one in positions:
        own = move * moves.of(one.pair, pair)
        # A price cannot fall below nought.
        own = max(own, -1.0)
        worth = one.quantity * one.mark_price * (1 if one.is_long else -1)
        hits.append(Hit(position=one, move=own, pnl=worth * Decimal(repr(own))))
    return tuple(hits)
