"""The market as the loop remembers it: the last bars for strategies that look around, daily closes, fresh bars."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from desk.bots.plan import Line
from desk.ports import Bar
from trading.candles import MISSING, SYNTHETIC, Candles
from trading.market import MarketView
from trading.risk.correlation import DAY_MS, CorrelationRule, pearson_matrix
from trading.timeframes import Timeframe

#: Bars of each pair that a strategy can look back on through the view.
_VIEW_BARS = 512

_UNREAL = int(SYNTHETIC | MISSING)
_RULE = CorrelationRule()


class Market:
    """Bars of an account's pairs."""

    def __init__(self, venue: str, timeframe: Timeframe) -> None:
        self._venue = venue
        self._timeframe = timeframe
        self._recent: dict[str, deque[Bar]] = {}
        self._closes: dict[str, dict[int, float]] = {}
        self._fresh: dict[str, list[Bar]] = {}
        self.last_close: dict[str, float] = {}

    def remember(self, past: Candles) -> None:
        """Take stored or historical bars of one pair, oldest first."""
        if not len(past):
            return
        recent = self._recent.setdefault(past.pair, deque(maxlen=_VIEW_BARS))
        tail = past.rows(max(0, len(past) - _VIEW_BARS), len(past))
        recent.extend(bars_of(tail))
        real = (past.flags & _UNREAL) == 0
        days = -((-(past.ts_ms[real] + self._timeframe.ms)) // DAY_MS)
        self._closes.setdefault(past.pair, {}).update(
            zip(days.tolist(), past.close[real].tolist(), strict=True)
        )
        self.last_close[past.pair] = float(past.close[-1])

    def take(self, bar: Bar) -> None:
        """Take a bar that just closed."""
        self._recent.setdefault(bar.pair, deque(maxlen=_VIEW_BARS)).append(bar)
        self._fresh.setdefault(bar.pair, []).append(bar)
        self.last_close[bar.pair] = bar.close
        if not bar.flags & _UNREAL:
            day = -(-(bar.ts_ms + self._timeframe.ms) // DAY_MS)
            self._closes.setdefault(bar.pair, {})[day] = bar.close

    def take_fresh(self) -> tuple[Candles, ...]:
        """Give the bars that came since the last call, to be stored."""
        out = tuple(self._candles(pair, bars) for pair, bars in self._fresh.items() if bars)
        self._fresh = {}
        return out

    def view(self, pair: str, others: Sequence[str]) -> MarketView:
        """Give what a strategy on a pair may see now."""
        return MarketView(
            candles=self._candles(pair, list(self._recent.get(pair, ()))),
            others={one: self._candles(one, list(self._recent.get(one, ()))) for one in others},
        )

    def correlation(self, lines: Sequence[Line], day: int) -> NDArray[np.float64]:
        """Give ρ between lines at a 00:00 UTC (days since the epoch), NaN where undefined."""
        pairs = list(dict.fromkeys(line.pair for line in lines))
        days = range(day - _RULE.window_days, day + 1)
        closes = np.array([[self._closes.get(pair, {}).get(one, np.nan) for pair in pairs] for one in days])
        returns = np.diff(np.log(closes), axis=0)
        rho = pearson_matrix(returns, minimum_common=_RULE.minimum_common)
        np.fill_diagonal(rho, 1.0)
        of_line = [pairs.index(line.pair) for line in lines]
        return rho[np.ix_(of_line, of_line)]

    def _candles(self, pair: str, bars: Sequence[Bar]) -> Candles:
        return Candles(
            ts_ms=np.array([one.ts_ms for one in bars], np.int64),
            open=np.array([one.open for one in bars], np.float64),
            high=np.array([one.high for one in bars], np.float64),
            low=np.array([one.low for one in bars], np.float64),
            close=np.array([one.close for one in bars], np.float64),
            volume=np.array([one.volume for one in bars], np.float64),
            flags=np.array([one.flags for one in bars], np.uint8),
            timeframe=self._timeframe,
            pair=pair,
            venue=self._venue,
        )


def bars_of(candles: Candles) -> list[Bar]:
    """Give a series bar by bar."""
    columns: Mapping[str, list[float]] = {
        name: getattr(candles, name).tolist() for name in ("open", "high", "low", "close", "volume")
    }
    return [
        Bar(
            pair=candles.pair,
            ts_ms=ts_ms,
            open=columns["open"][t],
            high=columns["high"][t],
            low=columns["low"][t],
            close=columns["close"][t],
            volume=columns["volume"][t],
            flags=flags,
        )
        for t, (ts_ms, flags) in enumerate(zip(candles.ts_ms.tolist(), candles.flags.tolist(), strict=True))
    ]
