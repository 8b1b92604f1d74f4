"""What luck alone could have done: stationary-bootstrap intervals, and Monte-Carlo of the order of trades."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trading.backtest.probabilistic import DAYS_PER_YEAR
from trading.errors import InvalidInput

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

#: Cells of one batch of draws: bounds memory whatever the length of the record.
_BATCH_CELLS = 1_000_000


def block_length(sample: FloatArray) -> float:
    """Choose the mean block of a stationary bootstrap by how far the sample remembers; at least 1.

    Source:
        Politis & White, Automatic Block-Length Selection (2004), with Patton's correction (2009).
    """
    n = len(sample)
    centred = sample - sample.mean()
    variance = float(centred @ centred) / n
    if n < 8 or variance <= 0.0:
        return 1.0
    most = math.ceil(min(3.0 * math.sqrt(n), n / 3.0))
    quiet_run = max(5, math.ceil(math.log10(n)))
    lags = min(math.ceil(math.sqrt(n)) + quiet_run, n - 1)
    autocovariance = np.array([float(centred[lag:] @ centred[: n - lag]) / n for lag in range(lags + 1)])
    correlation = autocovariance / autocovariance[0]
    band = 2.0 * math.sqrt(math.log10(n) / n)
    # The last lag before a run of insignificant ones; twice that is looked at.
    reach = lags
    for lag in range(1, lags - quiet_run + 2):
        if (np.abs(correlation[lag : lag + quiet_run]) < band).all():
            reach = lag - 1
            break
    window = min(2 * max(reach, 1), lags)
    distance = np.abs(np.arange(-window, window + 1))
    share = distance / window
    weight = np.where(share <= 0.5, 1.0, 2.0 * (1.0 - share))
    cover = autocovariance[distance]
    slope = float((weight * distance * cover).sum())
    level = float((weight * cover).sum())
    if level <= 0.0:
        return 1.0
    length = (slope**2 / level**2) ** (1.0 / 3.0) * n ** (1.0 / 3.0)
    return float(min(max(length, 1.0), most))


def stationary_rows(n: int, draws: int, block: float, random: np.random.Generator) -> IntArray:
    """Draw row numbers: blocks of geometric length from random starts, wrapped at the end, shape (draws, n)."""
    begins = random.random((draws, n)) < 1.0 / block
    begins[:, 0] = True
    starts = random.integers(0, n, size=(draws, n))
    place = np.broadcast_to(np.arange(n), (draws, n))
    last_begin = np.maximum.accumulate(np.where(begins, place, 0), axis=1)
    rows: IntArray = (np.take_along_axis(starts, last_begin, axis=1) + place - last_begin) % n
    return rows


def _sharpe(returns: FloatArray) -> FloatArray:
    spread = returns.std(axis=1, ddof=1)
    # A draw that repeats one day has no spread but rounding.
    varies = spread > 1e-12 * np.abs(returns).max(axis=1)
    out = np.full(len(returns), np.nan)
    np.divide(returns.mean(axis=1), spread, out=out, where=varies)
    return out * math.sqrt(DAYS_PER_YEAR)


def _sortino(returns: FloatArray) -> FloatArray:
    downside = np.sqrt(np.mean(np.minimum(returns, 0.0) ** 2, axis=1))
    out = np.full(len(returns), np.nan)
    np.divide(returns.mean(axis=1), downside, out=out, where=downside > 0.0)
    return out * math.sqrt(DAYS_PER_YEAR)


def _roi(returns: FloatArray) -> FloatArray:
    product: FloatArray = np.prod(1.0 + returns, axis=1) - 1.0
    return product


def _cagr(returns: FloatArray) -> FloatArray:
    grown = np.maximum(1.0 + _roi(returns), 0.0)
    out: FloatArray = grown ** (DAYS_PER_YEAR / returns.shape[1]) - 1.0
    return out


def _max_drawdown(returns: FloatArray) -> FloatArray:
    value = np.cumprod(1.0 + returns, axis=1)
    peak = np.maximum(np.maximum.accumulate(value, axis=1), 1.0)
    deepest: FloatArray = np.minimum((value / peak).min(axis=1) - 1.0, 0.0)
    return deepest


def _volatility(returns: FloatArray) -> FloatArray:
    out: FloatArray = returns.std(axis=1, ddof=1) * math.sqrt(DAYS_PER_YEAR)
    return out


#: Figures that have an interval; each takes daily returns, shape (draws, days).
BOOTSTRAPPED: Mapping[str, Callable[[FloatArray], FloatArray]] = {
    "roi": _roi,
    "cagr": _cagr,
    "volatility": _volatility,
    "sharpe": _sharpe,
    "sortino": _sortino,
    "max_drawdown": _max_drawdown,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Confidence:
    """A figure and the range in which it would fall if days like these came again.

    Attributes:
        point: of the record itself.
        low, median, high: of the draws; None where the figure is undefined in a tenth of them or more.
    """

    point: float | None
    low: float | None
    median: float | None
    high: float | None


def confidence_intervals(
    daily: FloatArray,
    *,
    confidence: float = 0.95,
    draws: int = 2_000,
    block: float | None = None,
    seed: int = 1,
) -> dict[str, Confidence]:
    """Give an interval of each figure of BOOTSTRAPPED by the stationary bootstrap of daily returns.

    Args:
        block: mean length of a block in days; None: chosen by `block_length`.

    Raises:
        InvalidInput: fewer than two returns, or a confidence outside (0, 1).

    Source:
        Politis & Romano, The Stationary Bootstrap (1994).
    """
    if len(daily) < 2:
        raise InvalidInput(f"{len(daily)} daily returns were given; at least 2 are needed for an interval.")
    if not 0.0 < confidence < 1.0 or draws < 100:
        raise InvalidInput(
            f"confidence {confidence:g} and {draws} draws were given; 0 < confidence < 1 and ≥ 100 are allowed."
        )
    random = np.random.default_rng(seed)
    length = block_length(daily) if block is None else max(block, 1.0)
    found: dict[str, list[FloatArray]] = {name: [] for name in BOOTSTRAPPED}
    for batch in _batches(draws, len(daily)):
        drawn = daily[stationary_rows(len(daily), batch, length, random)]
        for name, figure in BOOTSTRAPPED.items():
            found[name].append(figure(drawn))
    tail = (1.0 - confidence) / 2.0
    return {
        name: _interval(float(BOOTSTRAPPED[name](daily[None, :])[0]), np.concatenate(parts), tail)
        for name, parts in found.items()
    }


def _batches(draws: int, width: int) -> Iterator[int]:
    size = max(1, _BATCH_CELLS // max(width, 1))
    for start in range(0, draws, size):
        yield min(size, draws - start)


def _interval(point: float, draws: FloatArray, tail: float) -> Confidence:
    defined = draws[np.isfinite(draws)]
    own = point if math.isfinite(point) else None
    if len(defined) <= 0.9 * len(draws):
        return Confidence(point=own, low=None, median=None, high=None)
    low, median, high = np.quantile(defined, (tail, 0.5, 1.0 - tail))
    return Confidence(point=own, low=float(low), median=float(median), high=float(high))


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeOrderRisk:
    """How deep the same trades could have drawn down in another order.

    Attributes:
        observed: maximum drawdown of closed trades in the order in which they came, ≤ 0.
        median: of the shuffled orders.
        bad: the drawdown that one order in twenty exceeds.
        breaker_share: share of orders that reach the drawdown breaker.
        ruin_share: share of orders in which the equity reaches zero.
        luck: share of orders with a deeper drawdown than observed: near 1, the real order was kind.
    """

    observed: float
    median: float
    bad: float
    breaker_share: float
    ruin_share: float
    luck: float


def trade_order_risk(
    pnl: FloatArray, *, initial: float, breaker: float = 0.20, draws: int = 2_000, seed: int = 1
) -> TradeOrderRisk | None:
    """Shuffle closed trades; None with fewer than two.

    Args:
        pnl: net profit per trade, in the order in which they closed.
        initial: equity before the first.
        breaker: drawdown ratio that halts the account (0.20 = 20 %).
    """
    if not initial > 0.0:
        raise InvalidInput(f"An initial equity of {initial:g} was given; a positive amount is needed.")
    if len(pnl) < 2:
        return None
    random = np.random.default_rng(seed)
    drawdown: list[FloatArray] = []
    lowest: list[FloatArray] = []
    for batch in _batches(draws, len(pnl)):
        orders = random.permuted(np.broadcast_to(pnl, (batch, len(pnl))), axis=1)
        deepest, least = _paths(orders, initial)
        drawdown.append(deepest)
        lowest.append(least)
    found, least_equity = np.concatenate(drawdown), np.concatenate(lowest)
    observed = float(_paths(pnl[None, :], initial)[0][0])
    return TradeOrderRisk(
        observed=observed,
        median=float(np.median(found)),
        bad=float(np.quantile(found, 0.05)),
        breaker_share=float(np.mean(found <= -breaker)),
        ruin_share=float(np.mean(least_equity <= 0.0)),
        luck=float(np.mean(found < observed)),
    )


def _paths(orders: FloatArray, initial: float) -> tuple[FloatArray, FloatArray]:
    equity = initial + np.cumsum(orders, axis=1)
    peak = np.maximum(np.maximum.accumulate(equity, axis=1), initial)
    return np.minimum((equity / peak).min(axis=1) - 1.0, 0.0), equity.min(axis=1)
