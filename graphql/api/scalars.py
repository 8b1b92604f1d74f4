"""Scalars: decimals as plain strings, times as RFC 3339 in UTC, durations as ISO 8601."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

import strawberry
from strawberry.types.scalar import ScalarDefinition

from api.ids import Cursor
from trading.errors import InvalidInput

#: Digits of a decimal on the wire.
MAX_DIGITS = 38

_DECIMAL = re.compile(r"-?\d{1,38}(\.\d{1,38})?", re.ASCII)
_DURATION = re.compile(
    r"P(?:(?P<days>\d{1,5})D)?(?:T(?:(?P<hours>\d{1,6})H)?(?:(?P<minutes>\d{1,7})M)?(?:(?P<seconds>\d{1,8})S)?)?",
    re.ASCII,
)


def write_decimal(value: Decimal) -> str:
    """Give a decimal without an exponent."""
    return format(value, "f")


def read_decimal(value: Any) -> Decimal:
    """Take a decimal from a string (or a whole number); a float would already have lost digits.

    Raises:
        InvalidInput: not a plain decimal of at most 38 digits.
    """
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not _DECIMAL.fullmatch(text):
        raise InvalidInput(
            f'{value!r} is not a decimal; write it as a string like "12.5", without an exponent.'
        )
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise InvalidInput(f"{value!r} is not a decimal.") from None
    if len(number.as_tuple().digits) > MAX_DIGITS:
        raise InvalidInput(f"{value!r} has too many digits; {MAX_DIGITS} are allowed.")
    return number


def write_time(value: datetime) -> str:
    """Give a time with microseconds and Z."""
    moment = value if value.tzinfo is UTC else value.astimezone(UTC)
    return moment.isoformat(timespec="microseconds")[:-6] + "Z"


def read_time(value: Any) -> datetime:
    """Take an RFC 3339 time; without a zone it is refused.

    Raises:
        InvalidInput: malformed, or no zone.
    """
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise InvalidInput(f"{value!r} is not a time; write it like 2026-01-31T12:00:00Z.") from None
    if moment.tzinfo is None:
        raise InvalidInput(f"{value!r} has no zone; add Z for UTC.")
    return moment.astimezone(UTC)


def write_duration(value: timedelta) -> str:
    """Give a duration in whole seconds, e.g. PT5400S."""
    return f"PT{round(value.total_seconds())}S"


def read_duration(value: Any) -> timedelta:
    """Take a duration of days, hours, minutes and seconds.

    Raises:
        InvalidInput: malformed, or nothing in it.
    """
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    parts = {name: int(found) for name, found in match.groupdict().items() if found} if match else {}
    if not parts:
        raise InvalidInput(f"{value!r} is not a duration; write it like PT2H30M or P1D.")
    return timedelta(**parts)


def scalar_map() -> dict[object, ScalarDefinition]:
    """Give our scalars by Python type."""
    return {
        Decimal: strawberry.scalar(
            name="Decimal",
            description="An exact number as a string, at most 38 digits, without an exponent.",
            serialize=write_decimal,
            parse_value=read_decimal,
        ),
        datetime: strawberry.scalar(
            name="DateTime",
            description="A time, RFC 3339, always UTC with microseconds and Z.",
            specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
            serialize=write_time,
            parse_value=read_time,
        ),
        timedelta: strawberry.scalar(
            name="Duration",
            description="A duration, ISO 8601: days, hours, minutes and seconds, e.g. PT2H30M.",
            serialize=write_duration,
            parse_value=read_duration,
        ),
        Cursor: strawberry.scalar(
            name="Cursor",
            description="A place in a list or in the journal; opaque.",
            serialize=str,
            parse_value=str,
        ),
    }
