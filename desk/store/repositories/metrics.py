"""Figures kept for people: bot_metrics and strategy_performance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from desk.store.codec import from_json, moment
from desk.store.connection import Connection
from desk.store.table import Where, put


class SqlMetrics:
    """Per-bot and per-strategy figures."""

    def __init__(self, tx: Connection) -> None:
        self._tx = tx

    async def save_bot(
        self, workspace_id: str, bot_id: str, day: datetime, values: Mapping[str, Any]
    ) -> None:
        """Keep a bot's figures of a day; the last ones stay."""
        row = {"workspace_id": workspace_id, "bot_id": bot_id, "day": day, "values": dict(values)}
        await put(self._tx, "bot_metrics", row, key=("bot_id", "day"), json=("values",))

    async def of_bot(
        self, workspace_id: str, bot_id: str, since: datetime | None
    ) -> Sequence[Mapping[str, Any]]:
        """Give a bot's figures by day, oldest first: `day` and the names they were saved under."""
        where = Where(workspace_id=workspace_id, bot_id=bot_id)
        if since is not None:
            where.add('"day" >= ?', since)
        sql = f'SELECT "day", "values" FROM bot_metrics {where.sql} ORDER BY "day"'  # noqa: S608
        rows = await self._tx.rows(sql, *where.values)
        return [{**from_json(row[1]), "day": moment(row[0])} for row in rows]

    async def save_strategy(
        self, workspace_id: str, strategy: str, period: str, values: Mapping[str, Any]
    ) -> None:
        """Keep a strategy's figures over a period; the last ones stay."""
        row = {"workspace_id": workspace_id, "strategy": strategy, "period": period, "values": dict(values)}
        key = ("workspace_id", "strategy", "period")
        await put(self._tx, "strategy_performance", row, key=key, json=("values",))

    async def of_strategy(self, workspace_id: str, strategy: str) -> Sequence[Mapping[str, Any]]:
        """Give a strategy's figures by period: `period` and the names they were saved under."""
        rows = await self._tx.rows(
            'SELECT period, "values" FROM strategy_performance WHERE workspace_id = ? AND strategy = ? '
            "ORDER BY period",
            workspace_id,
            strategy,
        )
        return [{**from_json(row[1]), "period": row[0]} for row in rows]
