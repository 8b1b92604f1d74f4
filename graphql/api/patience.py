"""The store as this door uses it: a few readings at a time, so that a crowd of readers never starves trading.

The store takes a wait of two seconds for a connection as a failure, and ten of them as the end of the process. That is
right for the order path, and wrong for a queue of queries: these wait here, under their own time limit.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from api.context import Figures, HouseFace
from desk.bus import EventBus
from desk.clock import Clock
from desk.desk import Desk
from desk.jobs.timetable import Timetable
from desk.live_prices import LivePrices
from desk.models.room import ModelRoom
from desk.ports import Feed, Store, Unit
from desk.reports.drift.service import Drifts
from strategies.registry import StrategyRegistry

#: Readings of this door at the same time; the store has more connections than that.
READINGS = 3


class PatientStore:
    """A store whose readings wait for their turn."""

    def __init__(self, store: Store, *, readings: int = READINGS) -> None:
        self._store = store
        self._turns = asyncio.Semaphore(readings)

    @property
    def commits(self) -> int:
        """How many transactions this process committed."""
        return self._store.commits

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Unit]:
        """Read a snapshot, once it is this reader's turn. Never open a second one inside."""
        async with self._turns, self._store.reading() as unit:
            yield unit

    @property
    def glance(self) -> Unit:
        """Single statements, which wait for their turn by themselves."""
        return self._store.glance

    def transaction(self) -> AbstractAsyncContextManager[Unit]:
        """Write, as the store does it."""
        return self._store.transaction()

    async def is_current(self) -> bool:
        """Tell whether the schema is the newest."""
        return await self._store.is_current()

    async def close(self) -> None:
        """Close the store."""
        await self._store.close()


class ApiHouse:
    """The house with the store as this door uses it."""

    def __init__(self, house: HouseFace) -> None:
        self._house = house
        self._store = PatientStore(house.store)

    @property
    def store(self) -> Store:
        """The store, a few readings at a time."""
        return self._store

    @property
    def bus(self) -> EventBus:
        """The house's own."""
        return self._house.bus

    @property
    def desk(self) -> Desk:
        """The house's own."""
        return self._house.desk

    @property
    def clock(self) -> Clock:
        """The house's own."""
        return self._house.clock

    @property
    def feed(self) -> Feed:
        """The house's own."""
        return self._house.feed

    @property
    def registry(self) -> StrategyRegistry:
        """The house's own."""
        return self._house.registry

    @property
    def queries(self) -> Figures:
        """The house's own."""
        return self._house.queries

    @property
    def timetable(self) -> Timetable:
        """The house's own."""
        return self._house.timetable

    @property
    def prices(self) -> LivePrices:
        """The house's own."""
        return self._house.prices

    @property
    def drifts(self) -> Drifts:
        """The house's own."""
        return self._house.drifts

    @property
    def models(self) -> ModelRoom:
        """The house's own."""
        return self._house.models
