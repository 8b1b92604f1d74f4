"""`breakwater up` in a process of its own, with a live account at a simulated exchange, people, and hooks."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from desk.assembly import HouseOptions, open_house
from desk.commands import AddExchangeAccount, CreateApiToken, CreateBot, CreateWebhook, SetPassword
from desk.identity import Actor, Role
from desk.secrets import Secret
from desk.settings import VenueSettings
from server.sim_exchange.app import KEY, SECRET
from tests.support.sim_process import SimProcess

ROOT = Path(__file__).resolve().parents[2]

PASSWORD = "correct horse battery"
PAIR = "BTC/USDT"

DASHBOARD = (
    "{ bots(first: 5) { edges { node { name condition } } } orders(first: 5) { edges { node { id state } } } "
    "accounts(first: 5) { edges { node { name tradingState } } } }"
)
ORDER = (
    "mutation($input: PlaceOrderInput!) "
    "{ placeOrder(input: $input) { order { id } userErrors { code message } } }"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What is known of a house before it runs.

    Attributes:
        token: of the owner.
        hooks: paths of ways in for signals.
    """

    workspace_id: str
    account_id: str
    token: str
    hooks: Sequence[str]


async def prepare(folder: Path, exchange: SimProcess, *, hooks: int, members: int) -> Prepared:
    """Make a house with an owner, members, a bot with hooks, and a live account whose key is sealed."""
    address = VenueSettings(
        base_url=exchange.base_url, ws_url=exchange.ws_url, ws_api_url=exchange.ws_api_url
    )
    options = HouseOptions(
        data_dir=folder, venues={"binance": address}, role="console", is_trading=False, is_pumping=False
    )
    async with open_house(options) as house:
        async with house.store.transaction() as tx:
            workspace = await tx.workspaces.create("home")
            owner = await tx.members.add(
                workspace.id, name="olga", email="olga@home.example", role=Role.OWNER
            )
            for number in range(members):
                await tx.members.add(
                    workspace.id, name=f"p{number}", email=f"p{number}@home.example", role=Role.VIEWER
                )
            await tx.accounts.create(
                workspace.id,
                name="paper",
                venue="paper",
                is_live=False,
                currency="USDT",
                capital=Decimal(10_000),
                settings={},
            )
        actor = Actor(
            user_id=owner.user_id, workspace_id=workspace.id, name="olga", role=Role.OWNER, channel="cli"
        )
        await house.desk.do(SetPassword(password=Secret(PASSWORD)), actor)
        added = await house.desk.do(
            AddExchangeAccount(name="real", venue="binance", api_key=Secret(KEY), api_secret=Secret(SECRET)),
            actor,
        )
        bot = await house.desk.do(
            CreateBot(
                name="ears", strategy="outside_signal", pairs=(PAIR,), timeframe="15m", account_id="paper"
            ),
            actor,
        )
        made = [
            await house.desk.do(CreateWebhook(label=f"h{number}", bot_id=bot.view.id), actor)
            for number in range(hooks)
        ]
        token = await house.desk.do(CreateApiToken(label="load", role=Role.OWNER), actor)
        return Prepared(
            workspace_id=workspace.id,
            account_id=added.view.account.id,
            token=token.view.secret,
            hooks=tuple(one.view.path for one in made),
        )


class LiveServer:
    """The program itself, answering on a free port."""

    def __init__(self, folder: Path, exchange: SimProcess, log: Path) -> None:
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("BREAKWATER_")},
            "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'graphql'}",
            "BREAKWATER_MARKET": "binance",
            "BREAKWATER_MARKET_PAIRS": PAIR,
            "BREAKWATER_MARKET_SECOND": "",
            "BREAKWATER_NEWS_SOURCES": "none",
            "BREAKWATER_BINANCE_BASE_URL": exchange.base_url,
            "BREAKWATER_BINANCE_WS_URL": exchange.ws_url,
            "BREAKWATER_BINANCE_WS_API_URL": exchange.ws_api_url,
        }
        command = [sys.executable, "-m", "server", "up", "--json", "--port", "0", "--data-dir", str(folder)]
        with log.open("ab") as errors:
            self.process = subprocess.Popen(
                command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(log.read_text()[-2_000:])
        ready = json.loads(line)
        self.graphql: str = ready["graphql"]
        self.address = self.graphql.removesuffix("/graphql")

    def end(self) -> int:
        """Stop it in order; give its exit code."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(40)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


def key() -> str:
    """Give an idempotency key."""
    return str(uuid4())


@dataclass(slots=True)
class Answers:
    """How requests of one kind were answered."""

    seconds: list[float] = field(default_factory=list)
    codes: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def keep(self, seconds: float, code: str) -> None:
        """Count an answer."""
        self.seconds.append(seconds)
        self.codes[code] = self.codes.get(code, 0) + 1

    def share(self, part: float) -> float:
        """Give a quantile in seconds."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(len(ordered) * part))] if ordered else 0.0


class Load:
    """A steady light load of people, programs and hooks; nobody waits for anybody before asking."""

    def __init__(self, web: httpx.AsyncClient, prepared: Prepared) -> None:
        self._web = web
        self._prepared = prepared
        self._asked = list[asyncio.Task[None]]()
        self.answers: dict[str, Answers] = {}

    async def run(self, jobs: Sequence[tuple[str, float, Any]], *, seconds: float) -> None:
        """Do each job (name, times a second, what) for so long, then wait for every answer."""
        async with asyncio.TaskGroup() as group:
            for name, rate, what in jobs:
                group.create_task(self._steadily(name, rate, what, seconds))
        await asyncio.gather(*self._asked)
        self._asked.clear()

    async def _steadily(self, name: str, rate: float, what: Any, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        for number in range(int(rate * seconds)):
            # By the clock, however late the one before: a slow answer hides none of those behind it.
            await asyncio.sleep(max(0.0, began + number / rate - loop.time()))
            self._asked.append(asyncio.create_task(self._one(name, what, number)))

    async def _one(self, name: str, what: Any, number: int) -> None:
        kept = self.answers.setdefault(name, Answers())
        began = time.perf_counter()
        try:
            code = await what(number)
        except httpx.HTTPError as failed:
            kept.wrong.append(f"{name}: {type(failed).__name__} {failed}")
            return
        kept.keep(time.perf_counter() - began, code)

    async def ask(self, query: str, token: str = "", **variables: Any) -> dict[str, Any]:
        """Ask the API."""
        answer = await self._web.post(
            "/graphql",
            json={"query": query, "variables": variables},
            headers={"authorization": f"Bearer {token or self._prepared.token}"},
        )
        found: dict[str, Any] = answer.json()
        return found

    async def dashboard(self, _number: int) -> str:
        """Ask what a dashboard shows; give `ok` or the refusal."""
        found = await self.ask(DASHBOARD)
        return str(found["errors"][0]["extensions"]["code"]) if found.get("errors") else "ok"

    async def order(self, _number: int) -> str:
        """Place an order by hand that rests far from the price; give `ok` or the refusal."""
        wish = {
            "idempotencyKey": key(),
            "pair": PAIR,
            "side": "BUY",
            "quantity": "0.001",
            "orderType": "LIMIT",
            "price": "40000",
            "accountId": self._prepared.account_id,
        }
        return code_of(await self.ask(ORDER, input=wish), "placeOrder")

    async def until_ready(self) -> None:
        """Wait until the live account has compared itself with the exchange and takes orders."""
        async with asyncio.timeout(60):
            while await self.order(0) != "ok":  # noqa: ASYNC110 - another process tells it only when asked
                await asyncio.sleep(0.25)

    async def hook(self, number: int) -> str:
        """Send a signal through one of the hooks; give the status."""
        path = self._prepared.hooks[number % len(self._prepared.hooks)]
        body = {"alertId": key(), "time": datetime.now(UTC).isoformat(), "pair": PAIR, "action": "buy"}
        answer = await self._web.post(f"/hooks/{path}", json=body)
        return str(answer.status_code)


def code_of(found: dict[str, Any], name: str) -> str:
    """Give `ok`, or the code of the refusal."""
    if found.get("errors"):
        return str(found["errors"][0]["extensions"]["code"])
    refused = found["data"][name].get("userErrors") or ()
    return str(refused[0]["code"]) if refused else "ok"
