"""Which report: an account or one of its bots, and a stretch of its owner's calendar."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from desk.reports.periods import Period, after, before, start_of

#: An account whose last bar is further from our clock than this has a time of its own: a replay, a simulation.
_OWN_TIME = timedelta(days=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportAsk:
    """Which report.

    Attributes:
        start: first day of the period.
        zone: name of the calendar's time zone.
        bot_id: empty for the whole account.
        only_to: person who asked for it; empty = everybody who is told of reports.
        by: how the asker is told: a channel, "me" for their own settings, empty for not at all.
    """

    account_id: str
    period: Period
    start: date
    zone: str
    bot_id: str = ""
    only_to: str = ""
    by: str = ""

    @property
    def since(self) -> datetime:
        """The beginning, UTC."""
        return _midnight(self.start, self.zone)

    @property
    def until(self) -> datetime:
        """The end, UTC."""
        return _midnight(after(self.start, self.period), self.zone)

    @property
    def last_day(self) -> date:
        """The last day of the period."""
        return after(self.start, self.period) - timedelta(days=1)

    @property
    def key(self) -> str:
        """What names it for ever: the same report is made once by the clock."""
        return f"report:{self.account_id}:{self.bot_id}:{self.period}:{self.start.isoformat()}"

    def as_input(self) -> dict[str, Any]:
        """Give it as a job's input."""
        return {
            "account_id": self.account_id,
            "period": self.period.value,
            "start": self.start.isoformat(),
            "zone": self.zone,
            "bot_id": self.bot_id,
            "only_to": self.only_to,
            "by": self.by,
        }


def read_ask(given: Mapping[str, Any]) -> ReportAsk:
    """Read a job's input."""
    return ReportAsk(
        account_id=given["account_id"],
        period=Period(given["period"]),
        start=date.fromisoformat(given["start"]),
        zone=given["zone"],
        bot_id=given.get("bot_id", ""),
        only_to=given.get("only_to", ""),
        by=given.get("by", ""),
    )


def last_complete(at: datetime, period: Period, zone: ZoneInfo) -> date:
    """Give the first day of the last period that is over at a time."""
    return before(start_of(at.astimezone(zone).date(), period), period)


def time_of(now: datetime, last_bar_at: datetime | None) -> datetime:
    """Give an account's time: ours, or that of its last bar where its market does not run by our clock."""
    if last_bar_at is None or abs(now - last_bar_at) <= _OWN_TIME:
        return now
    return last_bar_at


def _midnight(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)
