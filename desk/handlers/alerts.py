"""Alerts: saying that one was seen."""

from __future__ import annotations

from desk.commands import AcknowledgeAlert
from desk.desk import Desk, Handling
from desk.views import Alert
from trading.errors import NotFound


class AlertHandlers:
    """Acknowledges alerts."""

    def register(self, desk: Desk) -> None:
        """Enter the handler."""
        desk.handle(AcknowledgeAlert, self.acknowledge_alert)

    async def acknowledge_alert(self, command: AcknowledgeAlert, handling: Handling) -> Alert:
        """Write who saw it; who was first stays."""
        tx, actor = handling.tx, handling.actor
        await tx.alerts.acknowledge(actor.workspace_id, command.alert_id, actor.label, handling.now)
        alert = await tx.alerts.by_id(actor.workspace_id, command.alert_id)
        if alert is None:
            raise NotFound(f"No alert '{command.alert_id}' in this workspace.", hint="/alerts lists them.")
        return alert
