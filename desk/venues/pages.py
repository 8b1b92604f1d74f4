"""Lists in pages: all rows since a moment, or an exception; never the first page taken for the whole."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any

from desk.venues.quirks import Quirks
from desk.venues.reading import Unreadable, rows

#: More pages than this are no honest answer to a question about hours or days.
_MOST_PAGES = 200
_WIDE: Mapping[str, Any] = MappingProxyType({})

Fetch = Callable[..., Awaitable[Any]]


async def all_rows(
    fetch: Fetch, pair: str, since_ms: int, quirks: Quirks, narrow: Mapping[str, Any] = _WIDE
) -> list[Any]:
    """Give every row of a list since a venue time.

    Args:
        narrow: further parameters that leave rows out.

    Raises:
        Unreadable: the pages do not come to an end, or a row has no id or time.
    """
    if quirks.paging == "offset":
        return await _by_offset(fetch, pair, since_ms, quirks, narrow)
    found: dict[str, Any] = {}
    parameters: dict[str, Any] = dict(narrow)
    from_ms: int | None = since_ms
    for _ in range(_MOST_PAGES):
        page = rows(await fetch(pair, from_ms, quirks.page_rows, dict(parameters)), "page")
        fresh = [one for one in page if _id(one) not in found]
        found |= {_id(one): one for one in fresh}
        if len(page) < quirks.page_rows:
            return list(found.values())
        if not fresh:
            raise Unreadable(
                f"more than {quirks.page_rows} rows carry one time; the rest cannot be asked for"
            )
        if quirks.paging == "forward":
            from_ms = max(_time(one) for one in page)
        else:
            # Rows of the last time may go on behind the page; some venues leave the time itself out.
            parameters = {**narrow, "until": min(_time(one) for one in page) + 1}
    raise Unreadable(f"the list does not end after {_MOST_PAGES} pages")


async def _by_offset(
    fetch: Fetch, pair: str, since_ms: int, quirks: Quirks, narrow: Mapping[str, Any]
) -> list[Any]:
    """Page through the rows of all pairs: narrowed to one here, a page would look shorter than it is.

    Args:
        pair: empty gives those of all.
    """
    found: dict[str, Any] = {}
    for _ in range(_MOST_PAGES):
        # ccxt would drop rows by when they began; the venue goes by when they ended.
        asked = {**narrow, "start": since_ms // 1000, "ofs": len(found)}
        page = rows(await fetch(None, None, None, asked), "page")
        found |= {_id(one): one for one in page}
        if len(page) < quirks.page_rows:
            return [one for one in found.values() if pair in ("", one.get("symbol"))]
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
