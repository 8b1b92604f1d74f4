"""`models`: the registry of learned models, and which version speaks."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from server.cli import output
from server.cli.options import AsJson, DataDir

if TYPE_CHECKING:
    from desk.models.queries import ModelInfo
    from desk.models.views import ModelVersion

models = typer.Typer(help="Learned models: versions, cards, which one speaks.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Name of the model.")]
Number = Annotated[int, typer.Option("--version", help="Number of the version; 0 is the newest.")]
AsUser = Annotated[str, typer.Option("--as", help="Who you are; by default the only owner.")]


def enter(app: typer.Typer) -> None:
    """Enter this group's commands."""
    app.add_typer(models, name="models")


@models.command("list")
def list_models(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List models with the version that speaks. Tells what its walk-forward found."""
    found = asyncio.run(_listed(data_dir))
    if as_json:
        output.emit_json({"models": [_info(one) for one in found]})
        return
    output.table(
        "Learned models",
        ("model", "version", "speaks", "kind", "pairs", "learned until", "skill", "drift"),
        [_row(one, version) for one in found for version in one.versions],
        right=(1, 6),
    )


@models.command("show")
def show(name: Name, version: Number = 0, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Show the card of a version. Tells what it is, how it was judged, against what, and what to beware of."""
    found = asyncio.run(_shown(name, version, data_dir))
    if as_json:
        output.emit_json(
            document(found) | {"card": dict(found.card), "plan": dict(found.plan), "files": dict(found.files)}
        )
        return
    card, screen = found.card, output.console()
    screen.print(f"[bold]{found.label}[/bold]: {card['what']}")
    screen.print(card["verdict"])
    output.table(
        "Walk-forward",
        ("learner", "skill", "hit rate", "log-loss", "trades", "gross", "net"),
        [
            (
                row["name"],
                _figure(row["skill"], "+.4f"),
                _figure(row["hit_rate"], ".3f"),
                _figure(row["log_loss"], ".4f"),
                _figure(row["trades"], ".0f"),
                _figure(row["gross"], "+.3f"),
                _figure(row["net"], "+.3f"),
            )
            for row in card["table"]
        ],
        right=(1, 2, 3, 4, 5, 6),
    )
    for line in (*card["findings"], *card["caveats"]):
        screen.print(line)
    screen.print(f"Artefact {found.artefact}, data {found.data_hash}, code {found.code_hash}")


@models.command("promote")
def promote(
    name: Name,
    version: Number = 0,
    as_user: AsUser = "",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Let a version speak for its pairs from now on."""
    from desk.commands import PromoteModel
    from server.cli.admin import done

    found: Any = done(PromoteModel(model=name, version=version), as_user, data_dir)
    if as_json:
        output.emit_json(document(found))
        return
    output.console().print(f"{found.label} speaks for {', '.join(found.pairs)} from now on.")


@models.command("rollback")
def roll_back(name: Name, as_user: AsUser = "", data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Let the version speak that spoke before. Before the first there was none."""
    from desk.commands import RollBackModel
    from server.cli.admin import done

    found: Any = done(RollBackModel(model=name), as_user, data_dir)
    if as_json:
        output.emit_json({"speaks": None if found is None else document(found)})
        return
    output.console().print(
        f"No version of {name} speaks any more." if found is None else f"{found.label} speaks again."
    )


def document(version: ModelVersion) -> dict[str, Any]:
    """Give a version as plain values, without its card."""
    return {
        "model": version.model,
        "version": version.version,
        "kind": version.kind,
        "pairs": list(version.pairs),
        "timeframe": version.timeframe,
        "horizon_bars": version.horizon_bars,
        "retrain_at": version.retrain_at,
        "made_at": version.made_at,
        "state": version.state,
        "skill": version.skill,
        "verdict": version.card.get("verdict", ""),
        "artefact": version.artefact,
        "data_hash": version.data_hash,
        "code_hash": version.code_hash,
        "seed": version.seed,
    }


async def _listed(data_dir: Path | None) -> Sequence[ModelInfo]:
    from desk.models.queries import models_of
    from server.cli.house import opened_store

    async with opened_store(data_dir) as store, store.reading() as tx:
        return [one for workspace in await tx.workspaces.all() for one in await models_of(tx, workspace.id)]


async def _shown(name: str, version: int, data_dir: Path | None) -> ModelVersion:
    from desk.models.registry import version_named
    from server.cli.house import opened_store
    from trading.errors import NotFound

    async with opened_store(data_dir) as store, store.reading() as tx:
        for workspace in await tx.workspaces.all():
            if name in await tx.models.names(workspace.id):
                return await version_named(tx, workspace.id, name, version)
    raise NotFound(f"No model is called '{name}'.", hint="See 'breakwater models list'.")


def _row(one: ModelInfo, version: ModelVersion) -> tuple[str, ...]:
    drift = one.drift if one.drift is not None and one.drift.version == version.version else None
    return (
        one.model,
        str(version.version),
        "yes" if version.version == one.speaks else "",
        version.kind,
        str(len(version.pairs)),
        f"{version.retrain_at:%Y-%m-%d %H:%M}",
        _figure(version.skill, "+.4f"),
        "" if drift is None else ("alarming" if drift.is_alarming else "none"),
    )


def _info(one: ModelInfo) -> dict[str, Any]:
    return {
        "model": one.model,
        "speaks": one.speaks or None,
        "next_at": one.next_at,
        "versions": [document(version) for version in one.versions],
        "drift": None
        if one.drift is None
        else {
            "version": one.drift.version,
            "at": one.drift.at,
            "worst": one.drift.worst,
            "share_moved": one.drift.share_moved,
            "skill": one.drift.skill,
            "is_alarming": one.drift.is_alarming,
        },
    }


def _figure(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)
