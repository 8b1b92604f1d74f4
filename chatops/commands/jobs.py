"""Words about work in the background: backtests, searches, and how far they are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from chatops import kinds
from chatops.arguments import Argument
from chatops.book import Group, Page
from chatops.cards import (
    Button,
    Card,
    Chart,
    Column,
    Field,
    File,
    Money,
    Number,
    Press,
    Ratio,
    Table,
    Text,
    Tone,
    Value,
)
from chatops.commands.bots import setting
from chatops.commands.searching import search_so_far
from chatops.problems import misheard
from chatops.reading import reference
from chatops.room import Asked
from chatops.typing_repair import plain
from desk.commands import CancelJob, RetryJob, RunBacktest, RunOptimization
from desk.ports import Unit
from desk.views import Filter, Job, JobFile, JobState
from desk.views import Page as RowPage

PAGE = Page(Group.RESEARCH)

_STRATEGY = Argument(name="strategy", read=kinds.name, is_required=True, offers="strategy")
_PAIRS = Argument(name="pairs", read=kinds.pairs, is_required=True, offers="pair")
_TF = Argument(name="tf", read=kinds.name, default="1h", offers=("5m", "15m", "1h", "4h", "1d"))
_FROM = Argument(name="from", read=kinds.day, only_named=True)
_TO = Argument(name="to", read=kinds.day, only_named=True)
_RANGE = Argument(name="range", read=kinds.stretch)
_TRAILING = Argument(name="trailing", read=kinds.choice("close", "venue"), only_named=True, default="close")
_DETAIL = Argument(name="detail", read=kinds.name, only_named=True, default="")
_MODEL = Argument(name="model", read=kinds.name, only_named=True, default="")
_JOB = Argument(name="id", read=kinds.name, offers="job")


@PAGE.word(
    "backtest",
    example="/backtest trend_following BTC/USDT 1h from=2026-01-01 fast_bars=20",
    asks=RunBacktest,
    aliases=("bt",),
    arguments=(_STRATEGY, _PAIRS, _TF, _RANGE, _FROM, _TO, _TRAILING, _DETAIL, _MODEL),
    keeps_settings=True,
)
async def backtest(asked: Asked) -> Card:
    """Run a strategy over a history in the background; other key=value words are its parameters."""
    args = asked.args
    since, until = _stretch(asked)
    outcome = await asked.do(
        RunBacktest(
            strategy=args["strategy"],
            pairs=args["pairs"],
            timeframe=args["tf"],
            since=since,
            until=until,
            trailing=args["trailing"],
            detail=args["detail"],
            model=args["model"],
            parameters=tuple((key, setting(typed)) for key, typed in args["settings"].items()),
        )
    )
    return queued(outcome.view)


@PAGE.word(
    "optimize",
    example="/optimize trend_following BTC/USDT 1h trials=50",
    asks=RunOptimization,
    aliases=("hyperopt",),
    arguments=(
        _STRATEGY,
        _PAIRS,
        _TF,
        _RANGE,
        _FROM,
        _TO,
        _TRAILING,
        _DETAIL,
        _MODEL,
        Argument(name="trials", read=kinds.whole(2, 5_000), only_named=True, default=50),
        Argument(name="objective", read=kinds.name, only_named=True, default=""),
    ),
    keeps_settings=True,
)
async def optimize(asked: Asked) -> Card:
    """Search a strategy's parameters; fast_bars=10:30:5 or a,b,c makes an axis, none searches its own ranges."""
    args = asked.args
    since, until = _stretch(asked)
    more: dict[str, Any] = {"objective": args["objective"]} if args["objective"] else {}
    outcome = await asked.do(
        RunOptimization(
            strategy=args["strategy"],
            pairs=args["pairs"],
            timeframe=args["tf"],
            since=since,
            until=until,
            trailing=args["trailing"],
            detail=args["detail"],
            model=args["model"],
            grid=tuple(f"{key}={typed}" for key, typed in args["settings"].items()),
            trials=args["trials"],
            **more,
        )
    )
    return queued(outcome.view)


def _stretch(asked: Asked) -> tuple[datetime | None, datetime | None]:
    """Give from when to when: a range, `from=` and `to=`, or everything."""
    stretch: timedelta | tuple[datetime | None, datetime | None] | None = asked.args["range"]
    since, until = (asked.now - stretch, None) if isinstance(stretch, timedelta) else stretch or (None, None)
    return asked.args["from"] or since, asked.args["to"] or until


def queued(job: Job) -> Card:
    """Give the card of a job that was asked for, followed until it ends."""
    known = reference(job.id)
    return Card(
        name="job",
        title=Text("job.queued", {"title": job.title}),
        tone=Tone.GOOD,
        fields=(Field("id", known), Field("state", Text(f"job_state.{job.state.value}"))),
        notes=(Text("job.follow", {"id": known}),),
        buttons=_buttons(job),
        renewed_by=f"/jobs {known}",
    )


def _buttons(job: Job) -> tuple[Button, ...]:
    known = reference(job.id)
    if job.state.is_open:
        return (
            Button(name="refresh", press=Press.SAY, line=f"/jobs {known}"),
            Button(name="cancel_job", press=Press.SAY, line=f"/cancel {known}"),
        )
    if job.state in (JobState.FAILED, JobState.CANCELED):
        return (Button(name="retry", press=Press.SAY, line=f"/cancel {known} --retry"),)
    return ()


@PAGE.word(
    "jobs",
    example="/jobs a1b2c3 file=report.pdf",
    arguments=(
        _JOB,
        Argument(name="file", read=kinds.name, only_named=True),
        Argument(name="n", read=kinds.whole(1, 100), only_named=True, default=10),
    ),
)
async def jobs(asked: Asked) -> Card:
    """List the jobs, or show one with its progress, its figures and a file of it."""
    if asked.args["id"] is not None:
        return await _one(asked)
    async with asked.store.reading() as tx:
        rows = await tx.jobs.page(asked.workspace_id, Filter(), RowPage(first=asked.args["n"]))
    return Card(
        name="jobs",
        title=Text("job.title", {"n": len(rows)}),
        tables=(
            Table(
                name="jobs",
                columns=(
                    Column("id"),
                    Column("job"),
                    Column("state"),
                    Column("progress"),
                    Column("asked_at", 1),
                    Column("took", 2),
                ),
                rows=tuple(
                    (
                        reference(one.id),
                        Text(f"job_kind.{one.kind}", {"title": one.title}),
                        Text(f"job_state.{one.state.value}"),
                        Ratio(one.ratio, digits=0),
                        one.created_at,
                        one.finished_at - one.started_at if one.finished_at and one.started_at else None,
                    )
                    for one in rows
                ),
            ),
        )
        if rows
        else (),
        notes=() if rows else (Text("job.none"),),
        buttons=(Button(name="refresh", press=Press.SAY, line="/jobs"),) if rows else (),
    )


async def _found(asked: Asked) -> Job:
    """Give the job of a reference; without one the newest that is open.

    Raises:
        Misheard: nothing fits.
    """
    typed = asked.args["id"]
    async with asked.store.reading() as tx:
        rows = await tx.jobs.page(asked.workspace_id, Filter(), RowPage(first=200))
    if typed is None:
        found = next((one for one in rows if one.state.is_open), None)
    else:
        wanted = plain(typed).lstrip("#").lower()
        found = next((one for one in rows if wanted in (one.id.lower(), reference(one.id).lower())), None)
    if found is None:
        raise misheard("unknown_job", advice="jobs", problem="not_found", found=typed or "–")
    return found


#: Figures of a result that people look at first.
_FIGURES = {
    "roi": "total_return",
    "sharpe": "sharpe",
    "sortino": "sortino",
    "profit_factor": "profit_factor",
    "expectancy": "expectancy",
    "max_drawdown": "max_drawdown",
}
_SHARES = frozenset({"roi", "max_drawdown"})


async def _one(asked: Asked) -> Card:
    job = await _found(asked)
    async with asked.store.reading() as tx:
        files = await tx.jobs.files(asked.workspace_id, [job.id])
        wanted = _file_of(asked.args["file"], files)
        content = await tx.jobs.file(asked.workspace_id, job.id, wanted.name) if wanted else None
        chart = await _picture_of(asked, tx, job, files) or await search_so_far(asked, tx, job)
    fields = [
        Field("id", reference(job.id)),
        Field("state", Text(f"job_state.{job.state.value}"), _tone(job)),
        Field("progress", Text("job.bar", {"bar": bar(job.ratio), "share": Ratio(job.ratio, digits=0)})),
    ]
    if job.error:
        fields.append(Field("detail", job.error, Tone.BAD))
    fields += _figures(job.result)
    return Card(
        name="job",
        title=Text(f"job_kind.{job.kind}", {"title": job.title}),
        tone=_tone(job),
        fields=tuple(fields),
        notes=(Text("job.files", {"names": ", ".join(one.name for one in files)}),) if files else (),
        file=File(name=wanted.name, media_type=wanted.media_type, content=content)
        if wanted and content
        else None,
        chart=chart,
        buttons=_buttons(job),
        renewed_by=f"/jobs {reference(job.id)}" if job.state.is_open else "",
    )


#: Pictures that jobs leave, the one that says most first, and the kind of each.
_PICTURES = {"heat.png": "heat", "equity.png": "equity"}


async def _picture_of(asked: Asked, tx: Unit, job: Job, files: Sequence[JobFile]) -> Chart | None:
    """Give the picture that a job has drawn; None before its end."""
    known = {one.name for one in files}
    name = next((one for one in _PICTURES if one in known), "")
    content = await tx.jobs.file(asked.workspace_id, job.id, name) if name else None
    if content is None:
        return None
    return Chart(kind=_PICTURES[name], spec={}, name=f"{_PICTURES[name]}-{reference(job.id)}", png=content)


def _file_of(name: str | None, files: Any) -> JobFile | None:
    """Give the file that goes along: the named one, or the report.

    Raises:
        Misheard: there is no file of that name.
    """
    known: dict[str, JobFile] = {one.name: one for one in files}
    if name is None:
        return known.get("report.pdf")
    if name not in known:
        raise misheard(
            "unknown_file", advice="jobs", problem="not_found", found=name, allowed=", ".join(known) or "–"
        )
    return known[name]


def _figures(result: Any) -> list[Field]:
    found: list[Field] = []
    if "final_equity" in result:
        found.append(Field("equity", Money(Decimal(str(result["final_equity"])))))
    metrics = result.get("metrics") or (result.get("best") or {}).get("figures") or {}
    for name, label in _FIGURES.items():
        value = metrics.get(name)
        if value is None and name not in metrics:
            continue
        shown: Value = Ratio(value, is_signed=True) if name in _SHARES else Number(value)
        found.append(Field(label, shown))
    audit = result.get("audit")
    if audit:
        failed = [one["check"].replace("_", " ") for one in audit["checks"] if one["findings"]]
        found.append(
            Field("audit", Text("job.audit_failed", {"checks": ", ".join(failed)}), Tone.BAD)
            if failed
            else Field("audit", Text("job.audited"), Tone.GOOD)
        )
    params = (result.get("best") or {}).get("params") or {}
    if params:
        found.append(Field("best", ", ".join(f"{name}={value}" for name, value in params.items())))
    return found


def bar(ratio: float, width: int = 12) -> str:
    """Give a progress bar of blocks."""
    filled = round(max(0.0, min(1.0, ratio)) * width)
    return "█" * filled + "░" * (width - filled)


def _tone(job: Job) -> Tone:
    match job.state:
        case JobState.DONE:
            return Tone.GOOD
        case JobState.FAILED:
            return Tone.BAD
        case JobState.CANCELED:
            return Tone.WARN
        case _:
            return Tone.PLAIN


@PAGE.word(
    "cancel",
    example="/cancel a1b2c3",
    asks=CancelJob,
    also=(RetryJob,),
    arguments=(_JOB, Argument(name="retry", read=kinds.flag, is_switch=True, default=False)),
)
async def cancel(asked: Asked) -> Card:
    """End a job; with --retry start an ended one anew."""
    job = await _found(asked)
    if asked.args["retry"]:
        outcome = await asked.do(RetryJob(job_id=job.id))
        return queued(outcome.view)
    outcome = await asked.do(CancelJob(job_id=job.id))
    return Card(
        name="job",
        title=Text("job.ending", {"title": job.title}),
        tone=Tone.WARN,
        fields=(
            Field("id", reference(job.id)),
            Field("state", Text(f"job_state.{outcome.view.state.value}")),
        ),
        buttons=_buttons(outcome.view),
    )
