"""Bad news from a venue, sorted by what the transport saw: unsent, refused, or unknown.

A write whose bytes went out is only taken for refused when an answer that can be read says so. Everything else stays
unknown and is settled by asking.
"""

from __future__ import annotations

import asyncio
from typing import Any

from desk.venue_port import OutcomeUnknown, Refusal, VenueBusy, VenueRefusal
from desk.venues.budget import GateClosed
from desk.venues.ccxt_loader import errors
from desk.venues.quirks import Quirks
from desk.venues.reading import Unreadable
from desk.venues.wire import Attempt, TooLate
from trading.errors import BreakwaterError

#: ccxt's classes as reasons, where the venue's words say nothing more exact; order matters: subclasses first.
_BY_CLASS: tuple[tuple[str, Refusal], ...] = (
    ("InsufficientFunds", Refusal.BALANCE),
    ("DuplicateOrderId", Refusal.DUPLICATE_ID),
    ("OrderImmediatelyFillable", Refusal.WOULD_TRIGGER),
    ("OrderNotFound", Refusal.UNKNOWN_ORDER),
    ("MarketClosed", Refusal.HALTED),
    ("InvalidNonce", Refusal.CLOCK),
    ("InvalidOrder", Refusal.FILTER),
    ("AuthenticationError", Refusal.KEY),
    ("BadSymbol", Refusal.OTHER),
    ("OperationRejected", Refusal.OTHER),
    ("ArgumentsRequired", Refusal.OTHER),
    ("BadRequest", Refusal.OTHER),
    ("NotSupported", Refusal.OTHER),
)

#: What is caught around every call to a venue: ccxt's own classes, the transport's, and what a mangled message makes
#: of library code.
CATCHABLE: tuple[type[BaseException], ...] = (
    Unreadable,
    GateClosed,
    TooLate,
    TimeoutError,
    asyncio.TimeoutError,
    OSError,
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
    RecursionError,
)


def catchable() -> tuple[type[BaseException], ...]:
    """Give everything that a call to a venue may end with."""
    import aiohttp

    return (*CATCHABLE, errors().BaseError, aiohttp.ClientError)


def sorted_problem(
    problem: BaseException, watched: Attempt, quirks: Quirks, *, doing: str, is_write: bool
) -> BreakwaterError:
    """Give the one of the three kinds of bad news that a problem is.

    Args:
        doing: what was asked, for the message.
    """
    name, said = quirks.exchange_id, shorten(watched.body or str(problem))
    if isinstance(problem, GateClosed):
        return VenueBusy(
            f"{name} asked for silence; {doing} waits {problem.left_s:.1f} s.",
            retry_after_s=problem.left_s,
            is_ban=problem.is_ban,
        )
    if watched.status in (418, 429):
        return VenueBusy(
            f"{name} answered {doing} with {watched.status} (too many requests).",
            retry_after_s=watched.retry_after_s,
            is_ban=watched.status == 418,
        )
    if watched.is_json and any(word in watched.body for word in quirks.busy_words):
        return VenueBusy(
            f"{name} asks to come later with {doing}: {said}", retry_after_s=watched.retry_after_s
        )
    reason = _reason(problem, watched, quirks)
    if reason is not None:
        return VenueRefusal(f"{name} refused {doing}: {said}", reason=reason)
    if is_write and watched.is_out:
        return OutcomeUnknown(
            f"{name} gave no answer to {doing} that can be read: {said}",
            hint="It is settled by asking; it is not sent again.",
        )
    return VenueBusy(f"{name} could not be asked ({doing}): {said}", retry_after_s=watched.retry_after_s)


def _reason(problem: BaseException, watched: Attempt, quirks: Quirks) -> Refusal | None:
    """Give why the venue said no; None where it did not say so in an answer that can be read."""
    kinds = errors()
    if not watched.is_out:
        # Refused by ccxt itself before anything was sent: an argument that the venue's rules exclude.
        local = isinstance(problem, kinds.ExchangeError) and not isinstance(problem, kinds.OperationFailed)
        return _by_class(problem, kinds) if local else None
    if watched.status == 401:
        # Refused at the door, whatever the answer looks like: some say it in a plain word.
        return _named(watched, quirks) or Refusal.KEY
    if watched.status is None or not watched.is_json:
        return None
    if watched.status >= 500:
        return _named(watched, quirks) if quirks.refuses_with_500 else None
    if not isinstance(problem, kinds.BaseError):
        return None
    # A reason that is named counts more than a word for "unknown" that stands beside it.
    if (named := _named(watched, quirks)) is not None:
        return named
    if any(word in watched.body for word in quirks.unknown_words):
        return None
    if isinstance(problem, kinds.OperationFailed | kinds.BadResponse) and not isinstance(
        problem, kinds.InvalidNonce
    ):
        return None
    by_class = _by_class(problem, kinds)
    if by_class is None and 400 <= watched.status < 500:
        return Refusal.OTHER
    return by_class


def _named(watched: Attempt, quirks: Quirks) -> Refusal | None:
    body = watched.body.lower()
    return next((reason for words, reason in quirks.reasons if words.lower() in body), None)


def _by_class(problem: BaseException, kinds: Any) -> Refusal | None:
    for name, reason in _BY_CLASS:
        if isinstance(problem, getattr(kinds, name)):
            return reason
    return None


def shorten(said: str) -> str:
    """Give a venue's words as one short line, without control characters."""
    line = " ".join("".join(one if one.isprintable() else " " for one in said).split())
    return f"{line[:200]}…" if len(line) > 200 else line or "nothing"
