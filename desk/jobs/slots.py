"""Times of the clock: when something is due, again and again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from trading.errors import BadSetting

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: What can be written for a time of the clock, for messages.
ALLOWED = "off, 15m, 6h, 1d, 07:30, 'mon 07:30' or 'day 1 07:30'"

_EVERY = re.compile(r"^(\d{1,4})([mhd])$")
_AT = re.compile(
    r"^(?:(?P<weekday>[a-z]{3})\s+|day\s+(?P<day>\d{1,2})\s+)?(?P<hour>\d{1,2}):(?P<minute>\d\d)$"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One time at which something is due.

    Attributes:
        label: its name for ever: of a calendar slot the local date, so that another time zone does not double a day.
    """

    label: str
    at: datetime


class When(Protocol):
    """A rule of the clock."""

    def slots(self, after: datetime, until: datetime, zone: ZoneInfo) -> Iterator[Slot]:
        """Give the slots in (after, until], oldest first."""
        ...

    @property
    def text(self) -> str:
        """The rule as it is written in the settings."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Every:
    """At whole multiples of a span since 1970, in UTC; any zone's clock changes leave it alone."""

    span: timedelta

    def slots(self, after: datetime, until: datetime, zone: ZoneInfo) -> Iterator[Slot]:
        """Give the slots in (after, until]."""
        at = _EPOCH + self.span * ((after - _EPOCH) // self.span + 1)
        while at <= until:
            yield Slot(label=f"{at:%Y-%m-%dT%H:%MZ}", at=at)
            at += self.span

    @property
    def text(self) -> str:
        """As in "15m"."""
        minutes = int(self.span.total_seconds()) // 60
        for size, unit in ((1440, "d"), (60, "h")):
            if minutes % size == 0:
                return f"{minutes // size}{unit}"
        return f"{minutes}m"


@dataclass(frozen=True, slots=True, kw_only=True)
class At:
    """At a time of the day: each day, on a weekday (0 is Monday), or on a day of the month.

    A time that a clock change leaves out comes an hour later; one that comes twice counts the first time.
    """

    time: time
    weekday: int | None = None
    day: int | None = None

    def slots(self, after: datetime, until: datetime, zone: ZoneInfo) -> Iterator[Slot]:
        """Give the slots in (after, until]."""
        day = after.astimezone(zone).date() - timedelta(days=1)
        last = until.astimezone(zone).date()
        while day <= last:
            at = datetime.combine(day, self.time, zone).astimezone(UTC)
            if self._is_on(day) and after < at <= until:
                yield Slot(label=day.isoformat(), at=at)
            day += timedelta(days=1)

    @property
    def text(self) -> str:
        """As in "mon 07:30"."""
        clock = f"{self.time:%H:%M}"
        if self.weekday is not None:
            return f"{_WEEKDAYS[self.weekday]} {clock}"
        return clock if self.day is None else f"day {self.day} {clock}"

    def _is_on(self, day: date) -> bool:
        if self.weekday is not None:
            return day.weekday() == self.weekday
        return self.day is None or day.day == self.day


def read_when(name: str, text: str) -> When | None:
    """Read a rule of the clock; None for "off".

    Raises:
        BadSetting: it cannot be read.
    """
    given = " ".join(text.lower().split())
    if given == "off":
        return None
    if found := _EVERY.match(given):
        span = int(found[1]) * {"m": 1, "h": 60, "d": 1440}[found[2]]
        if 1 <= span <= 31 * 1440:
            return Every(span=timedelta(minutes=span))
    elif (found := _AT.match(given)) and int(found["hour"]) < 24 and int(found["minute"]) < 60:
        at = time(int(found["hour"]), int(found["minute"]))
        weekday, day = found["weekday"], found["day"]
        if weekday in _WEEKDAYS:
            return At(time=at, weekday=_WEEKDAYS.index(weekday))
        if weekday is None and (day is None or 1 <= int(day) <= 28):
            return At(time=at, day=None if day is None else int(day))
    raise BadSetting(f"Time '{text}' was given for '{name}' in the schedule; {ALLOWED} is allowed.")
