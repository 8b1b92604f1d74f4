"""One simulated day of one pair: regimes, clustered volatility, fat tails, and a common market move."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MINUTE_MS = 60_000
#: Minutes of a day.
DAY_BARS = 1_440

#: Variance of the next minute = base + ARCH × last squared move + GARCH × last variance; the sum stays below 1.
_ARCH, _GARCH = 0.06, 0.92
#: Degrees of freedom of the moves: fat tails, finite kurtosis.
_TAIL = 5.0
#: Pull of the log price towards the pair's level, per minute: a market that never leaves the earth.
_GRAVITY = 2e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class PairModel:
    """A pair's character.

    Attributes:
        price: where it starts and what it is pulled to, in quote currency.
        beta: share of the common market move that it takes.
        minute_volatility: typical standard deviation of a minute's log return.
        volume: typical base volume of a minute.
    """

    pair: str
    price: float
    beta: float
    minute_volatility: float
    volume: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DayEnd:
    """What a day hands to the next."""

    log_price: float
    variance: float

    @classmethod
    def start(cls, model: PairModel) -> DayEnd:
        """Give the state before the first minute."""
        return cls(log_price=math.log(model.price), variance=1.0)


@dataclass(frozen=True, slots=True)
class Regime:
    """A spell of the market: drift per minute in units of volatility, volatility factor, pull to its start."""

    drift: float
    volatility: float
    pull: float


_UP = Regime(0.075, 0.9, 0.0)
_DOWN = Regime(-0.075, 1.0, 0.0)
_RANGE = Regime(0.0, 0.8, 0.004)
_STORM = Regime(0.0, 1.9, 0.0)
_REGIMES = (_UP, _DOWN, _RANGE, _STORM)
_CHANCES = (0.32, 0.28, 0.30, 0.10)


def day_of_minutes(
    model: PairModel, before: DayEnd, *, market: np.random.Generator, own: np.random.Generator
) -> tuple[NDArray[np.float64], DayEnd]:
    """Give a day's bars, shape (1440, 5): open, high, low, close, volume; and what the next day starts from."""
    drift, volatility, pull = _regimes(market)
    common = market.standard_t(_TAIL, DAY_BARS) / math.sqrt(_TAIL / (_TAIL - 2))
    single = own.standard_t(_TAIL, DAY_BARS) / math.sqrt(_TAIL / (_TAIL - 2))
    share = min(0.95, 0.8 * model.beta / 1.15)
    shocks = share * common + math.sqrt(1.0 - share * share) * single
    closes, variances = _walk(model, before, shocks * volatility, drift, pull)
    opens = np.r_[before.log_price, closes[:-1]]
    spread = model.minute_volatility * np.sqrt(variances) * volatility
    upper = np.maximum(opens, closes) + spread * np.abs(own.standard_normal(DAY_BARS)) * 0.45
    lower = np.minimum(opens, closes) - spread * np.abs(own.standard_normal(DAY_BARS)) * 0.45
    activity = 0.5 + np.abs(closes - opens) / model.minute_volatility + 0.5 * np.sqrt(variances)
    volume = model.volume * activity * np.exp(own.normal(0.0, 0.35, DAY_BARS))
    digits = 6 - (math.floor(math.log10(model.price)) + 1)
    rows = np.empty((DAY_BARS, 5))
    for column, logs in enumerate((opens, upper, lower, closes)):
        rows[:, column] = np.round(np.exp(logs), max(0, digits))
    rows[:, 1] = np.maximum(rows[:, 1], np.maximum(rows[:, 0], rows[:, 3]))
    rows[:, 2] = np.minimum(rows[:, 2], np.minimum(rows[:, 0], rows[:, 3]))
    rows[:, 4] = np.round(volume, 4)
    return rows, DayEnd(log_price=float(closes[-1]), variance=float(variances[-1]))


def _regimes(
    market: np.random.Generator,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    drift, volatility, pull = np.empty(DAY_BARS), np.empty(DAY_BARS), np.empty(DAY_BARS)
    at = 0
    while at < DAY_BARS:
        length = int(market.integers(120, 480))
        one = _REGIMES[int(market.choice(len(_REGIMES), p=_CHANCES))]
        drift[at : at + length], volatility[at : at + length] = one.drift, one.volatility
        pull[at : at + length] = one.pull
        at += length
    return drift, volatility, pull


def _walk(
    model: PairModel,
    before: DayEnd,
    shocks: NDArray[np.float64],
    drift: NDArray[np.float64],
    pull: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Follow the log price; variance is relative to the pair's typical one, so its long-run mean is 1."""
    scale = model.minute_volatility
    level = math.log(model.price)
    price, variance = before.log_price, before.variance
    anchor, was_pulled = price, False
    closes, variances = [0.0] * DAY_BARS, [0.0] * DAY_BARS
    base = 1.0 - _ARCH - _GARCH
    for t, (shock, trend, back) in enumerate(
        zip(shocks.tolist(), drift.tolist(), pull.tolist(), strict=True)
    ):
        if back > 0.0 and not was_pulled:
            anchor = price
        was_pulled = back > 0.0
        move = math.sqrt(variance) * shock
        step = scale * (move + trend * model.beta) + back * (anchor - price) + _GRAVITY * (level - price)
        price += step
        variance = min(25.0, base + _ARCH * move * move + _GARCH * variance)
        closes[t], variances[t] = price, variance
    return np.asarray(closes), np.asarray(variances)
