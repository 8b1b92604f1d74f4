"""Positions, finished trades, and what happened to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from desk.store.codec import from_json, moment
from desk.store.connection import Connection
from desk.store.counters import next_trade_number
from desk.store.cursors import after_moment, filtered, limit_of, newest
from desk.store.models import PositionRow, TradeRow
from desk.store.table import Table, Where, insert, insert_new, must_be_new
from desk.views import Filter, Page, Position, Trade
from trading.errors import InvalidInput

POSITIONS = Table(PositionRow, Position)
TRADES = Table(TradeRow, Trade)


class SqlPositions:
    """Positions and finished trades."""

    def __init__(self, tx: Connection) -> None:
        self._tx = tx

    async def save(self, position: Position) -> None:
        """Write a position over what was there."""
        await POSITIONS.put(self._tx, position, key=("id",))

    async def by_id(self, workspace_id: str, position_id: str) -> Position | None:
        """Give a position."""
        return await POSITIONS.one(self._tx, Where(workspace_id=workspace_id, id=position_id))

    async def open(self, workspace_id: str, account_id: str = "") -> Sequence[Position]:
        """Give the open positions of an account, or of all, oldest first."""
        where = Where(workspace_id=workspace_id).add("closed_at IS NULL")
        if account_id:
            where.add("account_id = ?", account_id)
        return await POSITIONS.find(self._tx, where, order="opened_at, id")

    async def page(self, workspace_id: str, wanted: Filter, page: Page) -> Sequence[Position]:
        """Give positions, newest first; `extra` may name is_long, tag and signal_id."""
        allowed = ("is_long", "tag", "signal_id")
        where = filtered(POSITIONS, workspace_id, wanted, moment="opened_at", extra=allowed)
        if wanted.is_open is not None:
            where.add("closed_at IS NULL" if wanted.is_open else "closed_at IS NOT NULL")
        return await newest(self._tx, POSITIONS, where, page, moment="opened_at")

    async def add_trade(self, trade: Trade) -> Trade:
        """Write a finished trade and give it with its number, which counts up per workspace.

        Raises:
            Conflict: the trade or its number is there.
        """
        number = await next_trade_number(self._tx, trade.workspace_id, trade.number)
        numbered = replace(trade, number=number)
        await must_be_new(self._tx, TRADES, numbered, f"Trade {number} ('{trade.id}')")
        return numbered

    async def trade(self, workspace_id: str, trade_id: str) -> Trade | None:
        """Give a trade."""
        return await TRADES.one(self._tx, Where(workspace_id=workspace_id, id=trade_id))

    async def trade_by_number(self, workspace_id: str, number: int) -> Trade | None:
        """Give a trade by the number that people see."""
        return await TRADES.one(self._tx, Where(workspace_id=workspace_id, number=number))

    async def trades(self, workspace_id: str, wanted: Filter, page: Page) -> Sequence[Trade]:
        """Give trades, the last closed first, archived ones left out; `extra` may name is_long, reason, tags and ids."""
        if wanted.is_open:
            raise InvalidInput("Filter 'is_open' was given; a trade is finished. Ask for positions.")
        allowed = ("is_long", "reason", "tag", "exit_tag", "position_id", "signal_id")
        where = filtered(TRADES, workspace_id, wanted, moment="closed_at", extra=allowed)
        where.add("NOT EXISTS (SELECT 1 FROM archived_trades WHERE trade_id = trades.id)")
        return await newest(self._tx, TRADES, where, page, moment="closed_at")

    async def archive_trade(self, workspace_id: str, trade_id: str, by: str, at: datetime) -> bool:
        """Leave a trade out of lists from now on; False when it was left out before."""
        row = {"trade_id": trade_id, "workspace_id": workspace_id, "archived_by": by, "archived_at": at}
        return await insert_new(self._tx, "archived_trades", row)

    async def add_trade_event(
        self, workspace_id: str, position_id: str, at: datetime, kind: str, detail: Mapping[str, Any]
    ) -> None:
        """Write what happened to a position."""
        row = {
            "workspace_id": workspace_id,
            "position_id": position_id,
            "at": at,
            "kind": kind,
            "detail": detail,
        }
        await insert(self._tx, "trade_events", row, ("detail",))

    async def trade_events(self, workspace_id: str, position_id: str) -> Sequence[Mapping[str, Any]]:
        """Give what happened to a position, first to last."""
        rows = await self._tx.rows(
            "SELECT at, kind, detail FROM trade_events WHERE workspace_id = ? AND position_id = ? ORDER BY id",
            workspace_id,
            position_id,
        )
        return [{"at": moment(row[0]), "kind": row[1], "detail": from_json(row[2])} for row in rows]

    async def add_risk_event(
        self,
        workspace_id: str,
        account_id: str,
        bot_id: str,
        at: datetime,
        rule: str,
        detail: Mapping[str, Any],
    ) -> None:
        """Write that a risk rule spoke."""
        row = {
            "workspace_id": workspace_id,
            "account_id": account_id,
            "bot_id": bot_id,
            "at": at,
            "rule": rule,
            "detail": detail,
        }
        await insert(self._tx, "risk_events", row, ("detail",))

    async def risk_events(self, workspace_id: str, page: Page) -> Sequence[Mapping[str, Any]]:
        """Give what risk rules said, newest first."""
        limit = limit_of(page)
        where = after_moment(Where(workspace_id=workspace_id), page, "at", has_number=True)
        rows = await self._tx.rows(
            f"SELECT id, account_id, bot_id, at, rule, detail FROM risk_events {where.sql} "  # noqa: S608
            "ORDER BY at DESC, id DESC LIMIT ?",
            *where.values,
            limit,
        )
        return [
            {
                "id": row[0],
                "account_id": row[1],
                "bot_id": row[2],
                "at": moment(row[3]),
                "rule": row[4],
                "detail": from_json(row[5]),
            }
            for row in rows
        ]
