"""`work` and `jobs`: doing background jobs in a process of their own, and looking after them."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from server.cli import output
from server.cli.options import AsJson, DataDir
from trading.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from datetime import datetime

    from desk.commands import Command
    from desk.ports import Unit
    from desk.views import Job, JobFile

jobs = typer.Typer(help="Background jobs: backtests, searches, checks.", no_args_is_help=True)

JobId = Annotated[str, typer.Argument(help="The job's id, or an end of it that only one job has.")]
AsUser = Annotated[str, typer.Option("--as", help="Who you are; by default the only owner.")]

#: Letters of an id that are shown, from its end: its beginning is the time, which neighbours share.
_SHOWN = 8
_SHORTEST = 4


def enter(app: typer.Typer) -> None:
    """Enter this group's commands."""
    app.command("work")(work)
    app.add_typer(jobs, name="jobs")


def work(
    hands: Annotated[int, typer.Option(help="Long jobs at once, each in a process of its own.")] = 1,
    data_dir: DataDir = None,
) -> int:
    """Do background jobs until Ctrl-C. Run as many of these as there are machines. Running jobs are given back."""
    from desk.logs import set_up_logs
    from server.cli.house import settings
    from server.up import secrets_of

    if not 1 <= hands <= 64:
        raise InvalidInput(f"{hands} hands were asked for; 1 to 64 are allowed.", hint="One for each core.")
    found = settings(data_dir)
    set_up_logs(level=found.log_level, form=found.log_format, secrets=secrets_of(found))
    return asyncio.run(_work(hands, data_dir))


async def _work(hands: int, data_dir: Path | None) -> int:
    from dataclasses import replace

    from desk.assembly import open_house
    from server.cli.house import remembered, settings
    from server.version import VERSION
    from workers.house import working
    from workers.kinds import Bench

    found = settings(data_dir)
    options = replace(remembered(found), role="work", is_trading=False, is_pumping=False, version=VERSION)
    stop = asyncio.Event()
    for one in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(one, stop.set)
    async with (
        open_house(options) as house,
        working(
            house.store,
            house.bus,
            house.clock,
            bell=house.bell,
            bench=Bench(feed=house.feed, strategy_path=found.strategy_path, settings=found),
            url=found.broker_url.reveal(),
            hands=hands,
            timetable=house.timetable,
        ),
    ):
        output.note(
            f"Working with {hands} hand{'s' if hands > 1 else ''}. Ctrl-C stops; running jobs are given back."
        )
        await stop.wait()
    return 0


@jobs.command("list")
def list_jobs(
    is_open: Annotated[
        bool, typer.Option("--open", help="Only jobs that something may still come of.")
    ] = False,
    kind: Annotated[str, typer.Option(help="Only this kind, e.g. backtest.")] = "",
    most: Annotated[int, typer.Option("--most", help="At most so many.")] = 30,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """List jobs, newest first."""
    found = asyncio.run(_listed(is_open, kind, most, data_dir))
    if as_json:
        output.emit_json({"jobs": [_document(one) for one in found]})
        return
    output.table(
        "Jobs",
        ("id", "kind", "what", "state", "done", "asked"),
        [
            (
                one.id[-_SHOWN:],
                one.kind,
                one.title,
                one.state,
                f"{one.ratio:.0%}",
                f"{one.created_at:%Y-%m-%d %H:%M}",
            )
            for one in found
        ],
        right=(4,),
    )


@jobs.command("schedule")
def show_schedule(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Show what is done by the clock. Tells when it was done last, what became of it, and when it comes next."""
    rows = asyncio.run(_schedule(data_dir))
    if as_json:
        output.emit_json({"schedule": rows})
        return
    output.table(
        "By the clock",
        ("name", "when", "missed ones", "last", "", "next", "what"),
        [
            (
                one["name"],
                one["when"],
                one["missed"],
                _minute(one["last_at"]),
                one["last_outcome"] or "",
                _minute(one["next_at"]),
                one["words"],
            )
            for one in rows
        ],
    )


@jobs.command("show")
def show_job(
    job_id: JobId,
    save: Annotated[
        Path | None, typer.Option(help="Write the job's files (report, picture, table) into this folder.")
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Show a job: how far it is, what it found, its files."""
    job, files, contents = asyncio.run(_shown(job_id, save is not None, data_dir))
    if save is not None:
        if not save.is_dir():
            raise InvalidInput(f"Folder '{save}' does not exist.", hint="Make it first.")
        for name, data in contents.items():
            output.write_file(save / name, data)
    document = _document(job) | {"files": [{"name": one.name, "size": one.size} for one in files]}
    if as_json:
        output.emit_json(document | {"input": dict(job.input), "result": dict(job.result)})
        return
    screen = output.console()
    screen.print(f"[bold]{job.title}[/bold]: {job.kind}, {job.state}, {job.ratio:.0%}, tries {job.tries}")
    if job.error:
        screen.print(job.error)
    if metrics := job.result.get("metrics"):
        output.figures("", metrics, job.result.get("reasons") or {})
    if best := job.result.get("best"):
        screen.print("Best: " + ", ".join(f"{name}={value}" for name, value in best["params"].items()))
    for one in files:
        screen.print(f"{one.name}, {one.size:,} bytes" + (f", written to {save / one.name}" if save else ""))


@jobs.command("cancel")
def cancel_job(job_id: JobId, as_user: AsUser = "", data_dir: DataDir = None) -> None:
    """End a job; what it found so far is thrown away."""
    from desk.commands import CancelJob

    job = _ask(job_id, lambda own: CancelJob(job_id=own), as_user, data_dir)
    output.console().print(
        f"{job.title}: {job.state}." if not job.state.is_open else f"{job.title}: its worker will end it."
    )


@jobs.command("retry")
def retry_job(job_id: JobId, as_user: AsUser = "", data_dir: DataDir = None) -> None:
    """Start a failed or canceled job anew."""
    from desk.commands import RetryJob

    job = _ask(job_id, lambda own: RetryJob(job_id=own), as_user, data_dir)
    output.console().print(f"{job.title}: {job.state}.")


async def _listed(is_open: bool, kind: str, most: int, data_dir: Path | None) -> list[Job]:
    from desk.views import Filter, Page
    from server.cli.house import opened_store

    wanted = Filter(is_open=True if is_open else None, extra={"kind": kind} if kind else {})
    async with opened_store(data_dir) as store, store.reading() as tx:
        return [
            job
            for workspace in await tx.workspaces.all()
            for job in await tx.jobs.page(workspace.id, wanted, Page(first=most))
        ]


async def _schedule(data_dir: Path | None) -> list[dict[str, Any]]:
    from desk.clock import SystemClock
    from desk.jobs.timetable import Timetable, schedule_of
    from desk.news.sources import schedule_with_news
    from server.cli.house import opened_store, settings

    timetable = Timetable(schedule_with_news(settings(data_dir)))
    async with opened_store(data_dir) as store, store.reading() as tx:
        workspaces = sorted(await tx.workspaces.all(), key=lambda one: (one.created_at, one.id))
        return [
            {
                "workspace": workspace.name,
                "name": one.entry.name,
                "words": one.entry.words,
                "when": one.when,
                "missed": one.entry.missed.value,
                "last_at": one.last.slot_at if one.last else None,
                "last_outcome": one.last.outcome if one.last else None,
                "next_at": one.next_at,
            }
            for number, workspace in enumerate(workspaces)
            for one in await schedule_of(tx, workspace.id, timetable, SystemClock().now())
            if number == 0 or not one.entry.is_shared
        ]


async def _shown(
    job_id: str, with_contents: bool, data_dir: Path | None
) -> tuple[Job, list[JobFile], dict[str, bytes]]:
    from server.cli.house import opened_store

    async with opened_store(data_dir) as store, store.reading() as tx:
        job = await _found(tx, job_id)
        files = list(await tx.jobs.files(job.workspace_id, [job.id]))
        names = [one.name for one in files] if with_contents else []
        contents = {name: await tx.jobs.file(job.workspace_id, job.id, name) or b"" for name in names}
    return job, files, contents


async def _found(tx: Unit, job_id: str) -> Job:
    from desk.views import Filter, Page

    everything = [
        job
        for workspace in await tx.workspaces.all()
        for job in await tx.jobs.page(workspace.id, Filter(), Page(first=1_000))
    ]
    close = [one for one in everything if len(job_id) >= _SHORTEST and one.id.endswith(job_id)]
    if len(close) == 1:
        return close[0]
    if close:
        raise InvalidInput(f"'{job_id}' ends the ids of {len(close)} jobs; more of it is needed.")
    raise NotFound(f"No job is called '{job_id}'.", hint="See 'breakwater jobs list'.")


def _ask(job_id: str, command: Any, as_user: str, data_dir: Path | None) -> Job:
    from server.cli.admin import done

    async def own_id() -> str:
        from server.cli.house import opened_store

        async with opened_store(data_dir) as store, store.reading() as tx:
            return (await _found(tx, job_id)).id

    asked: Command = command(asyncio.run(own_id()))
    job: Any = done(asked, as_user, data_dir)
    found: Job = job
    return found


def _minute(found: datetime | None) -> str:
    return f"{found:%Y-%m-%d %H:%M}" if found else "–"


def _document(job: Job) -> dict[str, Any]:
    return {
        "id": job.id,
        "kind": job.kind,
        "title": job.title,
        "state": job.state,
        "ratio": job.ratio,
        "progress": dict(job.progress),
        "error": job.error,
        "tries": job.tries,
        "created_at": job.created_at,
        "started_at": job.started_at,
        "finished_at": job.finished_at,
    }
