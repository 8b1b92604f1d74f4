"""From a token to a session: API tokens and access tokens, looked at again often enough that a revoked one ends within
seconds."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from datetime import timedelta

import structlog

from api.context import Session
from desk.clock import Clock
from desk.identity import Actor, Role
from desk.ports import Store
from desk.secrets import token_hash
from desk.sessions import LONGEST_TOKEN, Sessions
from desk.views import ApiToken, Member
from trading.errors import StoreProblem

log = structlog.get_logger(__name__)

#: A checked token is believed for so long; a revocation is seen at the latest after it.
CACHE_S = 2.0

#: Tokens remembered; the one unused longest goes first. Unknown ones are remembered too, so guessing is cheap for us.
CACHE_SIZE = 4096

#: The last use of a token is noted so often at most.
NOTE_EVERY = timedelta(minutes=1)

#: API tokens begin so; everything else is taken for an access token.
_API_TOKEN = "bwk_"  # noqa: S105 - the beginning of every token, no secret


@dataclass(frozen=True, slots=True)
class _Seen:
    at: float
    session: Session | None


class TokenAuthenticator:
    """Checks tokens against the store."""

    def __init__(
        self, store: Store, clock: Clock, sessions: Sessions | None = None, *, channel: str = "graphql"
    ) -> None:
        self._store = store
        self._clock = clock
        self._sessions = sessions
        self._channel = channel
        self._seen: OrderedDict[str, _Seen] = OrderedDict()
        self._looking: dict[str, asyncio.Task[_Seen]] = {}

    async def session(self, token: str) -> Session | None:
        """Give the session of a token; None when it is unknown, revoked, expired or its member is gone."""
        if not token or len(token) > LONGEST_TOKEN or not token.isascii():
            return None
        key = token_hash(token)
        now = self._clock.monotonic()
        seen = self._seen.get(key)
        if seen is None or now - seen.at >= CACHE_S:
            seen = await self._looked_up(token, key)
        else:
            self._seen.move_to_end(key)
        session = seen.session
        if session is not None and session.expires_at is not None and session.expires_at <= self._clock.now():
            return None
        return session

    async def _looked_up(self, token: str, key: str) -> _Seen:
        """Look at the store once for everybody who waits for the same token: a busy one has hundreds under way."""
        task = self._looking.get(key)
        if task is None:
            task = self._looking[key] = asyncio.create_task(self._remembered(token, key))
            task.add_done_callback(lambda _: self._looking.pop(key, None))
        # Shielded: the one who gives up must not take the others' look along.
        return await asyncio.shield(task)

    async def _remembered(self, token: str, key: str) -> _Seen:
        # Believed from before the look: what is revoked meanwhile is not believed longer for it.
        before = self._clock.monotonic()
        seen = self._seen[key] = _Seen(before, await self._look_up(token, key))
        self._seen.move_to_end(key)
        if len(self._seen) > CACHE_SIZE:
            self._seen.popitem(last=False)
        return seen

    async def _look_up(self, token: str, key: str) -> Session | None:
        if token.startswith(_API_TOKEN):
            return await self._of_api_token(key)
        return await self._of_access_token(token)

    async def _of_api_token(self, key: str) -> Session | None:
        members = self._store.glance.members
        token = await members.token_by_hash(key)
        if token is None or token.revoked_at is not None:
            return None
        member = await members.by_id(token.workspace_id, token.user_id)
        if member is None or member.role is Role.STRANGER:
            return None
        await self._note_use(token)
        actor = self._actor(
            member,
            # A token never reaches further than its person.
            role=min(token.role, member.role),
            session_id=token.id,
            is_read_only="read" in token.scopes,
        )
        return Session(
            actor=actor,
            token_id=token.id,
            expires_at=token.expires_at,
            # Tokens of before scopes were known keep what they could do.
            may_improvise="adhoc" in token.scopes or not token.prefix,
        )

    async def _of_access_token(self, token: str) -> Session | None:
        claims = self._sessions.read(token) if self._sessions is not None else None
        if claims is None:
            return None
        glance = self._store.glance
        signed_in = await glance.sessions.by_id(claims.workspace_id, claims.session_id)
        member = await glance.members.by_id(claims.workspace_id, claims.user_id)
        now = self._clock.now()
        if signed_in is None or signed_in.revoked_at is not None or signed_in.expires_at <= now:
            return None
        if member is None or member.role is Role.STRANGER or signed_in.user_id != member.user_id:
            return None
        actor = self._actor(member, role=member.role, session_id=signed_in.id)
        return Session(actor=actor, token_id="", expires_at=claims.expires_at)

    def _actor(self, member: Member, *, role: Role, session_id: str, is_read_only: bool = False) -> Actor:
        return Actor(
            workspace_id=member.workspace_id,
            user_id=member.user_id,
            name=member.name,
            role=role,
            channel=self._channel,
            language=member.language,
            session_id=session_id,
            is_read_only=is_read_only,
        )

    async def _note_use(self, token: ApiToken) -> None:
        now = self._clock.now()
        if token.last_used_at is not None and now - token.last_used_at < NOTE_EVERY:
            return
        try:
            async with self._store.transaction() as unit:
                await unit.members.token_used(token.workspace_id, token.id, now)
        except StoreProblem as problem:
            # Knowing when a token was used is not worth refusing it.
            log.warning("token_use_not_noted", problem=problem.message)
