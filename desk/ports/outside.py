"""What comes from outside or goes there: bars, letters, pictures."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from desk.venue_port import OrderRequest as OrderRequest
from desk.venue_port import Placement as Placement
from desk.venue_port import Venue as Venue
from trading.candles import Candles
from trading.instruments import Instrument


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One closed bar of one pair."""

    pair: str
    ts_ms: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    flags: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedBars:
    """All bars of one time: pairs that came, and those that are late."""

    ts_ms: int
    timeframe: str
    bars: Mapping[str, Bar]
    missing: tuple[str, ...] = ()


#: How markets are called that no exchange made: a file without a venue's name, and, with its seed, a random walk.
REPLAY, SIMULATED = "replay", "simulated-"


class Feed(Protocol):
    """Market data of one venue.

    A feed whose bars come from a script or a simulation gives the same bars again after a restart: `bars` starts
    right after `after_ms`.
    """

    venue: str
    #: What to show people: "replay of FILE at 1000 bars/s", "simulated exchange, seed 7, 20 bars/s", "binance".
    label: str

    async def instrument(self, pair: str) -> Instrument: ...
    async def pairs(self) -> Sequence[str]: ...
    async def history(self, pair: str, timeframe: str, *, before_ms: int | None, bars: int) -> Candles:
        """Give up to `bars` closed bars that open before a time (None: before the first live bar)."""
        ...

    def bars(
        self, pairs: Sequence[str], timeframe: str, *, after_ms: int | None
    ) -> AsyncIterator[ClosedBars]:
        """Give closed bars as they close, in order, starting after a bar's open time."""
        ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A mail: plain text and HTML, with inline pictures by content id."""

    recipient: str
    subject: str
    text: str
    html: str
    message_id: str
    pictures: Mapping[str, bytes] = field(default_factory=dict)
    attachments: Mapping[str, bytes] = field(default_factory=dict)


class Mailer(Protocol):
    """Transport of mail."""

    async def send(self, letter: Letter) -> None:
        """Hand a mail to the server.

        Raises:
            Temporary: the server could not be reached or said try later.
            Rejected: the server refused this mail for good.
        """
        ...


class Painter(Protocol):
    """Draws pictures away from the event loop. A failed picture gives None: the text is always sent."""

    async def draw(self, kind: str, spec: Mapping[str, Any]) -> bytes | None:
        """Give a PNG; `kind` is one of desk.charts.KINDS, `spec` plain values and arrays."""
        ...

    async def close(self) -> None: ...
