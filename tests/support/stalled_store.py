"""A store that can be brought to a standstill: whoever reads or writes waits until it goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from desk.ports import Store, Unit


class StalledStore:
    """Wraps a store. `stall` and `go_on` close and open the gate in front of it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._gate = asyncio.Event()
        self._gate.set()

    def stall(self) -> None:
        """Let nobody through."""
        self._gate.clear()

    def go_on(self) -> None:
        """Let everybody through."""
        self._gate.set()

    @property
    def commits(self) -> int:
        """How many transactions were committed here."""
        return self._store.commits

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Unit]:
        """Commit at the end of the block, once the gate is open."""
        await self._gate.wait()
        async with self._store.transaction() as tx:
            yield tx

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Unit]:
        """Read, once the gate is open."""
        await self._gate.wait()
        async with self._store.reading() as tx:
            yield tx

    @property
    def glance(self) -> Unit:
        """Single statements; the doors that use these are not the ones that are stalled."""
        return self._store.glance

    async def is_current(self) -> bool:
        """Tell whether the schema is the newest."""
        return await self._store.is_current()

    async def close(self) -> None:
        """Close the store."""
        await self._store.close()
