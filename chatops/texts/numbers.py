"""Numbers, times and spans as a person reads them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

#: Shown where a number is undefined.
UNDEFINED = "–"

#: Currencies that are counted in cents; others keep up to eight digits.
_CENTS = frozenset({"USD", "USDT", "USDC", "FDUSD", "BUSD", "DAI", "EUR", "GBP", "CHF", "TRY", "BRL"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """How a language writes numbers and times."""

    group: str
    point: str
    percent: str
    months: tuple[str, ...]
    day_letter: str


_EN = Habits(
    group=",",
    point=".",
    percent="%",
    months=("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    day_letter="d",
)
_FR = Habits(
    group="\u202f",
    point=",",
    percent="\u00a0%",
    months=(
        "janv.",
        "févr.",
        "mars",
        "avr.",
        "mai",
        "juin",
        "juil.",
        "août",
        "sept.",
        "oct.",
        "nov.",
        "déc.",
    ),
    day_letter="j",
)


def habits_of(language: str) -> Habits:
    """Give a language's way of writing numbers."""
    return _FR if language == "fr" else _EN


def zone_of(name: str) -> ZoneInfo:
    """Give a time zone by its IANA name; an unknown one is UTC."""
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def number(
    value: Decimal | float | int, habits: Habits, *, digits: int | None = None, signed: bool = False
) -> str:
    """Write a number with groups of three; without `digits` a decimal keeps its own, trailing zeros dropped."""
    exact = value if isinstance(value, Decimal) else Decimal(repr(value))
    if not exact.is_finite():
        return UNDEFINED
    if digits is not None:
        exact = exact.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_EVEN)
    written = format(abs(exact), "f")
    whole, _, rest = written.partition(".")
    if digits is None:
        rest = rest.rstrip("0")
    grouped = f"{int(whole):,}".replace(",", habits.group)
    shown = grouped + (habits.point + rest if rest else "")
    is_nought = not exact
    sign = "−" if exact < 0 else "+" if signed and not is_nought else ""
    return sign + shown


def money(amount: Decimal, currency: str, habits: Habits, *, signed: bool = False) -> str:
    """Write an amount: cents for money-like currencies, significant digits for coins."""
    is_cents = not currency or currency in _CENTS
    # Below a tenth of a cent, two digits would hide the amount.
    digits = (2 if abs(amount) >= Decimal("0.01") or not amount else 6) if is_cents else 8
    shown = number(amount, habits, digits=digits, signed=signed)
    if digits > 2 and habits.point in shown:
        shown = shown.rstrip("0").rstrip(habits.point)
    return f"{shown}\u00a0{currency}" if currency else shown


def price(value: Decimal | None, habits: Habits) -> str:
    """Write a price in its own digits, two at least."""
    if value is None or not value.is_finite():
        return UNDEFINED
    # An average price has more digits than any tick: eight in all are shown.
    own = -int(round_to(value, 8).normalize().as_tuple().exponent)
    return number(value, habits, digits=max(own, 2))


def round_to(value: Decimal, digits: int) -> Decimal:
    """Give a number with at most so many significant digits; whole numbers stay whole."""
    if not value.is_finite() or not value:
        return value
    places = max(digits - 1 - value.adjusted(), 0)
    exponent = int(value.as_tuple().exponent)
    if exponent >= -places:
        return value
    return value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_EVEN).normalize()


def percent(value: float | None, habits: Habits, *, digits: int = 2, signed: bool = False) -> str:
    """Write a ratio as a percentage."""
    if value is None or not math.isfinite(value):
        return UNDEFINED
    return number(value * 100, habits, digits=digits, signed=signed) + habits.percent


def moment(at: datetime, language: str, zone: ZoneInfo) -> str:
    """Write a time to the minute in a person's zone, with the zone's name."""
    local = at.astimezone(zone)
    habits = habits_of(language)
    name = local.tzname() or "UTC"
    return f"{local.day} {habits.months[local.month - 1]} {local.year} {local:%H:%M} {name}"


def span(length: timedelta, habits: Habits) -> str:
    """Write a length of time by its two largest units."""
    seconds = int(abs(length.total_seconds()))
    units = (("", 86400, habits.day_letter), ("", 3600, "h"), ("", 60, "min"), ("", 1, "s"))
    parts: list[str] = []
    for _, size, letter in units:
        count, seconds = divmod(seconds, size)
        if count or (parts and letter != "s"):
            parts.append(f"{count} {letter}")
        if len(parts) == 2:
            break
    shown = [one for one in parts if not one.startswith("0 ")] or ["0 s"]
    return " ".join(shown).replace(" ", "\u00a0")


def rfc3339(at: datetime) -> str:
    """Write a time for programs."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
