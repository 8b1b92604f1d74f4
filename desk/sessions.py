"""Signing in: short access tokens (EdDSA), refresh tokens that rotate, and what ends them.

An access token says who and which session; what the person may do is read from the store at each use. A refresh token
works once: a second use means that somebody has a copy, and ends the whole session.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import jwt
import structlog

from desk.clock import Clock
from desk.identity import Actor, Role, new_id
from desk.passwords import checked_password, fits, hashed, is_outdated, totp_step
from desk.people_views import Credentials, SignedIn
from desk.ports import Store, Unit
from desk.secrets import Secret, token_hash
from desk.signing import SigningKeys
from desk.throttling import Throttling
from desk.views import Member
from trading.errors import Denied

log = structlog.get_logger(__name__)

#: What our tokens name; anything else is refused.
ISSUER = "breakwater"
AUDIENCE = "breakwater-api"
TOKEN_TYPE = "at+jwt"  # noqa: S105 - RFC 9068's type of an access token
ALGORITHM = "EdDSA"

ACCESS_TTL = timedelta(minutes=10)
SESSION_TTL = timedelta(days=30)
#: A session that nobody refreshed for so long ends.
IDLE_TTL = timedelta(days=7)

#: How far clocks may be apart.
SKEW_S = 5

#: Longest token that is looked at.
LONGEST_TOKEN = 2048

REFRESH_PREFIX = "bwr_"

_CLAIMS = ("iss", "aud", "sub", "sid", "ws", "iat", "nbf", "exp", "jti")


class KeySource(Protocol):
    """Where signing keys come from."""

    def keys(self) -> SigningKeys: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What a sign-in gives; both are secrets."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    access_until: datetime
    session_id: str
    actor: Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What a genuine access token says."""

    workspace_id: str
    user_id: str
    session_id: str
    expires_at: datetime


class Sessions:
    """Signs people in and out."""

    def __init__(self, store: Store, clock: Clock, keys: KeySource) -> None:
        self._store = store
        self._clock = clock
        self._keys = keys
        self._throttling = Throttling(store, clock)

    async def sign_in(
        self, *, login: str, password: Secret, code: str = "", workspace: str = "", peer: str = ""
    ) -> Tokens:
        """Sign a person in by name or e-mail address.

        Raises:
            Denied: nobody of that name, another password or another code: the same answer, in the same time.
            TooManyTries: this account or this address failed too often.
        """
        clean = " ".join(login.split())[:254]
        keys = (f"account:{workspace.casefold()}:{clean.casefold()}", f"address:{peer}")
        async with self._throttling.attempt(*keys):
            member, known = await self._person(clean, workspace)
            # One verification whatever happened before: time tells nothing.
            is_right = await fits(password.reveal(), known.password_hash if known else "")
            if member is None or known is None or not is_right or not await self._code_fits(known, code):
                await self._audit_failure(member)
                raise _refused()
        if is_outdated(known.password_hash):
            await self._rehash(known, password)
        now = self._clock.now()
        session = SignedIn(
            id=new_id(),
            workspace_id=member.workspace_id,
            user_id=member.user_id,
            created_at=now,
            used_at=now,
            expires_at=now + SESSION_TTL,
        )
        async with self._store.transaction() as tx:
            await tx.sessions.add(session)
            refresh = await self._next_refresh(tx, session, now)
            await _audit(tx, member, "SignIn", session.id, "done", now)
        log.info("signed_in", actor=member.name)
        return self._tokens(session, member, refresh, now)

    async def refresh(self, token: str) -> Tokens:
        """Give new tokens for a refresh token, which ends.

        Raises:
            Denied: it is unknown, too old, or was used before; then the whole session ends.
        """
        now = self._clock.now()
        if not token.startswith(REFRESH_PREFIX) or len(token) > LONGEST_TOKEN or not token.isascii():
            raise _ended()
        async with self._store.transaction() as tx:
            found = await tx.sessions.take_refresh(token_hash(token), now)
            if found is None:
                raise _ended()
            session, is_first = found
            member = await tx.members.by_id(session.workspace_id, session.user_id)
            if not is_first:
                await tx.sessions.revoke(session.workspace_id, session.id, now, "reused")
                if member is not None:
                    await _audit(tx, member, "RefreshSession", session.id, "reused", now)
            is_over = (
                not is_first
                or session.revoked_at is not None
                or session.expires_at <= now
                or now - session.used_at > IDLE_TTL
                or member is None
                or member.role is Role.STRANGER
            )
            refresh = "" if is_over else await self._next_refresh(tx, session, now)
        if is_over or member is None:
            log.warning("refresh_refused", reason="reused" if not is_first else "over")
            raise _ended()
        return self._tokens(session, member, refresh, now)

    async def accept(self, code: str, password: Secret, *, peer: str = "") -> Member:
        """Let an invited person choose a password; earlier sign-ins end.

        Raises:
            Denied: the code is unknown, used or too old.
            InvalidInput: the password may not be set.
        """
        digest = token_hash(code.strip().upper())
        now = self._clock.now()
        async with self._throttling.attempt(f"address:{peer}"):
            async with self._store.reading() as tx:
                invited = await tx.sessions.invited(digest, now)
            if invited is None:
                raise Denied("This invitation is not valid.", hint="Ask an owner for a new one.")
        stored = await hashed(checked_password(password))
        workspace_id, user_id = invited
        async with self._store.transaction() as tx:
            member = await tx.members.by_id(workspace_id, user_id)
            if member is None or not await tx.sessions.take_invitation(digest, now):
                raise Denied("This invitation is not valid.", hint="Ask an owner for a new one.")
            known = await tx.proofs.credentials(workspace_id, user_id)
            await tx.proofs.save_credentials(replace(known, password_hash=stored), now)
            await tx.sessions.revoke_all(workspace_id, user_id, now, "new password")
            await _audit(tx, member, "AcceptInvitation", "", "done", now)
        return member

    def read(self, token: str) -> Claims | None:
        """Give what a genuine access token says; None for anything else. Whether it still holds, the store knows."""
        if not token or len(token) > LONGEST_TOKEN or not token.isascii():
            return None
        now = self._clock.now()
        try:
            header = jwt.get_unverified_header(token)
            # The key is ours by its id; whatever the header says about algorithm, addresses or keys is not believed.
            key = self._keys.keys().checking(now).get(str(header.get("kid", "")))
            if key is None or header.get("typ") != TOKEN_TYPE or header.get("alg") != ALGORITHM:
                return None
            if set(header) - {"typ", "alg", "kid"}:
                return None
            found: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                issuer=ISSUER,
                options={
                    "require": list(_CLAIMS),
                    "strict_aud": True,
                    # Times are checked below, against the house's clock.
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
        except (jwt.InvalidTokenError, ValueError, TypeError):
            return None
        times = [found[one] for one in ("iat", "nbf", "exp")]
        if not all(type(one) is int and 0 < one < 2**40 for one in times):
            return None
        issued, not_before, expires = times
        at = now.timestamp()
        is_in_time = max(issued, not_before) <= at + SKEW_S and at < expires + SKEW_S
        if not is_in_time or expires - issued > ACCESS_TTL.total_seconds():
            return None
        if not all(isinstance(found[one], str) and found[one] for one in ("sub", "sid", "ws")):
            return None
        return Claims(
            workspace_id=found["ws"],
            user_id=found["sub"],
            session_id=found["sid"],
            expires_at=datetime.fromtimestamp(expires, UTC),
        )

    async def _person(self, login: str, workspace: str) -> tuple[Member | None, Credentials | None]:
        async with self._store.reading() as tx:
            known = await tx.workspaces.all()
            fitting = [one for one in known if one.name == workspace] if workspace else known
            if len(fitting) != 1 or not login:
                return None, None
            member = await tx.members.by_login(fitting[0].id, login)
            if member is None or member.role is Role.STRANGER:
                return None, None
            return member, await tx.proofs.credentials(member.workspace_id, member.user_id)

    async def _code_fits(self, known: Credentials, code: str) -> bool:
        if not known.totp_secret:
            return True
        step = totp_step(known.totp_secret, code, self._clock.now())
        if step is None:
            return False
        async with self._store.transaction() as tx:
            return await tx.proofs.use_totp_step(known.workspace_id, known.user_id, step)

    async def _rehash(self, known: Credentials, password: Secret) -> None:

        stored = await hashed(password.reveal())
        async with self._store.transaction() as tx:
            now_known = await tx.proofs.credentials(known.workspace_id, known.user_id)
            if now_known.password_hash == known.password_hash:
                await tx.proofs.save_credentials(replace(now_known, password_hash=stored), self._clock.now())

    async def _audit_failure(self, member: Member | None) -> None:
        """Write a line for a person who exists; guesses at others leave nothing but their throttle."""
        log.info("sign_in_refused")
        if member is None:
            return
        async with self._store.transaction() as tx:
            await _audit(tx, member, "SignIn", "", "denied", self._clock.now())

    async def _next_refresh(self, tx: Unit, session: SignedIn, now: datetime) -> str:
        token = REFRESH_PREFIX + secrets.token_urlsafe(32)
        await tx.sessions.add_refresh(session, token_hash(token), now)
        return token

    def _tokens(self, session: SignedIn, member: Member, refresh: str, now: datetime) -> Tokens:
        issued = int(now.timestamp())
        until = issued + int(ACCESS_TTL.total_seconds())
        key = self._keys.keys().current
        access = jwt.encode(
            {
                "iss": ISSUER,
                "aud": AUDIENCE,
                "sub": member.user_id,
                "ws": member.workspace_id,
                "sid": session.id,
                "iat": issued,
                "nbf": issued,
                "exp": until,
                "jti": secrets.token_urlsafe(12),
            },
            key.private,
            algorithm=ALGORITHM,
            headers={"kid": key.kid, "typ": TOKEN_TYPE},
        )
        return Tokens(
            access=access,
            refresh=refresh,
            access_until=datetime.fromtimestamp(until, UTC),
            session_id=session.id,
            actor=Actor(
                workspace_id=member.workspace_id,
                user_id=member.user_id,
                name=member.name,
                role=member.role,
                channel="graphql",
                language=member.language,
                session_id=session.id,
            ),
        )


async def _audit(tx: Unit, member: Member, action: str, subject: str, outcome: str, now: datetime) -> None:
    await tx.audit.append(
        member.workspace_id,
        at=now,
        actor=f"{member.name}@graphql",
        channel="graphql",
        action=action,
        subject=subject,
        detail={},
        outcome=outcome,
    )


def _refused() -> Denied:
    return Denied(
        "Name, password or the second factor's code is wrong.",
        hint="Check all three; after five failures wait.",
    )


def _ended() -> Denied:
    return Denied("This session has ended.", hint="Sign in again.")
