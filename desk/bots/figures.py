"""Figures kept for people when a trade ends: a bot's day and a strategy's record."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from desk.bots.context import Context
from desk.bots.plan import Line
from desk.views import Trade

#: The span of a strategy's record.
ALL_TIME = "all"


async def keep_figures(context: Context, line: Line, trade: Trade) -> None:
    """Add a finished trade to its bot's day and to its strategy's record."""
    day = datetime.combine(trade.closed_at.date(), datetime.min.time(), UTC)
    rows = await context.tx.metrics.of_bot(context.workspace_id, line.bot.id, day)
    await context.tx.metrics.save_bot(
        context.workspace_id, line.bot.id, day, _with(_values_of(rows, "day", day), trade)
    )
    rows = await context.tx.metrics.of_strategy(context.workspace_id, line.bot.strategy)
    await context.tx.metrics.save_strategy(
        context.workspace_id, line.bot.strategy, ALL_TIME, _with(_values_of(rows, "period", ALL_TIME), trade)
    )


def _values_of(rows: Any, name: str, wanted: object) -> Mapping[str, Any]:
    for row in rows:
        if row[name] == wanted:
            found: Mapping[str, Any] = row
            return found
    return {}


def _with(values: Mapping[str, Any], trade: Trade) -> dict[str, Any]:
    def added(name: str, value: Decimal) -> str:
        return str(Decimal(values.get(name, "0")) + value)

    return {
        "trades": int(values.get("trades", 0)) + 1,
        "wins": int(values.get("wins", 0)) + (trade.pnl > 0),
        "pnl": added("pnl", trade.pnl),
        "fees": added("fees", trade.fees),
        "gross_win": added("gross_win", max(trade.pnl, Decimal(0))),
        "gross_loss": added("gross_loss", min(trade.pnl, Decimal(0))),
    }
