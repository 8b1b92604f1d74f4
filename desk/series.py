"""External series that strategies may read through `MarketView`: at each close what was known by then, from the store.

A backtest and a bot at its bar ask the same function for the same closes, so they see the same bits.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from desk.clock import from_ms
from desk.news.mood import RULE, mood_at, seen_ms
from desk.news.queries import asset_of
from desk.news.views import FEAR_GREED
from desk.ports import Unit
from strategies.learned_signal import SERIES as FORECAST
from trading.candles import Candles
from trading.market import Series

IntArray = NDArray[np.int64]

#: How a strategy names the pair that it runs on in `series_needed`.
OWN_PAIR = "<pair>"

#: The mood of a pair's headlines, -1 to 1; NaN where no headline counts.
SENTIMENT = "sentiment:{pair}"

Load = Callable[[Unit, str, IntArray], Awaitable[Series]]

#: Gives the forecasts of a pair; None where no model speaks for it. They come from bars, not from rows of the store.
Forecasts = Callable[[str], Awaitable[Series | None]]

_FORECAST = FORECAST.partition(":")[0]


async def sentiment_series(tx: Unit, pair: str, closes_ms: IntArray) -> Series:
    """Give the mood of a pair at each close."""
    since, until = from_ms(int(closes_ms[0])) - RULE.window, from_ms(int(closes_ms[-1]))
    items = await tx.news.scores(asset_of(pair), since, until)
    return Series(available_ms=closes_ms, values=mood_at(items, closes_ms).values)


async def fear_greed_series(tx: Unit, pair: str, closes_ms: IntArray) -> Series:
    """Give the Fear & Greed index, 0 to 100, each value from the time at which it was known."""
    found = await tx.news.readings(FEAR_GREED, until=from_ms(int(closes_ms[-1])))
    return Series(
        available_ms=np.array([seen_ms(one.known_at) for one in found], np.int64),
        values=np.array([one.value for one in found], np.float64),
    )


#: By the word before the colon.
_LOADS: Mapping[str, Load] = {"sentiment": sentiment_series, FEAR_GREED: fear_greed_series}


async def external_series(
    tx: Unit,
    names: Sequence[str],
    pair: str,
    closes_ms: IntArray,
    *,
    forecasts: Forecasts | None = None,
) -> dict[str, Series]:
    """Give the named series at the closes of a pair's bars; names that the house does not offer are left out.

    Args:
        names: as in "sentiment:<pair>", "sentiment:BTC/USDT", "forecast:<pair>" or "fear_greed".
        closes_ms: rising, shape (n,); with none there is nothing to give.
        forecasts: gives the forecasts of a pair, from its bars; None = no models here.
    """
    found: dict[str, Series] = {}
    for name in names if len(closes_ms) else ():
        kind, _, of = name.partition(":")
        if kind == _FORECAST and forecasts is not None:
            of = pair if of == OWN_PAIR else of
            series = await forecasts(of)
            if series is not None:
                found[FORECAST.format(pair=of)] = series
        elif kind in _LOADS:
            of = pair if of == OWN_PAIR else of
            found[f"{kind}:{of}" if of else kind] = await _LOADS[kind](tx, of, closes_ms)
    return found


async def known_series(tx: Unit, names: Sequence[str], markets: Sequence[Candles]) -> dict[str, Series]:
    """Give the series of the store that a strategy names, for some markets; forecasts come from elsewhere."""
    found: dict[str, Series] = {}
    for one in markets:
        found |= await external_series(tx, names, one.pair, _every_close(one))
    return found


async def offered_series(tx: Unit, markets: Sequence[Candles]) -> dict[str, Series]:
    """Give every series that the house offers for some markets, for research: nobody knows yet what will be read."""
    found: dict[str, Series] = {}
    for one in markets:
        if not len(one):
            continue
        names = (SENTIMENT.format(pair=one.pair), FEAR_GREED)
        loaded = await external_series(tx, names, one.pair, _every_close(one))
        found |= {name: series for name, series in loaded.items() if np.isfinite(series.values).any()}
    return found


def _every_close(candles: Candles) -> IntArray:
    """Give the closes of bars; those that are missing are filled in later, so theirs count too."""
    step = candles.timeframe.ms
    return np.arange(int(candles.ts_ms[0]) + step, int(candles.ts_ms[-1]) + step + 1, step, dtype=np.int64)
