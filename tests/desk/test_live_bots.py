"""Bots on a live account: the same engine decides, the venue fills, and a restart in the middle changes nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from desk.bots.supervisor import Supervisor
from desk.clock import SystemClock, to_ms
from desk.execution import executor
from desk.store import SqlStore, open_store
from desk.views import Account, Order, Position
from tests.desk.desk_house import DeskHouse, a_house, at_work, market, until
from tests.support.fake_exchange import FakeExchange
from tests.support.fake_venue import FakeVenue
from tests.support.live_bots import COSTS, ScriptFeed, Told, joined, told
from tests.support.stores import SqliteTemplate
from trading.candles import Candles
from trading.orders import OrderState

HISTORY = 250
BARS = 460


def series() -> list[Candles]:
    """Give a market whose bars join, under the venue's name."""
    return [joined(replace(one, venue="fake")) for one in market(("BTC/USDT",), bars=BARS, seed=5)]


class LiveBots:
    """A live account whose market, exchange and process a test holds in its hands."""

    def __init__(self, house: DeskHouse, account: Account, exchange: FakeExchange, feed: ScriptFeed) -> None:
        self.house = house
        self.account = account
        self.exchange = exchange
        self.feed = feed
        self.venues: list[FakeVenue] = []

    async def open_venue(self, account: Account) -> FakeVenue:
        """Give a venue at the exchange."""
        self.venues.append(FakeVenue(self.exchange))
        return self.venues[-1]

    def restarted(self) -> Supervisor:
        """Give the supervisor of a new process over the same rows."""
        tools = self.house.supervisor._tools
        self.house.supervisor = Supervisor(tools)
        return self.house.supervisor

    async def play(self, data: Sequence[Candles], rows: range) -> None:
        """Let bars close one by one, and prices walk through them at the exchange."""
        for row in rows:
            for candles in data:
                await self.walk(candles, row)
            self.feed.release(row + 1)
            await until(partial(self.is_settled, int(data[0].ts_ms[row])), within_s=30.0)

    async def walk(self, candles: Candles, row: int) -> None:
        """Take a price through a bar, the losing side first."""
        pair = candles.pair
        low, high, close = (
            Decimal(str(float(one[row]))) for one in (candles.low, candles.high, candles.close)
        )
        stops = sorted(
            (one.stop_price for one in self.exchange.open_orders(pair) if one.stop_price is not None),
            reverse=True,
        )
        for price in (*(one for one in stops if one > low), low):
            self.exchange.tick(pair, price)
        for level in await self.targets(pair):
            if low < level < high:
                self.exchange.tick(pair, level)
                await until(partial(self.is_taken, pair, level), within_s=30.0)
        self.exchange.tick(pair, high)
        self.exchange.tick(pair, close)

    async def targets(self, pair: str) -> list[Decimal]:
        """Give the targets that are not taken yet."""
        await until(self.is_quiet, within_s=30.0)
        return [
            leg.price
            for one in await self.held()
            if one.pair == pair
            for leg in one.legs
            if not leg.is_filled
        ]

    async def is_taken(self, pair: str, level: Decimal) -> bool:
        """Tell whether nothing waits at a level any more."""
        return level not in await self.targets(pair) and await self.is_quiet()

    async def held(self) -> list[Position]:
        """Give the open positions."""
        async with self.house.store.reading() as tx:
            return list(await tx.positions.open(self.house.workspace.id, self.account.id))

    async def orders(self) -> list[Order]:
        """Give the orders that may still change."""
        async with self.house.store.reading() as tx:
            return list(await tx.orders.unsettled(self.house.workspace.id, self.account.id))

    async def is_quiet(self) -> bool:
        """Tell whether rows and exchange agree and nothing is under way."""
        orders, held = await self.orders(), await self.held()
        if any(one.state is not OrderState.ACCEPTED for one in orders):
            return False
        here = {one.pair.split("/")[0]: one.quantity for one in held}
        resting = {one.client_order_id for one in self.exchange.open_orders()}
        stops = {one.pair: one.stop_price for one in self.exchange.open_orders() if one.stop_price}
        return (
            here == self.exchange.held()
            and resting == {one.client_order_id for one in orders}
            and stops == {one.pair: one.stop for one in held if one.stop}
        )

    async def is_settled(self, ts_ms: int) -> bool:
        """Tell whether the bots decided on a bar and everything that followed is done."""
        loop = self.house.supervisor.loops.get(self.account.id)
        return loop is not None and loop.last_ms == ts_ms and await self.is_quiet()

    async def told(self) -> list[Told]:
        """Give the finished trades."""
        return [told(one) for one in await self.house.trades()]


@asynccontextmanager
async def live_bots(store: SqlStore, data: Sequence[Candles], **bot: Any) -> AsyncIterator[LiveBots]:
    """Set a live account up with a running bot."""
    exchange = FakeExchange(lambda: to_ms(SystemClock().now()), cash=Decimal(10_000))
    for one in data:
        exchange.prices[one.pair] = Decimal(str(float(one.close[HISTORY - 1])))
    feed = ScriptFeed(data, exchange.instruments, venue="fake", history=HISTORY)
    house = await a_house(store, feed=feed)
    async with store.transaction() as tx:
        account = await tx.accounts.create(
            house.workspace.id,
            name="real",
            venue="fake",
            is_live=True,
            currency="USDT",
            capital=Decimal(10_000),
            settings={"costs": COSTS},
        )
    live = LiveBots(house, account, exchange, feed)
    house.supervisor._tools = replace(house.supervisor._tools, open_venue=live.open_venue, signal_age_s=None)
    started = await house.start_bot(
        "real tide", account_id="paper", pairs=tuple(one.pair for one in data), **bot
    )
    async with store.transaction() as tx:
        # As the go-live command leaves it: the bot is at home on the live account.
        await tx.bots.save(replace(started, account_id=account.id, is_live=True))
    yield live


async def on_paper(store: SqlStore, data: Sequence[Candles], **bot: Any) -> list[Told]:
    """Give the trades of the same bot over the same bars on paper."""
    exchange = FakeExchange(lambda: 0)
    feed = ScriptFeed(data, exchange.instruments, venue="fake", history=HISTORY)
    feed.release(len(data[0]))
    house = await a_house(store, feed=feed, settings={"costs": COSTS})
    await house.start_bot(pairs=tuple(one.pair for one in data), **bot)
    async with at_work(house):
        last = int(data[0].ts_ms[-1])
        await until(lambda: any(one.last_ms == last for one in house.supervisor.loops.values()))
    return [told(one) for one in await house.trades()]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at prices and at freed coins sooner than in service."""
    monkeypatch.setattr(executor, "WATCH_S", 0.02)
    monkeypatch.setattr(executor, "ROOM_S", 0.02)


BOT: dict[str, Any] = {
    "strategy": "trend_following",
    "parameters": (
        ("fast_bars", 5),
        ("slow_bars", 12),
        ("trend_bars", 20),
        ("entry", "cross"),
        ("sides", "long"),
    ),
}


async def test_a_live_bot_trades_like_its_paper_twin_also_when_it_is_stopped_and_started_in_between(
    sqlite_store: SqlStore, sqlite_template: SqliteTemplate, tmp_path: Path
) -> None:
    data = series()
    other = open_store(sqlite_template.copy(tmp_path / "paper.sqlite3"))
    paper = await on_paper(other, data, **BOT)
    await other.close()

    async with live_bots(sqlite_store, data, **BOT) as live:
        thirds = [range(HISTORY, 320), range(320, 390), range(390, BARS)]
        for rows in thirds:
            async with at_work(live.house):
                await live.play(data, rows)
            live.restarted()
        trades = await live.told()

    assert len(trades) >= 3
    assert len(trades) == len(paper)
    assert [(a, b) for a, b in zip(trades, paper, strict=True) if not a.is_like(b)] == []
