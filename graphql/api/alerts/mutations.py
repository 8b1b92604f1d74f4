"""Saying that an alert was seen."""

from __future__ import annotations

import strawberry

from api.alerts.types import Alert, alert
from api.context import Info
from api.ids import own_id
from api.mutation import Payload, carry_out, kept_id, mutates
from desk.commands import AcknowledgeAlert


@strawberry.input
class AcknowledgeAlertInput:
    """Which alert. Seeing it twice is seeing it once, so no key is needed."""

    alert_id: strawberry.ID


@strawberry.type
class AcknowledgeAlertPayload(Payload):
    """The alert with who saw it."""

    alert: Alert | None = None


@strawberry.type
class AlertMutations:
    """Mutations about alerts."""

    @mutates(AcknowledgeAlert)
    async def acknowledge_alert(self, info: Info, input: AcknowledgeAlertInput) -> AcknowledgeAlertPayload:
        """Acknowledge an alert."""
        done = await carry_out(
            info, lambda: AcknowledgeAlert(alert_id=own_id("Alert", input.alert_id)), keep=kept_id
        )
        if done.errors:
            return AcknowledgeAlertPayload(user_errors=done.errors)
        async with info.context.house.store.reading() as unit:
            found = await unit.alerts.by_id(info.context.workspace_id, str(done.kept["id"]))
        return AcknowledgeAlertPayload(alert=alert(found) if found else None)
