"""Reading accounts, positions, trades and performance."""

from __future__ import annotations

from datetime import datetime

import strawberry

from api.context import Info
from api.errors import ApiError, ErrorCode
from api.filters import PositionFilter, RowFilter, wanted_rows
from api.ids import Cursor, not_found, own_id
from api.node import shaped
from api.pagination import DEFAULT_FIRST, Connection, bounded, connect, connect_all, wanted_page
from api.permissions import reads
from api.portfolio.types import (
    Account,
    EquityPoint,
    PairLock,
    Performance,
    Position,
    Trade,
    TradeEvent,
    account,
    lock,
    performance,
    position,
    trade,
    trade_event,
)
from desk import views
from desk.cursors import cursor_of

#: Most points of an equity curve in one answer.
MAX_POINTS = 1000


@strawberry.type
class PortfolioQueries:
    """Root fields about money."""

    @reads()
    async def accounts(
        self, info: Info, first: int = DEFAULT_FIRST, after: Cursor | None = None
    ) -> Connection[Account]:
        """Accounts, oldest first."""
        held = await info.context.load.holdings()
        found = sorted(held.accounts.values(), key=_position)
        return connect_all(found, first=first, after=after, node=account, position=_position)

    @reads()
    async def account(self, info: Info, id: strawberry.ID) -> Account | None:
        """One account."""
        return account(await _account(info, id))

    @reads()
    async def locks(self, info: Info, account_id: strawberry.ID) -> list[PairLock]:
        """Locks that hold now."""
        own = await _account(info, account_id)
        now = info.context.house.clock.now()
        rows = await info.context.glance.accounts.locks(info.context.workspace_id, own.id, now)
        return [lock(one) for one in rows]

    @reads()
    async def equity(
        self, info: Info, account_id: strawberry.ID, since: datetime | None = None, last: int = 500
    ) -> list[EquityPoint]:
        """The newest points of an account's equity curve (at most 1000), oldest first."""
        most = bounded(last, MAX_POINTS)
        own = await _account(info, account_id)
        rows = await info.context.glance.accounts.equity(info.context.workspace_id, own.id, since)
        return [shaped(EquityPoint, one) for one in rows[-most:]]

    @reads()
    async def positions(
        self,
        info: Info,
        first: int = DEFAULT_FIRST,
        after: Cursor | None = None,
        filter: PositionFilter | None = None,
    ) -> Connection[Position]:
        """Positions, newest first."""
        page, wanted = wanted_page(first, after), wanted_rows(filter)
        if wanted.is_open:
            held = await info.context.load.holdings()
            return connect(
                held.page(wanted, page),
                first=first,
                after=after,
                node=lambda one: held.once("position", one, position),
                position=cursor_of,
            )
        rows = await info.context.glance.positions.page(info.context.workspace_id, wanted, page)
        return connect(rows, first=first, after=after, node=position, position=cursor_of)

    @reads()
    async def position(self, info: Info, id: strawberry.ID) -> Position | None:
        """One position."""
        return position(await _held(info, id))

    @reads()
    async def position_history(self, info: Info, position_id: strawberry.ID) -> list[TradeEvent]:
        """A position's life, oldest first: entries, stop moves, targets, exits."""
        own = await _held(info, position_id)
        rows = await info.context.glance.positions.trade_events(info.context.workspace_id, own.id)
        return [trade_event(dict(one)) for one in rows]

    @reads()
    async def trades(
        self,
        info: Info,
        first: int = DEFAULT_FIRST,
        after: Cursor | None = None,
        filter: RowFilter | None = None,
    ) -> Connection[Trade]:
        """Finished trades, newest first."""
        page = wanted_page(first, after)
        rows = await info.context.glance.positions.trades(
            info.context.workspace_id, wanted_rows(filter), page
        )
        return connect(rows, first=first, after=after, node=trade, position=cursor_of)

    @reads()
    async def trade(
        self, info: Info, id: strawberry.ID | None = None, number: int | None = None
    ) -> Trade | None:
        """One finished trade by id or by its number."""
        if (id is None) == (number is None):
            raise ApiError(ErrorCode.VALIDATION_FAILED, "Give either id or number of the trade.")
        positions = info.context.glance.positions
        found = (
            await positions.trade_by_number(info.context.workspace_id, number)
            if number is not None
            else await positions.trade(info.context.workspace_id, own_id("Trade", id or ""))
        )
        if found is None:
            raise not_found(id or str(number))
        return trade(found)

    @reads()
    async def performance(
        self, info: Info, bot_id: strawberry.ID | None = None, since: datetime | None = None
    ) -> Performance:
        """Profit and loss of a bot (or of all) over a span, net of all costs."""
        own = own_id("Bot", bot_id) if bot_id else ""
        if own and await info.context.load.bot.load(own) is None:
            raise not_found(bot_id or "")
        return performance(
            await info.context.house.queries.performance(info.context.workspace_id, bot_id=own, since=since)
        )


def _position(view: views.Account) -> str:
    return f"{view.created_at.isoformat()}|{view.id}"


async def _account(info: Info, wanted: str) -> views.Account:
    found = await info.context.load.account.load(own_id("Account", wanted))
    if found is None:
        raise not_found(wanted)
    return found


async def _held(info: Info, wanted: str) -> views.Position:
    found = await info.context.glance.positions.by_id(info.context.workspace_id, own_id("Position", wanted))
    if found is None:
        raise not_found(wanted)
    return found
