"""Telling MLflow of a version, where somebody keeps one: an optional extra that nothing depends on."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import structlog

from desk.models.views import ModelVersion

log = structlog.get_logger(__name__)

#: Figures of a learner's row that are told.
_FIGURES = ("skill", "hit_rate", "rank_ic", "log_loss", "brier", "gross", "net", "turnover", "trades")


async def track(url: str, version: ModelVersion, files: Mapping[str, bytes]) -> bool:
    """Tell MLflow of a version; False where no address is set, or it could not be told.

    A tracking server that is away keeps no version from the shelf: the registry here is the record.
    """
    if not url:
        return False
    try:
        await asyncio.to_thread(_tell, url, version, files)
    except ImportError:
        log.error("tracking_failed", problem="mlflow is not installed; install breakwater[mlflow]")
        return False
    except Exception as problem:  # noqa: BLE001 - it raises what its many back ends raise
        log.error("tracking_failed", problem=f"{type(problem).__name__}: {problem}"[:300])
        return False
    return True


def _tell(url: str, version: ModelVersion, files: Mapping[str, bytes]) -> None:
    import mlflow

    mlflow.set_tracking_uri(url)
    mlflow.set_experiment(f"breakwater/{version.model}")
    with mlflow.start_run(run_name=version.label), TemporaryDirectory() as folder:
        mlflow.set_tags(
            {
                "artefact": version.artefact,
                "data_hash": version.data_hash,
                "code_hash": version.code_hash,
                "retrain_at": version.retrain_at.isoformat(),
            }
        )
        mlflow.log_params({name: str(value)[:500] for name, value in version.plan.items()})
        mlflow.log_metrics(figures_of(version))
        for name, body in files.items():
            path = Path(folder) / name
            path.write_bytes(body)
            mlflow.log_artifact(str(path))


def figures_of(version: ModelVersion) -> dict[str, float]:
    """Give the figures of a version's own row; what is not defined is left out."""
    rows: list[Any] = [row for row in version.card.get("table", ()) if row.get("name") == version.kind]
    found = {name: row.get(name) for row in rows for name in _FIGURES}
    return {name: float(value) for name, value in found.items() if value is not None}
