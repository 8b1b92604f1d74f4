"""The registry in the store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from desk.models.views import DriftReading, ModelVersion, Promotion, Spoken


class Models(Protocol):
    """Versions, promotions and drift readings; a version is written once, its files' state aside."""

    async def add(self, version: ModelVersion) -> bool:
        """Enter a version; False when its number under that name, or its job, is there already."""
        ...

    async def keep(self, workspace_id: str, version_id: str) -> None:
        """Write down that a version's files lie on the shelf."""
        ...

    async def by_id(self, workspace_id: str, version_id: str) -> ModelVersion | None: ...
    async def one(self, workspace_id: str, model: str, version: int) -> ModelVersion | None: ...
    async def by_job(self, workspace_id: str, job_id: str) -> ModelVersion | None: ...
    async def names(self, workspace_id: str) -> Sequence[str]:
        """Give the names of all models, sorted."""
        ...

    async def versions(
        self, workspace_id: str, model: str = "", *, first: int = 100
    ) -> Sequence[ModelVersion]:
        """Give versions of one model or of all, newest first."""
        ...

    async def digests(self) -> frozenset[str]:
        """Give the hashes of all files that versions of any workspace name."""
        ...

    async def spoken(self, workspace_id: str) -> Sequence[Spoken]:
        """Give every version that was ever promoted, without its card."""
        ...

    async def promote(self, promotion: Promotion) -> None:
        """Write that another version speaks."""
        ...

    async def promotions(self, workspace_id: str, model: str = "") -> Sequence[Promotion]:
        """Give who spoke since when, oldest first."""
        ...

    async def add_drift(self, reading: DriftReading) -> None: ...
    async def drifts(self, workspace_id: str, model: str, *, last: int = 30) -> Sequence[DriftReading]:
        """Give the newest readings of a model, newest first."""
        ...
