"""Relay connections with keyset cursors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import strawberry

from api.errors import ApiError, ErrorCode
from api.ids import Cursor, row_cursor, row_position
from desk.views import Page

T = TypeVar("T")
V = TypeVar("V")

#: Most rows of a page.
MAX_FIRST = 100

#: Rows of a page where the client names no number.
DEFAULT_FIRST = 20


@strawberry.type(description="Where a page begins and ends, and whether there is more.")
class PageInfo:
    """The page's bounds."""

    has_next_page: bool
    has_previous_page: bool
    start_cursor: Cursor | None
    end_cursor: Cursor | None


@strawberry.type(description="One row with its place in the list.")
class Edge(Generic[T]):
    """One row."""

    cursor: Cursor
    node: T


@strawberry.type(description="A page of a list, newest first unless the field says otherwise.")
class Connection(Generic[T]):
    """A page."""

    edges: list[Edge[T]]
    page_info: PageInfo


def bounded(first: int, most: int = MAX_FIRST) -> int:
    """Check a page size.

    Raises:
        ApiError: below 1 or above the most that is allowed.
    """
    if not 1 <= first <= most:
        raise ApiError(ErrorCode.VALIDATION_FAILED, f"first is {first}; 1 to {most} is allowed.")
    return first


def wanted_page(first: int, after: str | None) -> Page:
    """Give what to ask of the store: one row more than wanted shows whether there is another page."""
    return Page(first=bounded(first) + 1, after=row_position(after))


def connect(
    rows: Sequence[V],
    *,
    first: int,
    after: str | None,
    node: Callable[[V], T],
    position: Callable[[V], str],
) -> Connection[T]:
    """Give a page from rows that were asked for with `wanted_page`."""
    shown = rows[:first]
    edges = [Edge(cursor=row_cursor(position(one)), node=node(one)) for one in shown]
    return Connection(
        edges=edges,
        page_info=PageInfo(
            has_next_page=len(rows) > first,
            has_previous_page=bool(after),
            start_cursor=edges[0].cursor if edges else None,
            end_cursor=edges[-1].cursor if edges else None,
        ),
    )


def connect_all(
    rows: Sequence[V],
    *,
    first: int,
    after: str | None,
    node: Callable[[V], T],
    position: Callable[[V], str],
) -> Connection[T]:
    """Give a page of a short list that was read whole; positions must rise along the list."""
    bounded(first)
    start = row_position(after)
    rest = [one for one in rows if position(one) > start] if start else list(rows)
    return connect(rest[: first + 1], first=first, after=after, node=node, position=position)
