"""Cursors of pages: the sort position of a row as opaque text, the same at every door."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from desk.news.views import NewsItem
from desk.views import (
    Alert,
    AuditEntry,
    DeadLetter,
    FillRecord,
    Job,
    Order,
    Position,
    SignalRecord,
    StateChange,
    Trade,
)
from trading.errors import InvalidInput

#: By which field each kind of row is sorted, newest first; the id breaks ties.
SORTED_BY: dict[type[Any], str] = {
    Alert: "created_at",
    DeadLetter: "created_at",
    FillRecord: "filled_at",
    Job: "created_at",
    NewsItem: "known_at",
    Order: "created_at",
    Position: "opened_at",
    SignalRecord: "bar_at",
    StateChange: "at",
    Trade: "closed_at",
}


def cursor_of(row: Any) -> str:
    """Give the cursor of a row that a `page` method gave: `Page(after=cursor_of(rows[-1]))` goes on after it."""
    # Rows of pages are nearly always these, and asking whether something is a Mapping is dear.
    moment = SORTED_BY.get(type(row))
    if moment is not None:
        return _pack(getattr(row, moment).isoformat(), str(row.id))
    if isinstance(row, AuditEntry):
        return _pack(str(row.sequence), "")
    if isinstance(row, Mapping):
        return _pack(row["at"].isoformat(), str(row["id"]))
    raise KeyError(type(row))


def read_cursor(cursor: str) -> tuple[str, str]:
    """Give a cursor's sort position and id, as text.

    Raises:
        InvalidInput: it is no cursor of ours.
    """
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        text = ""
    position, bar, tie = text.partition("|")
    if not bar:
        raise bad_cursor(cursor)
    return position, tie


def bad_cursor(cursor: str) -> InvalidInput:
    """Give the refusal of a text that is no cursor."""
    return InvalidInput(
        f"Cursor '{cursor[:60]}' was given; a cursor of an earlier page is allowed.",
        hint="Start from the first page.",
    )


def _pack(position: str, tie: str) -> str:
    return base64.urlsafe_b64encode(f"{position}|{tie}".encode()).decode().rstrip("=")
