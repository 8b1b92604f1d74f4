"""How far a Sharpe ratio or a win rate can be believed: PSR, DSR, track record needed, intervals."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from trading.errors import InvalidInput

FloatArray = NDArray[np.float64]

_NORMAL = NormalDist()
_EULER_GAMMA = 0.5772156649015329

#: Crypto trades around the clock: days per year (trading-rules.md B.0).
DAYS_PER_YEAR = 365


def skewness(sample: FloatArray) -> float:
    """Give the biased (population) skewness; NaN where the variance is zero."""
    return _standard_moment(sample, 3)


def kurtosis(sample: FloatArray) -> float:
    """Give the biased (population) kurtosis, 3 for a normal distribution; NaN where the variance is zero."""
    return _standard_moment(sample, 4)


def _standard_moment(sample: FloatArray, order: int) -> float:
    centred = sample - sample.mean()
    square = centred * centred
    variance = float(square.mean())
    if variance == 0.0:
        return math.nan
    power = square * centred if order == 3 else square * square
    return float(power.mean()) / math.pow(variance, order / 2)


def probabilistic_sharpe_ratio(
    sharpe_daily: float, observations: int, *, skew: float, kurt: float, benchmark_daily: float = 0.0
) -> float:
    """Give the probability that the true per-period Sharpe ratio is above a benchmark.

    Args:
        sharpe_daily, benchmark_daily: Sharpe ratios per period, not annualised.
        skew, kurt: biased skewness and kurtosis (3 = normal) of the returns.

    Returns:
        A number in [0, 1]; NaN where the estimator's variance is not positive (extreme skew).

    Source:
        Bailey & López de Prado, The Sharpe Ratio Efficient Frontier (2012).

    Example:
        >>> round(probabilistic_sharpe_ratio(0.090236288, 60, skew=-0.015176, kurt=1.477003), 6)
        0.755628
    """
    spread = 1.0 - skew * sharpe_daily + (kurt - 1.0) / 4.0 * sharpe_daily**2
    if observations < 2 or not spread > 0.0:
        return math.nan
    return _NORMAL.cdf((sharpe_daily - benchmark_daily) * math.sqrt(observations - 1) / math.sqrt(spread))


def expected_maximum(trials: int) -> float:
    """Give the expected maximum of N independent standard normal trials; 0 for one trial.

    Source:
        Bailey & López de Prado, The Deflated Sharpe Ratio (2014), equation for SR*.

    Example:
        >>> round(expected_maximum(100), 6)
        2.530603
    """
    if trials < 1:
        raise InvalidInput(f"{trials} trials were given; at least 1 is needed.")
    if trials == 1:
        return 0.0
    return (1.0 - _EULER_GAMMA) * _NORMAL.inv_cdf(1.0 - 1.0 / trials) + _EULER_GAMMA * _NORMAL.inv_cdf(
        1.0 - 1.0 / (trials * math.e)
    )


def deflated_sharpe_ratio(
    sharpe_daily: float,
    observations: int,
    *,
    skew: float,
    kurt: float,
    trials: int,
    trial_sharpe_sd: float,
) -> float:
    """Give the probability that the best of N trials has a true Sharpe ratio above luck.

    Args:
        sharpe_daily: per-period Sharpe ratio of the winner.
        trials: every trial that was looked at, the losers too.
        trial_sharpe_sd: standard deviation of the trials' per-period Sharpe ratios.
    """
    return probabilistic_sharpe_ratio(
        sharpe_daily,
        observations,
        skew=skew,
        kurt=kurt,
        benchmark_daily=trial_sharpe_sd * expected_maximum(trials),
    )


def days_needed(
    sharpe_annual: float, *, confidence: float = 0.95, skew: float = 0.0, kurt: float = 3.0
) -> float:
    """Give the days of record after which such a Sharpe ratio is above zero at a one-sided confidence.

    Returns:
        Infinity where the Sharpe ratio is not positive.

    Example:
        >>> round(days_needed(1.0))
        990
    """
    if sharpe_annual <= 0.0:
        return math.inf
    daily = sharpe_annual / math.sqrt(DAYS_PER_YEAR)
    spread = 1.0 - skew * daily + (kurt - 1.0) / 4.0 * daily**2
    return 1.0 + spread * (_NORMAL.inv_cdf(confidence) / daily) ** 2


def sharpe_false_pass_rate(days: int, *, threshold: float = 1.0) -> float:
    """Give the probability that a strategy without any edge shows an annualised Sharpe ratio above a threshold.

    The t statistic of iid normal daily returns with mean zero: over 7 days nearly every second one passes.

    Example:
        >>> round(sharpe_false_pass_rate(7), 2)
        0.45
    """
    if days < 2:
        raise InvalidInput(f"{days} days were given; at least 2 are needed for a Sharpe ratio.")
    from scipy.special import stdtr  # a backtest never needs it: import where it is used

    return float(stdtr(days - 1, -threshold * math.sqrt(days / DAYS_PER_YEAR)))


def win_rate_interval(wins: int, trades: int, *, confidence: float = 0.95) -> tuple[float, float]:
    """Give the exact (Clopper–Pearson) interval of a win rate.

    Example:
        >>> low, high = win_rate_interval(9, 20)
        >>> round(low, 2), round(high, 2)
        (0.23, 0.68)
    """
    if not 0 <= wins <= trades or trades == 0:
        raise InvalidInput(f"{wins} wins of {trades} trades were given; 0 ≤ wins ≤ trades, trades ≥ 1.")
    from scipy.special import betaincinv

    tail = (1.0 - confidence) / 2.0
    low = 0.0 if wins == 0 else float(betaincinv(wins, trades - wins + 1, tail))
    high = 1.0 if wins == trades else float(betaincinv(wins + 1, trades - wins, 1.0 - tail))
    return low, high
