"""Passwords, second factors, fresh proofs, and how often somebody failed."""

from __future__ import annotations

from datetime import datetime

from desk.clock import Clock
from desk.keyring import KeyRing
from desk.people_views import Credentials, Throttle
from desk.store.codec import moment
from desk.store.connection import Connection
from desk.store.repositories.personal import Personal
from desk.store.table import Where, put, update


class SqlProofs:
    """How people prove who they are."""

    def __init__(self, tx: Connection, clock: Clock, ring: KeyRing | None) -> None:
        self._tx = tx
        self._personal = Personal(tx, clock, ring)

    async def credentials(self, workspace_id: str, user_id: str) -> Credentials:
        """Give a person's credentials; empty ones where there are none."""
        row = await self._tx.row(
            "SELECT password_hash, totp_sealed, totp_draft_sealed, totp_step FROM credentials "
            "WHERE workspace_id = ? AND user_id = ?",
            workspace_id,
            user_id,
        )
        if row is None:
            return Credentials(user_id=user_id, workspace_id=workspace_id)
        return Credentials(
            user_id=user_id,
            workspace_id=workspace_id,
            password_hash=row[0],
            totp_secret=await self._personal.open_secret(workspace_id, user_id, "totp", row[1]),
            totp_draft=await self._personal.open_secret(workspace_id, user_id, "totp draft", row[2]),
            totp_step=int(row[3]),
        )

    async def save_credentials(self, credentials: Credentials, at: datetime) -> None:
        """Write a person's credentials over the old ones."""
        workspace_id, user_id = credentials.workspace_id, credentials.user_id
        row = {
            "user_id": user_id,
            "workspace_id": workspace_id,
            "password_hash": credentials.password_hash,
            "totp_sealed": await self._personal.seal_secret(
                workspace_id, user_id, "totp", credentials.totp_secret
            ),
            "totp_draft_sealed": await self._personal.seal_secret(
                workspace_id, user_id, "totp draft", credentials.totp_draft
            ),
            "totp_step": credentials.totp_step,
            "changed_at": at,
        }
        await put(self._tx, "credentials", row, key=("user_id",))

    async def use_totp_step(self, workspace_id: str, user_id: str, step: int) -> bool:
        """Use a time step of a second factor up; False when it (or a later one) was used."""
        where = Where(workspace_id=workspace_id, user_id=user_id).add("totp_step < ?", step)
        return await update(self._tx, "credentials", {"totp_step": step}, where) == 1

    async def stepped_up_until(self, workspace_id: str, user_id: str, session: str) -> datetime | None:
        """Tell until when a fresh proof counts in a session."""
        row = await self._tx.row(
            "SELECT until FROM step_ups WHERE workspace_id = ? AND user_id = ? AND session = ?",
            workspace_id,
            user_id,
            session,
        )
        return None if row is None else moment(row[0])

    async def step_up(self, workspace_id: str, user_id: str, session: str, until: datetime) -> None:
        """Let a fresh proof count until a time."""
        row = {"workspace_id": workspace_id, "user_id": user_id, "session": session, "until": until}
        await put(self._tx, "step_ups", row, key=("workspace_id", "user_id", "session"))

    async def end_step_ups(self, workspace_id: str, user_id: str) -> None:
        """Forget every fresh proof of a person."""
        await self._tx.change(
            "DELETE FROM step_ups WHERE workspace_id = ? AND user_id = ?", workspace_id, user_id
        )

    async def throttle(self, key: str) -> Throttle:
        """Tell how often something failed in a row."""
        row = await self._tx.row("SELECT failures, blocked_until FROM throttles WHERE key = ?", key)
        if row is None:
            return Throttle(failures=0, blocked_until=None)
        return Throttle(failures=int(row[0]), blocked_until=None if row[1] is None else moment(row[1]))

    async def failed(self, key: str, blocked_until: datetime | None, at: datetime) -> None:
        """Count a failure."""
        await self._tx.change(
            "INSERT INTO throttles (key, failures, blocked_until, failed_at) VALUES (?, 1, ?, ?) "
            "ON CONFLICT (key) DO UPDATE SET failures = throttles.failures + 1, "
            "blocked_until = excluded.blocked_until, failed_at = excluded.failed_at",
            key,
            blocked_until,
            at,
        )

    async def clear(self, key: str) -> None:
        """Forget the failures."""
        await self._tx.change("DELETE FROM throttles WHERE key = ?", key)
