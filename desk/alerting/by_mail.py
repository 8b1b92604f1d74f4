"""Alerts by mail: the letter is rendered by whoever was handed in, and the transport sends it."""

from __future__ import annotations

from typing import Protocol

from desk.ports import Letter, Mailer, Store
from desk.views import Alert, Delivery, Member
from trading.errors import Rejected


class RenderAlert(Protocol):
    """Turns an alert into a letter in the member's language."""

    def __call__(self, alert: Alert, member: Member, *, bot: str = "", workspace: str = "") -> Letter:
        """Give the letter; names are those of the alert's bot and workspace."""
        ...


class MailAlerts:
    """The outbox's way to a mailbox."""

    def __init__(self, store: Store, mailer: Mailer, render: RenderAlert) -> None:
        self._store = store
        self._mailer = mailer
        self._render = render

    async def send(self, delivery: Delivery, alert: Alert) -> None:
        """Render an alert for its reader and hand it to the server.

        Raises:
            Temporary: the server could not be reached or said try later.
            Rejected: the server refused the letter, or its reader left the workspace.
        """
        async with self._store.reading() as tx:
            members = await tx.members.all(delivery.workspace_id)
            workspace = await tx.workspaces.by_id(delivery.workspace_id)
            bot = await tx.bots.by_id(delivery.workspace_id, alert.bot_id) if alert.bot_id else None
        reader = next((one for one in members if one.email == delivery.recipient), None)
        if reader is None:
            raise Rejected(f"Nobody in the workspace has the address {delivery.recipient} any more.")
        letter = self._render(
            alert, reader, bot=bot.name if bot else "", workspace=workspace.name if workspace else ""
        )
        await self._mailer.send(letter)
