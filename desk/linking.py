"""Who speaks in a chat: from (platform, user id) to a person, and from a one-time code to a link.

Strangers learn nothing and cost nothing: an unknown account is one indexed look-up, remembered for a moment, and a
wrong code is answered as an old one is. Nothing is written for them.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import timedelta

import structlog

from desk.desk import Desk, token_hash
from desk.errors import TooManyTries
from desk.identity import Actor, Role
from desk.people_views import ChatLink
from trading.errors import Conflict, Denied

log = structlog.get_logger(__name__)

#: Tries of one account, and for how long they count.
TRIES = 5
TRIES_FOR_S = 600.0

#: An answer is believed for so long: a revoked link or a lower role is seen at the latest after it.
BELIEVED_S = 2.0

#: Accounts remembered; the one unused longest goes first.
REMEMBERED = 4096

#: Longest code that is looked at, and longest name that is kept.
_LONGEST_CODE = 64
_LONGEST_NAME = 80


@dataclass(frozen=True, slots=True)
class _Seen:
    at: float
    actor: Actor | None


class ChatIdentity:
    """Finds the person behind a chat account; one per process and door."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._seen: OrderedDict[tuple[str, str], _Seen] = OrderedDict()
        self._tries: OrderedDict[tuple[str, str], list[float]] = OrderedDict()

    async def actor(self, platform: str, platform_user_id: str) -> Actor | None:
        """Give who speaks; None for a stranger, whatever the cause."""
        key = (platform, platform_user_id)
        now = self._desk.clock.monotonic()
        seen = self._seen.get(key)
        if seen is None or now - seen.at >= BELIEVED_S:
            seen = _Seen(now, await self._look_up(platform, platform_user_id))
            self._seen[key] = seen
            if len(self._seen) > REMEMBERED:
                self._seen.popitem(last=False)
        self._seen.move_to_end(key)
        return seen.actor

    async def redeem(
        self, platform: str, platform_user_id: str, display_name: str, code: str, *, is_private: bool = True
    ) -> Actor:
        """Link an account with a code that its person made elsewhere.

        Args:
            is_private: whether others could read along; a code that was seen by a group is burnt.

        Raises:
            TooManyTries: five wrong codes within ten minutes.
            Denied: the code is unknown, used or too old; which of them is not told.
            Conflict: the account is linked to somebody else.
        """
        key = (platform, platform_user_id)
        self._count(key)
        desk, now = self._desk, self._desk.clock.now()
        clean = code.strip().upper()
        taken = None
        if 0 < len(clean) <= _LONGEST_CODE and clean.isascii():
            async with desk.store.reading() as tx:
                # A stranger's guess takes no write lock.
                is_known = await tx.links.has_code(token_hash(clean), now)
            if is_known:
                taken = await self._link(platform, platform_user_id, display_name, clean, is_private)
        if taken is None:
            log.info("link_code_refused", channel=platform)
            raise Denied(
                "This code is not valid.",
                hint="Make a new one in the program and send it to me in private within 10 minutes.",
            )
        self._seen.pop(key, None)
        self._tries.pop(key, None)
        found = await self.actor(platform, platform_user_id)
        if found is None:
            raise Denied("Whoever made this code is no longer a member.")
        return found

    def forget(self, platform: str, platform_user_id: str) -> None:
        """Look an account up anew at its next message."""
        self._seen.pop((platform, platform_user_id), None)

    async def _link(
        self, platform: str, platform_user_id: str, display_name: str, code: str, is_private: bool
    ) -> ChatLink | None:
        desk, now = self._desk, self._desk.clock.now()
        async with desk.store.transaction() as tx:
            taken = await tx.links.take_code(token_hash(code), now)
            if taken is None:
                return None
            workspace_id, user_id = taken
            member = await tx.members.by_id(workspace_id, user_id)
            is_wanted = member is not None and member.role > Role.STRANGER and is_private
            link, outcome = None, "denied"
            if is_wanted:
                name = " ".join(display_name.split())[:_LONGEST_NAME]
                try:
                    link = await tx.links.add(
                        workspace_id,
                        user_id=user_id,
                        platform=platform,
                        platform_user_id=platform_user_id,
                        display_name=name,
                        at=now,
                    )
                    outcome = "done"
                except Conflict:
                    # The code is used up all the same, and the refusal is told by nobody's name.
                    outcome = "refused"
            await tx.audit.append(
                workspace_id,
                at=now,
                actor=f"{member.name if member else 'nobody'}@{platform}",
                channel=platform,
                action="LinkChat",
                subject=link.id if link else "",
                detail={"platform": platform, "is_private": is_private},
                outcome=outcome,
            )
        if outcome == "refused":
            raise Conflict(
                f"This {platform} account is linked to somebody else.",
                hint="It must be unlinked there first.",
            )
        return link

    async def _look_up(self, platform: str, platform_user_id: str) -> Actor | None:
        async with self._desk.store.reading() as tx:
            link = await tx.links.by_identity(platform, platform_user_id)
            if link is None:
                return None
            member = await tx.members.by_id(link.workspace_id, link.user_id)
        if member is None or member.role is Role.STRANGER:
            return None
        return Actor(
            workspace_id=link.workspace_id,
            user_id=member.user_id,
            name=member.name,
            role=member.role,
            channel=platform,
            language=member.language or "en",
            session_id=link.id,
        )

    def _count(self, key: tuple[str, str]) -> None:
        """Count a try in memory: a stranger's guesses are not worth a row, and a code has 130 bits."""
        now = self._desk.clock.monotonic()
        tries = [at for at in self._tries.get(key, ()) if now - at < TRIES_FOR_S]
        if len(tries) >= TRIES:
            raise TooManyTries(timedelta(seconds=TRIES_FOR_S - (now - tries[0])))
        self._tries[key] = [*tries, now]
        self._tries.move_to_end(key)
        if len(self._tries) > REMEMBERED:
            self._tries.popitem(last=False)
