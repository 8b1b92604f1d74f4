"""Keyset paging, newest first, and filters as conditions."""

from __future__ import annotations

from datetime import datetime

from desk.cursors import bad_cursor, cursor_of, read_cursor
from desk.store.connection import Connection
from desk.store.table import Table, V, Where
from desk.views import Filter, Page
from trading.errors import InvalidInput

__all__ = ["after_moment", "after_sequence", "cursor_of", "filtered", "limit_of", "newest"]

#: Most rows that one page may have.
PAGE_LIMIT = 10_000


def limit_of(page: Page) -> int:
    """Give how many rows are wanted.

    Raises:
        InvalidInput: none, or more than the limit.
    """
    if not 1 <= page.first <= PAGE_LIMIT:
        raise InvalidInput(f"A page of {page.first} rows was asked for; 1 to {PAGE_LIMIT} is allowed.")
    return page.first


def after_moment(where: Where, page: Page, column: str, *, has_number: bool = False) -> Where:
    """Go on after the cursor, newest first, by a time and the id."""
    if page.after:
        position, tie = read_cursor(page.after)
        try:
            moment = datetime.fromisoformat(position)
            breaker = int(tie) if has_number else tie
        except ValueError:
            raise bad_cursor(page.after) from None
        if moment.tzinfo is None:
            raise bad_cursor(page.after)
        # A row comparison is a range of the index; the same in words (before, or equal and …) walks all newer rows.
        where.add(f'("{column}", id) < (?, ?)', moment, breaker)
    return where


def after_sequence(where: Where, page: Page) -> Where:
    """Go on after the cursor, newest first, by sequence."""
    if page.after:
        position, _ = read_cursor(page.after)
        if not position.isdigit():
            raise bad_cursor(page.after)
        where.add("sequence < ?", int(position))
    return where


def filtered(
    table: Table[V], workspace_id: str, wanted: Filter, *, moment: str, extra: tuple[str, ...] = ()
) -> Where:
    """Turn a filter into a condition; fields that the table has no column for are refused.

    Raises:
        InvalidInput: the filter names something that these rows do not have.
    """
    where = Where(workspace_id=workspace_id)
    named = {"bot_id": wanted.bot_id, "account_id": wanted.account_id, "pair": wanted.pair}
    for column, value in named.items():
        if value:
            _known(table, column, tuple(one for one in named if one in table.columns))
            where.add(f'"{column}" = ?', value)
    if wanted.since is not None:
        where.add(f'"{moment}" >= ?', wanted.since)
    if wanted.until is not None:
        where.add(f'"{moment}" < ?', wanted.until)
    for column, value in wanted.extra.items():
        if column not in extra:
            raise InvalidInput(
                f"Filter '{column}' was given; {', '.join(extra) or 'none'} is allowed for {table.name}."
            )
        where.one_of(column, value if isinstance(value, list | tuple | set | frozenset) else (value,))
    return where


def _known(table: Table[V], column: str, allowed: tuple[str, ...]) -> None:
    if column not in table.columns:
        raise InvalidInput(f"Filter '{column}' was given; {', '.join(allowed)} is allowed for {table.name}.")


async def newest(
    tx: Connection, table: Table[V], where: Where, page: Page, *, moment: str, has_number: bool = False
) -> list[V]:
    """Give a page of rows, newest first."""
    limit = limit_of(page)
    after_moment(where, page, moment, has_number=has_number)
    return await table.find(tx, where, order=f'"{moment}" DESC, id DESC', limit=limit)
