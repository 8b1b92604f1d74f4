"""Alerts, their deliveries, and the outbox that carries them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from desk.store.codec import moment
from desk.store.connection import Connection
from desk.store.cursors import filtered, newest
from desk.store.models import AlertRow, DeliveryRow
from desk.store.table import Table, Where, insert, update
from desk.views import Alert, Delivery, Filter, Page

ALERTS = Table(AlertRow, Alert)
DELIVERIES = Table(DeliveryRow, Delivery)

#: A delivery that was claimed and neither sent nor failed is tried again after this time: its process died.
CLAIM_TTL = timedelta(seconds=60)

#: Waiting deliveries of a channel whose recipient has none that waits longer and may not go now.
_DUE = (
    "SELECT o.delivery_id, o.alert_id FROM outbox o WHERE o.channel = ? AND o.available_at <= ? AND NOT EXISTS "
    "(SELECT 1 FROM outbox e WHERE e.channel = o.channel AND e.recipient = o.recipient AND e.id < o.id "
    "AND e.available_at > ?) ORDER BY o.id LIMIT ?"
)
#: Claim a delivery if it is due and the first of its recipient that still waits.
_CLAIM = (
    "UPDATE outbox SET available_at = ?, attempts = attempts + 1 WHERE delivery_id = ? AND available_at <= ? "
    "AND NOT EXISTS (SELECT 1 FROM outbox e WHERE e.channel = outbox.channel "
    "AND e.recipient = outbox.recipient AND e.id < outbox.id)"
)


class SqlAlerts:
    """Alerts and their deliveries. An outbox row lives until its delivery was sent or given up."""

    def __init__(self, tx: Connection) -> None:
        self._tx = tx

    async def add(self, alert: Alert, deliveries: Sequence[Delivery]) -> bool:
        """Write alert, deliveries and outbox rows; False when its dedupe key is already there."""
        if not await ALERTS.insert_new(self._tx, alert):
            return False
        for one in deliveries:
            await DELIVERIES.insert(self._tx, one)
            row = {
                "workspace_id": one.workspace_id,
                "dedupe_key": f"delivery:{one.id}",
                "delivery_id": one.id,
                "alert_id": alert.id,
                "channel": one.channel,
                "recipient": one.recipient,
                "queued_at": alert.created_at,
                "available_at": one.next_attempt_at or alert.created_at,
                "attempts": one.attempts,
            }
            await insert(self._tx, "outbox", row)
        return True

    async def add_delivery(self, delivery: Delivery) -> None:
        """Write a delivery that is not on its way yet: it waits for its time."""
        await DELIVERIES.insert(self._tx, delivery)

    async def delivery(self, workspace_id: str, delivery_id: str) -> Delivery | None:
        """Give a delivery."""
        return await DELIVERIES.one(self._tx, Where(workspace_id=workspace_id, id=delivery_id))

    async def page(self, workspace_id: str, wanted: Filter, page: Page) -> Sequence[Alert]:
        """Give alerts, newest first; open ones are unacknowledged; `extra` may name severity and kind."""
        where = filtered(ALERTS, workspace_id, wanted, moment="created_at", extra=("severity", "kind"))
        if wanted.is_open is not None:
            where.add("acknowledged_at IS NULL" if wanted.is_open else "acknowledged_at IS NOT NULL")
        return await newest(self._tx, ALERTS, where, page, moment="created_at")

    async def by_id(self, workspace_id: str, alert_id: str) -> Alert | None:
        """Give an alert."""
        return await ALERTS.one(self._tx, Where(workspace_id=workspace_id, id=alert_id))

    async def deliveries(self, workspace_id: str, alert_ids: Sequence[str]) -> Sequence[Delivery]:
        """Give the deliveries of some alerts."""
        where = Where(workspace_id=workspace_id).one_of("alert_id", alert_ids)
        return await DELIVERIES.find(self._tx, where, order="id")

    async def acknowledge(self, workspace_id: str, alert_id: str, by: str, at: datetime) -> bool:
        """Say that somebody saw it; False when there is no such alert or somebody did before."""
        where = Where(workspace_id=workspace_id, id=alert_id).add("acknowledged_at IS NULL")
        return await update(self._tx, "alerts", {"acknowledged_by": by, "acknowledged_at": at}, where) == 1

    async def due(self, channel: str, now: datetime, *, limit: int = 50) -> Sequence[tuple[Delivery, Alert]]:
        """Give claimable deliveries, oldest first; a recipient whose first must wait has none."""
        rows = await self._tx.rows(_DUE, channel, now, now, limit)
        delivery_ids = [row[0] for row in rows]
        alert_ids = {row[1] for row in rows}
        deliveries = {
            one.id: one for one in await DELIVERIES.find(self._tx, Where().one_of("id", delivery_ids))
        }
        alerts = {one.id: one for one in await ALERTS.find(self._tx, Where().one_of("id", alert_ids))}
        return [(deliveries[row[0]], alerts[row[1]]) for row in rows]

    async def mark_sending(self, delivery_id: str, now: datetime) -> bool:
        """Claim a delivery; False when it is not due, or an earlier one to the same recipient still waits."""
        if await self._tx.change(_CLAIM, now + CLAIM_TTL, delivery_id, now) != 1:
            return False
        await self._tx.change(
            "UPDATE deliveries SET status = 'sending', attempts = attempts + 1, next_attempt_at = ? WHERE id = ?",
            now + CLAIM_TTL,
            delivery_id,
        )
        return True

    async def mark_sent(self, delivery_id: str, at: datetime) -> None:
        """Say that a delivery left; it is never due again."""
        changes = {"status": "sent", "sent_at": at, "next_attempt_at": None, "error": ""}
        await self._settle(delivery_id, changes)

    async def mark_failed(
        self, delivery_id: str, error: str, retry_at: datetime | None, *, is_doubtful: bool = False
    ) -> None:
        """Say that a delivery failed: try again at a time, or give it up. A doubtful one may have arrived."""
        if retry_at is None:
            await self._settle(delivery_id, {"status": "failed", "error": error, "next_attempt_at": None})
            return
        status = "doubtful" if is_doubtful else "retrying"
        changes = {"status": status, "error": error, "next_attempt_at": retry_at}
        await update(self._tx, "deliveries", changes, Where(id=delivery_id))
        await update(self._tx, "outbox", {"available_at": retry_at}, Where(delivery_id=delivery_id))

    async def pending(self) -> tuple[int, datetime | None]:
        """Give how many deliveries wait, and since when the oldest does."""
        row = await self._tx.row("SELECT COUNT(*), MIN(queued_at) FROM outbox")
        assert row is not None
        return int(row[0]), None if row[1] is None else moment(row[1])

    async def _settle(self, delivery_id: str, changes: dict[str, object]) -> None:
        await update(self._tx, "deliveries", changes, Where(id=delivery_id))
        await self._tx.change("DELETE FROM outbox WHERE delivery_id = ?", delivery_id)
