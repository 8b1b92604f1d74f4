"""Entering versions into the registry, and choosing which one speaks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from desk.clock import from_ms
from desk.identity import new_id
from desk.models.files import CARD, FORECASTS, LINEAR, NETWORK, REFERENCE
from desk.models.plan import plan_from
from desk.models.shelf import digest_of
from desk.models.views import ModelVersion, Promotion, Reason, Shelved
from desk.ports import Unit
from trading.errors import Conflict, InvalidInput, InvariantBroken, NotFound, nearest
from trading.events import ModelPromoted

#: Name of a file in a job → (media type, contents).
Files = Mapping[str, tuple[str, bytes]]


async def enter_version(
    tx: Unit,
    workspace_id: str,
    made: Mapping[str, Any],
    files: Files,
    *,
    job_id: str,
    made_by: str,
    at: datetime,
) -> ModelVersion:
    """Enter what a training made under the next number of its name; its files are not on the shelf yet.

    Args:
        made: as `workers.forecasts.training` gives it.

    Raises:
        InvariantBroken: a file is missing.
    """
    plan = plan_from(made["plan"])
    model_file = LINEAR if plan.kind == "linear" else NETWORK
    for name in (model_file, FORECASTS, REFERENCE, CARD):
        if name not in files:
            raise InvariantBroken(f"The training of '{plan.model}' gave no file '{name}'.")
    latest = await tx.models.versions(workspace_id, plan.model, first=1)
    version = ModelVersion(
        id=new_id(),
        workspace_id=workspace_id,
        model=plan.model,
        version=latest[0].version + 1 if latest else 1,
        kind=plan.kind,
        pairs=plan.pairs,
        timeframe=plan.timeframe,
        horizon_bars=plan.horizon_bars,
        window_bars=plan.window_bars,
        retrain_at=from_ms(int(made["retrain_ms"])),
        files={
            name: {"sha256": digest_of(body), "size": len(body)} for name, (_, body) in sorted(files.items())
        },
        made_at=at,
        state=Shelved.WAITING,
        artefact=digest_of(files[model_file][1]),
        data_hash=str(made["data_hash"]),
        code_hash=str(made["code_hash"]),
        seed=int(made["seed"]),
        plan=plan.as_values(),
        card=dict(made["card"]),
        skill=made["skill"],
        job_id=job_id,
        made_by=made_by,
    )
    if not await tx.models.add(version):
        raise Conflict(
            f"{version.label} was entered by somebody else at the same moment.", hint="It is tried again."
        )
    return version


async def version_named(tx: Unit, workspace_id: str, model: str, version: int = 0) -> ModelVersion:
    """Give a version by name and number; 0 = the newest.

    Raises:
        NotFound: there is none.
    """
    names = await tx.models.names(workspace_id)
    if model not in names:
        raise NotFound(
            f"No model is called '{model[:60]}'; {', '.join(names) or 'none'} {'are' if len(names) > 1 else 'is'} known.",
            hint=nearest(model, names) or "Train one: breakwater train.",
        )
    if version == 0:
        return (await tx.models.versions(workspace_id, model, first=1))[0]
    found = await tx.models.one(workspace_id, model, version)
    if found is None:
        newest = (await tx.models.versions(workspace_id, model, first=1))[0].version
        raise NotFound(f"Model '{model}' has no version {version}; 1 to {newest} are there.")
    return found


async def askable(tx: Unit, workspace_id: str, named: str, pair: str, timeframe: str) -> ModelVersion:
    """Give the version that a backtest names as "NAME" or "NAME:VERSION", if it can be asked about a pair.

    Raises:
        NotFound: there is none.
        InvalidInput: it is of other pairs or another timeframe, its files are not on the shelf, or its training found a
            leak.
    """
    model, _, number = named.partition(":")
    if number and not (number.isascii() and number.isdigit() and int(number)):
        raise InvalidInput(
            f"Version '{number[:20]}' of '{model[:60]}' was asked for; a number from 1 on is allowed.",
            hint="For example hourly:3, or hourly for the newest.",
        )
    found = await version_named(tx, workspace_id, model, int(number or 0))
    if pair not in found.pairs or timeframe != found.timeframe:
        raise InvalidInput(
            f"{found.label} cannot be asked about {pair} {timeframe}: it forecasts {', '.join(found.pairs)} "
            f"{found.timeframe}."
        )
    require_usable(found)
    return found


def require_usable(version: ModelVersion) -> None:
    """Refuse a version that must not speak.

    Raises:
        InvalidInput: its files are not on the shelf, or its training found a leak.
    """
    if version.state is not Shelved.KEPT:
        raise InvalidInput(
            f"{version.label} cannot speak yet: its files are not on the shelf.",
            hint="See 'breakwater jobs list --kind model_keep'; retry it if it failed.",
        )
    if findings := version.card.get("findings"):
        raise InvalidInput(
            f"{version.label} cannot speak: its training found {len(findings)} leaks, the first: "
            f"{str(findings[0])[:200]}",
            hint="Train it anew on clean candles.",
        )


async def speaking_version(tx: Unit, workspace_id: str, model: str) -> int:
    """Give the number of the version that speaks; 0 = none."""
    found = await tx.models.promotions(workspace_id, model)
    return found[-1].version if found else 0


async def promote(
    tx: Unit, version: ModelVersion, *, at: datetime, by: str, reason: Reason = Reason.PROMOTED
) -> ModelPromoted:
    """Let a version speak for its pairs from now on.

    Raises:
        InvalidInput: its files are not on the shelf, or its training found a leak.
        Conflict: it speaks already.
    """
    require_usable(version)
    before = await speaking_version(tx, version.workspace_id, version.model)
    if before == version.version:
        raise Conflict(f"{version.label} speaks already.")
    return await _change(
        tx, version.workspace_id, version.model, version.version, before, at=at, by=by, reason=reason
    )


async def roll_back(tx: Unit, workspace_id: str, model: str, *, at: datetime, by: str) -> ModelPromoted:
    """Let the version speak that spoke before the present one, or none if there was none.

    Rolling back again goes further back, not back and forth.

    Raises:
        NotFound: no such model.
        Conflict: nothing of it speaks.
    """
    await version_named(tx, workspace_id, model)
    stack: list[int] = []
    for one in await tx.models.promotions(workspace_id, model):
        if one.reason is Reason.ROLLED_BACK:
            stack.pop()
        else:
            stack.append(one.version)
    if not stack:
        raise Conflict(f"No version of '{model}' speaks; there is nothing to roll back.")
    before = stack.pop()
    return await _change(
        tx, workspace_id, model, stack[-1] if stack else 0, before, at=at, by=by, reason=Reason.ROLLED_BACK
    )


async def _change(
    tx: Unit,
    workspace_id: str,
    model: str,
    version: int,
    before: int,
    *,
    at: datetime,
    by: str,
    reason: Reason,
) -> ModelPromoted:
    await tx.models.promote(
        Promotion(
            id=new_id(),
            workspace_id=workspace_id,
            model=model,
            version=version,
            before=before,
            at=at,
            reason=reason,
            by=by,
        )
    )
    return ModelPromoted(
        workspace_id=workspace_id, occurred_at=at, model=model, version=version, before=before, reason=reason
    )
