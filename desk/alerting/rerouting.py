"""Another way for what a channel would not take: refused for good, or the whole channel off."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from desk.alerting.channel import Reader
from desk.alerting.raising import delivery_of, post, those_of
from desk.alerting.readers import readers_of
from desk.alerting.values import CHANNELS
from desk.clock import Clock
from desk.execution.client_ids import stable_id
from desk.identity import Role, new_id
from desk.ports import Store, Unit
from desk.views import Alert, DeadLetter, Delivery
from trading.events import Event, Severity

#: Readers by (channel, address), by workspace.
Readers = Mapping[str, Mapping[tuple[str, str], Reader]]


class Rerouting:
    """Finds another channel for a person, and keeps what found none."""

    def __init__(
        self, store: Store, clock: Clock, platform: str, others: frozenset[str], ring: Callable[[], None]
    ) -> None:
        self._store = store
        self._clock = clock
        self._platform = platform
        self._others = others
        self._ring = ring

    async def refused(self, delivery: Delivery, alert: Alert, readers: Readers, reason: str) -> None:
        """Bury a delivery that will never arrive, and tell the person another way."""
        now = self._clock.now()
        async with self._store.transaction() as tx:
            await self._another_way(tx, delivery, alert, readers, now)
            await tx.alerts.mark_failed(delivery.id, reason[:500], None)
            await tx.messages.bury(_letter(delivery, alert, reason, now))
        self._ring()

    async def all(self, waiting: Sequence[tuple[Delivery, Alert]], readers: Readers, reason: str) -> int:
        """Send what waits on a channel that is off another way; what has none waits on. Give how many left."""
        now = self._clock.now()
        left = 0
        async with self._store.transaction() as tx:
            for delivery, alert in waiting:
                if await self._another_way(tx, delivery, alert, readers, now):
                    await tx.alerts.mark_failed(delivery.id, f"channel off: {reason}"[:500], None)
                    left += 1
            for workspace_id in {one.workspace_id for one, _ in waiting}:
                await self._tell(tx, workspace_id, reason, now)
        self._ring()
        return left

    async def _another_way(
        self, tx: Unit, delivery: Delivery, alert: Alert, readers: Readers, now: datetime
    ) -> bool:
        reader = readers.get(delivery.workspace_id, {}).get((self._platform, delivery.recipient))
        way = next(
            (one for one in CHANNELS if one in self._others and reader and one in reader.addresses), ""
        )
        if reader is None or not way:
            return False
        other = delivery_of(alert, way, reader.addresses[way], now)
        if await tx.alerts.delivery(alert.workspace_id, other.id) is None:
            await tx.alerts.add_delivery(other)
            await tx.notices.enqueue(other, now)
        return True

    async def _tell(self, tx: Unit, workspace_id: str, reason: str, now: datetime) -> None:
        """Tell the administrators once an hour that a channel is off, on the channels that are not."""
        key = f"channel_off:{self._platform}:{now:%Y-%m-%dT%H}"
        alert = Alert(
            id=stable_id(workspace_id, "alert", key),
            workspace_id=workspace_id,
            severity=Severity.CRITICAL,
            kind="channel_off",
            params={"channel": self._platform, "detail": reason[:300]},
            dedupe_key=key,
            bot_id="",
            pair="",
            created_at=now,
            acknowledged_by="",
            acknowledged_at=None,
        )
        admins = those_of(await readers_of(tx, workspace_id), Role.ADMIN)
        ways = [one for one in CHANNELS if one in self._others]
        raised = await post(tx, alert, admins, now, channels=ways, escalates=False)
        facts: list[Event] = [raised] if raised else []
        await tx.journal.append(workspace_id, facts, now)


def _letter(delivery: Delivery, alert: Alert, reason: str, now: datetime) -> DeadLetter:
    digest = hashlib.sha256(f"{delivery.id}|{delivery.attempts}".encode()).hexdigest()
    return DeadLetter(
        id=new_id(),
        workspace_id=delivery.workspace_id,
        source=f"alert:{delivery.channel}",
        kind=alert.kind,
        payload={"delivery_id": delivery.id, "alert_id": alert.id},
        payload_hash=digest,
        cause=reason[:500],
        trace_id="",
        attempts=delivery.attempts + 1,
        created_at=now,
        replayed_at=None,
    )
