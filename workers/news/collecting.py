"""From a source to rows: fetched, read, sifted, scored, and kept with the time from which it counts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from desk.clock import Clock
from desk.identity import new_id
from desk.news.text import plain
from desk.news.views import FEAR_GREED, IndexReading, NewsItem
from desk.ports import Store
from workers.news.alike import Titles
from workers.news.feeds import Entry, Unreadable, read_entries
from workers.news.language import language_of
from workers.news.tagging import assets_of

#: A headline counts from so long after it was written: its transaction is through by then, so no bot can miss at
#: its bar what a backtest would see there.
SETTLES = timedelta(seconds=5)

#: Titles that a new one is compared with, and entries that are too old to be news.
_COMPARED, _OLDEST = timedelta(days=3), timedelta(days=7)

#: Days of the index that one answer may carry.
_MOST_DAYS = 5_000

#: Gives label (-1, 0, 1), score (-1 to 1) and the model's name for each title; None where no model is at hand.
Scorer = Callable[[Sequence[str]], Sequence[tuple[int, float, str] | None]]


@dataclass(slots=True)
class Counts:
    """What came of a feed."""

    new: int = 0
    known: int = 0
    alike: int = 0
    foreign: int = 0
    old: int = 0

    def as_values(self) -> dict[str, int]:
        """The counts by name."""
        return {name: getattr(self, name) for name in ("new", "known", "alike", "foreign", "old")}


@dataclass(slots=True)
class _Sifted:
    counts: Counts = field(default_factory=Counts)
    kept: list[tuple[Entry, str]] = field(default_factory=list)


async def keep_headlines(
    store: Store,
    clock: Clock,
    source: str,
    body: bytes,
    score: Scorer,
    *,
    languages: Collection[str] = ("en",),
) -> Counts:
    """Keep the new headlines of a feed; again and again without doubling any.

    Raises:
        Unreadable: it is no feed.
    """
    entries = await asyncio.to_thread(read_entries, body, source)
    now = clock.now()
    async with store.reading() as tx:
        known = await tx.news.known_keys([one.key for one in entries])
        titles = await tx.news.titles(now - _COMPARED)
    sifted = await asyncio.to_thread(_sift, entries, known, titles, languages, now)
    scores = await asyncio.to_thread(score, [one.title for one, _ in sifted.kept]) if sifted.kept else ()
    async with store.transaction() as tx:
        known_at = clock.now() + SETTLES
        for (entry, language), said in zip(sifted.kept, scores, strict=True):
            is_new = await tx.news.add(_item(source, entry, language, said, known_at))
            sifted.counts.new += is_new
            # Another process was faster.
            sifted.counts.known += not is_new
    return sifted.counts


def _sift(
    entries: Sequence[Entry],
    known: Collection[str],
    titles: Sequence[str],
    languages: Collection[str],
    now: datetime,
) -> _Sifted:
    sifted, seen = _Sifted(), Titles(titles)
    for entry in entries:
        language = language_of(f"{entry.title} {entry.summary}"[:400], claimed=entry.language)
        if entry.key in known:
            sifted.counts.known += 1
        elif entry.published_at is not None and entry.published_at < now - _OLDEST:
            sifted.counts.old += 1
        elif "all" not in languages and language not in languages:
            sifted.counts.foreign += 1
        elif seen.has_like(entry.title):
            sifted.counts.alike += 1
        else:
            seen.add(entry.title)
            sifted.kept.append((entry, language))
    return sifted


def _item(
    source: str, entry: Entry, language: str, said: tuple[int, float, str] | None, known_at: datetime
) -> NewsItem:
    published = entry.published_at or known_at
    return NewsItem(
        id=new_id(),
        source=source,
        key=entry.key,
        title=entry.title,
        summary=entry.summary,
        url=entry.url,
        language=language,
        assets=assets_of(entry.title, entry.summary),
        label=said[0] if said else None,
        score=said[1] if said else None,
        model=said[2] if said else "",
        # A source may claim any time; the future is not one of them.
        published_at=min(published, known_at),
        known_at=known_at,
    )


async def keep_readings(store: Store, clock: Clock, body: bytes) -> int:
    """Keep the days of the Fear & Greed index that are new; give how many.

    Today's value counts from now on. A day that is over counts from its end on: it was out by then, and that is the
    latest that a bot of that time would have known it.

    Raises:
        Unreadable: it is no answer of the index.
    """
    readings = read_index(body)
    async with store.transaction() as tx:
        known_at = clock.now() + SETTLES
        added = 0
        for at, value, words in readings:
            if at <= known_at:
                reading = IndexReading(
                    index=FEAR_GREED,
                    at=at,
                    value=value,
                    words=words,
                    known_at=min(known_at, at + timedelta(days=1)),
                )
                added += await tx.news.add_reading(reading)
    return added


def read_index(body: bytes) -> list[tuple[datetime, int, str]]:
    """Read {"data": [{"value": "40", "value_classification": "Fear", "timestamp": "1517443200"}, …]}, oldest first.

    Raises:
        Unreadable: something else.
    """
    try:
        rows = orjson.loads(body)["data"]
        found = [_reading(one) for one in rows[:_MOST_DAYS]]
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, OverflowError) as problem:
        raise Unreadable(f"no answer of the index: {type(problem).__name__}") from problem
    if not found:
        raise Unreadable("an answer of the index without a day")
    return sorted(found)


def _reading(row: Any) -> tuple[datetime, int, str]:
    value, seconds = int(row["value"]), int(row["timestamp"])
    if not 0 <= value <= 100 or not 0 < seconds < 4_000_000_000:
        raise ValueError("out of range")
    at = datetime.fromtimestamp(seconds - seconds % 86_400, UTC)
    return at, value, plain(str(row.get("value_classification", "")), 40)
