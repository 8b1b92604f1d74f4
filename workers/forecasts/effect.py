"""What forecasts change in the money: the same strategy with and without them, on the same days, after costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from desk.research.runs import Request, account_for, registry
from strategies.base import ColumnStrategy
from strategies.learned_signal import SERIES
from trading.backtest.returns import curve_of, daily_returns
from trading.backtest.run import backtest
from trading.candles import Candles
from trading.learning.effect import Difference, paired_difference
from trading.learning.panel import Panel
from trading.learning.walk import Track
from trading.market import MarketView, Series
from trading.signals import SignalColumns

FloatArray = NDArray[np.float64]

#: Strategies that are run with and without the forecast's consent, chosen before anything was measured.
FILTERED = ("trend_following", "momentum", "breakout")

#: What the account starts with, and what a trade costs on each side.
_CAPITAL = Decimal(100_000)
_FEE = 0.001
_SLIPPAGE = 0.0005


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One comparison."""

    model: str
    seed: int
    subject: str
    against: str
    difference: Difference
    trades_with: int
    trades_without: int

    def as_values(self) -> dict[str, Any]:
        """Give it as plain values."""
        found = self.difference
        return {
            "model": self.model,
            "seed": self.seed,
            "subject": self.subject,
            "against": self.against,
            "roi_with": round(found.with_roi, 6),
            "roi_without": round(found.without_roi, 6),
            "difference": round(found.point, 6),
            "low": round(found.low, 6),
            "high": round(found.high, 6),
            "days": found.days,
            "trades_with": self.trades_with,
            "trades_without": self.trades_without,
            "contains_zero": found.contains_zero,
        }


def series_of(panel: Panel, track: Track) -> Mapping[str, Series]:
    """Give a track's out-of-sample forecasts as external series, each available at the close it was made at."""
    found = {}
    expected = track.forecasts.mean * panel.scale[track.chosen]
    for number, pair in enumerate(panel.pairs):
        own = panel.pair[track.chosen] == number
        found[SERIES.format(pair=pair)] = Series(
            available_ms=panel.decided_ms[track.chosen][own], values=expected[own]
        )
    return found


def effects(
    series: Sequence[Candles],
    panel: Panel,
    tracks: Sequence[Track],
    *,
    baseline: Track,
    cost_multiple: float = 1.5,
) -> list[Effect]:
    """Measure what each track's forecasts change.

    `learned_signal` on the forecasts is compared with the same rule on a baseline's, with doing nothing and with holding;
    the strategies of FILTERED, which
    may enter only where the forecast points the same way, with themselves.
    """
    start_ms = int(panel.decided_ms[baseline.chosen].min())
    stop_ms = int(panel.decided_ms[baseline.chosen].max()) + panel.bar_ms * (panel.horizon_bars + 1)
    cut = [one.between(None, stop_ms) for one in series]
    learned = {"cost_multiple": cost_multiple, "horizon_bars": panel.horizon_bars}
    plain = {name: _run(cut, _signals(name, {}, cut, {}), start_ms) for name in FILTERED}
    held = _run(cut, _signals("buy_and_hold", {}, cut, {}), start_ms)
    nothing = (np.zeros(len(held[0])), 0)
    without = _run(cut, _signals("learned_signal", learned, cut, series_of(panel, baseline)), start_ms)
    found = []
    for track in tracks:
        forecasts = series_of(panel, track)
        own = _run(cut, _signals("learned_signal", learned, cut, forecasts), start_ms)
        for against, other in (
            (f"the same rule on {baseline.name}", without),
            ("no trade at all", nothing),
            ("buy and hold", held),
        ):
            found.append(_effect(track, "learned_signal", against, own, other))
        for name in FILTERED:
            agreed = [
                _agreed(one, MarketView(candles=candles, series=forecasts))
                for one, candles in zip(_signals(name, {}, cut, {}), cut, strict=True)
            ]
            found.append(
                _effect(
                    track,
                    f"{name}, entries that the forecast agrees with",
                    name,
                    _run(cut, agreed, start_ms),
                    plain[name],
                )
            )
    return found


def _agreed(columns: SignalColumns, market: MarketView) -> SignalColumns:
    """Leave out entries against the forecast, and those without one."""
    forecast = market.external(SERIES.format(pair=market.candles.pair))
    agrees = np.nan_to_num(forecast) * columns.enter > 0.0
    return replace(columns, enter=np.where(agrees, columns.enter, 0).astype(np.int8))


def _signals(
    name: str, parameters: Mapping[str, Any], series: Sequence[Candles], forecasts: Mapping[str, Series]
) -> list[SignalColumns]:
    strategy = registry().get_strategy(name)(**parameters)
    assert isinstance(strategy, ColumnStrategy), "the strategies compared here are column strategies"
    return [strategy.columns(MarketView(candles=one, series=forecasts)) for one in series]


def _run(
    series: Sequence[Candles], signals: Sequence[SignalColumns], start_ms: int
) -> tuple[FloatArray, int]:
    """Give daily returns from the first forecast on, and how many trades were closed."""
    closes = [one.ts_ms + one.timeframe.ms for one in series]
    late = [
        replace(one, enter=np.where(close >= start_ms, one.enter, 0).astype(np.int8))
        for one, close in zip(signals, closes, strict=True)
    ]
    request = Request(
        strategy="effect",
        parameters={},
        limits={},
        candles=tuple(series),
        capital=_CAPITAL,
        fee=_FEE,
        slippage=_SLIPPAGE,
        spread=0.0,
        fill="through",
        can_short=True,
    )
    result = backtest(series, late, account_for(request, tuple(series), late[0].tags))
    at = result.ts_ms + result.config.timeframe_ms
    first = int(np.searchsorted(at, start_ms, "right"))
    curve = curve_of(at[first:], result.equity[first:], initial=float(_CAPITAL), start_ms=start_ms)
    return daily_returns(curve), int(result.closed.sum())


def _effect(
    track: Track, subject: str, against: str, own: tuple[FloatArray, int], other: tuple[FloatArray, int]
) -> Effect:
    return Effect(
        model=track.name,
        seed=track.seed,
        subject=subject,
        against=against,
        difference=paired_difference(own[0], other[0]),
        trades_with=own[1],
        trades_without=other[1],
    )
