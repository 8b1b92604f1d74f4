"""Headlines and index readings as values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

#: Name of the Fear & Greed index among the readings.
FEAR_GREED = "fear_greed"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewsItem:
    """A headline. Its text comes from strangers: it is shown and scored, and nothing ever acts on what it says.

    Attributes:
        key: what makes it the same as another: a hash of its address and source.
        assets: what it is about, as in "BTC"; empty: the market as a whole.
        label, score: how it sounds: -1, 0 or 1, and -1 to 1; None where no model was at hand.
        model: which model said so.
        published_at: as its source claims.
        known_at: from when on it counts here. Backtests and live bots both go by this and by nothing else.
    """

    id: str
    source: str
    key: str
    title: str
    summary: str
    url: str
    language: str
    assets: tuple[str, ...]
    label: int | None
    score: float | None
    model: str
    published_at: datetime
    known_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NewsFilter:
    """Which headlines; what is empty does not filter. `until` leaves out what became known later."""

    asset: str = ""
    source: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredAt:
    """A headline as a mood needs it."""

    known_at: datetime
    source: str
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexReading:
    """A published index value.

    Attributes:
        at: the day that it is for.
        value: 0 to 100.
        words: as the publisher calls it ("Extreme Fear").
        known_at: from when on it counts here.
    """

    index: str
    at: datetime
    value: int
    words: str
    known_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PairSentiment:
    """What the headlines of the last days say about a pair, newer ones more.

    Attributes:
        pair: as asked for; empty: the whole market.
        score: -1 to 1; None without a scored headline.
        weight: how much of the score is headlines: 0 none, towards 1 many fresh ones. Few headlines move it little.
        headlines: how many counted; `bearish`, `neutral` and `bullish` of them.
    """

    pair: str
    at: datetime
    score: float | None
    weight: float
    headlines: int
    bearish: int
    neutral: int
    bullish: int
    half_life_s: float
