"""Links of chat accounts, as the desk keeps them."""

from __future__ import annotations

import structlog

from chatops.doors.heard import Person
from desk.desk import Desk
from desk.identity import Actor
from desk.linking import ChatIdentity
from trading.errors import BreakwaterError

log = structlog.get_logger(__name__)


class DeskLinks:
    """People by the desk's links. `chatops.doors.who.People`."""

    def __init__(self, desk: Desk) -> None:
        self._identity = ChatIdentity(desk)

    async def actor_of(self, platform: str, user_id: str) -> Actor | None:
        """Give the member behind a platform's user; None for a stranger."""
        return await self._identity.actor(platform, user_id)

    async def redeem(self, person: Person, code: str, *, is_private: bool) -> Actor | None:
        """Link a person by a one-time code; None where the code is not good, whatever the cause."""
        try:
            return await self._identity.redeem(
                person.platform, person.user_id, person.name, code, is_private=is_private
            )
        except BreakwaterError as problem:
            log.info("chat_link_refused", channel=person.platform, error=problem.code)
            return None
