"""Troubles that last: told once, then at growing intervals, and once more when they are over."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from desk.alerting.values import AlertIncident
from desk.ports import Unit
from desk.views import Alert

#: The first repeat is told after this time; each wait is twice as long as the one before.
FIRST_REPEAT = timedelta(minutes=1)
LONGEST_REPEAT = timedelta(hours=6)

#: A trouble that gave no sign for this long is another trouble when it comes again.
FORGOTTEN = timedelta(hours=12)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """What one more sign of a trouble means.

    Attributes:
        is_told: whether people hear of it now.
        count: how often the trouble showed, this sign included.
        first_alert_id: the alert that opened it; empty when this one does.
    """

    is_told: bool
    count: int
    first_alert_id: str = ""


def wait_before(repeats: int) -> timedelta:
    """Give how long the next alert about a trouble waits after so many."""
    doublings: int = 2 ** min(repeats, 20)
    return min(FIRST_REPEAT * doublings, LONGEST_REPEAT)


async def show(tx: Unit, key: str, alert: Alert, now: datetime) -> Sign:
    """Book one more sign of a trouble, and say whether it is told."""
    known = await tx.notices.incident(alert.workspace_id, key)
    is_new = known is None or known.resolved_at is not None or now - known.last_at > FORGOTTEN
    if known is None or is_new:
        await tx.notices.save_incident(
            AlertIncident(
                workspace_id=alert.workspace_id,
                key=key,
                kind=alert.kind,
                severity=alert.severity,
                first_alert_id=alert.id,
                last_alert_id=alert.id,
                count=1,
                untold=0,
                repeats=0,
                opened_at=now,
                last_at=now,
                repeat_at=now + FIRST_REPEAT,
                resolved_at=None,
                snoozed_until=None,
                acknowledged_by="",
            )
        )
        return Sign(is_told=True, count=1)
    is_snoozed = known.snoozed_until is not None and now < known.snoozed_until
    is_told = now >= known.repeat_at and not is_snoozed and not known.acknowledged_by
    again = replace(known, count=known.count + 1, last_at=now, untold=0 if is_told else known.untold + 1)
    if is_told:
        again = told(again, alert.id, now)
    await tx.notices.save_incident(again)
    return Sign(is_told=is_told, count=again.count, first_alert_id=known.first_alert_id)


def told(incident: AlertIncident, alert_id: str, now: datetime) -> AlertIncident:
    """Give a trouble after an alert about it."""
    repeats = incident.repeats + 1
    return replace(
        incident, last_alert_id=alert_id, untold=0, repeats=repeats, repeat_at=now + wait_before(repeats)
    )


async def end(tx: Unit, workspace_id: str, key: str, now: datetime) -> AlertIncident | None:
    """End a trouble; give it as it was, or None when none was open."""
    known = await tx.notices.incident(workspace_id, key)
    if known is None or known.resolved_at is not None:
        return None
    await tx.notices.save_incident(replace(known, resolved_at=now, untold=0))
    for alert_id in {known.first_alert_id, known.last_alert_id}:
        await tx.notices.stop_escalating(workspace_id, alert_id)
    return known
