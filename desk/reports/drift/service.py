"""Drift for whoever asks: rows are read, then the replay runs in a thread, one at a time."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from datetime import datetime, timedelta

from desk.clock import Clock
from desk.models.room import ModelRoom
from desk.ports import Feed, Store, Unit
from desk.reports.drift.material import Material, Request, gathered
from desk.reports.drift.values import Drift
from desk.views import Bot
from strategies.registry import StrategyRegistry
from trading.errors import InvalidInput, InvariantBroken, NotFound, nearest

#: Days that can be asked for at once.
MOST_DAYS = 366

#: Answers that are kept until the next bar.
_KNOWN = 32


class Drifts:
    """Measures how far bots are from what a backtest says of them.

    Args:
        models: what bots that read forecasts are given; None = no models here.
    """

    def __init__(
        self,
        store: Store,
        feed: Feed,
        registry: StrategyRegistry,
        clock: Clock,
        models: ModelRoom | None = None,
    ) -> None:
        self._store, self._feed, self._registry, self._clock = store, feed, registry, clock
        self._models = models
        self._turn = asyncio.Semaphore(1)
        #: Nothing changes before the next bar, so whoever asks again is answered from here.
        self._known: OrderedDict[tuple[str, int, int, datetime], Drift] = OrderedDict()

    async def of(self, workspace_id: str, bot_id: str, days: int = 30) -> Drift:
        """Give a bot's drift over the last days of its account's own time.

        Raises:
            NotFound: no such bot. InvalidInput: not 1 to 366 days, or no bars or too many of them.
        """
        if not 1 <= days <= MOST_DAYS:
            raise InvalidInput(f"{days} days were asked for; 1 to {MOST_DAYS} are allowed.")
        async with self._turn:
            async with self._store.reading() as tx:
                bot = await _bot(tx, workspace_id, bot_id)
                request = await request_of(tx, bot, days=days, now=self._clock.now())
                key = (bot.id, bot.version, days, request.until)
                if key in self._known:
                    return self._known[key]
                material = await gathered(tx, self._feed, self._registry, request, models=self._models)
            found = self._known[key] = await asyncio.to_thread(self._measured, material)
            if len(self._known) > _KNOWN:
                self._known.popitem(last=False)
            return found

    def _measured(self, material: Material) -> Drift:
        # The backtester costs a fifth of a second to import, and most processes are never asked.
        from desk.reports.drift.compare import compared
        from desk.reports.drift.replay import replayed

        return compared(material, replayed(material, self._registry))


async def request_of(tx: Unit, bot: Bot, *, days: int, now: datetime) -> Request:
    """Give the request for a bot's last days; a replay or a simulation has a time of its own."""
    account = await tx.accounts.by_id(bot.workspace_id, bot.account_id)
    if account is None:
        raise InvariantBroken(f"Bot {bot.id} has no account.")
    status = await tx.accounts.status(bot.workspace_id, account.id)
    until = status.as_of if status else now
    return Request(bot=bot, account=account, since=until - timedelta(days=days), until=until)


async def _bot(tx: Unit, workspace_id: str, bot_id: str) -> Bot:
    found = await tx.bots.by_id(workspace_id, bot_id)
    if found is None:
        ids = [one.id for one in await tx.bots.all(workspace_id)]
        raise NotFound(f"No bot '{bot_id}' is in this workspace.", hint=nearest(bot_id, ids) or None)
    return found
