"""The simulated price: a function of seed, symbol and time, so that any moment and any candle can be looked up.

The logarithm of the price is a sum of smooth noise at periods from 5 s to 30 days, each with the weight that a random
walk gives it. What people set on the control page multiplies the price from that moment on.
"""

from __future__ import annotations

import bisect
import math
import zlib
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from server.sim_exchange.symbols import Symbol

#: Distance of the points that the price is computed at; it is linear in between.
POINT_MS = 5_000
#: Noise periods: 5 s × 2^0 … 5 s × 2^19 (30 days).
_OCTAVES = 20
#: Trades begin this long before the exchange starts.
LISTED_DAYS = 90
#: Standard deviation of a minute's move, as a ratio, at volatility 1.
_MINUTE_MOVE = 0.0006

_DAY_MS = 86_400_000
_DAY_POINTS = _DAY_MS // POINT_MS
_AMPLITUDE = _MINUTE_MOVE * math.sqrt(POINT_MS / 60_000) * 0.8
_LAST_MULTIPLIER = np.uint64(0xC4CEB9FE1A85EC53)


class Tape:
    """Prices of one symbol.

    Args:
        volatility: 0 keeps the price where it is; 1 is an ordinary day.
    """

    def __init__(self, symbol: Symbol, *, seed: int, volatility: float = 1.0) -> None:
        self._level = math.log(float(symbol.price))
        self._tick = symbol.tick
        self._seed = np.uint64((seed << 32) ^ zlib.crc32(symbol.name.encode()))
        self._volatility = volatility
        self._days: dict[int, NDArray[np.float64]] = {}
        self._steps_ms: list[int] = [0]
        self._factors: list[float] = [1.0]

    def price(self, now_ms: int) -> Decimal:
        """Give the last price, on the tick."""
        left = now_ms // POINT_MS
        points = self._points(left, left + 2)
        share = (now_ms - left * POINT_MS) / POINT_MS
        found = float(points[0] + (points[1] - points[0]) * share) * self._factor(now_ms)
        ticks = max(1, round(found / float(self._tick)))
        return self._tick * ticks

    def move_to(self, price: Decimal, now_ms: int) -> None:
        """Let the price be this one now; it walks on from there."""
        self._steps_ms.append(now_ms)
        self._factors.append(self._factors[-1])
        self._factors[-1] *= float(price) / float(self.price(now_ms))

    def bars(self, from_ms: int, to_ms: int, step_ms: int) -> NDArray[np.float64]:
        """Give open, high, low, close, volume of the bars that open in [from_ms, to_ms), both on the grid."""
        count = (to_ms - from_ms) // step_ms
        if count <= 0:
            return np.empty((0, 5))
        grid_ms = min(step_ms, POINT_MS)
        times = np.arange(from_ms, to_ms + grid_ms, grid_ms)
        first = from_ms // POINT_MS
        points = self._points(first, to_ms // POINT_MS + 2)
        prices = np.interp(times, (first + np.arange(len(points))) * POINT_MS, points)
        prices *= np.asarray(self._factors)[np.searchsorted(self._steps_ms, times, "right") - 1]
        prices = np.maximum(1, np.round(prices / float(self._tick))) * float(self._tick)
        prices = np.round(prices, 8)
        per_bar = step_ms // grid_ms
        inner = prices[:-1].reshape(count, per_bar)
        closes = prices[per_bar::per_bar]
        amounts = _unit(_mix(times[:-1].astype(np.uint64) // np.uint64(grid_ms) ^ self._seed))
        volume = amounts.reshape(count, per_bar).sum(axis=1) * grid_ms / POINT_MS
        return np.column_stack(
            [
                inner[:, 0],
                np.maximum(inner.max(axis=1), closes),
                np.minimum(inner.min(axis=1), closes),
                closes,
                np.round(volume + 0.001, 3),
            ]
        )

    def _factor(self, now_ms: int) -> float:
        return self._factors[bisect.bisect_right(self._steps_ms, now_ms) - 1]

    def _points(self, first: int, stop: int) -> NDArray[np.float64]:
        days = range(first // _DAY_POINTS, (stop - 1) // _DAY_POINTS + 1)
        joined = np.concatenate([self._day(day) for day in days])
        offset = days[0] * _DAY_POINTS
        return joined[first - offset : stop - offset]

    def _day(self, day: int) -> NDArray[np.float64]:
        if day not in self._days:
            at = np.arange(day * _DAY_POINTS, (day + 1) * _DAY_POINTS, dtype=np.int64)
            total = np.full(len(at), self._level)
            for octave in range(_OCTAVES if self._volatility else 0):
                weight = self._volatility * _AMPLITUDE * math.sqrt(2.0**octave)
                total += weight * self._noise(at, octave)
            self._days[day] = np.exp(total)
        return self._days[day]

    def _noise(self, at: NDArray[np.int64], octave: int) -> NDArray[np.float64]:
        """Smooth noise in [-1, 1] whose knots are 2^octave points apart."""
        knots = at >> octave
        share = (at - (knots << octave)) / float(1 << octave)
        smooth = share * share * (3.0 - 2.0 * share)
        salt = np.uint64(octave << 56) ^ self._seed
        left = _unit(_mix(knots.astype(np.uint64) ^ salt)) * 2.0 - 1.0
        right = _unit(_mix((knots + 1).astype(np.uint64) ^ salt)) * 2.0 - 1.0
        return np.asarray(left + (right - left) * smooth)


def _mix(value: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Scatter integers (the finisher of MurmurHash3, applied after a golden-ratio step)."""
    value = value * np.uint64(0x9E3779B97F4A7C15)
    value ^= value >> np.uint64(33)
    value *= np.uint64(0xFF51AFD7ED558CCD)
    value ^= value >> np.uint64(33)
    value *= _LAST_MULTIPLIER
    value ^= value >> np.uint64(33)
    return value


def _unit(value: NDArray[np.uint64]) -> NDArray[np.float64]:
    return np.asarray((value >> np.uint64(11)).astype(np.float64) / float(1 << 53))
