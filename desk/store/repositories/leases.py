"""Who owns what: one holder per name, with an epoch that counts up at each change of hands."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from desk.store.connection import Connection

_TAKE = (
    "INSERT INTO leases (name, holder, epoch, expires_at) VALUES (?, ?, 1, ?) "
    "ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at, "
    "epoch = leases.epoch + CASE WHEN leases.holder = excluded.holder THEN 0 ELSE 1 END "
    "WHERE leases.holder = excluded.holder OR leases.expires_at <= ? RETURNING epoch"
)


class SqlLeases:
    """Leases."""

    def __init__(self, tx: Connection) -> None:
        self._tx = tx

    async def take(self, name: str, holder: str, now: datetime, ttl_s: float) -> int | None:
        """Take or renew; give the epoch, or None when somebody else holds it."""
        row = await self._tx.row(_TAKE, name, holder, now + timedelta(seconds=ttl_s), now)
        return None if row is None else int(row[0])

    async def release(self, name: str, holder: str) -> None:
        """Give a lease up; nothing happens where somebody else holds it."""
        await self._tx.change(
            "UPDATE leases SET holder = '', expires_at = ? WHERE name = ? AND holder = ?",
            datetime.fromtimestamp(0, UTC),
            name,
            holder,
        )

    async def holder(self, name: str, now: datetime) -> tuple[str, int] | None:
        """Give who holds a lease, and its epoch."""
        row = await self._tx.row(
            "SELECT holder, epoch FROM leases WHERE name = ? AND expires_at > ?", name, now
        )
        return None if row is None else (str(row[0]), int(row[1]))
