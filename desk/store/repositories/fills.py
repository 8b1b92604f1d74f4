"""Fills, unique by account and venue trade id."""

from __future__ import annotations

from collections.abc import Sequence

from desk.store.connection import Connection
from desk.store.cursors import filtered, newest
from desk.store.models import FillRow
from desk.store.table import Table, Where
from desk.views import FillRecord, Filter, Page
from trading.errors import InvalidInput

FILLS = Table(FillRow, FillRecord)


class SqlFills:
    """Fills, unique by (account, venue trade id)."""

    def __init__(self, tx: Connection) -> None:
        self._tx = tx

    async def add(self, fill: FillRecord) -> bool:
        """Book a fill; False when this venue trade is already booked."""
        return await FILLS.insert_new(self._tx, fill)

    async def page(self, workspace_id: str, wanted: Filter, page: Page) -> Sequence[FillRecord]:
        """Give fills, newest first; `extra` may name side, reason, order_id, position_id, liquidity, source."""
        if wanted.is_open is not None:
            raise InvalidInput("Filter 'is_open' was given; a fill is neither open nor closed.")
        allowed = ("side", "reason", "order_id", "position_id", "liquidity", "source")
        where = filtered(FILLS, workspace_id, wanted, moment="filled_at", extra=allowed)
        return await newest(self._tx, FILLS, where, page, moment="filled_at")

    async def of_orders(self, workspace_id: str, order_ids: Sequence[str]) -> Sequence[FillRecord]:
        """Give the fills of some orders, oldest first."""
        where = Where(workspace_id=workspace_id).one_of("order_id", order_ids)
        return await FILLS.find(self._tx, where, order="filled_at, id")
