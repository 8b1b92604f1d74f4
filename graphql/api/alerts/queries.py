"""Reading alerts."""

from __future__ import annotations

import strawberry

from api.alerts.types import Alert, alert
from api.context import Info
from api.filters import RowFilter, wanted_rows
from api.ids import Cursor
from api.pagination import DEFAULT_FIRST, Connection, connect, wanted_page
from api.permissions import reads
from desk.cursors import cursor_of


@strawberry.type
class AlertQueries:
    """Root fields about alerts."""

    @reads()
    async def alerts(
        self,
        info: Info,
        first: int = DEFAULT_FIRST,
        after: Cursor | None = None,
        filter: RowFilter | None = None,
    ) -> Connection[Alert]:
        """Alerts, newest first."""
        page = wanted_page(first, after)
        async with info.context.house.store.reading() as unit:
            rows = await unit.alerts.page(info.context.workspace_id, wanted_rows(filter), page)
        return connect(rows, first=first, after=after, node=alert, position=cursor_of)
