"""Links of chat accounts, as the store holds them."""

from __future__ import annotations

from desk.desk import Desk
from desk.identity import Actor, Role


class DeskLinks:
    """People by the links in the store; codes are redeemed at the desk."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def actor_of(self, platform: str, user_id: str) -> Actor | None:
        """Give the member behind a platform's user, with the role of this very moment; None for a stranger."""
        async with self._desk.store.reading() as tx:
            link = await tx.links.by_identity(platform, user_id)
            member = await tx.members.by_id(link.workspace_id, link.user_id) if link else None
        if member is None or member.role is Role.STRANGER:
            return None
        return Actor(
            workspace_id=member.workspace_id,
            user_id=member.user_id,
            name=member.name,
            role=member.role,
            channel=platform,
            language=member.language or "en",
        )
