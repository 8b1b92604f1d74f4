"""β of a pair on the own one, for strategies that hedge what they hold on it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from strategies.frame import InputStream
from trading.analysis.streams import Bar
from trading.candles import MISSING, SYNTHETIC, Candles
from trading.market import MarketView
from trading.risk.correlation import DAY_MS, CorrelationRule, daily_closes
from trading.risk.hedging import betas

FloatArray = NDArray[np.float64]

_UNREAL = int(SYNTHETIC | MISSING)


class BetaInput:
    """How much a pair moves per move of the own one, over the days that the correlation rule looks at.

    Outputs: β as known at the last 00:00 UTC, NaN with too few days in common, without that pair in the view, and on
    that pair itself; and `is_hedge`, 1 where the own pair is another than the hedged one.

    Example:
        A plan that hedges what its bot holds of BTC: `Entry(side=-1, rules=(Rule("hedges", frame["beta.is_hedge"],
        "==", 1.0), …), hedge_beta=frame["beta"])` with `inputs() = {"beta": BetaInput("BTC/USDT")}`.
    """

    outputs = ("", "is_hedge")
    #: Bars do not bound it: it needs days. Hours or longer bars have them within this many.
    warmup_bars = 24 * (CorrelationRule().window_days + 1)

    def __init__(self, hedged: str) -> None:
        self._hedged = hedged

    def columns(self, market: MarketView) -> tuple[FloatArray, ...]:
        own = market.candles
        rows, is_hedge = len(own), float(own.pair != self._hedged)
        beta = np.full(rows, np.nan)
        if rows and is_hedge and self._hedged in market.others:
            first, last = int(own.ts_ms[0]) // DAY_MS, market.now_ms // DAY_MS
            known = betas(
                daily_closes(market.others[self._hedged], from_day=first, to_day=last),
                daily_closes(own, from_day=first, to_day=last),
            )
            beta = known[market.close_ms // DAY_MS - first]
        return beta, np.full(rows, is_hedge)

    def stream(self) -> InputStream:
        return _BetaStream(self._hedged)


class _BetaStream:
    """The same carried forward: the closes of the days that count, and one computation a day."""

    def __init__(self, hedged: str) -> None:
        self._hedged = hedged
        self._window = CorrelationRule().window_days
        self._own: dict[int, float] = {}
        self._other: dict[int, float] = {}
        self._day, self._beta, self._seen_ms = -1, np.nan, -1

    def step(self, bar: Bar, ts_ms: int, market: MarketView | None) -> tuple[float, ...]:
        if market is None:
            return np.nan, np.nan
        own = market.candles
        if own.pair == self._hedged:
            return np.nan, 0.0
        close_ms = ts_ms + own.timeframe.ms
        is_real = not (len(own) and int(own.ts_ms[-1]) == ts_ms and int(own.flags[-1]) & _UNREAL)
        if is_real:
            self._own[_day_of(close_ms)] = bar[3]
        if self._hedged in market.others:
            self._take(market.others[self._hedged], close_ms)
        day = close_ms // DAY_MS
        if day != self._day:
            self._day, self._beta = day, self._computed(day)
        return self._beta, 1.0

    def _take(self, bars: Candles, now_ms: int) -> None:
        first = int(np.searchsorted(bars.ts_ms, self._seen_ms, "right"))
        last = int(np.searchsorted(bars.ts_ms + bars.timeframe.ms, now_ms, "right"))
        for k in range(first, last):
            if not int(bars.flags[k]) & _UNREAL:
                self._other[_day_of(int(bars.ts_ms[k]) + bars.timeframe.ms)] = float(bars.close[k])
        if last > first:
            self._seen_ms = int(bars.ts_ms[last - 1])

    def _computed(self, day: int) -> float:
        days = range(day - self._window, day + 1)
        for closes in (self._own, self._other):
            for old in [one for one in closes if one < days[0]]:
                del closes[old]
        other, own = (np.array([one.get(d, np.nan) for d in days]) for one in (self._other, self._own))
        return float(betas(other, own)[-1])


def _day_of(close_ms: int) -> int:
    """Give the midnight, in days, whose close a bar may be: the next one, or its own end."""
    return -(-close_ms // DAY_MS)
