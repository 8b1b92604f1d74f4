"""The outbox pump: alerts leave in order per recipient, at least once, with back-off, expiry and dead letters."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from desk.alerting.rules import is_stale
from desk.clock import Clock
from desk.ports import Store
from desk.views import Alert, Delivery
from trading.errors import BreakwaterError, Rejected

log = structlog.get_logger(__name__)

#: A lost doorbell costs at most this long.
SWEEP_S = 0.5
#: Waits between tries: 1, 2, 4 … seconds up to this.
LONGEST_WAIT_S = 60.0
#: One try may take this long.
SEND_TIMEOUT_S = 30.0
#: Deliveries taken at once.
BATCH = 50


class Sender(Protocol):
    """A way to people: mail, a chat."""

    async def send(self, delivery: Delivery, alert: Alert) -> None:
        """Hand an alert over.

        Raises:
            Temporary: try again later.
            Rejected: never try this one again.
        """
        ...


class OutboxPump:
    """Carries deliveries from the store to the senders."""

    def __init__(self, store: Store, clock: Clock, senders: Mapping[str, Sender]) -> None:
        self._store = store
        self._clock = clock
        self._senders = senders
        self._bell = asyncio.Event()

    def ring(self) -> None:
        """Say that there may be something to carry."""
        self._bell.set()

    async def run(self) -> None:
        """Carry until cancelled."""
        while True:
            carried = 0
            for channel in self._senders:
                try:
                    carried += await self.sweep(channel)
                except BreakwaterError as problem:
                    # The database is away: what waits there is safe; come back.
                    log.warning("outbox_sweep_failed", channel=channel, error=str(problem))
            if not carried:
                await self._rest()

    async def _rest(self) -> None:
        self._bell.clear()
        sleeper = asyncio.ensure_future(self._clock.sleep(SWEEP_S))
        bell = asyncio.ensure_future(self._bell.wait())
        try:
            await asyncio.wait({sleeper, bell}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in (sleeper, bell):
                one.cancel()

    async def sweep(self, channel: str) -> int:
        """Try everything that is due on one channel; give how many were settled for good."""
        now = self._clock.now()
        async with self._store.reading() as tx:
            due = await tx.alerts.due(channel, now, limit=BATCH)
        settled = 0
        waiting: set[str] = set()
        for delivery, alert in due:
            if delivery.recipient in waiting:
                # Order per recipient: nothing overtakes a letter that has to wait.
                continue
            if await self._carry(channel, delivery, alert):
                settled += 1
            else:
                waiting.add(delivery.recipient)
        return settled

    async def _carry(self, channel: str, delivery: Delivery, alert: Alert) -> bool:
        now = self._clock.now()
        if is_stale(alert, now):
            await self._failed(delivery, "expired", None)
            return True
        async with self._store.transaction() as tx:
            if not await tx.alerts.mark_sending(delivery.id, now):
                return True
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await self._senders[channel].send(delivery, alert)
        except Rejected as problem:
            log.warning("alert_refused", channel=channel, alert_kind=alert.kind, error=str(problem))
            await self._failed(delivery, str(problem), None)
            return True
        except (BreakwaterError, OSError) as problem:
            await self._failed(
                delivery, str(problem) or type(problem).__name__, self._next_try(delivery, now)
            )
            return False
        except Exception as problem:
            # A sender's own mistake must not stop the mail of everybody else.
            log.exception("alert_sender_broke", channel=channel, alert_kind=alert.kind)
            await self._failed(
                delivery, f"{type(problem).__name__}: {problem}", self._next_try(delivery, now)
            )
            return False
        async with self._store.transaction() as tx:
            await tx.alerts.mark_sent(delivery.id, self._clock.now())
        return True

    async def _failed(self, delivery: Delivery, error: str, retry_at: datetime | None) -> None:
        async with self._store.transaction() as tx:
            await tx.alerts.mark_failed(delivery.id, error[:500], retry_at)

    def _next_try(self, delivery: Delivery, now: datetime) -> datetime:
        return now + timedelta(seconds=min(LONGEST_WAIT_S, 2.0 ** min(delivery.attempts, 10)))
