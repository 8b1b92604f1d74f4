"""API tokens: from a secret to a session, looked at again often enough that a revoked one ends within seconds."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from api.context import Session
from desk.clock import Clock
from desk.desk import token_hash
from desk.identity import Actor, Role
from desk.ports import Store

#: A checked token is believed for so long; a revocation is seen at the latest after it.
CACHE_S = 2.0

#: Tokens remembered; the one unused longest goes first. Unknown ones are remembered too, so guessing is cheap for us.
CACHE_SIZE = 4096


@dataclass(frozen=True, slots=True)
class _Seen:
    at: float
    session: Session | None


class TokenAuthenticator:
    """Checks tokens against the store."""

    def __init__(self, store: Store, clock: Clock, *, channel: str = "graphql") -> None:
        self._store = store
        self._clock = clock
        self._channel = channel
        self._seen: OrderedDict[str, _Seen] = OrderedDict()

    async def session(self, token: str) -> Session | None:
        """Give the session of a token; None when it is unknown, revoked, expired or its member is gone."""
        if not token or len(token) > 512 or not token.isascii():
            return None
        key = token_hash(token)
        now = self._clock.monotonic()
        seen = self._seen.get(key)
        if seen is None or now - seen.at >= CACHE_S:
            seen = _Seen(now, await self._look_up(key))
            self._seen[key] = seen
            if len(self._seen) > CACHE_SIZE:
                self._seen.popitem(last=False)
        self._seen.move_to_end(key)
        session = seen.session
        if session is not None and session.expires_at is not None and session.expires_at <= self._clock.now():
            return None
        return session

    async def _look_up(self, key: str) -> Session | None:
        async with self._store.reading() as unit:
            token = await unit.members.token_by_hash(key)
            if token is None or token.revoked_at is not None:
                return None
            member = await unit.members.by_id(token.workspace_id, token.user_id)
        if member is None or member.role is Role.STRANGER:
            return None
        actor = Actor(
            workspace_id=token.workspace_id,
            user_id=member.user_id,
            name=member.name,
            # A token never reaches further than its person.
            role=min(token.role, member.role),
            channel=self._channel,
            language=member.language,
            session_id=token.id,
        )
        return Session(actor=actor, token_id=token.id, expires_at=token.expires_at)
