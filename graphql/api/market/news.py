"""Headlines, the mood that they make, and the Fear & Greed index."""

from __future__ import annotations

from datetime import datetime

import strawberry

from api.context import Info
from api.ids import Cursor
from api.node import shaped
from api.pagination import DEFAULT_FIRST, Connection, bounded, connect, wanted_page
from api.permissions import reads
from desk.cursors import cursor_of
from desk.news import queries, views

#: Most readings of the index, and most points of a mood's path.
MAX_DAYS = 1000
MAX_POINTS = 200


@strawberry.type(
    description="A headline of a news source; its text comes from strangers and is to be shown as text only."
)
class Headline:
    """`knownAt` is when it began to count here; `publishedAt` is what its source claims."""

    id: strawberry.ID
    source: str
    title: str
    summary: str
    url: str
    language: str
    assets: list[str]
    label: int | None = strawberry.field(
        description="-1 bearish, 0 neutral, 1 bullish; null where it was not scored."
    )
    score: float | None = strawberry.field(description="From -1 to 1.")
    model: str
    published_at: datetime
    known_at: datetime


@strawberry.type(description="A mood at a time; null where no headline counted.")
class MoodPoint:
    """One point of a path."""

    at: datetime
    score: float | None


@strawberry.type(description="What the headlines of the last two days say about a pair, newer ones more.")
class Sentiment:
    """Few headlines move the score little: see weight."""

    pair: str
    at: datetime
    score: float | None = strawberry.field(description="From -1 to 1; null without a scored headline.")
    weight: float = strawberry.field(
        description="How much of the score is headlines: 0 none, towards 1 many fresh ones."
    )
    headlines: int
    bearish: int
    neutral: int
    bullish: int
    half_life_s: float
    path: list[MoodPoint] = strawberry.field(description="Hour by hour, oldest first.")


@strawberry.type(description="A day of the Fear & Greed index, 0 extreme fear to 100 extreme greed.")
class FearGreedReading:
    """`knownAt` is when it began to count here."""

    at: datetime
    value: int
    words: str
    known_at: datetime


@strawberry.type
class NewsQueries:
    """Root fields about news and moods."""

    @reads()
    async def news(
        self,
        info: Info,
        pair: str = "",
        source: str = "",
        first: int = DEFAULT_FIRST,
        after: Cursor | None = None,
    ) -> Connection[Headline]:
        """Headlines about a pair's base, or all of them, newest first."""
        page = wanted_page(first, after)
        house = info.context.house
        async with house.store.reading() as unit:
            rows = await queries.news_of(
                unit, pair[:40], now=house.clock.now(), source=source[:40], page=page
            )
        return connect(rows, first=first, after=after, node=_headline, position=cursor_of)

    @reads()
    async def sentiment(self, info: Info, pair: str = "", points: int = 24) -> Sentiment:
        """The mood of the headlines about a pair, or about the market, with its path (at most 200 hours)."""
        house = info.context.house
        now = house.clock.now()
        hours = bounded(points, MAX_POINTS)
        async with house.store.reading() as unit:
            found = await queries.sentiment_of(unit, pair[:40], now=now)
            path = await queries.sentiment_path(unit, pair[:40], now=now, points=hours)
        return shaped(Sentiment, found, path=[MoodPoint(at=at, score=score) for at, score in path])

    @reads()
    async def fear_greed(self, info: Info, days: int = 30) -> list[FearGreedReading]:
        """The newest days of the Fear & Greed index (at most 1000), oldest first."""
        house = info.context.house
        wanted = bounded(days, MAX_DAYS)
        async with house.store.reading() as unit:
            rows = await queries.fear_greed_of(unit, now=house.clock.now(), days=wanted)
        return [shaped(FearGreedReading, one) for one in rows]


def _headline(one: views.NewsItem) -> Headline:
    return shaped(Headline, one, id=strawberry.ID(one.id), assets=list(one.assets))
