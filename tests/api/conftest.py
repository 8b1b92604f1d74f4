"""A furnished house behind a real web server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from desk.store import SqlStore
from desk.views import Bot
from tests.support.api_house import People, Running, StoreHouse, furnish, people, serving


@dataclass(frozen=True, slots=True)
class Scene:
    """Two workspaces in one house, and the server."""

    house: StoreHouse
    home: People
    away: People
    bot: Bot
    foreign_bot: Bot
    web: Running


@pytest.fixture
async def scene(sqlite_store: SqlStore) -> AsyncIterator[Scene]:
    """A house with two furnished workspaces, served on loopback."""
    house = StoreHouse(sqlite_store)
    home, away = await people(house, "home"), await people(house, "away")
    bot, foreign = await furnish(house, home), await furnish(house, away)
    async with serving(house) as web:
        yield Scene(house, home, away, bot, foreign, web)
