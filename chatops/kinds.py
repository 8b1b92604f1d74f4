"""Kinds of argument: how each is read, and what is said when it cannot be."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, TypeAlias
from zoneinfo import available_timezones

from chatops.problems import did_you_mean, misheard
from chatops.typing_repair import plain
from trading.errors import InvalidInput, nearest
from trading.timeframes import Timeframe

#: Reads one typed value; the first parameter is the argument's name.
Reader: TypeAlias = Callable[[str, str], Any]

_UNITS = {"w": 604_800, "d": 86_400, "j": 86_400, "h": 3_600, "m": 60, "min": 60, "s": 1}
_SPAN = re.compile(r"(\d+(?:\.\d+)?)(min|[wdjhms])")
_PAIR = re.compile(r"[A-Z0-9]{1,20}/[A-Z0-9]{2,20}(:[A-Z0-9]{2,20})?")
_STRETCH = re.compile(r"(?P<since>\d{8}|\d{4}-\d\d-\d\d)?(?:\.\.|-)(?P<until>\d{8}|\d{4}-\d\d-\d\d)?")
_LONGEST_SPAN = timedelta(days=366)
_LONGEST_WORDS = 500


def words(name: str, typed: str) -> str:
    """Read free text."""
    if len(typed) > _LONGEST_WORDS:
        raise misheard("too_long", name=name, n=len(typed), limit=_LONGEST_WORDS)
    return typed.strip()


def name(name: str, typed: str) -> str:
    """Read a name: of a bot, a strategy, a command, a trade."""
    return words(name, typed)


@dataclass(frozen=True, slots=True)
class Whole:
    """Reads a whole number in a range; doors that have typed inputs ask for the range."""

    lowest: int
    highest: int

    def __call__(self, name: str, typed: str) -> int:
        """Read one."""
        shown = plain(typed)
        if not re.fullmatch(r"[+-]?\d{1,12}", shown) or not self.lowest <= int(shown) <= self.highest:
            raise misheard("whole", name=name, found=typed, lowest=self.lowest, highest=self.highest)
        return int(shown)


def whole(lowest: int, highest: int) -> Reader:
    """Make the reader of a whole number in a range."""
    return Whole(lowest, highest)


def amount(name: str, typed: str) -> Decimal:
    """Read a positive amount; a single comma with one or two digits after it is a decimal comma."""
    shown = plain(typed).replace("_", "")
    if re.fullmatch(r"\d+,\d{1,2}", shown):
        shown = shown.replace(",", ".")
    try:
        value = Decimal(shown.replace(",", ""))
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or not Decimal(0) < value < Decimal(10) ** 12:
        raise misheard("amount", name=name, found=typed)
    return value


def share(name: str, typed: str) -> Decimal:
    """Read a percentage (50, 50%, 12,5 %) as a share of one."""
    shown = plain(typed).replace("%", "").replace(",", ".").strip()
    try:
        value = Decimal(shown) / 100
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or not Decimal(0) < value <= 1:
        raise misheard("share", name=name, found=typed)
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """A price, or a distance from one as a share of it."""

    price: Decimal | None = None
    ratio: Decimal | None = None

    def at(self, price: Decimal | None, *, is_above: bool) -> Decimal | None:
        """Give it as a price; a distance is taken from `price`, None where that is not known."""
        if self.ratio is None or price is None:
            return self.price
        moved = price * (1 + self.ratio if is_above else 1 - self.ratio)
        return moved.quantize(Decimal(1).scaleb(min(int(price.as_tuple().exponent), 0)))


def level(name: str, typed: str) -> Level:
    """Read a price, or a distance such as 2%."""
    if plain(typed).endswith("%"):
        return Level(ratio=share(name, typed))
    return Level(price=amount(name, typed))


def span(name: str, typed: str) -> timedelta:
    """Read a duration such as 2h30m, 90min or 1.5d."""
    shown = plain(typed).lower().replace(" ", "").replace(",", ".")
    parts = _SPAN.findall(shown)
    if not parts or "".join(number + unit for number, unit in parts) != shown:
        raise misheard("span", name=name, found=typed)
    seconds = sum(Decimal(number) * _UNITS[unit] for number, unit in parts)
    if not 0 < seconds <= _LONGEST_SPAN.total_seconds():
        raise misheard("span_range", name=name, found=typed, longest=_LONGEST_SPAN)
    return timedelta(seconds=float(seconds))


def pair(name: str, typed: str) -> str:
    """Read a pair; btc-usdt and BTC_USDT are BTC/USDT. One without a quote is completed by the word that asked."""
    shown = plain(typed).upper().replace("-", "/").replace("_", "/")
    if not (_PAIR.fullmatch(shown) or re.fullmatch(r"[A-Z0-9]{2,20}", shown)):
        raise misheard("pair", name=name, found=typed)
    return shown


def pairs(name: str, typed: str) -> tuple[str, ...]:
    """Read pairs separated by commas."""
    found = tuple(dict.fromkeys(pair(name, one) for one in plain(typed).split(",") if one.strip()))
    if not found:
        raise misheard("pair", name=name, found=typed)
    return found


@dataclass(frozen=True, slots=True)
class Choice:
    """Reads one of several words; doors that have menus show them."""

    allowed: tuple[str, ...]

    def __call__(self, name: str, typed: str) -> str:
        """Read one."""
        shown = plain(typed).lower()
        if shown not in self.allowed:
            raise misheard(
                "choice",
                name=name,
                found=typed,
                allowed=", ".join(self.allowed),
                nearest=did_you_mean(_close(shown, self.allowed)),
            )
        return shown


def choice(*allowed: str) -> Reader:
    """Make the reader of one of several words."""
    return Choice(allowed)


@dataclass(frozen=True, slots=True)
class Several:
    """Reads some of several words, separated by commas."""

    allowed: tuple[str, ...]

    def __call__(self, name: str, typed: str) -> tuple[str, ...]:
        """Read them."""
        one_of = Choice(self.allowed)
        return tuple(dict.fromkeys(one_of(name, one) for one in plain(typed).split(",") if one.strip()))


def several(*allowed: str) -> Reader:
    """Make the reader of some of several words."""
    return Several(allowed)


def timeframe(name: str, typed: str) -> str:
    """Read a length of bars such as 15m, 4h or 1d."""
    try:
        return str(Timeframe.parse(plain(typed).lower()))
    except InvalidInput:
        raise misheard("timeframe", name=name, found=typed) from None


def zone(name: str, typed: str) -> str:
    """Read an IANA time zone; the spelling of capitals is forgiven."""
    shown = plain(typed).replace(" ", "_")
    by_lower = {one.lower(): one for one in available_timezones()}
    exact = by_lower.get(shown.lower())
    if exact is None:
        close = by_lower.get(_close(shown.lower(), tuple(by_lower)), "")
        raise misheard("zone", name=name, found=typed, nearest=did_you_mean(close))
    return exact


def digits(name: str, typed: str) -> str:
    """Read the six digits of a second factor, spaces forgiven."""
    shown = plain(typed).replace(" ", "")
    if not re.fullmatch(r"[0-9]{6}", shown):
        # What was typed may be a password: it is not said again.
        raise misheard("digits", name=name, found="…")
    return shown


def day(name: str, typed: str) -> datetime:
    """Read a day, 2026-01-31, as its first moment in UTC."""
    shown = plain(typed)
    try:
        return datetime.strptime(shown, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise misheard("day", name=name, found=typed) from None


def stretch(name: str, typed: str) -> timedelta | tuple[datetime | None, datetime | None]:
    """Read a stretch of time: 90d back from now, 2026-01-01..2026-02-01, or freqtrade's 20260101-20260201; an end may be open."""
    shown = plain(typed).replace(" ", "")
    if (ends := _STRETCH.fullmatch(shown)) is None or not (ends["since"] or ends["until"]):
        if not _SPAN.match(shown.lower()):
            raise misheard("stretch", name=name, found=typed)
        return span(name, typed)
    since, until = (
        day(name, f"{one[:4]}-{one[4:6]}-{one[6:]}") if one else None
        for one in ((ends[end] or "").replace("-", "") for end in ("since", "until"))
    )
    return since, until


def flag(name: str, typed: str) -> bool:
    """Read yes or no."""
    shown = plain(typed).lower()
    if shown in {"yes", "y", "true", "on", "1", "oui", "o"}:
        return True
    if shown in {"no", "n", "false", "off", "0", "non"}:
        return False
    raise misheard("choice", name=name, found=typed, allowed="yes, no", nearest="")


def _close(found: str, allowed: tuple[str, ...]) -> str:
    sentence = nearest(found, allowed)
    return sentence.split("'")[1] if sentence else ""
