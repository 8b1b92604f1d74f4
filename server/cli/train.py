"""`train`: a learned model, trained here and now or as a job."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from server.cli import inputs, output
from server.cli.options import AsJson, DataDir
from trading.errors import InvalidInput

if TYPE_CHECKING:
    from desk.models.plan import TrainingPlan
    from desk.models.views import ModelVersion
    from workers.hand import Result

Candles = Annotated[
    list[str] | None,
    typer.Option(
        "--candles", "-c", help="A candle file or venue:PAIR:timeframe; repeat it for several pairs."
    ),
]


def enter(app: typer.Typer) -> None:
    """Enter this group's commands."""
    app.command("train")(train)


def train(
    model: Annotated[str, typer.Argument(help="Name of the model; versions count up under it.")],
    candles: Candles = None,
    pairs: Annotated[
        list[str] | None, typer.Option("--pair", help="With --job: a pair whose stored candles are used.")
    ] = None,
    kind: Annotated[
        str, typer.Option(help="linear, lstm or transformer; the networks need requirements/train.txt.")
    ] = "linear",
    timeframe: Annotated[str, typer.Option(help="With --job: of the candles.")] = "1h",
    horizon: Annotated[int, typer.Option(help="Bars that a forecast looks ahead.")] = 24,
    window: Annotated[int, typer.Option(help="Bars that a network sees.")] = 48,
    train_days: Annotated[int, typer.Option(help="What is learned from; 0 is everything known.")] = 0,
    least_train_days: Annotated[int, typer.Option(help="Before the first model of the walk.")] = 60,
    retrain_days: Annotated[int, typer.Option(help="How long a version is used.")] = 30,
    stride: Annotated[int, typer.Option(help="Every so many bars of a pair are learned from.")] = 4,
    seeds: Annotated[int, typer.Option(help="How often a network is trained in the walk.")] = 1,
    round_trip_cost: Annotated[float, typer.Option(help="Both fees and slippages, as a ratio.")] = 0.003,
    auto_promote: Annotated[
        bool,
        typer.Option(
            "--auto-promote", help="Scheduled versions take the place of the one that speaks, as in the walk."
        ),
    ] = False,
    as_job: Annotated[bool, typer.Option("--job", help="Let the workers do it.")] = False,
    as_user: Annotated[str, typer.Option("--as", help="Who you are; by default the only owner.")] = "",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Train the next version of a model. The walk-forward that judges it comes with it. It speaks when promoted."""
    options = {
        "model": model,
        "kind": kind,
        "horizon_bars": horizon,
        "window_bars": window,
        "train_days": train_days,
        "least_train_days": least_train_days,
        "retrain_days": retrain_days,
        "stride_bars": stride,
        "seeds": seeds,
        "round_trip_cost": round_trip_cost,
        "auto_promote": auto_promote,
    }
    if as_job:
        _queue({**options, "pairs": tuple(pairs or ()), "timeframe": timeframe}, as_user, data_dir, as_json)
        return
    version = _here(options, candles or [], data_dir)
    if as_json:
        from server.cli.models import document

        output.emit_json(document(version) | {"card": dict(version.card)})
        return
    screen = output.console()
    screen.print(f"{version.label} is trained. {version.card['verdict']}")
    screen.print(f"Let it speak: breakwater models promote {version.model} --version {version.version}")


def _queue(given: dict[str, Any], as_user: str, data_dir: Path | None, as_json: bool) -> None:
    from desk.commands import TrainModel
    from server.cli.admin import done

    job: Any = done(TrainModel(**given), as_user, data_dir)
    if as_json:
        output.emit_json({"job": {"id": job.id, "kind": job.kind, "title": job.title, "state": job.state}})
    else:
        output.console().print(f"Queued: {job.title}. See 'breakwater jobs show {job.id[-8:]}'.")


def _here(options: dict[str, Any], sources: list[str], data_dir: Path | None) -> ModelVersion:
    """Train in this process; nothing is entered before everything is done, so Ctrl-C leaves nothing behind."""
    from desk.models.plan import TrainingPlan
    from workers.forecasts.training import run

    if not sources:
        raise InvalidInput(
            "No candles were given; a training needs the candles of one pair at least.",
            hint="Name them with --candles, or give --job and --pair.",
        )
    series = [inputs.candles(one, data_dir=data_dir) for one in sources]
    for source, one in zip(sources, series, strict=True):
        if not one.pair:
            raise InvalidInput(
                f"'{source}' does not say which pair it is; a model is asked by pair.",
                hint="Name the file like binance_BTC-USDT_1h.csv, or give a stored series.",
            )
    plan = TrainingPlan(
        **options, pairs=tuple(one.pair for one in series), timeframe=str(series[0].timeframe)
    )
    with output.progress() as bar:
        task = bar.add_task("walk-forward", total=None)
        made = run(
            {"plan": plan.as_values(), "candles": series, "retrain_ms": None},
            lambda name, at, of: bar.update(task, description=name, completed=at, total=of),
        )
    return asyncio.run(_entered(plan, made, data_dir))


async def _entered(plan: TrainingPlan, made: Result, data_dir: Path | None) -> ModelVersion:
    from desk.clock import SystemClock
    from desk.identity import new_id
    from desk.models.registry import enter_version
    from desk.models.room import room_of
    from desk.models.tracking import track
    from server.cli.house import opened_store, settings

    found = settings(data_dir)
    room = room_of(found)
    # The files come first: a version in the registry whose files are not there would be a promise.
    for _, body in made.files.values():
        await room.shelf.put(body)
    async with opened_store(data_dir) as store:
        async with store.transaction() as tx:
            workspaces = sorted(await tx.workspaces.all(), key=lambda one: (one.created_at, one.id))
            if not workspaces:
                raise InvalidInput(
                    "Nobody lives in this store yet; a model belongs to a workspace.",
                    hint="Start 'breakwater up' once, or add an owner with 'breakwater user add'.",
                )
            workspace = workspaces[0]
            version = await enter_version(
                tx,
                workspace.id,
                made.values,
                made.files,
                job_id=f"cli:{new_id()}",
                made_by="",
                at=SystemClock().now(),
            )
            await tx.models.keep(workspace.id, version.id)
        await track(found.mlflow_url, version, {name: body for name, (_, body) in made.files.items()})
        async with store.reading() as tx:
            kept = await tx.models.by_id(workspace.id, version.id)
    assert kept is not None, "it was written a moment ago"
    return kept
