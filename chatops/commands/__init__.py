"""The words of the command book, a file's worth at a time, in the order in which help lists them."""

from __future__ import annotations

from chatops.book import Book
from chatops.commands import (
    accounts,
    alerts,
    bots,
    by_hand,
    closing,
    configuring,
    drawings,
    drifting,
    emergency,
    entries,
    exports,
    forecasts,
    house,
    jobs,
    letters,
    limits,
    market,
    money,
    notices,
    orders,
    people,
    personal,
    positions,
    reasons,
    records,
    release,
    results,
    risk,
    sentiment,
)

#: Every page of the book.
PAGES = (
    bots,
    configuring,
    accounts,
    release,
    positions,
    closing,
    by_hand,
    orders,
    entries,
    reasons,
    results,
    money,
    drifting,
    exports,
    records,
    market,
    drawings,
    sentiment,
    forecasts,
    risk,
    limits,
    emergency,
    jobs,
    letters,
    alerts,
    notices,
    people,
    personal,
    house,
)


def full_book() -> Book:
    """Give every word that exists."""
    return Book([one.PAGE for one in PAGES])
