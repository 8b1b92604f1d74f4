"""Personal data: sealed with a key per person; without the key nobody reads it again, not from a backup's rows either."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping

from desk.clock import Clock
from desk.keyring import KeyRing, seal_with, unseal_with
from desk.store.connection import Connection
from desk.store.table import Where, insert_new, update
from trading.errors import Conflict, StoreProblem

#: Marks a person's key that no key file seals: a store that was opened without one (tests, scratch databases).
_BARE = "bare."

#: The e-mail address; other kinds are `chat:<link id>` and so on.
EMAIL = "email"


class Personal:
    """Reads and writes personal data; used by the repositories, not handed out."""

    def __init__(self, tx: Connection, clock: Clock, ring: KeyRing | None) -> None:
        self._tx = tx
        self._clock = clock
        self._ring = ring

    def digest(self, kind: str, value: str) -> str:
        """Give what a value is found by; empty for an empty value."""
        if not value:
            return ""
        ring = self._ring or KeyRing(keys={}, current="", pepper=b"")
        return ring.digest(f"{kind}:{value.strip().casefold()}")

    async def put(self, workspace_id: str, user_id: str, kind: str, value: str) -> None:
        """Keep a fact about a person; an empty one removes it.

        Raises:
            Conflict: it must be unique in the workspace and somebody else has it.
        """
        await self._tx.change(
            "DELETE FROM personal_data WHERE workspace_id = ? AND user_id = ? AND kind = ?",
            workspace_id,
            user_id,
            kind,
        )
        if not value:
            return
        key = await self.key(workspace_id, user_id)
        row = {
            "workspace_id": workspace_id,
            "user_id": user_id,
            "kind": kind,
            "digest": self.digest(kind, value),
            "sealed": seal_with(key, value.encode(), f"{user_id}:{kind}"),
        }
        if not await insert_new(self._tx, "personal_data", row):
            raise Conflict("That address is taken in this workspace; another one is allowed.")

    async def all_of(self, workspace_id: str, user_id: str) -> Mapping[str, str]:
        """Give every fact about a person, by kind."""
        rows = await self._tx.rows(
            "SELECT k.sealed_key, p.kind, p.sealed FROM personal_data p JOIN person_keys k ON k.user_id = p.user_id "
            "WHERE p.workspace_id = ? AND p.user_id = ? ORDER BY p.kind",
            workspace_id,
            user_id,
        )
        return {str(kind): self.open(user_id, str(kind), key, sealed) for key, kind, sealed in rows}

    async def owner_of(self, workspace_id: str, kind: str, value: str) -> str:
        """Give the id of the person who has a value; empty when nobody does."""
        row = await self._tx.row(
            "SELECT user_id FROM personal_data WHERE workspace_id = ? AND kind = ? AND digest = ?",
            workspace_id,
            kind,
            self.digest(kind, value),
        )
        return "" if row is None else str(row[0])

    async def erase(self, workspace_id: str, user_id: str) -> None:
        """Destroy a person's key and everything it sealed."""
        for table in ("person_keys", "personal_data"):
            await self._tx.change(
                f"DELETE FROM {table} WHERE workspace_id = ? AND user_id = ?",  # noqa: S608 - our own names
                workspace_id,
                user_id,
            )

    def open(self, user_id: str, kind: str, sealed_key: str | None, sealed: str | None) -> str:
        """Open a fact with its person's key; empty when there is none."""
        if not sealed_key or not sealed:
            return ""
        return unseal_with(self._bare_key(user_id, sealed_key), sealed, f"{user_id}:{kind}").decode()

    async def seal_secret(self, workspace_id: str, user_id: str, name: str, plain: bytes) -> str:
        """Seal something that belongs to a person and lies in another table; empty stays empty."""
        if not plain:
            return ""
        return seal_with(await self.key(workspace_id, user_id), plain, f"{user_id}:{name}")

    async def open_secret(self, workspace_id: str, user_id: str, name: str, sealed: str) -> bytes:
        """Open what `seal_secret` gave."""
        return (
            unseal_with(await self.key(workspace_id, user_id), sealed, f"{user_id}:{name}") if sealed else b""
        )

    async def key(self, workspace_id: str, user_id: str) -> bytes:
        """Give a person's key; the first call makes it."""
        row = await self._tx.row("SELECT sealed_key FROM person_keys WHERE user_id = ?", user_id)
        if row is not None:
            return self._bare_key(user_id, str(row[0]))
        made = secrets.token_bytes(32)
        sealed = self._sealed_key(user_id, made)
        new = {
            "user_id": user_id,
            "workspace_id": workspace_id,
            "sealed_key": sealed,
            "created_at": self._clock.now(),
        }
        if await insert_new(self._tx, "person_keys", new):
            return made
        row = await self._tx.row("SELECT sealed_key FROM person_keys WHERE user_id = ?", user_id)
        assert row is not None, "a key that was refused as known is there"
        return self._bare_key(user_id, str(row[0]))

    async def rewrap(self) -> int:
        """Seal every person's key with the current key of the key file; give how many changed."""
        if self._ring is None:
            return 0
        changed = 0
        for user_id, sealed in await self._tx.rows("SELECT user_id, sealed_key FROM person_keys"):
            if not str(sealed).startswith(f"{self._ring.current}."):
                key = self._bare_key(str(user_id), str(sealed))
                changes = {"sealed_key": self._sealed_key(str(user_id), key)}
                changed += await update(self._tx, "person_keys", changes, Where(user_id=user_id))
        return changed

    async def has_plain_addresses(self) -> bool:
        """Tell whether there is anything for `seal_plain_addresses` to do."""
        return await self._tx.row("SELECT 1 FROM users WHERE email <> '' LIMIT 1") is not None

    async def seal_plain_addresses(self) -> int:
        """Seal the addresses that an older version kept readable; give how many there were."""
        rows = await self._tx.rows("SELECT id, workspace_id, email FROM users WHERE email <> ''")
        for user_id, workspace_id, email in rows:
            await self.put(str(workspace_id), str(user_id), EMAIL, str(email))
            await update(self._tx, "users", {"email": ""}, Where(id=user_id))
        return len(rows)

    def _sealed_key(self, user_id: str, key: bytes) -> str:
        if self._ring is None:
            return _BARE + base64.b64encode(key).decode()
        return self._ring.seal(key, f"person:{user_id}")

    def _bare_key(self, user_id: str, sealed: str) -> bytes:
        if sealed.startswith(_BARE):
            return base64.b64decode(sealed.removeprefix(_BARE))
        if self._ring is None:
            raise StoreProblem(
                "Personal data are sealed and no key file was given.",
                hint="Open the store with its key file.",
            )
        return self._ring.unseal(sealed, f"person:{user_id}")
