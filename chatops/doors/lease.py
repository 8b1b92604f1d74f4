"""One poller per bot account: a lease in the database, taken over when its holder dies."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from desk.bots.leases import HEARTBEAT_S, LEASE_TTL_S, Lease, new_holder, release, take
from desk.clock import Clock
from desk.ports import Store
from trading.errors import StoreProblem

log = structlog.get_logger(__name__)

#: Somebody who waits for the lease looks this often.
LOOK_S = 1.0


class Turn:
    """Does a door's work while this process holds its lease."""

    def __init__(self, store: Store, clock: Clock, name: str) -> None:
        self._store = store
        self._clock = clock
        self._name = name
        self._holder = new_holder()
        self.is_ours = False
        #: Monotonic time of the last look at the lease.
        self.looked_at = clock.monotonic()

    async def run(self, work: Callable[[], Awaitable[None]]) -> None:
        """Wait for the lease, then work; when the lease is lost the work ends at once and the wait begins anew."""
        while True:
            lease = await self._wait()
            self.is_ours = True
            log.info("chat_lease_taken", name=self._name, epoch=lease.epoch)
            try:
                await self._hold(work)
            finally:
                self.is_ours = False
                await asyncio.shield(self._give_back(lease))

    async def _wait(self) -> Lease:
        was_told = False
        while True:
            self.looked_at = self._clock.monotonic()
            try:
                lease = await take(self._store, self._clock, self._name, self._holder)
            except StoreProblem as problem:
                log.warning("chat_lease_waits_for_store", name=self._name, error=str(problem))
                lease = None
            if lease is not None:
                return lease
            if not was_told:
                log.info("chat_lease_held_elsewhere", name=self._name)
                was_told = True
            await self._clock.sleep(LOOK_S)

    async def _hold(self, work: Callable[[], Awaitable[None]]) -> None:
        """Work while the lease is renewed; whichever ends first ends the other."""
        working = asyncio.ensure_future(work())
        renewing = asyncio.ensure_future(self._renew())
        try:
            done, _ = await asyncio.wait({working, renewing}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in (working, renewing):
                one.cancel()
            await asyncio.gather(working, renewing, return_exceptions=True)
        for one in done:
            # The work's own end is told to whoever supervises it; a lost lease only ends the turn.
            if one is working:
                one.result()

    async def _renew(self) -> None:
        """Renew until it fails for longer than the lease holds."""
        held_until = self._clock.monotonic() + LEASE_TTL_S
        while True:
            await self._clock.sleep(HEARTBEAT_S)
            try:
                if await take(self._store, self._clock, self._name, self._holder) is None:
                    log.warning("chat_lease_lost", name=self._name)
                    return
                held_until = self._clock.monotonic() + LEASE_TTL_S
            except StoreProblem as problem:
                if self._clock.monotonic() >= held_until - HEARTBEAT_S:
                    log.warning("chat_lease_lost", name=self._name, error=str(problem))
                    return

    async def _give_back(self, lease: Lease) -> None:
        try:
            await release(self._store, lease)
        except StoreProblem:
            # It runs out by itself.
            log.info("chat_lease_not_given_back", name=self._name)
