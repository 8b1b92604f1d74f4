"""A house on a real store with the real handlers, and a real web server on loopback in front of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any

import httpx
from starlette.applications import Starlette

from desk.bus import EventBus
from desk.clock import Clock, SystemClock
from desk.desk import Desk, token_hash
from desk.feeds.simulated import SimulatedFeed
from desk.handlers import register_all
from desk.identity import Role
from desk.jobs.timetable import Timetable
from desk.live_prices import LivePrices
from desk.models.room import ModelRoom
from desk.models.shelf import Shelf
from desk.reports.drift.service import Drifts
from desk.settings import Settings
from desk.store import SqlStore
from desk.views import Account, Bot, Member, Performance, Workspace
from server.app import create_app
from server.web import WebServer, bound_socket, web_server
from strategies.registry import StrategyRegistry, default_registry
from tests.support.records import (
    a_bot,
    a_change,
    a_delivery,
    a_fill,
    a_position,
    a_signal,
    a_trade,
    an_alert,
    an_order,
    later,
)
from trading.events import Event

#: Roles that a token may have.
ROLES = (Role.VIEWER, Role.OPERATOR, Role.TRADER, Role.ADMIN, Role.OWNER)


@cache
def shared_registry() -> StrategyRegistry:
    """Give the built-in strategies, loaded once per run."""
    return default_registry()


class FixedFigures:
    """Gives the same performance to everybody."""

    async def performance(
        self, workspace_id: str, bot_id: str = "", since: datetime | None = None
    ) -> Performance:
        """Give made-up figures."""
        return Performance(
            bot_id=bot_id,
            since=since,
            until=later(0),
            trades=3,
            pnl=Decimal("12.50"),
            fees=Decimal("0.75"),
            equity=Decimal("10012.50"),
            values={"win_rate": 0.5, "sharpe": None},
            reasons={"sharpe": "fewer than 30 trades"},
        )


@dataclass(slots=True)
class StoreHouse:
    """The part of a house that the API needs, on a real store."""

    store: SqlStore
    clock: Clock = field(default_factory=SystemClock)
    bus: EventBus = field(default_factory=EventBus)
    registry: StrategyRegistry = field(default_factory=shared_registry)
    queries: FixedFigures = field(default_factory=FixedFigures)
    timetable: Timetable = field(default_factory=Timetable)
    feed: SimulatedFeed = field(init=False)
    desk: Desk = field(init=False)
    prices: LivePrices = field(init=False)
    drifts: Drifts = field(init=False)
    models: ModelRoom = field(default_factory=lambda: ModelRoom(Shelf("memory://api-house")))

    def __post_init__(self) -> None:
        self.prices = LivePrices(self.clock)
        self.feed = SimulatedFeed(clock=self.clock, seed=7)
        self.drifts = Drifts(self.store, self.feed, self.registry, self.clock)
        self.desk = Desk(self.store, self.bus, self.clock)
        register_all(self.desk, registry=self.registry, feed=self.feed)

    async def write(self, workspace_id: str, *events: Event, publish: bool = True) -> int:
        """Journal facts as the account loop does; without publishing, as another process would."""
        async with self.store.transaction() as unit:
            recorded = await unit.journal.append(workspace_id, events, self.clock.now())
        if publish:
            self.bus.publish(recorded)
        return recorded[-1].sequence


@dataclass(frozen=True, slots=True)
class People:
    """A workspace with an account and a member per role, each with a token."""

    workspace: Workspace
    account: Account
    members: Mapping[Role, Member]
    tokens: Mapping[Role, str]
    token_ids: Mapping[Role, str]


async def people(house: StoreHouse, name: str = "home") -> People:
    """Make a workspace with everybody in it."""
    members: dict[Role, Member] = {}
    tokens: dict[Role, str] = {}
    token_ids: dict[Role, str] = {}
    async with house.store.transaction() as unit:
        workspace = await unit.workspaces.create(name)
        account = await unit.accounts.create(
            workspace.id,
            name=f"{name}-paper",
            venue="simulated",
            is_live=False,
            currency="USDT",
            capital=Decimal(10_000),
            settings={},
        )
        for role in ROLES:
            person = role.name.lower()
            members[role] = await unit.members.add(
                workspace.id, name=person, email=f"{person}@{name}.example", role=role
            )
            tokens[role] = f"bwk_{name}_{person}_token"
            made = await unit.members.add_token(
                workspace.id,
                user_id=members[role].user_id,
                label=f"{person} key",
                role=role,
                secret_hash=token_hash(tokens[role]),
                expires_at=None,
            )
            token_ids[role] = made.id
    return People(workspace, account, members, tokens, token_ids)


async def furnish(house: StoreHouse, crowd: People, rows: int = 1, *, offset: int = 0) -> Bot:
    """Put a bot and so many rows of everything into a workspace; give the (last) bot."""
    workspace, account = crowd.workspace.id, crowd.account.id
    async with house.store.transaction() as unit:
        for at in range(offset, offset + rows):
            bot = replace(a_bot(workspace, account, f"bot-{at}"), strategy="trend_following", parameters={})
            await unit.bots.create(bot)
            await unit.bots.add_state_change(workspace, a_change(bot.id, at))
            signal = a_signal(workspace, bot.id, at)
            await unit.signals.add(signal)
            position = replace(
                a_position(workspace, account, at), bot_id=bot.id, signal_id=signal.id, pair=f"P{at}/USDT"
            )
            await unit.positions.save(position)
            await unit.positions.add_trade_event(
                workspace, position.id, later(at), "opened", {"price": "1.5"}
            )
            order = replace(
                an_order(workspace, account, at), bot_id=bot.id, position_id=position.id, signal_id=signal.id
            )
            await unit.orders.add(order, idempotency_key=order.id)
            await unit.fills.add(replace(a_fill(order, f"t-{at}", at), position_id=position.id))
            await unit.positions.add_trade(
                replace(a_trade(workspace, at), account_id=account, bot_id=bot.id, position_id=position.id)
            )
            alert = replace(an_alert(workspace, at), bot_id=bot.id)
            await unit.alerts.add(alert, [a_delivery(alert)])
    return bot


@dataclass(slots=True)
class Running:
    """A server on loopback."""

    app: Starlette
    url: str
    port: int
    server: WebServer
    client: httpx.AsyncClient

    @property
    def socket_url(self) -> str:
        """Where subscriptions go."""
        return f"ws://127.0.0.1:{self.port}/graphql"

    async def ask(
        self, text: str, variables: Mapping[str, Any] | None = None, token: str = "", **headers: str
    ) -> httpx.Response:
        """Send a document over HTTP."""
        if token:
            headers["authorization"] = f"Bearer {token}"
        body = {"query": text, "variables": variables}
        return await self.client.post(f"{self.url}/graphql", json=body, headers=headers)

    async def data(
        self, text: str, variables: Mapping[str, Any] | None = None, token: str = ""
    ) -> dict[str, Any]:
        """Send a document that must succeed."""
        answer = (await self.ask(text, variables, token)).json()
        assert "errors" not in answer, answer["errors"]
        found: dict[str, Any] = answer["data"]
        return found


@asynccontextmanager
async def serving(house: StoreHouse, settings: Settings | None = None) -> AsyncIterator[Running]:
    """Run a real uvicorn around a house, and stop it at the end."""
    listener = bound_socket("127.0.0.1", 0)
    port = listener.getsockname()[1]
    # Tests send a document of their own with nearly every request.
    app = create_app(house, settings or Settings(api_new_documents_per_s=10_000))
    server = web_server(app)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        while not server.started:
            if task.done():
                task.result()
            await asyncio.sleep(0.005)
        # No certificates are loaded: that alone takes longer than most of these tests.
        async with httpx.AsyncClient(trust_env=False, timeout=30, verify=False) as client:
            yield Running(app, f"http://127.0.0.1:{port}", port, server, client)
    finally:
        server.should_exit = True
        await task
        listener.close()
