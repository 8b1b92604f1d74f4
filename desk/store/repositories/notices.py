"""What people want to be told, troubles that last, and what waits for its time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from desk.alerting.values import (
    AlertIncident,
    AlertRule,
    Escalation,
    Heartbeat,
    HeldDelivery,
    Mode,
    NoticeSettings,
)
from desk.store.codec import from_json
from desk.store.connection import Connection
from desk.store.models import (
    AlertIncidentRow,
    AlertRuleRow,
    EscalationRow,
    HeartbeatRow,
    HeldDeliveryRow,
)
from desk.store.table import Table, Where, insert, put, update
from desk.views import Delivery

RULES = Table(AlertRuleRow, AlertRule)
INCIDENTS = Table(AlertIncidentRow, AlertIncident)
HELD = Table(HeldDeliveryRow, HeldDelivery)
ESCALATIONS = Table(EscalationRow, Escalation)
HEARTBEATS = Table(HeartbeatRow, Heartbeat)


class SqlNotices:
    """Settings, rules, incidents, held deliveries, escalations and heartbeats."""

    def __init__(self, tx: Connection) -> None:
        self._tx = tx

    async def settings(self, workspace_id: str) -> Mapping[str, NoticeSettings]:
        """Give the settings of everybody who chose any, by user id."""
        rows = await self._tx.rows(
            "SELECT user_id, settings FROM notice_settings WHERE workspace_id = ?", workspace_id
        )
        return {row[0]: _settings(row[0], workspace_id, from_json(row[1])) for row in rows}

    async def settings_of(self, workspace_id: str, user_id: str) -> NoticeSettings:
        """Give one person's settings; the defaults where none were chosen."""
        row = await self._tx.row(
            "SELECT settings FROM notice_settings WHERE workspace_id = ? AND user_id = ?",
            workspace_id,
            user_id,
        )
        return _settings(user_id, workspace_id, {} if row is None else from_json(row[0]))

    async def save_settings(self, settings: NoticeSettings, at: datetime) -> None:
        """Keep a person's settings."""
        row = {
            "user_id": settings.user_id,
            "workspace_id": settings.workspace_id,
            "settings": _document(settings),
            "updated_at": at,
        }
        await put(self._tx, "notice_settings", row, key=("user_id",), json=("settings",))

    async def add_rule(self, rule: AlertRule) -> None:
        """Keep a new rule."""
        await RULES.insert(self._tx, rule)

    async def rules(self, workspace_id: str, user_id: str = "") -> Sequence[AlertRule]:
        """Give the rules of a person, or of everybody, oldest first."""
        where = Where(workspace_id=workspace_id)
        if user_id:
            where.add("user_id = ?", user_id)
        return await RULES.find(self._tx, where, order="created_at, id")

    async def move_rule(
        self, rule: AlertRule, *, seen_ms: int, is_armed: bool, fired_at: datetime | None
    ) -> bool:
        """Say how far a rule has looked and whether it fired; False when somebody else moved or removed it."""
        where = Where(
            workspace_id=rule.workspace_id, id=rule.id, seen_ms=rule.seen_ms, is_armed=rule.is_armed
        )
        changes = {"seen_ms": seen_ms, "is_armed": is_armed, "fired_at": fired_at}
        return await update(self._tx, "alert_rules", changes, where) == 1

    async def remove_rule(self, workspace_id: str, rule_id: str) -> bool:
        """Forget a rule; False when there is none."""
        return (
            await self._tx.change(
                "DELETE FROM alert_rules WHERE workspace_id = ? AND id = ?", workspace_id, rule_id
            )
            == 1
        )

    async def incident(self, workspace_id: str, key: str) -> AlertIncident | None:
        """Give the trouble of a key, also a resolved one."""
        return await INCIDENTS.one(self._tx, Where(workspace_id=workspace_id, key=key))

    async def save_incident(self, incident: AlertIncident) -> None:
        """Keep a trouble as it is now."""
        await INCIDENTS.put(self._tx, incident, key=("workspace_id", "key"))

    async def open_incidents(self, workspace_id: str) -> Sequence[AlertIncident]:
        """Give the troubles that last, oldest first."""
        where = Where(workspace_id=workspace_id).add("resolved_at IS NULL")
        return await INCIDENTS.find(self._tx, where, order="opened_at, id")

    async def untold_incidents(self, workspace_id: str, now: datetime) -> Sequence[AlertIncident]:
        """Give the troubles that happened again and whose next alert is due."""
        where = Where(workspace_id=workspace_id).add(
            "resolved_at IS NULL AND untold > 0 AND repeat_at <= ? "
            "AND (snoozed_until IS NULL OR snoozed_until <= ?)",
            now,
            now,
        )
        return await INCIDENTS.find(self._tx, where, order="repeat_at, id", limit=100)

    async def hold(self, held: HeldDelivery) -> None:
        """Let a delivery wait."""
        await HELD.insert(self._tx, held)

    async def held_until(
        self, workspace_id: str, now: datetime, *, limit: int = 5000
    ) -> Sequence[HeldDelivery]:
        """Give what has waited long enough, in the order in which it came."""
        where = Where(workspace_id=workspace_id).add("release_at <= ?", now)
        return await HELD.find(self._tx, where, order="delivery_id", limit=limit)

    async def release(self, held: Sequence[HeldDelivery], *, status: str) -> None:
        """Take deliveries out of waiting; `status` is what their rows say from now on."""
        for one in held:
            await self._tx.change("DELETE FROM held_deliveries WHERE delivery_id = ?", one.delivery_id)
            await update(
                self._tx,
                "deliveries",
                {"status": status, "next_attempt_at": None},
                Where(workspace_id=one.workspace_id, id=one.delivery_id),
            )

    async def enqueue(self, delivery: Delivery, at: datetime) -> bool:
        """Put a delivery that waited, or was buried, at the end of its recipient's queue; False when it is there."""
        row = {
            "workspace_id": delivery.workspace_id,
            "dedupe_key": f"delivery:{delivery.id}",
            "delivery_id": delivery.id,
            "alert_id": delivery.alert_id,
            "channel": delivery.channel,
            "recipient": delivery.recipient,
            "queued_at": at,
            "available_at": at,
            "attempts": delivery.attempts,
        }
        found = await self._tx.row("SELECT 1 FROM outbox WHERE delivery_id = ?", delivery.id)
        if found is not None:
            return False
        await insert(self._tx, "outbox", row)
        await update(
            self._tx,
            "deliveries",
            {"status": "pending", "next_attempt_at": at, "error": ""},
            Where(workspace_id=delivery.workspace_id, id=delivery.id),
        )
        return True

    async def escalate_later(self, escalation: Escalation) -> None:
        """Remember a critical alert that somebody has to see."""
        await ESCALATIONS.put(self._tx, escalation, key=("alert_id",))

    async def stop_escalating(self, workspace_id: str, alert_id: str) -> None:
        """Forget it: somebody saw it, or it is over."""
        await self._tx.change(
            "DELETE FROM alert_escalations WHERE workspace_id = ? AND alert_id = ?", workspace_id, alert_id
        )

    async def escalations(self, workspace_id: str, now: datetime | None = None) -> Sequence[Escalation]:
        """Give the alerts that wait to be seen; with a time those that have waited too long."""
        where = Where(workspace_id=workspace_id)
        if now is not None:
            where.add("due_at <= ?", now)
        return await ESCALATIONS.find(self._tx, where, order="due_at, alert_id", limit=500)

    async def keep_message(self, delivery: Delivery, message_ref: str) -> None:
        """Remember the platform's id of the message that a delivery became."""
        row = {
            "delivery_id": delivery.id,
            "workspace_id": delivery.workspace_id,
            "alert_id": delivery.alert_id,
            "channel": delivery.channel,
            "recipient": delivery.recipient,
            "message_ref": message_ref,
        }
        await put(self._tx, "alert_messages", row, key=("delivery_id",))

    async def message_of(self, workspace_id: str, alert_id: str, channel: str, recipient: str) -> str:
        """Give the platform's id of an alert's message in a conversation; empty where there is none."""
        row = await self._tx.row(
            "SELECT message_ref FROM alert_messages "
            "WHERE workspace_id = ? AND alert_id = ? AND channel = ? AND recipient = ?",
            workspace_id,
            alert_id,
            channel,
            recipient,
        )
        return "" if row is None else str(row[0])

    async def beat(self, heartbeat: Heartbeat) -> None:
        """Say that a process is alive, or that it goes."""
        await HEARTBEATS.put(self._tx, heartbeat, key=("name",))

    async def heartbeats(self) -> Sequence[Heartbeat]:
        """Give every process that ever said that it was alive."""
        return await HEARTBEATS.find(self._tx, Where(), order="name")


def _settings(user_id: str, workspace_id: str, found: Mapping[str, Any]) -> NoticeSettings:
    given = dict(found)
    if "modes" in given:
        given["modes"] = {key: Mode(value) for key, value in given["modes"].items()}
    if given.get("least_pnl") is not None:
        given["least_pnl"] = Decimal(given["least_pnl"])
    if "digest_at" in given:
        given["digest_at"] = tuple(given["digest_at"])
    if "keyboard" in given:
        given["keyboard"] = tuple(tuple(row) for row in given["keyboard"])
    return NoticeSettings(user_id=user_id, workspace_id=workspace_id, **given)


def _document(settings: NoticeSettings) -> dict[str, Any]:
    return {
        "modes": dict(settings.modes),
        "quiet_from": settings.quiet_from,
        "quiet_to": settings.quiet_to,
        "digest_at": list(settings.digest_at),
        "least_pnl": settings.least_pnl,
        "keyboard": [list(row) for row in settings.keyboard],
        "bots": dict(settings.bots),
    }
