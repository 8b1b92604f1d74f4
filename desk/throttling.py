"""Failures in a row close a door for longer and longer: per account and per caller, in the store, so that it holds
across processes and restarts."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from weakref import WeakValueDictionary

from desk.clock import Clock
from desk.errors import TooManyTries
from desk.ports import Store
from trading.errors import Denied

#: So many failures cost nothing.
FREE_TRIES = 5

#: An address may stand for a whole office.
FREE_TRIES_OF_ADDRESS = 20

#: After them the wait doubles from here to there.
FIRST_WAIT_S = 2.0
LONGEST_WAIT_S = 900.0


class Throttling:
    """Counts failures by key."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def attempt(self, *keys: str) -> AsyncIterator[None]:
        """Try something under some keys, one at a time: a Denied that leaves the block counts as a failure.

        Success clears the first key only: whoever has one account must not clear an address for guessing others.

        Raises:
            TooManyTries: a key is closed, and for how long.
        """
        async with AsyncExitStack() as stack:
            for key in sorted(keys):
                await stack.enter_async_context(self._turns.setdefault(key, asyncio.Lock()))
            await self.require_open(*keys)
            try:
                yield
            except Denied:
                await self.failed(*keys)
                raise
            await self.succeeded(keys[0])

    async def require_open(self, *keys: str) -> None:
        """Go on only when no key is closed.

        Raises:
            TooManyTries: one is, and for how long.
        """
        now = self._clock.now()
        async with self._store.reading() as tx:
            for key in keys:
                found = await tx.proofs.throttle(_digest(key))
                if found.blocked_until is not None and found.blocked_until > now:
                    raise TooManyTries(found.blocked_until - now)

    async def failed(self, *keys: str) -> None:
        """Count a failure under each key."""
        now = self._clock.now()
        async with self._store.transaction() as tx:
            for key in keys:
                digest = _digest(key)
                found = await tx.proofs.throttle(digest)
                await tx.proofs.failed(digest, _blocked_until(found.failures + 1 - _free(key), now), now)

    async def succeeded(self, *keys: str) -> None:
        """Forget the failures under each key."""
        async with self._store.transaction() as tx:
            for key in keys:
                await tx.proofs.clear(_digest(key))


def _free(key: str) -> int:
    return FREE_TRIES_OF_ADDRESS if key.startswith("address:") else FREE_TRIES


def _blocked_until(extra: int, now: datetime) -> datetime | None:
    if extra < 0:
        return None
    return now + timedelta(seconds=min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(extra, 20)))


def _digest(key: str) -> str:
    # Keys name people and addresses: only their digest is kept.
    return hashlib.sha256(key.encode()).hexdigest()
