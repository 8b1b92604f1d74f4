"""One-time things: idempotency answers and confirmation tokens."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from desk.store.codec import from_json, moment
from desk.store.connection import Connection
from desk.store.table import delete_oldest, insert, insert_new

_USE = (
    "UPDATE confirmations SET used_at = ? WHERE workspace_id = ? AND token_hash = ? AND used_at IS NULL "
    "AND expires_at > ? AND user_id = ? AND channel = ? AND command_hash = ?"
)


class SqlKeys:
    """Idempotency answers and confirmation tokens."""

    def __init__(self, tx: Connection) -> None:
        self._tx = tx

    async def stored_answer(self, workspace_id: str, key: str) -> tuple[str, Mapping[str, Any]] | None:
        """Give (input hash, stored answer) of an idempotency key."""
        row = await self._tx.row(
            "SELECT input_hash, answer FROM idempotency_keys WHERE workspace_id = ? AND key = ?",
            workspace_id,
            key,
        )
        return None if row is None else (str(row[0]), from_json(row[1]))

    async def store_answer(
        self, workspace_id: str, key: str, input_hash: str, answer: Mapping[str, Any], at: datetime
    ) -> bool:
        """Keep an answer; False when the key has one."""
        row = {
            "workspace_id": workspace_id,
            "key": key,
            "input_hash": input_hash,
            "answer": dict(answer),
            "created_at": at,
        }
        return await insert_new(self._tx, "idempotency_keys", row, ("answer",))

    async def add_confirmation(
        self,
        workspace_id: str,
        token_hash: str,
        *,
        user_id: str,
        channel: str,
        command_hash: str,
        expires_at: datetime,
    ) -> None:
        """Wait for a second tap."""
        row = {
            "workspace_id": workspace_id,
            "token_hash": token_hash,
            "user_id": user_id,
            "channel": channel,
            "command_hash": command_hash,
            "expires_at": expires_at,
            "used_at": None,
        }
        await insert(self._tx, "confirmations", row)

    async def take_confirmation(
        self,
        workspace_id: str,
        token_hash: str,
        *,
        user_id: str,
        channel: str,
        command_hash: str,
        now: datetime,
    ) -> str:
        """Use a token once: "ok", "used", "expired", "foreign" or "unknown"; only "ok" consumes it."""
        used = await self._tx.change(_USE, now, workspace_id, token_hash, now, user_id, channel, command_hash)
        if used == 1:
            return "ok"
        row = await self._tx.row(
            "SELECT user_id, channel, command_hash, used_at, expires_at FROM confirmations "
            "WHERE workspace_id = ? AND token_hash = ?",
            workspace_id,
            token_hash,
        )
        if row is None:
            return "unknown"
        if (row[0], row[1], row[2]) != (user_id, channel, command_hash):
            return "foreign"
        if row[3] is not None:
            return "used"
        assert moment(row[4]) <= now, "a token that is whole and in time was refused"
        return "expired"

    async def forget(self, before: datetime, *, most: int) -> int:
        """Remove answers given before a time, and confirmations that ran out before it; give how many."""
        answers = await delete_oldest(self._tx, "idempotency_keys", "created_at < ?", before, most=most)
        return answers + await delete_oldest(self._tx, "confirmations", "expires_at < ?", before, most=most)
