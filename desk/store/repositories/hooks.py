"""Ways in for signals."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from desk.clock import Clock
from desk.keyring import KeyRing
from desk.people_views import Webhook
from desk.store.connection import Connection
from desk.store.models import WebhookRow
from desk.store.repositories.personal import Personal
from desk.store.table import Table, Where, update

HOOKS = Table(WebhookRow, Webhook)


class SqlHooks:
    """Webhooks; the path is kept as a digest, the signing secret sealed with a key of the hook's own."""

    def __init__(self, tx: Connection, clock: Clock, ring: KeyRing | None) -> None:
        self._tx = tx
        self._personal = Personal(tx, clock, ring)

    async def add(self, hook: Webhook, *, path_hash: str, secret: str) -> None:
        """Write a hook."""
        sealed = await self._sealed(hook.workspace_id, hook.id, secret)
        await HOOKS.insert(self._tx, hook, path_hash=path_hash, secret_sealed=sealed)

    async def all(self, workspace_id: str) -> Sequence[Webhook]:
        """Give the hooks in use, oldest first."""
        where = Where(workspace_id=workspace_id).add("deleted_at IS NULL")
        return await HOOKS.find(self._tx, where, order="created_at, id")

    async def by_path(self, path_hash: str) -> tuple[Webhook, str] | None:
        """Give the hook of a path with its signing secret, in whatever workspace."""
        hook = await HOOKS.one(self._tx, Where(path_hash=path_hash).add("deleted_at IS NULL"))
        if hook is None:
            return None
        row = await self._tx.row("SELECT secret_sealed FROM webhooks WHERE id = ?", hook.id)
        sealed = "" if row is None else str(row[0])
        opened = await self._personal.open_secret(hook.workspace_id, f"hook:{hook.id}", "hmac", sealed)
        return hook, opened.decode()

    async def rotate(
        self, workspace_id: str, hook_id: str, *, path_hash: str, path_ending: str, secret: str, at: datetime
    ) -> bool:
        """Give a hook a new path and secret; False when there is none."""
        changes = {
            "path_hash": path_hash,
            "path_ending": path_ending,
            "secret_sealed": await self._sealed(workspace_id, hook_id, secret),
            "rotated_at": at,
        }
        where = Where(workspace_id=workspace_id, id=hook_id).add("deleted_at IS NULL")
        return await update(self._tx, "webhooks", changes, where) == 1

    async def delete(self, workspace_id: str, hook_id: str, at: datetime) -> bool:
        """End a hook and forget its secret; False when there is none."""
        where = Where(workspace_id=workspace_id, id=hook_id).add("deleted_at IS NULL")
        changes = {"deleted_at": at, "path_hash": f"deleted:{hook_id}", "secret_sealed": ""}
        if not await update(self._tx, "webhooks", changes, where):
            return False
        await self._personal.erase(workspace_id, f"hook:{hook_id}")
        return True

    async def seen(self, workspace_id: str, hook_id: str, at: datetime, *, is_accepted: bool) -> None:
        """Count a message."""
        column = "accepted" if is_accepted else "rejected"
        await self._tx.change(
            f"UPDATE webhooks SET {column} = {column} + 1, last_seen_at = ? WHERE workspace_id = ? AND id = ?",  # noqa: S608
            at,
            workspace_id,
            hook_id,
        )

    async def _sealed(self, workspace_id: str, hook_id: str, secret: str) -> str:
        return await self._personal.seal_secret(workspace_id, f"hook:{hook_id}", "hmac", secret.encode())
