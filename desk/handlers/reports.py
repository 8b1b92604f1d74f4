"""Asking for a report of a day, a week or a month."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from desk.commands import MakeReport
from desk.desk import Desk, Handling
from desk.handlers.finding import account_of, bot_of
from desk.jobs.bell import Bell
from desk.jobs.period_reports import report_job
from desk.jobs.queueing import changed, queue
from desk.jobs.zones import UTC_ZONE
from desk.reports.period.asking import ReportAsk, last_complete, time_of
from desk.reports.periods import Period, start_of
from desk.views import Account, Bot, Job
from trading.errors import InvalidInput, nearest

#: Where the finished report may be sent.
WAYS = ("", "me", "email", "telegram", "discord")


class ReportHandlers:
    """Queues reports."""

    def __init__(self, bell: Bell) -> None:
        self._bell = bell

    def register(self, desk: Desk) -> None:
        """Enter the handler."""
        desk.handle(MakeReport, self.make)

    async def make(self, command: MakeReport, handling: Handling) -> Job:
        """Queue a report of the period that holds a day, or of the last one that is over."""
        period = _one_of(command.period, tuple(Period), "Period")
        way = _one_of(command.send_to, WAYS, "Way")
        actor = handling.actor
        member = await handling.tx.members.by_id(actor.workspace_id, actor.user_id)
        if way == "email" and (member is None or not member.email):
            raise InvalidInput(
                "The report was to be sent by mail; you have no address.", hint="An admin can set one."
            )
        bot: Bot | None = await bot_of(handling.tx, actor, command.bot_id) if command.bot_id else None
        account: Account = await account_of(handling.tx, actor, bot.account_id if bot else command.account_id)
        zone = ZoneInfo(member.time_zone) if member and member.time_zone else UTC_ZONE
        status = await handling.tx.accounts.status(actor.workspace_id, account.id)
        now = time_of(handling.now, status.as_of if status else None)
        start = (
            start_of(command.day, Period(period)) if command.day else last_complete(now, Period(period), zone)
        )
        if start > now.astimezone(zone).date():
            raise InvalidInput(f"The period from {start.isoformat()} has not begun yet.")
        ask = ReportAsk(
            account_id=account.id,
            period=Period(period),
            start=start,
            zone=str(zone),
            bot_id=bot.id if bot else "",
            only_to=actor.user_id or "nobody",
            by=way,
        )
        job = report_job(ask, account, bot, handling.now, asked_by=actor.user_id, channel=actor.channel)
        await queue(handling.tx, job)
        handling.emit(changed(job, handling.now))
        handling.after_commit.append(lambda: self._bell.ring(job.id))
        return job


def _one_of(found: str, allowed: tuple[str, ...], what: str) -> str:
    if found not in allowed:
        names = ", ".join(one for one in allowed if one)
        raise InvalidInput(
            f"{what} '{found}' was given; {names} are allowed.", hint=nearest(found, allowed) or None
        )
    return str(found)
