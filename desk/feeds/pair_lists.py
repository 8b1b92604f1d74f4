"""Which pairs are on offer: named ones, the most traded ones, or both; the most traded ones pass filters."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from desk.feeds.venue_market import Ticker
from trading.errors import BadSetting, nearest
from trading.instruments import Instrument

#: Tokens that follow another price with a factor, and coins that are worth a fixed amount: no market of their own.
_LEVERAGED = re.compile(r".*(UP|DOWN|BULL|BEAR|[235][LS])$")
_PEGGED = frozenset(
    {"USDT", "USDC", "FDUSD", "TUSD", "DAI", "BUSD", "USDP", "USDD", "EUR", "GBP", "PYUSD", "USDE"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PairChoice:
    """What was asked for.

    Attributes:
        named: pairs that are always on offer.
        excluded: pairs that never are, written with a minus.
        top: so many of the most traded ones besides; 0 = none.
        quote: currency that those are priced in.
        least_age_days: they are traded for so long.
        most_spread: ask over bid minus 1, as a ratio.
        least_range, most_range: how far they moved within a day, as a ratio.
    """

    named: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    top: int = 0
    quote: str = "USDT"
    least_age_days: int = 0
    most_spread: float = 1.0
    least_range: float = 0.0
    most_range: float = 100.0


def parse_choice(words: Sequence[str]) -> PairChoice:
    """Read `BTC/USDT,top-20,-XRP/USDT`.

    Raises:
        BadSetting: a word that is neither a pair nor top-N.
    """
    named: list[str] = []
    excluded: list[str] = []
    top = 0
    for word in words:
        match = re.fullmatch(r"top-(\d{1,3})", word.lower())
        if match and 0 < int(match[1]) <= 500:
            top = int(match[1])
        elif re.fullmatch(r"-?[A-Z0-9]{1,20}/[A-Z0-9]{1,20}", word.upper()):
            (excluded if word.startswith("-") else named).append(word.upper().removeprefix("-"))
        else:
            raise BadSetting(
                f"The list of pairs holds '{word}'; BASE/QUOTE, -BASE/QUOTE and top-1 to top-500 are allowed.",
                hint="For example BTC/USDT,ETH/USDT or top-50,-XRP/USDT.",
            )
    return PairChoice(named=tuple(dict.fromkeys(named)), excluded=tuple(excluded), top=top)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The pairs on offer, and why the others of the most traded ones are not."""

    pairs: tuple[str, ...]
    left_out: Mapping[str, str]


async def choose(
    choice: PairChoice,
    tickers: Sequence[Ticker],
    instruments: Mapping[str, Instrument],
    age_days: Callable[[str], Awaitable[float | None]],
    *,
    complete: Callable[[Ticker], Awaitable[Ticker]] | None = None,
) -> Chosen:
    """Give the pairs: the named ones first, then the most traded ones that pass, most traded first.

    Args:
        complete: asks for what a ticker lacks, of pairs that are candidates.
        age_days: since when a pair is traded; asked only of pairs that pass everything else.

    Raises:
        BadSetting: a named pair is not traded at the venue.
    """
    for pair in choice.named:
        if pair not in instruments:
            raise BadSetting(
                f"The list of pairs names {pair}, which is not traded here.",
                hint=nearest(pair, instruments) or None,
            )
    pairs = [one for one in choice.named if one not in choice.excluded]
    left_out: dict[str, str] = {}
    found = 0
    for listed in sorted(tickers, key=lambda one: one.quote_volume, reverse=True):
        ticker = listed
        if found >= choice.top:
            break
        if complete is not None and _lacks_something(ticker) and _is_candidate(choice, ticker, instruments):
            ticker = await complete(ticker)
        reason = _left_out(choice, ticker, instruments)
        if reason == "":
            reason = await _too_young(choice, ticker.pair, age_days)
        if reason == "":
            found += 1
            if ticker.pair not in pairs:
                pairs.append(ticker.pair)
        elif reason is not None:
            left_out[ticker.pair] = reason
    return Chosen(pairs=tuple(pairs), left_out=left_out)


def _lacks_something(ticker: Ticker) -> bool:
    return ticker.bid is None or ticker.ask is None or ticker.day_range is None


def _is_candidate(choice: PairChoice, ticker: Ticker, instruments: Mapping[str, Instrument]) -> bool:
    """Tell whether anything but spread and volatility speaks against a pair."""
    base, _, quote = ticker.pair.partition("/")
    if quote != choice.quote or ticker.pair not in instruments or ticker.pair in choice.excluded:
        return False
    return base not in _PEGGED and not _LEVERAGED.fullmatch(base)


def _left_out(choice: PairChoice, ticker: Ticker, instruments: Mapping[str, Instrument]) -> str | None:
    """Give why a pair is not on offer; empty when it passes, None where it is not a candidate at all."""
    base, _, quote = ticker.pair.partition("/")
    if quote != choice.quote or ticker.pair not in instruments:
        return None
    if ticker.pair in choice.excluded:
        return "excluded"
    if base in _PEGGED or _LEVERAGED.fullmatch(base):
        return "follows another price"
    if ticker.bid is None or ticker.ask is None or ticker.ask < ticker.bid:
        return "no spread is known"
    spread = float(ticker.ask / ticker.bid) - 1.0
    if spread > choice.most_spread:
        return f"spread {spread:.2%} is above {choice.most_spread:.2%}"
    if ticker.day_range is None:
        return "no volatility is known"
    if not choice.least_range <= ticker.day_range <= choice.most_range:
        return f"moved {ticker.day_range:.2%} within a day"
    return ""


async def _too_young(
    choice: PairChoice, pair: str, age_days: Callable[[str], Awaitable[float | None]]
) -> str:
    if choice.least_age_days <= 0:
        return ""
    age = await age_days(pair)
    if age is None:
        return "its age is not known"
    return "" if age >= choice.least_age_days else f"traded for {age:.0f} days"
