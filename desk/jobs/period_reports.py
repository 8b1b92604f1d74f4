"""Reports by the clock and on request: which are planned, and who is told when one is done."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime

from desk.alerting.raising import post
from desk.alerting.readers import readers_of
from desk.alerting.rules import alert_of, any_rule
from desk.execution.client_ids import stable_id
from desk.jobs.firings import Firing
from desk.jobs.queueing import new_job
from desk.jobs.zones import zone_of
from desk.ports import Unit
from desk.reports.period.asking import ReportAsk, last_complete, time_of
from desk.reports.periods import Period
from desk.views import Account, Bot, Job
from trading.events import Event, ReportReady

#: Sent wherever the person's own settings send such news.
OWN_CHOICE = "me"

#: Name of the kind of job.
KIND = "period_report"


def plan_reports(period: Period) -> Callable[[Unit, Firing], Awaitable[Sequence[Job]]]:
    """Give the plan of a period's reports: one for each account that saw a bar, and one for each bot that did."""

    async def plan(tx: Unit, firing: Firing) -> Sequence[Job]:
        zone = await zone_of(tx, firing.workspace_id)
        found: list[Job] = []
        for account in await tx.accounts.all(firing.workspace_id):
            status = await tx.accounts.status(firing.workspace_id, account.id)
            if status is None:
                continue
            start = last_complete(time_of(firing.slot_at, status.as_of), period, zone)
            whole = ReportAsk(account_id=account.id, period=period, start=start, zone=str(zone))
            bots = await tx.bots.of_account(firing.workspace_id, account.id)
            for bot in (None, *(one for one in bots if one.last_bar_at is not None)):
                ask = replace(whole, bot_id=bot.id if bot else "")
                found.append(report_job(ask, account, bot, firing.fired_at, dedupe_key=ask.key))
        return found

    return plan


def report_job(
    ask: ReportAsk,
    account: Account,
    bot: Bot | None,
    now: datetime,
    *,
    asked_by: str = "",
    channel: str = "",
    dedupe_key: str = "",
) -> Job:
    """Give the job of a report."""
    who = bot.name if bot else account.name
    return new_job(
        account.workspace_id,
        KIND,
        title=f"Report of {who}, {ask.period.value} from {ask.start.isoformat()}",
        input=ask.as_input(),
        now=now,
        asked_by=asked_by,
        channel=channel,
        dedupe_key=dedupe_key,
    )


async def tell_asker(tx: Unit, fact: ReportReady, ask: ReportAsk, now: datetime) -> list[Event]:
    """Write the message to the one person who asked; reports of the clock go by the rules of alerts instead."""
    if not ask.only_to or not ask.by:
        return []
    readers = [one for one in await readers_of(tx, fact.workspace_id) if one.member.user_id == ask.only_to]
    alert = alert_of(any_rule("report_ready"), fact, now)
    key = f"{alert.dedupe_key}:{ask.only_to}"
    own = replace(alert, dedupe_key=key, id=stable_id(fact.workspace_id, "alert", key))
    raised = await post(tx, own, readers, now, channels=None if ask.by == OWN_CHOICE else (ask.by,))
    return [] if raised is None else [replace(raised, account_id=fact.account_id)]
