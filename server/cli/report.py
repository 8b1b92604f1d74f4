"""`report`: the results of a day, a week or a month as files, straight from the store."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from server.cli import output
from server.cli.options import AsJson, DataDir
from trading.errors import InvalidInput, NotFound, nearest

if TYPE_CHECKING:
    from desk.ports import Unit
    from desk.reports.period.facts import PeriodFacts
    from desk.views import Account, Bot


def enter(app: typer.Typer) -> None:
    """Enter this group's command."""
    app.command("report")(report)


def report(
    period: Annotated[str, typer.Argument(help="day, week or month.")] = "day",
    bot: Annotated[str, typer.Option(help="Only this bot, by its name.")] = "",
    account: Annotated[str, typer.Option(help="This account, by its name; by default the only one.")] = "",
    day: Annotated[
        str,
        typer.Option(help="A day of the period, e.g. 2026-11-01; by default the last period that is over."),
    ] = "",
    zone: Annotated[str, typer.Option(help="Time zone of the calendar; by default the owner's.")] = "",
    form: Annotated[str, typer.Option(help="Files to write: any of pdf,xlsx,csv.")] = "pdf,xlsx,csv",
    save: Annotated[Path | None, typer.Option(help="Write the files into this folder.")] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Report a day, a week or a month. Holds trades, risk events, bots beside each other, drift from the backtest."""
    from desk.reports.period.document import document_of
    from desk.reports.period.files import files_of
    from desk.research.runs import registry
    from server.cli.house import settings

    if save is not None and not save.is_dir():
        raise InvalidInput(f"Folder '{save}' does not exist.", hint="Make it first.")
    found = settings(data_dir)
    facts = asyncio.run(_facts(period, bot, account, day, zone, data_dir))
    document = document_of(facts, registry(found.strategy_path))
    forms = [one.strip() for one in form.split(",") if one.strip()]
    files = files_of(document, forms) if save is not None else {}
    for name, (_, data) in files.items():
        assert save is not None, "files are made for a folder"
        output.write_file(save / name, data)
    if as_json:
        output.emit_json(document.values() | {"files": [str(save / name) for name in files] if save else []})
        return
    values = document.values()
    screen = output.console()
    screen.print(f"[bold]{document.title}[/bold]")
    output.table(
        "",
        ("bot", "strategy", "trades", "profit", "fees"),
        [(one["name"], one["strategy"], one["trades"], one["pnl"], one["fees"]) for one in values["bots"]],
        right=(2, 3, 4),
    )
    output.figures("", values["metrics"], values["reasons"])
    for one in document.drifts:
        match = "–" if one.signal_match is None else f"{one.signal_match:.1%}"
        screen.print(f"{one.bot}: same signals {match}, {one.gap:+.2f} {one.currency} beside its replay")
    for name, (_, data) in files.items():
        screen.print(f"{name}, {len(data):,} bytes, written to {save / name if save else name}")


async def _facts(
    period: str, bot: str, account: str, day: str, zone: str, data_dir: Path | None
) -> PeriodFacts:
    from datetime import date
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    from desk.assembly import make_feed
    from desk.clock import SystemClock
    from desk.jobs.zones import zone_of
    from desk.models.room import room_of
    from desk.reports.period.asking import ReportAsk, last_complete, time_of
    from desk.reports.period.facts import facts_of
    from desk.reports.periods import Period, start_of
    from desk.research.runs import registry
    from server.cli.house import opened_store, remembered, settings

    spans = [one.value for one in Period]
    if period not in spans:
        raise InvalidInput(
            f"Period '{period}' was given; {', '.join(spans)} are allowed.",
            hint=nearest(period, spans) or None,
        )
    try:
        wanted = date.fromisoformat(day) if day else None
    except ValueError as problem:
        raise InvalidInput(f"Day '{day}' was given; a day such as 2026-11-01 is allowed.") from problem
    clock = SystemClock()
    async with opened_store(data_dir) as store, store.reading() as tx:
        own, one = await _chosen(tx, bot, account)
        try:
            calendar = ZoneInfo(zone) if zone else await zone_of(tx, own.workspace_id)
        except (ZoneInfoNotFoundError, ValueError) as problem:
            raise InvalidInput(
                f"Time zone '{zone}' is unknown; a name such as Europe/Berlin is allowed."
            ) from problem
        status = await tx.accounts.status(own.workspace_id, own.id)
        now = time_of(clock.now(), status.as_of if status else None)
        start = start_of(wanted, Period(period)) if wanted else last_complete(now, Period(period), calendar)
        ask = ReportAsk(
            account_id=own.id,
            period=Period(period),
            start=start,
            zone=str(calendar),
            bot_id=one.id if one else "",
        )
        found = settings(data_dir)
        feed = make_feed(remembered(found), clock)
        try:
            return await facts_of(
                tx,
                feed,
                registry(found.strategy_path),
                own.workspace_id,
                ask,
                clock.now(),
                models=room_of(found),
            )
        finally:
            await feed.close()


async def _chosen(tx: Unit, bot: str, account: str) -> tuple[Account, Bot | None]:
    """Find the account, and the bot if one was named."""
    accounts: list[Account] = []
    bots: list[Bot] = []
    for workspace in await tx.workspaces.all():
        accounts += await tx.accounts.all(workspace.id)
        bots += await tx.bots.all(workspace.id)
    if bot:
        one = _named(bot, bots, "bot")
        return next(own for own in accounts if own.id == one.account_id), one
    if account:
        return _named(account, accounts, "account"), None
    if len(accounts) != 1:
        names = ", ".join(one.name for one in accounts)
        raise InvalidInput(
            f"There are {len(accounts)} accounts{': ' if names else ''}{names}; a report is about one.",
            hint="Name it with --account." if accounts else "`breakwater up --demo` makes one.",
        )
    return accounts[0], None


def _named(name: str, rows: list[Any], what: str) -> Any:
    for one in rows:
        if name in (one.name, one.id):
            return one
    names = [one.name for one in rows]
    raise NotFound(
        f"No {what} is called '{name}'.", hint=nearest(name, names) or f"Known: {', '.join(names)}."
    )
