"""Bots on a live account beside the same bots on paper: a market that a test releases bar by bar."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from desk.ports import Bar, ClosedBars
from desk.views import Trade
from trading.candles import Candles
from trading.instruments import Instrument

#: What both sides pay; no slippage, so that prices can be compared.
COSTS = {"maker_fee": 0.001, "taker_fee": 0.001, "slippage": 0.0, "spread": 0.0}

#: The two sides are at most so far apart, as a share: half a spread, the fee in the coin, a tick, a step.
_APART = Decimal("0.002")


def joined(candles: Candles, *, tick: float = 0.01) -> Candles:
    """Give a series on the tick in which every bar opens where the last one closed."""
    close = np.maximum(np.round(candles.close / tick), 1.0) * tick
    close = np.round(close, 8)
    opened = np.concatenate((close[:1], close[:-1]))
    high = np.maximum(np.round(np.round(candles.high / tick) * tick, 8), np.maximum(opened, close))
    low = np.minimum(np.round(np.round(candles.low / tick) * tick, 8), np.minimum(opened, close))
    return Candles(
        ts_ms=candles.ts_ms,
        open=opened,
        high=high,
        low=np.maximum(low, tick),
        close=close,
        volume=np.maximum(candles.volume, 1.0),
        flags=np.zeros_like(candles.flags),
        timeframe=candles.timeframe,
        pair=candles.pair,
        venue=candles.venue,
    )


class ScriptFeed:
    """Candles whose bars close when a test says so; the first ones are history.

    Args:
        instruments: trading rules, as the venue tells them.
    """

    def __init__(
        self,
        series: Sequence[Candles],
        instruments: Mapping[str, Instrument],
        *,
        venue: str,
        history: int,
    ) -> None:
        self.venue = venue
        self.label = f"script of {venue}"
        self._series = {one.pair: one for one in series}
        self._instruments = instruments
        self._first = history
        self._released = history
        self._news = asyncio.Event()

    def release(self, stop: int) -> None:
        """Let the bars before a row close."""
        self._released = stop
        self._news.set()

    async def instrument(self, pair: str) -> Instrument:
        """Give the trading rules."""
        return self._instruments[pair]

    async def pairs(self) -> Sequence[str]:
        """Give the pairs."""
        return tuple(self._series)

    async def history(self, pair: str, timeframe: str, *, before_ms: int | None, bars: int) -> Candles:
        """Give past bars."""
        candles = self._series[pair]
        stop = self._first if before_ms is None else int(np.searchsorted(candles.ts_ms, before_ms))
        return candles.rows(max(0, stop - bars), stop)

    async def bars(
        self, pairs: Sequence[str], timeframe: str, *, after_ms: int | None
    ) -> AsyncIterator[ClosedBars]:
        """Give released bars."""
        times = next(iter(self._series.values())).ts_ms
        at = self._first if after_ms is None else int(np.searchsorted(times, after_ms, "right"))
        while True:
            while at < self._released:
                yield ClosedBars(
                    ts_ms=int(times[at]),
                    timeframe=timeframe,
                    bars={pair: bar_at(self._series[pair], at) for pair in pairs},
                )
                at += 1
            self._news.clear()
            if at >= self._released:
                await self._news.wait()

    async def close(self) -> None:
        """Nothing is held open."""


def bar_at(candles: Candles, row: int) -> Bar:
    """Give one bar of a series."""
    return Bar(
        pair=candles.pair,
        ts_ms=int(candles.ts_ms[row]),
        open=float(candles.open[row]),
        high=float(candles.high[row]),
        low=float(candles.low[row]),
        close=float(candles.close[row]),
        volume=float(candles.volume[row]),
        flags=int(candles.flags[row]),
    )


@dataclass(frozen=True, slots=True)
class Told:
    """A trade as both sides can tell it: when by bars, and at which prices."""

    pair: str
    is_long: bool
    reason: str
    bars: int
    entry: Decimal
    exit: Decimal
    quantity: Decimal
    tag: str

    def is_like(self, other: Told, *, sizes: Decimal = _APART, prices: Decimal = _APART) -> bool:
        """Tell whether two trades are the same up to the prices that a venue gave.

        Args:
            sizes, prices: how far quantities and prices may be apart, as a share.
        """
        return (
            (self.pair, self.is_long, self.reason, self.bars, self.tag)
            == (other.pair, other.is_long, other.reason, other.bars, other.tag)
            and _near(self.entry, other.entry, prices)
            and _near(self.exit, other.exit, prices)
            and _near(self.quantity, other.quantity, sizes)
        )


def told(trade: Trade) -> Told:
    """Give what can be compared of a trade."""
    return Told(
        pair=trade.pair,
        is_long=trade.is_long,
        reason=trade.reason.value,
        bars=trade.bars,
        entry=trade.entry_price,
        exit=trade.exit_price,
        quantity=trade.quantity,
        tag=trade.tag,
    )


def _near(one: Decimal, other: Decimal, share: Decimal) -> bool:
    return abs(one - other) <= max(one, other) * share
