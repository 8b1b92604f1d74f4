"""What rows a client wants, and how that becomes the desk's filter."""

from __future__ import annotations

from datetime import datetime

import strawberry

from api.ids import own_id
from desk.views import Filter


@strawberry.input(description="Which rows; what is left out does not filter.")
class RowFilter:
    """For orders, fills, signals, trades and alerts."""

    bot_id: strawberry.ID | None = None
    account_id: strawberry.ID | None = None
    pair: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@strawberry.input(description="Which positions; what is left out does not filter.")
class PositionFilter:
    """For positions."""

    bot_id: strawberry.ID | None = None
    account_id: strawberry.ID | None = None
    pair: str | None = None
    is_open: bool | None = None
    since: datetime | None = None
    until: datetime | None = None


def wanted_rows(given: RowFilter | PositionFilter | None) -> Filter:
    """Give the desk's filter.

    Raises:
        NotFound: an id is not one of ours.
    """
    if given is None:
        return Filter()
    return Filter(
        bot_id=own_id("Bot", given.bot_id) if given.bot_id else "",
        account_id=own_id("Account", given.account_id) if given.account_id else "",
        pair=given.pair or "",
        is_open=given.is_open if isinstance(given, PositionFilter) else None,
        since=given.since,
        until=given.until,
    )
