"""Replay: stored candles as a feed, at any speed, going on after the last committed bar."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from desk.clock import Clock
from desk.feeds.files import load_candles
from desk.feeds.instruments import instrument_for
from desk.feeds.pacing import Pace, speed_label
from desk.ports import Bar, ClosedBars
from desk.ports.outside import REPLAY
from trading.candles import Candles, fill_gaps, resample
from trading.errors import InvalidInput, NotFound, nearest
from trading.instruments import Instrument
from trading.timeframes import Timeframe


class ReplayFeed:
    """Candles from files or from memory, played once; the end of the data ends `bars`.

    Args:
        series: one series per pair; holes are filled with bars marked synthetic.
        bars_per_s: speed of each reader; 0 = as fast as bars are taken.
        live_from_ms: bars that open earlier are history; by default all bars are played.
    """

    def __init__(
        self,
        series: Iterable[Candles],
        *,
        clock: Clock,
        bars_per_s: float = 0.0,
        live_from_ms: int | None = None,
        name: str = "candles",
    ) -> None:
        self._series: dict[str, Candles] = {}
        for one in series:
            if not one.pair:
                raise InvalidInput(
                    "A replayed series names no pair; BASE/QUOTE is needed.",
                    hint="Name the file like binance_BTC-USDT_1h.csv.gz, or give the pair.",
                )
            if one.pair in self._series:
                raise InvalidInput(
                    f"{one.pair} was given twice to the replay; one series per pair is allowed."
                )
            self._series[one.pair] = fill_gaps(one)[0]
        if not self._series:
            raise InvalidInput("A replay was asked for without candles; at least one file is needed.")
        self._clock = clock
        self._bars_per_s = bars_per_s
        self._live_from_ms = live_from_ms
        self._resampled: dict[tuple[str, int], Candles] = {}
        #: The shortest timeframe that every series can be shown in.
        self.timeframe = max((one.timeframe for one in self._series.values()), key=lambda one: one.ms)
        #: When the last candle of all has closed.
        self.until_ms = max(int(one.ts_ms[-1]) + one.timeframe.ms for one in self._series.values())
        self.venue = next(iter(self._series.values())).venue or REPLAY
        self.label = f"replay of {name} at {speed_label(bars_per_s)}"

    @classmethod
    def from_files(
        cls, paths: Sequence[Path], *, clock: Clock, bars_per_s: float = 0.0, pair: str = ""
    ) -> ReplayFeed:
        """Read candle files; a single file may be given its pair.

        Raises:
            InvalidInput, BadCandles: as `load_candles`.
        """
        series = [load_candles(path, pair=pair if len(paths) == 1 else "") for path in paths]
        return cls(series, clock=clock, bars_per_s=bars_per_s, name=", ".join(path.name for path in paths))

    async def instrument(self, pair: str) -> Instrument:
        """Give the trading rules of a pair: tick and step that fit its first price."""
        one = self._of(pair)
        return instrument_for(pair, float(one.close[0]), venue=self.venue, can_short=False)

    async def pairs(self) -> Sequence[str]:
        """Give the pairs that are played."""
        return tuple(self._series)

    async def history(self, pair: str, timeframe: str, *, before_ms: int | None, bars: int) -> Candles:
        """Give bars that open before a time, by default before the first played one."""
        candles = self._at(pair, timeframe)
        before = self._live_from_ms if before_ms is None else before_ms
        stop = 0 if before is None else int(np.searchsorted(candles.ts_ms, before, "left"))
        return candles.rows(max(0, stop - bars), stop)

    async def bars(
        self, pairs: Sequence[str], timeframe: str, *, after_ms: int | None
    ) -> AsyncIterator[ClosedBars]:
        """Give the bars of each time, oldest first; a pair without a bar at a time is named as missing."""
        wanted = {pair: self._at(pair, timeframe) for pair in pairs}
        times = np.unique(np.concatenate([one.ts_ms for one in wanted.values()]))
        if after_ms is not None:
            times = times[times > after_ms]
        elif self._live_from_ms is not None:
            times = times[times >= self._live_from_ms]
        pace = Pace(self._clock, self._bars_per_s)
        for ts_ms in times.tolist():
            await pace.wait()
            yield _group(wanted, ts_ms, timeframe)

    async def close(self) -> None:
        """Nothing is held open."""

    def _of(self, pair: str) -> Candles:
        if pair not in self._series:
            raise NotFound(
                f"Pair '{pair}' is not in the {self.label}; {', '.join(self._series)} is.",
                hint=nearest(pair, self._series) or None,
            )
        return self._series[pair]

    def _at(self, pair: str, timeframe: str) -> Candles:
        step = Timeframe.parse(timeframe)
        key = (pair, step.ms)
        if key not in self._resampled:
            self._resampled[key] = resample(self._of(pair), step)
        return self._resampled[key]


def _group(series: Mapping[str, Candles], ts_ms: int, timeframe: str) -> ClosedBars:
    bars: dict[str, Bar] = {}
    missing: list[str] = []
    for pair, candles in series.items():
        t = int(np.searchsorted(candles.ts_ms, ts_ms, "left"))
        if t < len(candles) and candles.ts_ms[t] == ts_ms:
            bars[pair] = bar_at(candles, t, pair)
        else:
            missing.append(pair)
    return ClosedBars(ts_ms=ts_ms, timeframe=timeframe, bars=bars, missing=tuple(missing))


def bar_at(candles: Candles, t: int, pair: str) -> Bar:
    """Give one row as a bar."""
    return Bar(
        pair=pair,
        ts_ms=int(candles.ts_ms[t]),
        open=float(candles.open[t]),
        high=float(candles.high[t]),
        low=float(candles.low[t]),
        close=float(candles.close[t]),
        volume=float(candles.volume[t]),
        flags=int(candles.flags[t]),
    )
