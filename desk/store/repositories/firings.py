"""Firings of the timetable: the unique key decides which process a slot belongs to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from desk.jobs.firings import Firing
from desk.store.connection import Connection
from desk.store.models import FiringRow
from desk.store.table import Table, Where

FIRINGS = Table(FiringRow, Firing)


class SqlFirings:
    """Firings of the timetable."""

    def __init__(self, tx: Connection) -> None:
        self._tx = tx

    async def claim(self, firing: Firing) -> bool:
        """Write a firing; False when its slot was taken before."""
        return await FIRINGS.insert_new(self._tx, firing)

    async def latest(self) -> Mapping[tuple[str, str], Firing]:
        """Give the latest firing of each workspace and entry."""
        return await self._latest("")

    async def latest_of(self, workspace_id: str) -> Mapping[str, Firing]:
        """Give the latest firing of each entry in a workspace."""
        found = await self._latest("AND one.workspace_id = ?", workspace_id)
        return {entry: one for (_, entry), one in found.items()}

    async def _latest(self, condition: str, *values: str) -> Mapping[tuple[str, str], Firing]:
        listed = ", ".join(f"one.{name}" for name in FIRINGS.columns)
        rows = await self._tx.rows(
            f"SELECT {listed} FROM firings one WHERE NOT EXISTS (SELECT 1 FROM firings later WHERE "  # noqa: S608
            "later.workspace_id = one.workspace_id AND later.entry = one.entry AND later.slot_at > one.slot_at) "
            f"{condition}",
            *values,
        )
        found = [FIRINGS.value(row, self._tx.dialect) for row in rows]
        return {(one.workspace_id, one.entry): one for one in found}

    async def page(self, workspace_id: str, entry: str, first: int) -> Sequence[Firing]:
        """Give an entry's firings, newest first."""
        where = Where(workspace_id=workspace_id, entry=entry)
        return await FIRINGS.find(self._tx, where, order="slot_at DESC", limit=first)

    async def prune(self, workspace_id: str, entry: str, before: datetime) -> int:
        """Forget firings of slots before a time."""
        where = Where(workspace_id=workspace_id, entry=entry).add("slot_at < ?", before)
        return await self._tx.change(f"DELETE FROM firings {where.sql}", *where.values)  # noqa: S608
