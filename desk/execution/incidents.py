"""Incidents: what people must look at, opened once, told once, and closed when it is settled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from desk.execution.client_ids import stable_id
from desk.execution.turns import Turn
from desk.order_views import Incident, IncidentKind
from trading.events import IncidentClosed, IncidentOpened, Severity

#: What wakes people up; everything else is a warning.
_CRITICAL = frozenset(
    {
        IncidentKind.UNRESOLVED,
        IncidentKind.LATE_ACCEPTANCE,
        IncidentKind.LOST_ORDER,
        IncidentKind.DIFFERENCE,
        IncidentKind.UNPROTECTED,
        IncidentKind.EXIT_REFUSED,
        IncidentKind.KEY_REFUSED,
        IncidentKind.OVERFILL,
    }
)


async def open_incident(
    turn: Turn,
    kind: IncidentKind,
    subject: str,
    detail: Mapping[str, Any],
    *,
    bot_id: str = "",
    pair: str = "",
) -> bool:
    """Open an incident; False when one about the same is open already."""
    account = turn.account
    incident = Incident(
        id=stable_id(account.id, "incident", f"{kind}|{subject}|{turn.at.isoformat()}"),
        workspace_id=account.workspace_id,
        account_id=account.id,
        kind=kind,
        subject=subject,
        detail=detail,
        opened_at=turn.at,
    )
    if not await turn.tx.execution.open_incident(incident):
        return False
    turn.events.append(
        IncidentOpened(
            workspace_id=account.workspace_id,
            occurred_at=turn.at,
            account_id=account.id,
            bot_id=bot_id,
            pair=pair,
            incident_id=incident.id,
            incident=kind.value,
            subject=subject,
            level=Severity.CRITICAL if kind in _CRITICAL else Severity.WARNING,
            detail=", ".join(f"{name} {value}" for name, value in detail.items()),
        )
    )
    return True


async def close_incident(turn: Turn, kind: IncidentKind, subject: str, *, by: str = "evidence") -> None:
    """Settle an incident where one is open."""
    account = turn.account
    closed = await turn.tx.execution.close_incidents(
        account.workspace_id, account.id, kind, subject, by=by, at=turn.at
    )
    if closed:
        turn.events.append(
            IncidentClosed(
                workspace_id=account.workspace_id,
                occurred_at=turn.at,
                account_id=account.id,
                incident=kind.value,
                subject=subject,
                by=by,
            )
        )
