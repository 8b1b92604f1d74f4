"""Facts of the market and of the feeds that bring it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from trading.events.base import Event, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class CandleClosed(Event):
    """A bar closed. Market data: may be conflated for a slow listener, and is not journalled."""

    severity: ClassVar[Severity] = Severity.DEBUG

    venue: str
    timeframe: str
    ts_ms: int
    open: float
    high: float
    low: float
    close: float
    volume: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceMoved(Event):
    """A pair's price between bars. Market data: may be conflated for a slow listener, and is not journalled.

    Attributes:
        venue, source: whose market it is, and who said the price: the venue, or the second source while it is silent.
        bid, ask: None where only a trade is known.
    """

    severity: ClassVar[Severity] = Severity.DEBUG

    venue: str
    source: str
    last: Decimal
    bid: Decimal | None
    ask: Decimal | None
    ts_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WaveLabelled(Event):
    """The detector published a wave event."""

    severity: ClassVar[Severity] = Severity.DEBUG

    wave_event: str
    timeframe: str
    degree: int
    pattern: str
    direction: str
    price: float
    bar_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedStalled(Event):
    """Market data stopped coming; entries are blocked."""

    severity: ClassVar[Severity] = Severity.WARNING

    venue: str
    age_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedRecovered(Event):
    """Market data is coming again; resolves FeedStalled."""

    venue: str
