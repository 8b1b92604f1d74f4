"""Facts of a command together with the alerts that they deserve, in the command's transaction."""

from __future__ import annotations

from desk.alerting.raising import raise_alerts
from desk.desk import Handling
from trading.events import Event


async def tell(handling: Handling, *events: Event) -> None:
    """Emit facts and raise their alerts."""
    raised = await raise_alerts(handling.tx, handling.actor.workspace_id, events, handling.now)
    for event in (*events, *raised):
        handling.emit(event)
