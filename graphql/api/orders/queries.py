"""Reading orders, fills and signals."""

from __future__ import annotations

import strawberry

from api.context import Info
from api.filters import RowFilter, wanted_rows
from api.ids import Cursor, not_found, own_id
from api.orders.types import Fill, Order, OrderEvent, Signal, fill, order, order_event, signal
from api.pagination import DEFAULT_FIRST, Connection, connect, wanted_page
from api.permissions import reads
from desk import views
from desk.cursors import cursor_of


@strawberry.type
class OrderQueries:
    """Root fields about orders."""

    @reads()
    async def orders(
        self,
        info: Info,
        first: int = DEFAULT_FIRST,
        after: Cursor | None = None,
        filter: RowFilter | None = None,
    ) -> Connection[Order]:
        """Orders, newest first."""
        page = wanted_page(first, after)
        rows = await info.context.glance.orders.page(info.context.workspace_id, wanted_rows(filter), page)
        return connect(rows, first=first, after=after, node=order, position=cursor_of)

    @reads()
    async def order(
        self, info: Info, id: strawberry.ID | None = None, client_order_id: str | None = None
    ) -> Order | None:
        """One order by id or by client order id."""
        orders = info.context.glance.orders
        found = (
            await orders.by_client_id(info.context.workspace_id, client_order_id)
            if client_order_id and not id
            else await orders.by_id(info.context.workspace_id, own_id("Order", id or ""))
        )
        return order(_there(found, id or client_order_id or ""))

    @reads()
    async def order_history(self, info: Info, order_id: strawberry.ID) -> list[OrderEvent]:
        """An order's life, oldest first."""
        own = own_id("Order", order_id)
        async with info.context.house.store.reading() as unit:
            _there(await unit.orders.by_id(info.context.workspace_id, own), order_id)
            rows = await unit.orders.events(info.context.workspace_id, own)
        return [order_event(one) for one in rows]

    @reads()
    async def fills(
        self,
        info: Info,
        first: int = DEFAULT_FIRST,
        after: Cursor | None = None,
        filter: RowFilter | None = None,
    ) -> Connection[Fill]:
        """Executions, newest first."""
        page = wanted_page(first, after)
        rows = await info.context.glance.fills.page(info.context.workspace_id, wanted_rows(filter), page)
        return connect(rows, first=first, after=after, node=fill, position=cursor_of)

    @reads()
    async def signals(
        self,
        info: Info,
        first: int = DEFAULT_FIRST,
        after: Cursor | None = None,
        filter: RowFilter | None = None,
    ) -> Connection[Signal]:
        """Signals with why, newest first."""
        page = wanted_page(first, after)
        rows = await info.context.glance.signals.page(info.context.workspace_id, wanted_rows(filter), page)
        return connect(rows, first=first, after=after, node=signal, position=cursor_of)

    @reads()
    async def signal(self, info: Info, id: strawberry.ID) -> Signal | None:
        """One signal: conditions, sizing arithmetic and risk checks."""
        found = await info.context.glance.signals.by_id(info.context.workspace_id, own_id("Signal", id))
        if found is None:
            raise not_found(id)
        return signal(found)


def _there(found: views.Order | None, wanted: str) -> views.Order:
    if found is None:
        raise not_found(wanted)
    return found
