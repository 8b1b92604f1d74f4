"""The registry of learned models."""

from __future__ import annotations

from collections.abc import Sequence

from desk.models.views import DriftReading, ModelVersion, Promotion, Shelved, Spoken
from desk.store.connection import Connection
from desk.store.models import ModelDriftRow, ModelPromotionRow, ModelVersionRow
from desk.store.table import Table, Where, update

VERSIONS = Table(ModelVersionRow, ModelVersion)
SPOKEN = Table(ModelVersionRow, Spoken)
PROMOTIONS = Table(ModelPromotionRow, Promotion)
DRIFTS = Table(ModelDriftRow, DriftReading)


class SqlModels:
    """Versions, promotions and drift readings."""

    def __init__(self, tx: Connection) -> None:
        self._tx = tx

    async def add(self, version: ModelVersion) -> bool:
        """Enter a version; False when its number under that name, or its job, is there already."""
        return await VERSIONS.insert_new(self._tx, version)

    async def keep(self, workspace_id: str, version_id: str) -> None:
        """Write down that a version's files lie on the shelf."""
        where = Where(workspace_id=workspace_id, id=version_id)
        await update(self._tx, VERSIONS.name, {"state": Shelved.KEPT}, where)

    async def by_id(self, workspace_id: str, version_id: str) -> ModelVersion | None:
        """Give a version."""
        return await VERSIONS.one(self._tx, Where(workspace_id=workspace_id, id=version_id))

    async def one(self, workspace_id: str, model: str, version: int) -> ModelVersion | None:
        """Give a version by its number."""
        return await VERSIONS.one(self._tx, Where(workspace_id=workspace_id, model=model, version=version))

    async def by_job(self, workspace_id: str, job_id: str) -> ModelVersion | None:
        """Give the version that a job made."""
        return await VERSIONS.one(self._tx, Where(workspace_id=workspace_id, job_id=job_id))

    async def names(self, workspace_id: str) -> Sequence[str]:
        """Give the names of all models, sorted."""
        sql = "SELECT DISTINCT model FROM model_versions WHERE workspace_id = ? ORDER BY model"
        return [str(row[0]) for row in await self._tx.rows(sql, workspace_id)]

    async def versions(
        self, workspace_id: str, model: str = "", *, first: int = 100
    ) -> Sequence[ModelVersion]:
        """Give versions of one model or of all, newest first."""
        where = Where(workspace_id=workspace_id)
        if model:
            where.add("model = ?", model)
        return await VERSIONS.find(self._tx, where, order="made_at DESC, id DESC", limit=first)

    async def digests(self) -> frozenset[str]:
        """Give the hashes of all files that versions of any workspace name."""
        found = await SPOKEN.find(self._tx, Where())
        return frozenset(str(file["sha256"]) for one in found for file in one.files.values())

    async def spoken(self, workspace_id: str) -> Sequence[Spoken]:
        """Give every version that was ever promoted, without its card."""
        where = Where(workspace_id=workspace_id).add(
            "EXISTS (SELECT 1 FROM model_promotions p WHERE p.workspace_id = model_versions.workspace_id "
            "AND p.model = model_versions.model AND p.version = model_versions.version)"
        )
        return await SPOKEN.find(self._tx, where, order="made_at, id")

    async def promote(self, promotion: Promotion) -> None:
        """Write that another version speaks."""
        await PROMOTIONS.insert(self._tx, promotion)

    async def promotions(self, workspace_id: str, model: str = "") -> Sequence[Promotion]:
        """Give who spoke since when, oldest first."""
        where = Where(workspace_id=workspace_id)
        if model:
            where.add("model = ?", model)
        return await PROMOTIONS.find(self._tx, where, order='"at", id')

    async def add_drift(self, reading: DriftReading) -> None:
        """Keep a reading."""
        await DRIFTS.insert(self._tx, reading)

    async def drifts(self, workspace_id: str, model: str, *, last: int = 30) -> Sequence[DriftReading]:
        """Give the newest readings of a model, newest first."""
        where = Where(workspace_id=workspace_id, model=model)
        return await DRIFTS.find(self._tx, where, order='"at" DESC, id DESC', limit=last)
