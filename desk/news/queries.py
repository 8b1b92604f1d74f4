"""What doors ask about news and moods."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np

from desk.clock import to_ms
from desk.news.mood import RULE, MoodRule, mood_at
from desk.news.views import FEAR_GREED, IndexReading, NewsFilter, NewsItem, PairSentiment
from desk.ports import Unit
from desk.views import Page

#: A label, as the sign of a score beyond this.
_SOUNDS = 1 / 3


def asset_of(pair: str) -> str:
    """Give what news of a pair are about: its base.

    Example:
        >>> asset_of("BTC/USDT")
        'BTC'
    """
    return pair.partition("/")[0].upper()


async def news_of(
    tx: Unit, pair: str = "", *, now: datetime, source: str = "", page: Page | None = None
) -> Sequence[NewsItem]:
    """Give headlines about a pair's base, or all of them, newest first."""
    wanted = NewsFilter(asset=asset_of(pair) if pair else "", source=source, until=now)
    return await tx.news.page(wanted, page or Page())


async def sentiment_of(tx: Unit, pair: str = "", *, now: datetime, rule: MoodRule = RULE) -> PairSentiment:
    """Give what the headlines say about a pair, or about the market, at a time."""
    items = await tx.news.scores(asset_of(pair) if pair else "", now - rule.window, now)
    mood = mood_at(items, np.array([to_ms(now)], np.int64), rule)
    score = float(mood.values[0])
    signs = [(one.score > _SOUNDS) - (one.score < -_SOUNDS) for one in items]
    return PairSentiment(
        pair=pair,
        at=now,
        score=None if np.isnan(score) else score,
        weight=float(mood.weights[0]),
        headlines=len(items),
        bearish=signs.count(-1),
        neutral=signs.count(0),
        bullish=signs.count(1),
        half_life_s=rule.half_life.total_seconds(),
    )


async def sentiment_path(
    tx: Unit, pair: str = "", *, now: datetime, points: int = 48, step: timedelta = timedelta(hours=1)
) -> Sequence[tuple[datetime, float | None]]:
    """Give the mood at so many times up to now, oldest first; None where no headline counted."""
    times = [now - step * back for back in reversed(range(points))]
    items = await tx.news.scores(asset_of(pair) if pair else "", times[0] - RULE.window, now)
    values = mood_at(items, np.array([to_ms(one) for one in times], np.int64)).values
    return [(at, None if np.isnan(one) else float(one)) for at, one in zip(times, values, strict=True)]


async def fear_greed_of(tx: Unit, *, now: datetime, days: int = 30) -> Sequence[IndexReading]:
    """Give the newest Fear & Greed readings known by now, oldest first."""
    return await tx.news.readings(FEAR_GREED, until=now, last=days)
