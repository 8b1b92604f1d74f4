"""Entries that people have a say in."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from desk.entry_views import FORCE_ENTRY, OPEN_ENTRIES, BotWish, EntryRequest, EntryState, MarketDirection
from desk.store.connection import Connection
from desk.store.models import BotWishRow, EntryRequestRow, MarketDirectionRow
from desk.store.table import Table, Where, update

WISHES = Table(BotWishRow, BotWish)
DIRECTIONS = Table(MarketDirectionRow, MarketDirection)
REQUESTS = Table(EntryRequestRow, EntryRequest)


class SqlEntries:
    """Wishes, directions and requests."""

    def __init__(self, tx: Connection) -> None:
        self._tx = tx

    async def wishes(self, workspace_id: str, account_id: str) -> Mapping[str, BotWish]:
        """Give what is wanted of the bots of an account, by bot."""
        rows = await WISHES.find(self._tx, Where(workspace_id=workspace_id, account_id=account_id))
        return {one.bot_id: one for one in rows}

    async def save_wish(self, wish: BotWish) -> None:
        """Write what is wanted of a bot over what was."""
        await WISHES.put(self._tx, wish, key=("bot_id",))

    async def direction(self, workspace_id: str, account_id: str) -> MarketDirection | None:
        """Give the direction that was set; None where nobody set one."""
        return await DIRECTIONS.one(self._tx, Where(workspace_id=workspace_id, account_id=account_id))

    async def set_direction(self, direction: MarketDirection) -> None:
        """Write a direction over the one before."""
        await DIRECTIONS.put(self._tx, direction, key=("account_id",))

    async def ask(self, request: EntryRequest) -> bool:
        """Write a request; False when its id or code is in use."""
        return await REQUESTS.insert_new(self._tx, request)

    async def by_code(self, workspace_id: str, code: str) -> EntryRequest | None:
        """Give the request that people call by this code."""
        return await REQUESTS.one(self._tx, Where(workspace_id=workspace_id, code=code))

    async def open(self, workspace_id: str, account_id: str = "") -> Sequence[EntryRequest]:
        """Give what waits for a person or for a close, oldest first."""
        where = Where(workspace_id=workspace_id).one_of("state", OPEN_ENTRIES)
        if account_id:
            where.add("account_id = ?", account_id)
        return await REQUESTS.find(self._tx, where, order="asked_at, id")

    async def by_hand(self, workspace_id: str, bot_id: str, limit: int = 500) -> Sequence[EntryRequest]:
        """Give what people had a bot enter by hand, newest first."""
        where = Where(workspace_id=workspace_id, bot_id=bot_id, tag=FORCE_ENTRY)
        found = await REQUESTS.find(self._tx, where, order="asked_at DESC, id DESC", limit=limit)
        return tuple(one for one in found if one.is_by_hand)

    async def recent(self, workspace_id: str, limit: int = 20) -> Sequence[EntryRequest]:
        """Give the newest requests, newest first."""
        where = Where(workspace_id=workspace_id)
        return await REQUESTS.find(self._tx, where, order="asked_at DESC, id DESC", limit=limit)

    async def move(
        self,
        workspace_id: str,
        request_id: str,
        *,
        before: Collection[EntryState],
        after: EntryState,
        outcome: str = "",
        plan: Mapping[str, Any] | None = None,
    ) -> bool:
        """Go from one state to another, with the signal as it was given to the engine; False when it stood elsewhere."""
        changes: dict[str, Any] = {"state": after, "outcome": outcome}
        if plan is not None:
            changes["plan"] = dict(plan)
        where = Where(workspace_id=workspace_id, id=request_id).one_of("state", tuple(before))
        return await update(self._tx, REQUESTS.name, changes, where, json=("plan",)) == 1

    async def decide(
        self,
        workspace_id: str,
        request_id: str,
        *,
        after: EntryState,
        share: Decimal,
        by: str,
        at: datetime,
    ) -> bool:
        """Write a person's answer; False when it was settled meanwhile."""
        changes = {"state": after, "share": share, "decided_by": by, "decided_at": at}
        where = Where(workspace_id=workspace_id, id=request_id, state=EntryState.WAITING)
        return await update(self._tx, REQUESTS.name, changes, where) == 1
