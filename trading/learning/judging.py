"""How good forecasts were: on returns, never on price levels, and with as many samples as there really were."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from trading.backtest.bootstrap import block_length, stationary_rows
from trading.learning.panel import Panel
from trading.learning.predictors import QUANTILES, Forecasts

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_DAY_MS = 86_400_000

#: A direction that is right more often than this on hourly returns is a leak until shown otherwise.
SUSPICIOUS_HIT_RATE = 0.60


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """Figures of one set of out-of-sample forecasts.

    Attributes:
        samples: how many there were; effective: how many independent ones they are worth.
        hit_rate: share of directions that were right, with a 95 % interval from the effective number; None where no
            direction was given.
        rank_ic: Spearman correlation of forecast and return; None where all forecasts are the same.
        skill: 1 - MSE / MSE of zero, on returns in units of volatility, with a 95 % interval over days.
        log_loss, brier: of the probability of a rise.
        coverage: share of returns below each quantile of QUANTILES.
        pinball: mean loss of the quantiles.
        price_r2: of the price level: near 1 for any forecast, the naive one's included; shown as a warning.
    """

    samples: int
    effective: float
    hit_rate: float | None
    hit_low: float | None
    hit_high: float | None
    rank_ic: float | None
    skill: float
    skill_low: float
    skill_high: float
    log_loss: float
    brier: float
    coverage: tuple[float, ...]
    pinball: float
    price_r2: float

    @property
    def is_suspicious(self) -> bool:
        """Whether this is too good to be true."""
        return self.hit_rate is not None and self.hit_rate > SUSPICIOUS_HIT_RATE


def judge(panel: Panel, chosen: IntArray, found: Forecasts, *, draws: int = 500, seed: int = 1) -> Judgement:
    """Judge the forecasts of some samples."""
    target = panel.target[chosen]
    effective = effective_samples(panel, chosen)
    hit = _hits(found.mean, target)
    spread = math.sqrt(0.25 / effective)
    low, high = _skill_interval(panel, chosen, found.mean, draws, seed)
    up = np.clip(found.up, 1e-6, 1.0 - 1e-6)
    rose = (target > 0.0).astype(np.float64)
    beside = target[:, None] - found.quantiles
    levels = np.array(QUANTILES)
    return Judgement(
        samples=len(chosen),
        effective=effective,
        hit_rate=hit,
        hit_low=None if hit is None else max(hit - 1.96 * spread, 0.0),
        hit_high=None if hit is None else min(hit + 1.96 * spread, 1.0),
        rank_ic=_rank_ic(found.mean, target),
        skill=skill_of(found.mean, target),
        skill_low=low,
        skill_high=high,
        log_loss=float(-(rose * np.log(up) + (1.0 - rose) * np.log(1.0 - up)).mean()),
        brier=float(((found.up - rose) ** 2).mean()),
        coverage=tuple(float(one) for one in (beside <= 0.0).mean(axis=0)),
        pinball=float(np.maximum(levels * beside, (levels - 1.0) * beside).mean()),
        price_r2=_price_r2(panel, chosen, found.mean),
    )


def skill_of(mean: FloatArray, target: FloatArray) -> float:
    """Give 1 - MSE / MSE of always saying zero; negative is worse than saying nothing."""
    return 1.0 - float(((target - mean) ** 2).sum()) / max(float((target**2).sum()), 1e-12)


def effective_samples(panel: Panel, chosen: IntArray) -> float:
    """Give how many independent samples there are: overlapping horizons once, pairs that move together once.

    Source:
        Kish's design effect, n / (1 + (n - 1) ρ), over the pairs; N / H over time.
    """
    times, place = np.unique(panel.decided_ms[chosen], return_inverse=True)
    over_time = max(len(times) * panel.bar_ms / (panel.horizon_bars * panel.bar_ms), 1.0)
    pairs, column = np.unique(panel.pair[chosen], return_inverse=True)
    if len(pairs) == 1:
        return over_time
    grid = np.full((len(times), len(pairs)), np.nan)
    grid[place, column] = panel.target[chosen]
    whole = grid[np.isfinite(grid).all(axis=1)]
    if len(whole) < 30:
        return over_time
    rho = np.corrcoef(whole.T)
    mean_rho = float((rho.sum() - len(pairs)) / (len(pairs) * (len(pairs) - 1)))
    return over_time * len(pairs) / (1.0 + (len(pairs) - 1) * max(mean_rho, 0.0))


def by_day(panel: Panel, chosen: IntArray, values: FloatArray) -> FloatArray:
    """Add values up by the UTC day of their decision, days without any as 0."""
    day = panel.decided_ms[chosen] // _DAY_MS
    return np.bincount(day - day.min(), weights=values).astype(np.float64)


def _hits(mean: FloatArray, target: FloatArray) -> float | None:
    says = (mean != 0.0) & (target != 0.0)
    return float(np.mean((mean[says] > 0.0) == (target[says] > 0.0))) if says.any() else None


def _rank_ic(mean: FloatArray, target: FloatArray) -> float | None:
    if np.ptp(mean) == 0.0 or np.ptp(target) == 0.0:
        return None
    return float(np.corrcoef(rankdata(mean), rankdata(target))[0, 1])


def _skill_interval(
    panel: Panel, chosen: IntArray, mean: FloatArray, draws: int, seed: int
) -> tuple[float, float]:
    target = panel.target[chosen]
    wrong = by_day(panel, chosen, (target - mean) ** 2)
    nothing = by_day(panel, chosen, target**2)
    # Days as wide as the horizon at least: a shorter block would take overlapping targets for new evidence.
    block = max(block_length(wrong - nothing), panel.horizon_bars * panel.bar_ms / _DAY_MS * 2.0)
    rows = stationary_rows(len(wrong), draws, block, np.random.default_rng(seed))
    base = np.maximum(nothing[rows].sum(axis=1), 1e-12)
    low, high = np.quantile(1.0 - wrong[rows].sum(axis=1) / base, (0.025, 0.975))
    return float(low), float(high)


def _price_r2(panel: Panel, chosen: IntArray, mean: FloatArray) -> float:
    """Give R² on the level of the price, the mean over pairs."""
    found = []
    for pair in np.unique(panel.pair[chosen]):
        own = panel.pair[chosen] == pair
        rows = chosen[own]
        price = np.exp(panel.entry[rows] + panel.returns(rows))
        guess = np.exp(panel.entry[rows] + mean[own] * panel.scale[rows])
        total = float(((price - price.mean()) ** 2).sum())
        found.append(1.0 - float(((price - guess) ** 2).sum()) / max(total, 1e-300))
    return float(np.mean(found))
