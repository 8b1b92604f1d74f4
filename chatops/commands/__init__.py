"""The words of the command book."""

from __future__ import annotations

from chatops.book import Book
from chatops.commands import alerts, bots, house, notices, personal, positions, reasons, results, risk


def full_book() -> Book:
    """Give every word that exists."""
    return Book(
        [
            bots.PAGE,
            positions.PAGE,
            reasons.PAGE,
            results.PAGE,
            risk.PAGE,
            alerts.PAGE,
            notices.PAGE,
            personal.PAGE,
            house.PAGE,
        ]
    )
