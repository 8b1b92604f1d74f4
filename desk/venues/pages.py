"""Lists in pages: all rows since a moment, or an exception; never the first page taken for the whole."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from desk.venues.quirks import Quirks
from desk.venues.reading import Unreadable, rows

#: More pages than this are no honest answer to a question about hours or days.
_MOST_PAGES = 200

Fetch = Callable[..., Awaitable[Any]]


async def all_rows(fetch: Fetch, pair: str, since_ms: int, quirks: Quirks) -> list[Any]:
    """Give every row of a list since a venue time.

    Raises:
        Unreadable: the pages do not come to an end, or a row has no id or time.
    """
    found: dict[str, Any] = {}
    parameters: dict[str, Any] = {}
    from_ms: int | None = since_ms
    for _ in range(_MOST_PAGES):
        page = rows(await fetch(pair, from_ms, quirks.page_rows, dict(parameters)), "page")
        fresh = [one for one in page if _id(one) not in found]
        found |= {_id(one): one for one in fresh}
        if len(page) < quirks.page_rows or not fresh:
            return list(found.values())
        if quirks.pages_forward:
            from_ms = max(_time(one) for one in page)
        else:
            parameters = {"until": min(_time(one) for one in page)}
    raise Unreadable(f"the list does not end after {_MOST_PAGES} pages")


def _id(row: Any) -> str:
    found = row.get("id") if isinstance(row, dict) else None
    if not isinstance(found, str) or not found:
        raise Unreadable("a row of a list has no id")
    return found


def _time(row: dict[str, Any]) -> int:
    found = row.get("timestamp")
    if not isinstance(found, int):
        raise Unreadable("a row of a list has no time")
    return found
