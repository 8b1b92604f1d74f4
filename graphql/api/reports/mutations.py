"""Asking for reports."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from uuid import UUID

import strawberry

from api.context import Info
from api.ids import own_id
from api.jobs.mutations import JobPayload, payload_of
from api.mutation import mutates
from desk.commands import MakeReport
from desk.reports.periods import Period

strawberry.enum(Period, name="ReportPeriod", description="A stretch of the calendar.")


@strawberry.enum(description="Where a finished report is sent.")
class ReportWay(StrEnum):
    """ME: wherever your news go."""

    ME = "me"
    EMAIL = "email"
    TELEGRAM = "telegram"
    DISCORD = "discord"


@strawberry.input
class MakeReportInput:
    """Which report."""

    idempotency_key: UUID
    period: Period
    account_id: strawberry.ID | None = strawberry.field(
        default=None, description="Left out: the only account."
    )
    bot_id: strawberry.ID | None = strawberry.field(
        default=None, description="Left out: the whole account, its bots beside each other."
    )
    day: date | None = strawberry.field(
        default=None, description="A day of the period; left out: the last period that is over."
    )
    send_to: ReportWay | None = strawberry.field(
        default=None, description="Left out: its files wait with the job."
    )


@strawberry.type
class MakeReportPayload(JobPayload):
    """The queued job; its files are report.pdf, report.xlsx and trades.csv."""


@strawberry.type
class ReportMutations:
    """Mutations about reports."""

    @mutates(MakeReport)
    async def make_report(self, info: Info, input: MakeReportInput) -> MakeReportPayload:
        """Make a report."""

        def build() -> MakeReport:
            return MakeReport(
                period=input.period.value,
                account_id=own_id("Account", input.account_id) if input.account_id else "",
                bot_id=own_id("Bot", input.bot_id) if input.bot_id else "",
                day=input.day,
                send_to=input.send_to.value if input.send_to else "",
            )

        return await payload_of(info, MakeReportPayload, build, input.idempotency_key)
