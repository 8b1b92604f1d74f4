"""Finished trades summed by day, week or month of a person's calendar, by pair, or by tag."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from zoneinfo import ZoneInfo

from desk.views import Trade


class Period(StrEnum):
    """A stretch of the calendar."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """What a group of trades came to, net of all costs.

    Attributes:
        win_ratio: trades with a profit above nought, of all; None without trades.
        mean_ratio: mean return per trade on its entry value; None without trades.
    """

    trades: int
    wins: int
    losses: int
    pnl: Decimal
    fees: Decimal
    win_ratio: float | None
    mean_ratio: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodSum:
    """A stretch of the calendar that starts on a day, and what its trades came to."""

    start: date
    sum: Sum


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupSum:
    """A group by pair or tag, and what its trades came to."""

    name: str
    sum: Sum


def summed(trades: Iterable[Trade]) -> Sum:
    """Add trades up."""
    rows = tuple(trades)
    wins = sum(1 for one in rows if one.pnl > 0)
    return Sum(
        trades=len(rows),
        wins=wins,
        losses=sum(1 for one in rows if one.pnl < 0),
        pnl=sum((one.pnl for one in rows), Decimal(0)),
        fees=sum((one.fees for one in rows), Decimal(0)),
        win_ratio=wins / len(rows) if rows else None,
        mean_ratio=sum(one.pnl_ratio for one in rows) / len(rows) if rows else None,
    )


def start_of(day: date, period: Period) -> date:
    """Give the first day of the period that holds a day; weeks start on Monday."""
    if period is Period.WEEK:
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if period is Period.MONTH else day


def before(start: date, period: Period) -> date:
    """Give the start of the period before."""
    return start_of(start - timedelta(days=1), period)


def after(start: date, period: Period) -> date:
    """Give the start of the period after."""
    span = {Period.DAY: 1, Period.WEEK: 7, Period.MONTH: 31}[period]
    return start_of(start + timedelta(days=span), period)


def by_period(
    trades: Sequence[Trade], period: Period, *, count: int, until: datetime, zone: ZoneInfo
) -> tuple[PeriodSum, ...]:
    """Sum trades by the period in which they closed: `count` periods up to `until`, idle ones too, newest first."""
    groups: dict[date, list[Trade]] = {}
    for one in trades:
        groups.setdefault(start_of(one.closed_at.astimezone(zone).date(), period), []).append(one)
    found: list[PeriodSum] = []
    start = start_of(until.astimezone(zone).date(), period)
    for _ in range(count):
        found.append(PeriodSum(start=start, sum=summed(groups.get(start, ()))))
        start = before(start, period)
    return tuple(found)


def by_group(trades: Sequence[Trade], key: Callable[[Trade], str]) -> tuple[GroupSum, ...]:
    """Sum trades by a key, the most profitable group first."""
    groups: dict[str, list[Trade]] = {}
    for one in trades:
        groups.setdefault(key(one), []).append(one)
    found = (GroupSum(name=name, sum=summed(rows)) for name, rows in groups.items())
    return tuple(sorted(found, key=lambda one: (-one.sum.pnl, one.name)))
