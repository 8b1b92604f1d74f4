"""Prices as they were told last, with how old they are; anybody who listens to the house's events may hold them.

They come from the process that follows the market, over the bus (and over Redis between processes). A price that was
not renewed in time is none: nobody decides on it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from decimal import Decimal

from desk.bus import EventBus
from desk.clock import Clock
from trading.events import PriceMoved

#: A price that is older than this is none.
STALE_S = 15.0
#: Highest and lowest prices are known over so long.
SPAN_S = 5.0
#: Prices that are remembered of a pair.
_MOST_KEPT = 64


@dataclass(slots=True)
class _Known:
    newest: PriceMoved
    at_s: float
    told: deque[tuple[float, Decimal]] = field(default_factory=lambda: deque(maxlen=_MOST_KEPT))


class LivePrices:
    """The newest price of each pair."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: dict[str, _Known] = {}

    async def listen(self, bus: EventBus) -> None:
        """Take prices from a bus until cancelled."""
        subscription = bus.subscribe(None, (PriceMoved,))
        try:
            async for found in subscription:
                if isinstance(found, PriceMoved):
                    self.take(found)
        finally:
            subscription.close()

    def take(self, price: PriceMoved) -> None:
        """Hold a price."""
        now_s = self._clock.monotonic()
        known = self._known.get(price.pair)
        told = known.told if known is not None else deque[tuple[float, Decimal]](maxlen=_MOST_KEPT)
        told.append((now_s, price.last))
        self._known[price.pair] = _Known(newest=price, at_s=now_s, told=told)

    def newest(self, pair: str) -> PriceMoved | None:
        """Give a pair's price; None where none was told in time."""
        known = self._known.get(pair)
        if known is None or self._clock.monotonic() - known.at_s > STALE_S:
            return None
        return known.newest

    def span(self, pair: str) -> tuple[Decimal, Decimal] | None:
        """Give lowest and highest price of the last seconds, so that what lies between two looks counts."""
        if self.newest(pair) is None:
            return None
        known = self._known[pair]
        since_s = self._clock.monotonic() - SPAN_S
        recent = [price for at_s, price in known.told if at_s >= since_s] or [known.newest.last]
        return min(recent), max(recent)
