"""Kinds of report jobs: what they read, and who is told when one is done."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from desk.jobs.period_reports import tell_asker
from desk.models.room import room_of
from desk.ports import Unit
from desk.reports.period.asking import read_ask
from desk.reports.period.facts import facts_of
from desk.research.runs import registry
from desk.views import Job
from trading.events import Event, ReportReady
from workers.hand import Result
from workers.kinds import Bench, Kind


async def gather(tx: Unit, bench: Bench, job: Job) -> dict[str, Any]:
    """Give the facts of the period; the replays in it are only prepared here."""
    facts = await facts_of(
        tx,
        bench.feed,
        registry(bench.strategy_path),
        job.workspace_id,
        read_ask(job.input),
        job.started_at or job.created_at,
        models=None if bench.settings is None else room_of(bench.settings),
    )
    return {"facts": facts, "strategy_path": bench.strategy_path}


async def tell(tx: Unit, job: Job, result: Result, now: Any) -> Sequence[Event]:
    """Tell that a report is there: whoever asked for it, or everybody who is told of reports."""
    ask, values = read_ask(job.input), result.values
    fact = ReportReady(
        workspace_id=job.workspace_id,
        account_id=ask.account_id,
        bot_id=ask.bot_id,
        occurred_at=now,
        job_id=job.id,
        report=values["title"],
        period=ask.period.value,
        trades=int(values["trades"]),
        wins=int(values["wins"]),
        pnl=Decimal(values["pnl"]),
        fees=Decimal(values["fees"]),
        risk_events=int(values["risk_events"]),
        asked_by=ask.only_to,
    )
    return [fact, *await tell_asker(tx, fact, ask, now)]


KINDS = (
    Kind(
        name="period_report",
        function="workers.reports.making:run",
        prepare=gather,
        conclude=tell,
        time_limit_s=900.0,
    ),
)
