"""Sign-ins, their refresh tokens, and invitations."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from desk.people_views import SignedIn
from desk.store.connection import Connection
from desk.store.models import SessionRow
from desk.store.table import Table, Where, insert, update

SESSIONS = Table(SessionRow, SignedIn)

#: What has ended is kept so long, for the audit of a reuse; later it goes.
_KEPT = timedelta(days=7)


class SqlSessions:
    """Sign-ins."""

    def __init__(self, tx: Connection) -> None:
        self._tx = tx

    async def add(self, session: SignedIn) -> None:
        """Write a sign-in; what ended long ago goes."""
        old = session.created_at - _KEPT
        await self._tx.change(
            "DELETE FROM refresh_tokens WHERE session_id IN "
            "(SELECT id FROM sessions WHERE expires_at < ? OR revoked_at < ?)",
            old,
            old,
        )
        await self._tx.change("DELETE FROM sessions WHERE expires_at < ? OR revoked_at < ?", old, old)
        await SESSIONS.insert(self._tx, session)

    async def by_id(self, workspace_id: str, session_id: str) -> SignedIn | None:
        """Give a sign-in."""
        return await SESSIONS.one(self._tx, Where(workspace_id=workspace_id, id=session_id))

    async def of_user(self, workspace_id: str, user_id: str) -> Sequence[SignedIn]:
        """Give a person's sign-ins that have not ended, newest first."""
        where = Where(workspace_id=workspace_id, user_id=user_id).add("revoked_at IS NULL")
        return await SESSIONS.find(self._tx, where, order="created_at DESC", limit=100)

    async def add_refresh(self, session: SignedIn, token_hash: str, at: datetime) -> None:
        """Keep a refresh token by its digest."""
        row = {
            "token_hash": token_hash,
            "workspace_id": session.workspace_id,
            "session_id": session.id,
            "issued_at": at,
            "used_at": None,
        }
        await insert(self._tx, "refresh_tokens", row)
        where = Where(workspace_id=session.workspace_id, id=session.id)
        await update(self._tx, "sessions", {"used_at": at}, where)

    async def take_refresh(self, token_hash: str, at: datetime) -> tuple[SignedIn, bool] | None:
        """Use a refresh token: its sign-in, and whether this was the first use; None when it is unknown."""
        first = await update(
            self._tx, "refresh_tokens", {"used_at": at}, Where(token_hash=token_hash).add("used_at IS NULL")
        )
        row = await self._tx.row(
            "SELECT workspace_id, session_id FROM refresh_tokens WHERE token_hash = ?", token_hash
        )
        found = await self.by_id(str(row[0]), str(row[1])) if row is not None else None
        return None if found is None else (found, first == 1)

    async def revoke(self, workspace_id: str, session_id: str, at: datetime, reason: str) -> bool:
        """End a sign-in; False when there is none or it had ended."""
        where = Where(workspace_id=workspace_id, id=session_id).add("revoked_at IS NULL")
        return await update(self._tx, "sessions", {"revoked_at": at, "end_reason": reason}, where) == 1

    async def revoke_all(self, workspace_id: str, user_id: str, at: datetime, reason: str) -> int:
        """End every sign-in of a person; give how many."""
        where = Where(workspace_id=workspace_id, user_id=user_id).add("revoked_at IS NULL")
        return await update(self._tx, "sessions", {"revoked_at": at, "end_reason": reason}, where)

    async def add_invitation(
        self, workspace_id: str, *, user_id: str, code_hash: str, at: datetime, expires_at: datetime
    ) -> None:
        """Keep an invitation by its digest; earlier ones of the person end."""
        mine = Where(workspace_id=workspace_id, user_id=user_id).add("used_at IS NULL")
        await update(self._tx, "invitations", {"used_at": at}, mine)
        row = {
            "code_hash": code_hash,
            "workspace_id": workspace_id,
            "user_id": user_id,
            "created_at": at,
            "expires_at": expires_at,
            "used_at": None,
        }
        await insert(self._tx, "invitations", row)

    async def invited(self, code_hash: str, now: datetime) -> tuple[str, str] | None:
        """Give (workspace, person) of an invitation that could be used now."""
        row = await self._tx.row(
            "SELECT workspace_id, user_id FROM invitations WHERE code_hash = ? AND used_at IS NULL AND expires_at > ?",
            code_hash,
            now,
        )
        return None if row is None else (str(row[0]), str(row[1]))

    async def take_invitation(self, code_hash: str, now: datetime) -> bool:
        """Use an invitation once."""
        where = Where(code_hash=code_hash).add("used_at IS NULL").add("expires_at > ?", now)
        return await update(self._tx, "invitations", {"used_at": now}, where) == 1
