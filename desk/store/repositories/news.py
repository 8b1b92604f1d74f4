"""Headlines and index readings."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from desk.news.views import IndexReading, NewsFilter, NewsItem, ScoredAt
from desk.store.codec import moment
from desk.store.connection import Connection
from desk.store.cursors import newest
from desk.store.models import IndexReadingRow, NewsRow
from desk.store.table import Table, Where, insert
from desk.views import Page

NEWS = Table(NewsRow, NewsItem)
READINGS = Table(IndexReadingRow, IndexReading)

#: Keys that one statement asks for.
_MOST_KEYS = 500


class SqlNews:
    """Headlines and readings."""

    def __init__(self, tx: Connection) -> None:
        self._tx = tx

    async def add(self, item: NewsItem) -> bool:
        """Keep a headline with its assets; False when one with its key is there."""
        if not await NEWS.insert_new(self._tx, item):
            return False
        for asset in item.assets:
            row = {"news_id": item.id, "asset": asset, "known_at": item.known_at}
            await insert(self._tx, "news_assets", row)
        return True

    async def by_id(self, item_id: str) -> NewsItem | None:
        """Give a headline."""
        return await NEWS.one(self._tx, Where(id=item_id))

    async def page(self, wanted: NewsFilter, page: Page) -> Sequence[NewsItem]:
        """Give headlines, newest first by the time at which they were known."""
        where = Where()
        if wanted.asset:
            where.add("id IN (SELECT news_id FROM news_assets WHERE asset = ?)", wanted.asset)
        if wanted.source:
            where.add("source = ?", wanted.source)
        if wanted.since is not None:
            where.add("known_at >= ?", wanted.since)
        if wanted.until is not None:
            where.add("known_at <= ?", wanted.until)
        return await newest(self._tx, NEWS, where, page, moment="known_at")

    async def known_keys(self, keys: Sequence[str]) -> frozenset[str]:
        """Give those keys that are there."""
        found: set[str] = set()
        for start in range(0, len(keys), _MOST_KEYS):
            where = Where().one_of("key", keys[start : start + _MOST_KEYS])
            rows = await self._tx.rows(f'SELECT "key" FROM news {where.sql}', *where.values)  # noqa: S608
            found.update(str(row[0]) for row in rows)
        return frozenset(found)

    async def titles(self, since: datetime) -> Sequence[str]:
        """Give the titles known since a time."""
        rows = await self._tx.rows("SELECT title FROM news WHERE known_at >= ?", since)
        return [str(row[0]) for row in rows]

    async def scores(self, asset: str, since: datetime, until: datetime) -> Sequence[ScoredAt]:
        """Give scored headlines known in [since, until], oldest first; an empty asset is every headline."""
        if asset:
            sql = (
                "SELECT n.known_at, n.source, n.score FROM news_assets a JOIN news n ON n.id = a.news_id "
                "WHERE a.asset = ? AND a.known_at >= ? AND a.known_at <= ? AND n.score IS NOT NULL "
                "ORDER BY n.known_at, n.id"
            )
            rows = await self._tx.rows(sql, asset, since, until)
        else:
            sql = (
                "SELECT known_at, source, score FROM news WHERE known_at >= ? AND known_at <= ? "
                "AND score IS NOT NULL ORDER BY known_at, id"
            )
            rows = await self._tx.rows(sql, since, until)
        return [ScoredAt(known_at=moment(row[0]), source=str(row[1]), score=float(row[2])) for row in rows]

    async def add_reading(self, reading: IndexReading) -> bool:
        """Keep a reading; False when that day's is there."""
        return await READINGS.insert_new(self._tx, reading)

    async def readings(
        self, index: str, *, since: datetime | None = None, until: datetime | None = None, last: int = 0
    ) -> Sequence[IndexReading]:
        """Give readings known in [since, until], oldest first; `last` gives only the newest ones."""
        where = Where(index=index)
        if since is not None:
            where.add("known_at >= ?", since)
        if until is not None:
            where.add("known_at <= ?", until)
        if last:
            found = await READINGS.find(self._tx, where, order='known_at DESC, "at" DESC', limit=last)
            return found[::-1]
        return await READINGS.find(self._tx, where, order='known_at, "at"')
