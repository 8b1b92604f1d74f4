"""Reading how bots stand beside their backtests."""

from __future__ import annotations

import strawberry

from api.context import Info
from api.ids import own_id
from api.permissions import reads
from api.reports.types import Drift, drift


@strawberry.type
class ReportQueries:
    """Root fields about reports."""

    @reads()
    async def drift(self, info: Info, bot_id: strawberry.ID, days: int = 30) -> Drift:
        """A bot's last days beside their replay by the backtester: same signals, slippage, fees."""
        own = own_id("Bot", bot_id)
        return drift(await info.context.house.drifts.of(info.context.workspace_id, own, days))
