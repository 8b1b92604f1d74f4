"""A house for tests of the desk: a real store, a replayed market, and people of every role."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from desk.bots.supervisor import Supervisor
from desk.bots.tools import Tools
from desk.bus import EventBus
from desk.clock import Clock, SystemClock
from desk.commands import CreateBot, StartBot
from desk.desk import Desk
from desk.ending import ended
from desk.feeds.replay import ReplayFeed
from desk.feeds.simulated import EPOCH_MS, HISTORY_DAYS, SimulatedFeed
from desk.handlers import register_all
from desk.identity import Actor, Role
from desk.ports import Feed, Store
from desk.store import SqlStore
from desk.venues.paper import PaperVenue
from desk.views import Account, Bot, Filter, Member, Page, Position, Trade, Workspace
from strategies.registry import StrategyRegistry, default_registry
from trading.candles import Candles
from trading.events import Event, Recorded

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
_DAY_MS = 86_400_000

#: Everything a page can hold in these tests.
ALL = Page(first=5_000)


def market(
    pairs: Sequence[str] = ("BTC/USDT", "ETH/USDT"),
    *,
    bars: int = 1_500,
    timeframe: str = "15m",
    seed: int = 11,
) -> list[Candles]:
    """Give series of the simulated exchange, made at once."""
    source = SimulatedFeed(clock=SystemClock(), seed=seed)
    start = EPOCH_MS + HISTORY_DAYS * _DAY_MS
    stop = start + bars * {"15m": 900_000, "1h": 3_600_000}[timeframe]
    return [source.candles(pair, timeframe, start, stop) for pair in pairs]


@dataclass(slots=True, kw_only=True)
class DeskHouse:
    """The desk with everything around it."""

    store: Store
    clock: Clock
    feed: Feed
    registry: StrategyRegistry
    bus: EventBus
    desk: Desk
    supervisor: Supervisor
    workspace: Workspace
    members: Mapping[Role, Member]
    account: Account
    failures: list[BaseException] = field(default_factory=list)

    def actor(self, role: Role = Role.OWNER, *, channel: str = "graphql") -> Actor:
        """Give the member of a role at a door."""
        member = self.members.get(role)
        return Actor(
            workspace_id=self.workspace.id,
            user_id=member.user_id if member else "",
            name=member.name if member else "nobody",
            role=role,
            channel=channel,
        )

    async def start_bot(self, name: str = "tide", **wanted: Any) -> Bot:
        """Create and start a bot."""
        given: dict[str, Any] = {
            "strategy": "trend_following",
            "pairs": tuple(await self.feed.pairs()),
            "timeframe": "15m",
            **wanted,
        }
        await self.desk.do(CreateBot(name=name, **given), self.actor())
        return await self.bot_after(StartBot(bot_id=name))

    async def bot_after(self, command: Any) -> Bot:
        """Do a command as the owner; give the bot that it gave."""
        outcome = await self.desk.do(command, self.actor())
        bot: Bot = outcome.view
        return bot

    async def bot(self, name: str = "tide") -> Bot:
        """Give a bot as it stands."""
        async with self.store.reading() as tx:
            found = await tx.bots.by_name(self.workspace.id, name)
        assert found is not None
        return found

    async def trades(self) -> list[Trade]:
        """Give the finished trades, oldest first."""
        async with self.store.reading() as tx:
            rows = await tx.positions.trades(self.workspace.id, Filter(), ALL)
        return list(reversed(rows))

    async def positions(self) -> list[Position]:
        """Give the open positions."""
        async with self.store.reading() as tx:
            return list(await tx.positions.open(self.workspace.id))

    async def journal(self, *kinds: str) -> list[Recorded]:
        """Give the facts so far."""
        async with self.store.reading() as tx:
            return list(await tx.journal.after(self.workspace.id, 0, limit=100_000, kinds=kinds))

    async def facts(self, kind: type[Event]) -> list[Event]:
        """Give the facts of one class."""
        return [one.event for one in await self.journal() if isinstance(one.event, kind)]


async def a_house(
    store: SqlStore,
    series: Sequence[Candles] | None = None,
    *,
    clock: Clock | None = None,
    feed: Feed | None = None,
    registry: StrategyRegistry | None = None,
    settings: Mapping[str, Any] | None = None,
    bars_per_s: float = 0.0,
    holder: str = "",
) -> DeskHouse:
    """Put a house together over a store; people and account are made once per store."""
    clock = clock or SystemClock()
    feed = feed or ReplayFeed(series or market(), clock=clock, bars_per_s=bars_per_s)
    registry = registry or default_registry()
    bus = EventBus()
    tools = Tools(
        store=store,
        bus=bus,
        clock=clock,
        feed=feed,
        registry=registry,
        make_venue=PaperVenue,
        ring=lambda: None,
    )
    supervisor = Supervisor(tools, holder=holder)
    desk = Desk(store, bus, clock)
    register_all(desk, registry=registry, feed=feed, wake=supervisor.wake)
    workspace, members, account = await _people(store, settings or {})
    return DeskHouse(
        store=store,
        clock=clock,
        feed=feed,
        registry=registry,
        bus=bus,
        desk=desk,
        supervisor=supervisor,
        workspace=workspace,
        members=members,
        account=account,
    )


async def _people(
    store: SqlStore, settings: Mapping[str, Any]
) -> tuple[Workspace, dict[Role, Member], Account]:
    async with store.transaction() as tx:
        known = await tx.workspaces.all()
        if known:
            members = {one.role: one for one in await tx.members.all(known[0].id)}
            return known[0], members, (await tx.accounts.all(known[0].id))[0]
        workspace = await tx.workspaces.create("desk")
        members = {
            role: await tx.members.add(
                workspace.id, name=role.name.lower(), email=f"{role.name.lower()}@example.org", role=role
            )
            for role in Role
            if role is not Role.STRANGER
        }
        account = await tx.accounts.create(
            workspace.id,
            name="paper",
            venue="paper",
            is_live=False,
            currency="USDT",
            capital=Decimal(10_000),
            settings=settings,
        )
    return workspace, members, account


@asynccontextmanager
async def at_work(house: DeskHouse) -> AsyncIterator[None]:
    """Run the supervisor for a while."""
    task = asyncio.create_task(house.supervisor.run())
    try:
        yield
    finally:
        await ended(task)


async def until(claim: Callable[[], Any], *, within_s: float = 150.0) -> None:
    """Wait until a claim holds; it may be a coroutine function."""
    async with asyncio.timeout(within_s):
        while True:
            held = claim()
            if asyncio.iscoroutine(held):
                held = await held
            if held:
                return
            await asyncio.sleep(0.005)


async def run_to_end(house: DeskHouse, *others: DeskHouse) -> None:
    """Play the market to its end, in this process or in one that shares the store."""
    houses = (house, *others)

    def has_ended() -> bool:
        loops = [loop for one in houses for loop in one.supervisor.loops.values()]
        return bool(loops) and all(one.has_ended for one in loops)

    async with AsyncExitStack() as stack:
        for one in houses:
            await stack.enter_async_context(at_work(one))
        await until(has_ended)
