"""Chat accounts of people, and the one-time codes that link them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import orjson

from desk.clock import Clock
from desk.identity import new_id
from desk.keyring import KeyRing
from desk.people_views import ChatLink
from desk.store.codec import moment
from desk.store.connection import Connection, Row
from desk.store.repositories.personal import Personal
from desk.store.table import Where, insert, insert_new, update
from trading.errors import Conflict

_LINKS = (
    "SELECT l.id, l.workspace_id, l.user_id, l.platform, k.sealed_key, p.sealed, l.verified_at, l.revoked_at "
    "FROM chat_links l LEFT JOIN person_keys k ON k.user_id = l.user_id "
    "LEFT JOIN personal_data p ON p.user_id = l.user_id AND p.kind = 'chat:' || l.id "
)

#: Used and old codes are kept so long, for the rate limit; later they go.
_CODES_KEPT = timedelta(days=1)


class SqlLinks:
    """Chat links and their codes."""

    def __init__(self, tx: Connection, clock: Clock, ring: KeyRing | None) -> None:
        self._tx = tx
        self._personal = Personal(tx, clock, ring)

    async def add_code(
        self, workspace_id: str, *, user_id: str, code_hash: str, at: datetime, expires_at: datetime
    ) -> None:
        """Keep a code by its digest; earlier ones of the person end."""
        mine = Where(workspace_id=workspace_id, user_id=user_id)
        await update(self._tx, "link_codes", {"used_at": at}, mine.add("used_at IS NULL"))
        await self._tx.change("DELETE FROM link_codes WHERE created_at < ?", at - _CODES_KEPT)
        row = {
            "workspace_id": workspace_id,
            "user_id": user_id,
            "code_hash": code_hash,
            "created_at": at,
            "expires_at": expires_at,
            "used_at": None,
        }
        await insert(self._tx, "link_codes", row)

    async def codes_since(self, workspace_id: str, user_id: str, since: datetime) -> int:
        """Tell how many codes a person made since a time."""
        row = await self._tx.row(
            "SELECT COUNT(*) FROM link_codes WHERE workspace_id = ? AND user_id = ? AND created_at > ?",
            workspace_id,
            user_id,
            since,
        )
        return int(row[0]) if row else 0

    async def has_code(self, code_hash: str, now: datetime) -> bool:
        """Tell whether a code could be used now."""
        sql = "SELECT 1 FROM link_codes WHERE code_hash = ? AND used_at IS NULL AND expires_at > ?"
        return await self._tx.row(sql, code_hash, now) is not None

    async def take_code(self, code_hash: str, now: datetime) -> tuple[str, str] | None:
        """Use a code once: (workspace, person), or None when it is unknown, used or too old."""
        row = await self._tx.row(
            "UPDATE link_codes SET used_at = ? WHERE code_hash = ? AND used_at IS NULL AND expires_at > ? "
            "RETURNING workspace_id, user_id",
            now,
            code_hash,
            now,
        )
        return None if row is None else (str(row[0]), str(row[1]))

    async def add(
        self,
        workspace_id: str,
        *,
        user_id: str,
        platform: str,
        platform_user_id: str,
        display_name: str,
        at: datetime,
    ) -> ChatLink:
        """Link an account; one of the same person at the same platform is replaced.

        Raises:
            Conflict: the account belongs to somebody else.
        """
        for old in await self.all(workspace_id, user_id=user_id, platform=platform):
            await self.revoke(workspace_id, old.id, at)
        link = ChatLink(
            id=new_id(),
            workspace_id=workspace_id,
            user_id=user_id,
            platform=platform,
            platform_user_id=platform_user_id,
            display_name=display_name,
            verified_at=at,
        )
        row = {
            "id": link.id,
            "workspace_id": workspace_id,
            "user_id": user_id,
            "platform": platform,
            "identity_digest": self._digest(platform, platform_user_id),
            "verified_at": at,
            "revoked_at": None,
        }
        if not await insert_new(self._tx, "chat_links", row):
            raise Conflict(
                f"This {platform} account is linked to somebody else.", hint="They must unlink it first."
            )
        known = orjson.dumps({"id": platform_user_id, "name": display_name}).decode()
        await self._personal.put(workspace_id, user_id, f"chat:{link.id}", known)
        return link

    async def by_identity(self, platform: str, platform_user_id: str) -> ChatLink | None:
        """Give the link of an account, in whatever workspace; None when there is none."""
        row = await self._tx.row(
            _LINKS + "WHERE l.platform = ? AND l.identity_digest = ? AND l.revoked_at IS NULL",
            platform,
            self._digest(platform, platform_user_id),
        )
        return None if row is None else self._link(row)

    async def all(self, workspace_id: str, *, user_id: str = "", platform: str = "") -> Sequence[ChatLink]:
        """Give the links in use, oldest first; of one person or platform where asked."""
        where = Where().add("l.workspace_id = ?", workspace_id).add("l.revoked_at IS NULL")
        if user_id:
            where.add("l.user_id = ?", user_id)
        if platform:
            where.add("l.platform = ?", platform)
        rows = await self._tx.rows(f"{_LINKS}{where.sql} ORDER BY l.id", *where.values)
        return [self._link(row) for row in rows]

    async def revoke(self, workspace_id: str, link_id: str, at: datetime) -> bool:
        """End a link and forget the account; False when there is none or it had ended."""
        where = Where(workspace_id=workspace_id, id=link_id).add("revoked_at IS NULL")
        changes = {"revoked_at": at, "identity_digest": ""}
        if not await update(self._tx, "chat_links", changes, where):
            return False
        row = await self._tx.row(
            "SELECT user_id FROM chat_links WHERE workspace_id = ? AND id = ?", workspace_id, link_id
        )
        assert row is not None, "a link that was just changed is there"
        await self._personal.put(workspace_id, str(row[0]), f"chat:{link_id}", "")
        return True

    def _digest(self, platform: str, platform_user_id: str) -> str:
        return self._personal.digest(f"chat.{platform}", platform_user_id)

    def _link(self, row: Row) -> ChatLink:
        opened = self._personal.open(str(row[2]), f"chat:{row[0]}", row[4], row[5])
        known = orjson.loads(opened) if opened else {"id": "", "name": ""}
        return ChatLink(
            id=row[0],
            workspace_id=row[1],
            user_id=row[2],
            platform=row[3],
            platform_user_id=known["id"],
            display_name=known["name"],
            verified_at=moment(row[6]),
            revoked_at=None if row[7] is None else moment(row[7]),
        )
