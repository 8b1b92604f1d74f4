"""A seeded exchange: correlated pairs that trend, range and storm; the same bars for the same seed, always.

Minute bars come in chunks of a day. A chunk is a function of (seed, pair, day) and of the price and the variance at
which the day before ended; so any reader, started at any time, sees the same market.
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from desk.clock import Clock
from desk.feeds.instruments import instrument_for
from desk.feeds.pacing import Pace, speed_label
from desk.feeds.price_path import DAY_BARS, MINUTE_MS, DayEnd, PairModel, day_of_minutes
from desk.feeds.replay import bar_at
from desk.ports import ClosedBars
from desk.ports.outside import SIMULATED
from trading.candles import Candles, resample
from trading.errors import InvalidInput, NotFound, nearest
from trading.instruments import Instrument
from trading.timeframes import Timeframe

#: The first simulated minute: 2025-01-01T00:00Z. Every simulation begins here, whatever the wall clock says.
EPOCH_MS = 1_735_689_600_000
#: Days before the first played bar, so that strategies start warm.
HISTORY_DAYS = 60

_DAY_MS = DAY_BARS * MINUTE_MS

#: What is traded, with plausible levels; beta is the share of the common market move that a pair takes.
MODELS: tuple[PairModel, ...] = (
    PairModel(pair="BTC/USDT", price=94_000.0, beta=1.0, minute_volatility=0.00045, volume=14.0),
    PairModel(pair="ETH/USDT", price=3_350.0, beta=1.15, minute_volatility=0.00055, volume=190.0),
    PairModel(pair="SOL/USDT", price=190.0, beta=1.35, minute_volatility=0.0007, volume=2_100.0),
    PairModel(pair="ADA/USDT", price=0.87, beta=1.1, minute_volatility=0.0007, volume=310_000.0),
)


@dataclass(slots=True)
class _Path:
    """The days of one pair that were computed so far."""

    days: list[NDArray[np.float64]]
    ends: list[DayEnd]


class SimulatedFeed:
    """The simulated exchange.

    Args:
        seed: names the market; the same seed gives the same bars.
        bars_per_s: speed of each reader, in bars of its own timeframe; 0 = as fast as bars are taken.
        days: how long it plays before the market ends, for tests; None = for ever.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        seed: int,
        bars_per_s: float = 20.0,
        models: Sequence[PairModel] = MODELS,
        days: int | None = None,
    ) -> None:
        if seed < 0:
            raise InvalidInput(f"Seed {seed} was given; 0 or more is allowed.")
        self._clock = clock
        self._seed = seed
        self._bars_per_s = bars_per_s
        self._models = {one.pair: one for one in models}
        self._paths: dict[str, _Path] = {}
        self._days = days
        # Another seed is another market: their bars must never meet in one series.
        self.venue = f"{SIMULATED}{seed}"
        self.label = f"simulated exchange, seed {seed}, {speed_label(bars_per_s)}"

    async def instrument(self, pair: str) -> Instrument:
        """Give the trading rules of a pair."""
        return instrument_for(pair, self._model(pair).price, venue=self.venue)

    async def pairs(self) -> Sequence[str]:
        """Give the pairs that are simulated."""
        return tuple(self._models)

    async def history(self, pair: str, timeframe: str, *, before_ms: int | None, bars: int) -> Candles:
        """Give bars that open before a time, by default before the first played one."""
        step = Timeframe.parse(timeframe)
        stop_ms = self._first_ms(step) if before_ms is None else step.floor(before_ms + step.ms - 1)
        from_ms = max(EPOCH_MS, stop_ms - bars * step.ms)
        return self.candles(pair, timeframe, from_ms, stop_ms)

    async def bars(
        self, pairs: Sequence[str], timeframe: str, *, after_ms: int | None
    ) -> AsyncIterator[ClosedBars]:
        """Give closed bars at the feed's speed."""
        step = Timeframe.parse(timeframe)
        from_ms = self._first_ms(step) if after_ms is None else step.floor(after_ms) + step.ms
        end_ms = None if self._days is None else EPOCH_MS + (HISTORY_DAYS + self._days) * _DAY_MS
        pace = Pace(self._clock, self._bars_per_s)
        while end_ms is None or from_ms < end_ms:
            stop_ms = from_ms + max(1, _DAY_MS // step.ms) * step.ms
            if end_ms is not None:
                stop_ms = min(stop_ms, end_ms)
            block = {pair: self.candles(pair, timeframe, from_ms, stop_ms) for pair in pairs}
            rows = len(next(iter(block.values())))
            for t in range(rows):
                await pace.wait()
                yield ClosedBars(
                    ts_ms=from_ms + t * step.ms,
                    timeframe=timeframe,
                    bars={pair: bar_at(candles, t, pair) for pair, candles in block.items()},
                )
            from_ms = stop_ms

    async def close(self) -> None:
        """Nothing is held open."""

    def candles(self, pair: str, timeframe: str, from_ms: int, to_ms: int) -> Candles:
        """Give the bars that open in [from_ms, to_ms), both on the timeframe's grid."""
        step = Timeframe.parse(timeframe)
        if step.ms % MINUTE_MS:
            raise InvalidInput(
                f"Timeframe {timeframe} was asked of the simulated exchange; whole minutes are allowed.",
                hint="For example 1m, 15m or 1h.",
            )
        first_day = (from_ms - EPOCH_MS) // _DAY_MS
        last_day = max(first_day, -(-(to_ms - EPOCH_MS) // _DAY_MS) - 1)
        rows = np.concatenate([self._day(pair, day) for day in range(first_day, last_day + 1)])
        ts_ms = EPOCH_MS + first_day * _DAY_MS + np.arange(len(rows), dtype=np.int64) * MINUTE_MS
        minutes = Candles(
            ts_ms=ts_ms,
            open=np.ascontiguousarray(rows[:, 0]),
            high=np.ascontiguousarray(rows[:, 1]),
            low=np.ascontiguousarray(rows[:, 2]),
            close=np.ascontiguousarray(rows[:, 3]),
            volume=np.ascontiguousarray(rows[:, 4]),
            timeframe=Timeframe(MINUTE_MS),
            pair=pair,
            venue=self.venue,
        )
        return resample(minutes.between(from_ms, to_ms), step)

    def _first_ms(self, step: Timeframe) -> int:
        return step.floor(EPOCH_MS + HISTORY_DAYS * _DAY_MS + step.ms - 1)

    def _model(self, pair: str) -> PairModel:
        if pair not in self._models:
            raise NotFound(
                f"Pair '{pair}' is not on the simulated exchange; {', '.join(self._models)} are.",
                hint=nearest(pair, self._models) or None,
            )
        return self._models[pair]

    def _day(self, pair: str, day: int) -> NDArray[np.float64]:
        model = self._model(pair)
        path = self._paths.setdefault(pair, _Path(days=[], ends=[DayEnd.start(model)]))
        while len(path.days) <= day:
            number = len(path.days)
            rows, end = day_of_minutes(
                model,
                path.ends[-1],
                market=np.random.default_rng([self._seed, 0, number]),
                own=np.random.default_rng([self._seed, zlib.crc32(pair.encode()), number]),
            )
            path.days.append(rows)
            path.ends.append(end)
        return path.days[day]
