"""Everything that hangs on a person, and how it ends. What each column holds is in the data map; a test compares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from desk.clock import Clock
from desk.keyring import KeyRing
from desk.store.connection import Connection
from desk.store.repositories.personal import Personal
from desk.store.table import Where, update

#: Rows that are a person's own; they are deleted.
OWN = (
    "alert_rules",
    "chat_links",
    "confirmations",
    "credentials",
    "invitations",
    "link_codes",
    "notice_settings",
    "step_ups",
)

#: Of these, what an export gives; the others are proofs.
EXPORTED = {
    "alert_rules": ("kind", "pair", "relation", "threshold", "created_at"),
    "notice_settings": ("settings", "updated_at"),
}

#: Copies of a person's address, kept until a message is through; they are deleted.
ADDRESSED = ("alert_messages", "held_deliveries", "outbox")

#: What a person said at a chat platform, by platform and account.
SAID = ("chat_buttons", "chat_living")


class SqlPrivacy:
    """A person's data as a whole."""

    def __init__(self, tx: Connection, clock: Clock, ring: KeyRing | None) -> None:
        self._tx = tx
        self._personal = Personal(tx, clock, ring)

    async def is_known(self, workspace_id: str, user_id: str) -> bool:
        """Tell whether a person was ever in a workspace."""
        sql = "SELECT 1 FROM users WHERE workspace_id = ? AND id = ?"
        return await self._tx.row(sql, workspace_id, user_id) is not None

    async def facts_of(self, workspace_id: str, user_id: str) -> Mapping[str, str]:
        """Give the sealed facts about a person, opened."""
        return await self._personal.all_of(workspace_id, user_id)

    async def rows_of(self, workspace_id: str, user_id: str) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        """Give the rows that are a person's own choices, by table."""
        found: dict[str, Sequence[Mapping[str, Any]]] = {}
        for table, columns in EXPORTED.items():
            listed = ", ".join(f'"{one}"' for one in columns)
            rows = await self._tx.rows(
                f"SELECT {listed} FROM {table} WHERE workspace_id = ? AND user_id = ?",  # noqa: S608
                workspace_id,
                user_id,
            )
            found[table] = [
                {name: str(value) for name, value in zip(columns, row, strict=True)} for row in rows
            ]
        return found

    async def erase(self, workspace_id: str, user_id: str, pseudonym: str) -> None:
        """Destroy a person's key and rows; what must stay goes by the pseudonym."""
        addresses = await self._addresses(workspace_id, user_id)
        for address in addresses:
            for table in ADDRESSED:
                await self._delete(table, Where(workspace_id=workspace_id, recipient=address))
            where = Where(workspace_id=workspace_id, recipient=address)
            await update(self._tx, "deliveries", {"recipient": pseudonym}, where)
            for table in SAID:
                await self._delete(table, Where(workspace_id=workspace_id, user_id=address))
            for table in ("chat_updates", "chat_replies", "chat_places"):
                await self._delete(table, Where(workspace_id=workspace_id, chat_id=address))
        for table in OWN:
            await self._delete(table, Where(workspace_id=workspace_id, user_id=user_id))
        mine = Where(workspace_id=workspace_id, requested_by=user_id)
        await update(self._tx, "approvals", {"requester_name": pseudonym, "arguments": ""}, mine)
        decided = Where(workspace_id=workspace_id, decider_id=user_id)
        await update(self._tx, "approvals", {"decided_by": pseudonym}, decided)
        await self._delete("members", Where(workspace_id=workspace_id, user_id=user_id))
        reset = {"email": "", "language": "en", "time_zone": "UTC"}
        await update(self._tx, "users", reset, Where(workspace_id=workspace_id, id=user_id))
        await self._personal.erase(workspace_id, user_id)

    async def _addresses(self, workspace_id: str, user_id: str) -> list[str]:
        facts = await self._personal.all_of(workspace_id, user_id)
        return [
            str(orjson.loads(value)["id"]) if kind.startswith("chat:") else value
            for kind, value in facts.items()
        ]

    async def _delete(self, table: str, where: Where) -> None:
        await self._tx.change(f"DELETE FROM {table} {where.sql}", *where.values)  # noqa: S608 - our own names
