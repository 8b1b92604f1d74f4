"""Commands that wait for a second person or for a single owner's delay."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from desk.clock import Clock
from desk.keyring import KeyRing
from desk.people_views import SETTLED, Approval, ApprovalState
from desk.store.connection import Connection
from desk.store.models import ApprovalRow
from desk.store.repositories.personal import Personal
from desk.store.table import Table, Where, update

APPROVALS = Table(ApprovalRow, Approval)

_OPEN = (ApprovalState.PENDING, ApprovalState.WAITING, ApprovalState.APPROVED)


class SqlApprovals:
    """Requests for approval."""

    def __init__(self, tx: Connection, clock: Clock, ring: KeyRing | None) -> None:
        self._tx = tx
        self._personal = Personal(tx, clock, ring)

    async def add(self, approval: Approval, arguments: str) -> bool:
        """Write a request; False when its code is in use.

        The arguments may name a person who is to come in, so they are sealed with the asker's key.
        """
        sealed = await self._personal.seal_secret(
            approval.workspace_id, approval.requested_by, approval.id, arguments.encode()
        )
        return await APPROVALS.insert_new(self._tx, approval, arguments=sealed, decider_id="")

    async def by_id(self, workspace_id: str, approval_id: str) -> Approval | None:
        """Give a request."""
        return await APPROVALS.one(self._tx, Where(workspace_id=workspace_id, id=approval_id))

    async def by_code(self, workspace_id: str, code: str) -> Approval | None:
        """Give the request that people call by this code."""
        return await APPROVALS.one(self._tx, Where(workspace_id=workspace_id, code=code))

    async def arguments(self, workspace_id: str, approval_id: str) -> str:
        """Give the arguments as they were written; empty once it is settled."""
        row = await self._tx.row(
            "SELECT requested_by, arguments FROM approvals WHERE workspace_id = ? AND id = ?",
            workspace_id,
            approval_id,
        )
        if row is None or not row[1]:
            return ""
        return (await self._personal.open_secret(workspace_id, str(row[0]), approval_id, row[1])).decode()

    async def same(
        self, workspace_id: str, *, requested_by: str, command_hash: str, now: datetime
    ) -> Approval | None:
        """Give the open request of the same person for exactly the same."""
        where = Where(workspace_id=workspace_id, requested_by=requested_by, command_hash=command_hash)
        where.one_of("state", _OPEN).add("expires_at > ?", now)
        return await APPROVALS.one(self._tx, where)

    async def recent(self, workspace_id: str, limit: int = 100) -> Sequence[Approval]:
        """Give the newest requests, newest first."""
        where = Where(workspace_id=workspace_id)
        return await APPROVALS.find(self._tx, where, order="requested_at DESC, id DESC", limit=limit)

    async def move(
        self,
        workspace_id: str,
        approval_id: str,
        *,
        before: Collection[ApprovalState],
        after: ApprovalState,
        at: datetime,
        decided_by: str | None = None,
        decider_id: str | None = None,
        outcome: str = "",
    ) -> bool:
        """Go from one state to another; False when it stood elsewhere. A settled request forgets its arguments."""
        changes: dict[str, Any] = {"state": after, "outcome": outcome}
        if decided_by is not None:
            changes |= {"decided_by": decided_by, "decider_id": decider_id or "", "decided_at": at}
        if after in SETTLED:
            changes["arguments"] = ""
        where = Where(workspace_id=workspace_id, id=approval_id).one_of("state", tuple(before))
        return await update(self._tx, "approvals", changes, where) == 1

    async def decider(self, workspace_id: str, approval_id: str) -> str:
        """Give the id of the person who decided; empty when nobody did."""
        row = await self._tx.row(
            "SELECT decider_id FROM approvals WHERE workspace_id = ? AND id = ?", workspace_id, approval_id
        )
        return "" if row is None else str(row[0])

    async def due(self, now: datetime) -> Sequence[Approval]:
        """Give what must be looked at, of all workspaces: approved, past its delay, or too old."""
        where = Where().one_of("state", _OPEN)
        where.add("(state = 'APPROVED' OR expires_at <= ? OR execute_at <= ?)", now, now)
        return await APPROVALS.find(self._tx, where, order="requested_at, id", limit=100)
