"""Deciding on commands that wait for a second person or a delay."""

from __future__ import annotations

from desk.commands import ApproveRequest, RejectRequest
from desk.desk import Desk, Handling
from desk.people_views import Approval


class ApprovalHandlers:
    """Does what concerns approvals."""

    def register(self, desk: Desk) -> None:
        """Enter the handlers."""

        async def approve(command: ApproveRequest, handling: Handling) -> Approval:
            return await desk.approvals.approve(command.code, handling)

        async def reject(command: RejectRequest, handling: Handling) -> Approval:
            return await desk.approvals.reject(command.code, handling)

        desk.handle(ApproveRequest, approve)
        desk.handle(RejectRequest, reject)
