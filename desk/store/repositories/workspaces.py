"""Workspaces and the install itself."""

from __future__ import annotations

from collections.abc import Sequence

from desk.clock import Clock
from desk.identity import new_id
from desk.store.connection import Connection
from desk.store.models import InstallRow, WorkspaceRow
from desk.store.table import Table, Where, must_be_new
from desk.views import Install, Workspace
from trading.errors import NotFound

WORKSPACES = Table(WorkspaceRow, Workspace)
INSTALLS = Table(InstallRow, Install)


class SqlWorkspaces:
    """Workspaces and the install itself."""

    def __init__(self, tx: Connection, clock: Clock) -> None:
        self._tx = tx
        self._clock = clock

    async def create(self, name: str) -> Workspace:
        """Set up a workspace.

        Raises:
            Conflict: the name is taken.
        """
        workspace = Workspace(id=new_id(), name=name, created_at=self._clock.now())
        await must_be_new(self._tx, WORKSPACES, workspace, f"Workspace '{name}'")
        return workspace

    async def all(self) -> Sequence[Workspace]:
        """Give every workspace, oldest first."""
        return await WORKSPACES.find(self._tx, Where(), order="created_at, id")

    async def by_id(self, workspace_id: str) -> Workspace | None:
        """Give a workspace."""
        return await WORKSPACES.one(self._tx, Where(id=workspace_id))

    async def install(self) -> Install:
        """Give the install; the first call in a transaction names it for ever."""
        found = await INSTALLS.one(self._tx, Where())
        if found is not None:
            return found
        created = Install(id=new_id(), restore_epoch=0, created_at=self._clock.now())
        await INSTALLS.insert(self._tx, created)
        return created

    async def count_restore(self) -> int:
        """Count up the restore epoch, so that no order id of the lost time is ever used again.

        Raises:
            NotFound: the install was never named; nothing was ordered then.
        """
        row = await self._tx.row(
            "UPDATE installs SET restore_epoch = restore_epoch + 1 RETURNING restore_epoch"
        )
        if row is None:
            raise NotFound(
                "This database has no install id yet.", hint="Start it once before restoring into it."
            )
        return int(row[0])
