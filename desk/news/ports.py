"""Headlines and index readings in the store; they belong to the whole house, like candles."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from desk.news.views import IndexReading, NewsFilter, NewsItem, ScoredAt
from desk.views import Page


class News(Protocol):
    """Headlines and readings; nothing is ever rewritten, so the past stays what it was."""

    async def add(self, item: NewsItem) -> bool:
        """Keep a headline; False when one with its key is there."""
        ...

    async def by_id(self, item_id: str) -> NewsItem | None: ...
    async def page(self, wanted: NewsFilter, page: Page) -> Sequence[NewsItem]:
        """Give headlines, newest first by the time at which they were known."""
        ...

    async def known_keys(self, keys: Sequence[str]) -> frozenset[str]:
        """Give those keys that are there."""
        ...

    async def titles(self, since: datetime) -> Sequence[str]:
        """Give the titles known since a time; what a new one is compared with."""
        ...

    async def scores(self, asset: str, since: datetime, until: datetime) -> Sequence[ScoredAt]:
        """Give scored headlines known in [since, until], oldest first; an empty asset is every headline."""
        ...

    async def add_reading(self, reading: IndexReading) -> bool:
        """Keep a reading; False when that day's is there."""
        ...

    async def readings(
        self, index: str, *, since: datetime | None = None, until: datetime | None = None, last: int = 0
    ) -> Sequence[IndexReading]:
        """Give readings known in [since, until], oldest first; `last` gives only the newest ones."""
        ...
