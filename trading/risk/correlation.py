"""Which pairs move together: daily closes, the correlation matrix, and the rule with hysteresis (B.4).

Pearson of daily log returns at 00:00 UTC closes, last 30, at least 20 in common. A pair of positions is correlated
when its sign-adjusted ρ is above 0.7, and stays so until it is below 0.6. Undefined counts as correlated.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trading.candles import MISSING, SYNTHETIC, Candles
from trading.errors import InvalidInput, NotFound, ShapeMismatch, nearest

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrelationRule:
    """Settings of the rule.

    Attributes:
        window_days: daily returns looked at.
        minimum_common: returns that both pairs must have among them.
        block_above: sign-adjusted ρ above which two positions are correlated.
        release_below: ρ below which they are not any more.
        most: an entry is refused when that many open positions are correlated with it.
    """

    window_days: int = 30
    minimum_common: int = 20
    block_above: float = 0.7
    release_below: float = 0.6
    most: int = 2

    def __post_init__(self) -> None:
        if not (-1.0 <= self.release_below <= self.block_above <= 1.0):
            raise InvalidInput(
                f"Correlation is released below {self.release_below} and blocked above {self.block_above}; "
                "-1 ≤ release_below ≤ block_above ≤ 1 is allowed."
            )
        if not (2 <= self.minimum_common <= self.window_days) or self.most < 1:
            raise InvalidInput(
                f"window_days {self.window_days}, minimum_common {self.minimum_common} and most {self.most} were "
                "given; 2 ≤ minimum_common ≤ window_days and most ≥ 1 are allowed."
            )


def daily_closes(candles: Candles, *, from_day: int, to_day: int) -> FloatArray:
    """Give the close at each 00:00 UTC from day `from_day` to `to_day` (days since the epoch, both included).

    The close at 00:00 is that of the last bar closed by then; NaN where no real bar closed in the day before.
    """
    real = (candles.flags & (SYNTHETIC | MISSING)) == 0
    closed_ms = candles.ts_ms[real] + candles.timeframe.ms
    close = candles.close[real]
    marks = np.arange(from_day, to_day + 1, dtype=np.int64) * DAY_MS
    out = np.full(len(marks), np.nan)
    if len(close) == 0:
        return out
    rows = np.searchsorted(closed_ms, marks, "right") - 1
    fresh = (rows >= 0) & (closed_ms[np.maximum(rows, 0)] > marks - DAY_MS)
    out[fresh] = close[rows[fresh]]
    return out


def pearson_matrix(returns: FloatArray, *, minimum_common: int) -> FloatArray:
    """Give ρ of each pair of columns over the rows that both have; NaN where undefined.

    Args:
        returns: shape (days, pairs), NaN where a pair has no return.
    """
    has = np.isfinite(returns)
    weight = has.astype(np.float64)
    # Centring by column first keeps the differences of sums below from cancelling.
    level = np.where(has, returns, 0.0).sum(axis=0) / np.maximum(weight.sum(axis=0), 1.0)
    value = np.where(has, returns - level, 0.0)
    common = weight.T @ weight
    enough = common >= max(minimum_common, 2)
    count = np.where(enough, common, 1.0)
    first, second = value.T @ weight, weight.T @ value
    covariance = value.T @ value - first * second / count
    square = value**2
    variance_first = square.T @ weight - first**2 / count
    variance_second = weight.T @ square - second**2 / count
    product = variance_first * variance_second
    # A constant price leaves a variance of rounding errors only, about 1e-32 per return.
    varies = enough & (variance_first > 1e-24) & (variance_second > 1e-24)
    rho = np.divide(covariance, np.sqrt(np.where(varies, product, 1.0)))
    return np.where(varies, np.clip(rho, -1.0, 1.0), np.nan)


@dataclass(frozen=True, slots=True, kw_only=True)
class Correlation:
    """What the rule knows at one 00:00 UTC.

    Attributes:
        pairs: names, in the order of the rows and columns.
        rho: shape (n, n), NaN where undefined.
        same: two positions on the same side are correlated, shape (n, n).
        opposite: a long and a short are correlated, shape (n, n).
    """

    pairs: tuple[str, ...]
    rho: FloatArray
    same: BoolArray
    opposite: BoolArray

    def between(self, first: tuple[str, int], second: tuple[str, int]) -> bool:
        """Say whether two positions (pair, side ±1) count as correlated."""
        i, j = self._row(first[0]), self._row(second[0])
        return bool(self.same[i, j] if first[1] == second[1] else self.opposite[i, j])

    def correlated_with(
        self, candidate: tuple[str, int], positions: Iterable[tuple[str, int]]
    ) -> tuple[tuple[str, int], ...]:
        """List the open positions that are correlated with a candidate; refuse it at `CorrelationRule.most`."""
        return tuple(position for position in positions if self.between(candidate, position))

    def _row(self, pair: str) -> int:
        if pair not in self.pairs:
            raise NotFound(
                f"Pair '{pair}' is not in the correlation matrix; {', '.join(self.pairs)} are.",
                hint=nearest(pair, self.pairs),
            )
        return self.pairs.index(pair)


def unknown(pairs: Sequence[str]) -> Correlation:
    """Give the state before anything is known: all pairs count as correlated."""
    n = len(pairs)
    return Correlation(
        pairs=tuple(pairs),
        rho=np.full((n, n), np.nan),
        same=np.ones((n, n), np.bool_),
        opposite=_off_diagonal(n),
    )


def updated(before: Correlation, closes: FloatArray, rule: CorrelationRule | None = None) -> Correlation:
    """Give the state after a further 00:00 UTC.

    Args:
        before: state of the day before, for the hysteresis; `unknown(pairs)` on the first day.
        closes: shape (days, pairs) up to and including this midnight; the last `window_days` + 1 rows are used.
    """
    rule = rule or CorrelationRule()
    if closes.ndim != 2 or closes.shape[1] != len(before.pairs):
        raise ShapeMismatch(f"Closes have shape {closes.shape}; (days, {len(before.pairs)}) is needed.")
    window = closes[-(rule.window_days + 1) :]
    rho = pearson_matrix(np.diff(np.log(window), axis=0), minimum_common=rule.minimum_common)
    np.fill_diagonal(rho, 1.0)
    # A pair undefined yesterday was blocked for want of data, not by its ρ: hysteresis does not hold it.
    was_defined = np.isfinite(before.rho)
    same = _blocked(rho, before.same & was_defined, rule)
    opposite = _blocked(-rho, before.opposite & was_defined, rule) & _off_diagonal(len(before.pairs))
    return Correlation(pairs=before.pairs, rho=rho, same=same, opposite=opposite)


def _off_diagonal(n: int) -> BoolArray:
    # A long and a short of one pair offset each other exactly.
    return ~np.eye(n, dtype=np.bool_)


def _blocked(rho: FloatArray, before: BoolArray, rule: CorrelationRule) -> BoolArray:
    with np.errstate(invalid="ignore"):
        blocked: BoolArray = np.isnan(rho) | (rho > rule.block_above) | (before & (rho >= rule.release_below))
    return blocked


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrelationSchedule:
    """The states of a whole span: row k holds from midnight `from_ms[k]` to the next.

    Attributes:
        from_ms: 00:00 UTC, shape (days,).
        rho: shape (days, n, n).
        same, opposite: shape (days, n, n).
    """

    pairs: tuple[str, ...]
    from_ms: IntArray
    rho: FloatArray
    same: BoolArray
    opposite: BoolArray

    def at(self, ts_ms: int) -> Correlation:
        """Give the state known at a moment; nothing is known before the first midnight."""
        row = int(np.searchsorted(self.from_ms, ts_ms, "right")) - 1
        if row < 0:
            return unknown(self.pairs)
        return Correlation(
            pairs=self.pairs, rho=self.rho[row], same=self.same[row], opposite=self.opposite[row]
        )


def schedule(candles: Mapping[str, Candles], rule: CorrelationRule | None = None) -> CorrelationSchedule:
    """Give the state at every 00:00 UTC over the span of all series, oldest first; each uses the past only."""
    pairs = tuple(candles)
    rule = rule or CorrelationRule()
    filled = [one for one in candles.values() if len(one)]
    if not filled:
        n = len(pairs)
        empty = np.empty((0, n, n))
        return CorrelationSchedule(
            pairs=pairs, from_ms=np.empty(0, np.int64), rho=empty, same=empty > 0, opposite=empty > 0
        )
    first = min(int(one.ts_ms[0]) for one in filled) // DAY_MS
    last = max(int(one.ts_ms[-1]) + one.timeframe.ms for one in filled) // DAY_MS
    closes = np.column_stack([daily_closes(one, from_day=first, to_day=last) for one in candles.values()])
    state = unknown(pairs)
    states = []
    for row in range(len(closes)):
        state = updated(state, closes[max(0, row - rule.window_days) : row + 1], rule)
        states.append(state)
    return CorrelationSchedule(
        pairs=pairs,
        from_ms=np.arange(first, last + 1, dtype=np.int64) * DAY_MS,
        rho=np.stack([one.rho for one in states]),
        same=np.stack([one.same for one in states]),
        opposite=np.stack([one.opposite for one in states]),
    )
