"""Alerts in the transaction of the facts that they are about."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from desk.alerting.rules import alerts_of
from desk.ports import Unit
from desk.views import Member
from trading.events import AlertRaised, Event


async def raise_alerts(
    tx: Unit,
    workspace_id: str,
    events: Sequence[Event],
    now: datetime,
    *,
    members: Sequence[Member] | None = None,
) -> list[Event]:
    """Write the alerts that facts deserve with their deliveries; give the facts that they were raised."""
    wanted = [event for event in events if alerts_of(event, (), now)]
    if not wanted:
        return []
    people = members if members is not None else await tx.members.all(workspace_id)
    raised: list[Event] = []
    for event in wanted:
        for alert, deliveries in alerts_of(event, people, now):
            if not await tx.alerts.add(alert, deliveries):
                continue
            raised.append(
                AlertRaised(
                    workspace_id=workspace_id,
                    occurred_at=event.occurred_at,
                    account_id=event.account_id,
                    bot_id=event.bot_id,
                    pair=event.pair,
                    alert_id=alert.id,
                    level=alert.severity,
                    title=f"alert.{alert.kind}",
                    alert_kind=alert.kind,
                )
            )
    return raised
