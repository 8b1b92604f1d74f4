"""Reading bots."""

from __future__ import annotations

import strawberry

from api.bots.golive import GoLiveReport, go_live_report
from api.bots.types import Bot, ConfigVersion, StateChange, bot, config_version, state_change
from api.context import Info
from api.ids import Cursor, not_found, own_id
from api.pagination import DEFAULT_FIRST, Connection, connect, connect_all, wanted_page
from api.permissions import reads
from desk import views
from desk.cursors import cursor_of
from desk.golive import report_of
from trading.events import Condition, Desired


@strawberry.input(description="Which bots; what is left out does not filter.")
class BotFilter:
    """For bots."""

    desired: Desired | None = None
    condition: Condition | None = None
    strategy: str | None = None
    pair: str | None = None


@strawberry.type
class BotQueries:
    """Root fields about bots."""

    @reads()
    async def bots(
        self,
        info: Info,
        first: int = DEFAULT_FIRST,
        after: Cursor | None = None,
        filter: BotFilter | None = None,
    ) -> Connection[Bot]:
        """Bots, oldest first."""
        held = await info.context.load.holdings()
        found = [one for one in held.bots_oldest_first if _wanted(one, filter)]
        return connect_all(
            found, first=first, after=after, node=lambda one: held.once("bot", one, bot), position=_position
        )

    @reads()
    async def bot(self, info: Info, id: strawberry.ID) -> Bot | None:
        """One bot."""
        found = await info.context.load.bot.load(own_id("Bot", id))
        if found is None:
            raise not_found(id)
        held = info.context.load.at_hand
        return held.once("bot", found, bot) if held and found.id in held.bots else bot(found)

    @reads()
    async def bot_history(
        self, info: Info, bot_id: strawberry.ID, first: int = DEFAULT_FIRST, after: Cursor | None = None
    ) -> Connection[StateChange]:
        """A bot's state history, newest first."""
        own = await _known(info, bot_id)
        rows = await info.context.glance.bots.history(
            info.context.workspace_id, own.id, wanted_page(first, after)
        )
        return connect(rows, first=first, after=after, node=state_change, position=cursor_of)

    @reads()
    async def bot_configs(self, info: Info, bot_id: strawberry.ID) -> list[ConfigVersion]:
        """A bot's configuration versions, newest first."""
        own = await _known(info, bot_id)
        rows = await info.context.glance.bots.configs(info.context.workspace_id, own.id)
        newest_first = sorted(rows, key=lambda one: -one.version)
        older = [*newest_first[1:], None]
        pairs = zip(newest_first[:100], older, strict=False)
        return [config_version(one, own.config_version, before) for one, before in pairs]

    @reads()
    async def go_live_report(self, info: Info, bot_id: strawberry.ID) -> GoLiveReport:
        """Which gates a bot has passed on paper before real money, and how much that proves."""
        own = await _known(info, bot_id)
        house = info.context.house
        async with house.store.reading() as unit:
            found = await report_of(unit, house.clock.now(), info.context.workspace_id, own.id)
        return go_live_report(found)


async def _known(info: Info, bot_id: str) -> views.Bot:
    found = await info.context.load.bot.load(own_id("Bot", bot_id))
    if found is None:
        raise not_found(bot_id)
    return found


def _position(view: views.Bot) -> str:
    return f"{view.created_at.isoformat()}|{view.id}"


def _wanted(view: views.Bot, given: BotFilter | None) -> bool:
    if given is None:
        return True
    return (
        (given.desired is None or view.desired is given.desired)
        and (given.condition is None or view.condition is given.condition)
        and (not given.strategy or view.strategy == given.strategy)
        and (not given.pair or given.pair in view.pairs)
    )
