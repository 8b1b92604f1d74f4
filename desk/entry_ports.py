"""What the desk needs of the store about entries that people have a say in; part of `desk.ports.store.Unit`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

from desk.entry_views import BotWish, EntryRequest, EntryState, MarketDirection


class Entries(Protocol):
    """Wishes about bots, the market's direction, and entries that wait for an answer."""

    async def wishes(self, workspace_id: str, account_id: str) -> Mapping[str, BotWish]:
        """Give what is wanted of the bots of an account, by bot."""
        ...

    async def save_wish(self, wish: BotWish) -> None: ...
    async def direction(self, workspace_id: str, account_id: str) -> MarketDirection | None: ...
    async def set_direction(self, direction: MarketDirection) -> None: ...
    async def ask(self, request: EntryRequest) -> bool:
        """Write a request; False when its id or code is in use."""
        ...

    async def by_code(self, workspace_id: str, code: str) -> EntryRequest | None: ...
    async def open(self, workspace_id: str, account_id: str = "") -> Sequence[EntryRequest]:
        """Give what waits for a person or for a close, oldest first."""
        ...

    async def by_hand(self, workspace_id: str, bot_id: str, limit: int = 500) -> Sequence[EntryRequest]:
        """Give what people had a bot enter by hand, newest first."""
        ...

    async def recent(self, workspace_id: str, limit: int = 20) -> Sequence[EntryRequest]: ...
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
        ...

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
        ...
