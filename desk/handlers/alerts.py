"""Alerts: saying that one was seen, and not wanting to hear of it for a while."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from desk.alerting.raising import post
from desk.alerting.readers import readers_of
from desk.alerting.values import CHANNELS, AlertIncident, Escalation
from desk.commands import AcknowledgeAlert, SendTestAlert, SnoozeAlert
from desk.desk import Desk, Handling
from desk.execution.client_ids import stable_id
from desk.views import Alert
from trading.errors import Conflict, InvalidInput, NotFound
from trading.events import Severity

#: A snooze is for people who will come back.
LONGEST_SNOOZE = timedelta(days=7)


class AlertHandlers:
    """Acknowledges, snoozes and tests alerts."""

    def __init__(self, wake: Callable[[], None] = lambda: None) -> None:
        self._wake = wake

    def register(self, desk: Desk) -> None:
        """Enter the handlers."""
        desk.handle(AcknowledgeAlert, self.acknowledge_alert)
        desk.handle(SnoozeAlert, self.snooze_alert)
        desk.handle(SendTestAlert, self.send_test_alert)

    async def acknowledge_alert(self, command: AcknowledgeAlert, handling: Handling) -> Alert:
        """Write who saw it; who was first stays. Its trouble is told no more until it is over."""
        tx, actor = handling.tx, handling.actor
        alert = await _alert(handling, command.alert_id)
        original = str(alert.params.get("of_alert") or "")
        for alert_id in {alert.id, original} - {""}:
            await tx.alerts.acknowledge(actor.workspace_id, alert_id, actor.label, handling.now)
            await tx.notices.stop_escalating(actor.workspace_id, alert_id)
        trouble = await _trouble(handling, alert)
        if trouble is not None and not trouble.acknowledged_by:
            await tx.notices.save_incident(replace(trouble, acknowledged_by=actor.label))
            await tx.notices.stop_escalating(actor.workspace_id, trouble.first_alert_id)
        return await _alert(handling, alert.id)

    async def snooze_alert(self, command: SnoozeAlert, handling: Handling) -> Alert:
        """Put its repeats and its escalation off."""
        tx, actor = handling.tx, handling.actor
        if not timedelta(0) < command.duration <= LONGEST_SNOOZE:
            raise InvalidInput(
                f"A snooze of {command.duration} was given; more than 0 and up to {LONGEST_SNOOZE.days} days is allowed."
            )
        alert = await _alert(handling, command.alert_id)
        until = handling.now + command.duration
        original = str(alert.params.get("of_alert") or alert.id)
        waiting = {one.alert_id: one for one in await tx.notices.escalations(actor.workspace_id)}
        trouble = await _trouble(handling, alert)
        if original not in waiting and trouble is None:
            raise Conflict(
                "Nothing more would come of this alert; only lasting troubles and unseen critical alerts are snoozed.",
                hint="/ack says that you saw it.",
            )
        if original in waiting:
            await tx.notices.escalate_later(
                Escalation(
                    alert_id=original,
                    workspace_id=actor.workspace_id,
                    step=waiting[original].step,
                    due_at=max(waiting[original].due_at, until),
                )
            )
        if trouble is not None:
            await tx.notices.save_incident(replace(trouble, snoozed_until=until))
        return alert

    async def send_test_alert(self, command: SendTestAlert, handling: Handling) -> Alert:
        """Post an alert to the asker alone, on every channel that reaches them, whatever they chose."""
        actor = handling.actor
        mine = [
            one
            for one in await readers_of(handling.tx, actor.workspace_id)
            if one.member.user_id == actor.user_id
        ]
        if not any(one.addresses for one in mine):
            raise Conflict(
                "No channel reaches you: no mail address and no linked chat.",
                hint="An owner adds your address, or /link links a chat.",
            )
        key = f"test:{actor.user_id}:{handling.now.isoformat()}"
        alert = Alert(
            id=stable_id(actor.workspace_id, "alert", key),
            workspace_id=actor.workspace_id,
            severity=Severity.INFO,
            kind="test",
            params={"by": actor.label},
            dedupe_key=key,
            bot_id="",
            pair="",
            created_at=handling.now,
            acknowledged_by="",
            acknowledged_at=None,
        )
        raised = await post(handling.tx, alert, mine, handling.now, channels=CHANNELS, escalates=False)
        if raised is not None:
            handling.emit(raised)
        handling.after_commit.append(self._wake)
        return alert


async def _alert(handling: Handling, alert_id: str) -> Alert:
    alert = await handling.tx.alerts.by_id(handling.actor.workspace_id, alert_id)
    if alert is None:
        raise NotFound(f"No alert '{alert_id}' in this workspace.", hint="/alerts lists them.")
    return alert


async def _trouble(handling: Handling, alert: Alert) -> AlertIncident | None:
    """Give the open trouble that an alert is about."""
    key = str(alert.params.get("trouble") or "")
    if not key and (original := str(alert.params.get("of_alert") or "")):
        first = await handling.tx.alerts.by_id(alert.workspace_id, original)
        key = str(first.params.get("trouble") or "") if first else ""
    if not key:
        return None
    found = await handling.tx.notices.incident(alert.workspace_id, key)
    return found if found is not None and found.resolved_at is None else None
