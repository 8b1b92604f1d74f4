"""Codes that link chat accounts, and unlinking."""

from __future__ import annotations

import base64
import secrets
from datetime import timedelta

from desk.commands import CreateChatLinkCode, RevokeChatLink
from desk.desk import Desk, Handling, token_hash
from desk.identity import Role
from desk.people_views import ChatLink, IssuedLinkCode
from trading.errors import Conflict, Denied, NotFound

#: A code must be used within this time.
CODE_TTL = timedelta(minutes=10)

#: Codes that a person may make in an hour.
CODES_PER_HOUR = 5


class LinkHandlers:
    """Does what concerns chat accounts."""

    def register(self, desk: Desk) -> None:
        """Enter the handlers."""
        desk.handle(CreateChatLinkCode, self.create_code)
        desk.handle(RevokeChatLink, self.revoke_link)

    async def create_code(self, command: CreateChatLinkCode, handling: Handling) -> IssuedLinkCode:
        """Make a code; earlier ones of the person end."""
        tx, actor, now = handling.tx, handling.actor, handling.now
        if not actor.user_id:
            raise Denied("A chat account belongs to a person; the house itself has none.")
        made = await tx.links.codes_since(actor.workspace_id, actor.user_id, now - timedelta(hours=1))
        if made >= CODES_PER_HOUR:
            raise Conflict(
                f"{made} codes were made within the hour; {CODES_PER_HOUR} are allowed.",
                hint="Use the newest one, or wait.",
            )
        code = new_link_code()
        expires_at = now + CODE_TTL
        await tx.links.add_code(
            actor.workspace_id,
            user_id=actor.user_id,
            code_hash=token_hash(code),
            at=now,
            expires_at=expires_at,
        )
        return IssuedLinkCode(code=code, expires_at=expires_at)

    async def revoke_link(self, command: RevokeChatLink, handling: Handling) -> ChatLink:
        """Unlink an account; it is a stranger from its next message on."""
        tx, actor = handling.tx, handling.actor
        links = {one.id: one for one in await tx.links.all(actor.workspace_id)}
        link = links.get(command.link_id)
        if link is None or (link.user_id != actor.user_id and actor.role < Role.ADMIN):
            raise NotFound(
                "No chat account of yours is linked under that id.", hint="List your links for their ids."
            )
        await tx.links.revoke(actor.workspace_id, link.id, handling.now)
        return link


def new_link_code() -> str:
    """Give a new code: 130 bits as 26 letters and digits that every keyboard has and every chat leaves alone."""
    return base64.b32encode(secrets.token_bytes(17)).decode()[:26]
