"""People and a bot on a live account: parts, entries that are asked about, directions, time-outs and panic."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from typing import ClassVar

import numpy as np
import pytest

from desk.commands import (
    AnswerEntry,
    CancelAllOrders,
    ClosePosition,
    PanicStop,
    PauseBot,
    SetEntryMode,
    SetMarketDirection,
)
from desk.entry_views import EntryRequest
from desk.execution import executor
from desk.store import SqlStore
from desk.views import Filter, Trade
from strategies.registry import default_registry
from tests.desk.desk_house import ALL, at_work, until
from tests.desk.test_supervision import Always
from tests.support.live_house import HISTORY, LiveBots, live_bots, series
from trading.events import EntryDenied
from trading.market import MarketView
from trading.orders import OrderState, OrderType, Reason
from trading.signals import EntryType, SignalColumns


class Patient(Always):
    """Waits for a price far below for two bars, once in a while."""

    name = "patient"
    tags: ClassVar[tuple[str, ...]] = ("patient",)

    def columns(self, market: MarketView) -> SignalColumns:
        n = len(market.candles)
        return replace(
            super().columns(market),
            entry_type=np.full(n, EntryType.LIMIT, np.int8),
            entry_price=market.candles.close * 0.9,
            expiry_bars=np.full(n, 2, np.int32),
        )


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executor, "WATCH_S", 0.02)


@asynccontextmanager
async def at_bars(store: SqlStore, strategy: str = "always") -> AsyncIterator[LiveBots]:
    """A live bot at work that wants to be long at each close."""
    registry = default_registry()
    registry.register(Always)
    registry.register(Patient)
    async with live_bots(store, series(), registry=registry, strategy=strategy) as live, at_work(live.house):
        yield live


async def pass_bars(live: LiveBots, *rows: int) -> None:
    """Let some bars after the history close."""
    for row in rows:
        await live.play(live.data, range(HISTORY + row, HISTORY + row + 1))


async def trades(live: LiveBots) -> list[Trade]:
    return await live.house.trades()


def bought(live: LiveBots) -> list[str]:
    """Give the purchases that the exchange took."""
    return [one.client_order_id for one in live.exchange.book.orders.values() if one.side.value == "buy"]


async def test_half_of_a_bots_position_leaves_and_the_stop_holds_the_rest(sqlite_store: SqlStore) -> None:
    async with at_bars(sqlite_store) as live:
        await pass_bars(live, 0)
        [held] = await live.held()

        await live.do(ClosePosition(position_id=held.id, share=Decimal("0.5")))
        await until(lambda: live.exchange.held()["BTC"] < held.quantity)
        await until(live.is_quiet)
        await pass_bars(live, 1, 2)

        [rest] = await live.held()
        [stop] = live.exchange.open_orders()
        assert rest.id == held.id
        assert abs(rest.quantity - held.quantity / 2) <= Decimal("0.0001")
        assert stop.quantity == rest.quantity
        assert len(bought(live)) == 1
        assert await trades(live) == []

        await live.do(ClosePosition(position_id=held.id))
        await until(lambda: live.exchange.held() == {})
        await until(live.is_quiet)
        [trade] = await trades(live)
        assert trade.quantity == held.quantity


async def test_half_of_a_position_by_hand_leaves(sqlite_store: SqlStore) -> None:
    async with at_bars(sqlite_store) as live:
        live.exchange.tick("ETH/USDT", Decimal(100))
        order = await live.buy("ETH/USDT", Decimal(2), stop_loss=Decimal(90))
        await until(lambda: live.is_filled(order))
        [held] = await live.held()

        await live.do(ClosePosition(position_id=held.id, share=Decimal("0.25")))
        await until(lambda: live.exchange.held() == {"ETH": Decimal("1.5")})
        await until(live.is_quiet)

        [stop] = live.exchange.open_orders()
        assert (stop.quantity, stop.stop_price) == (Decimal("1.5"), Decimal(90))


async def test_a_semi_automatic_bot_buys_at_the_venue_only_after_a_yes(sqlite_store: SqlStore) -> None:
    async with at_bars(sqlite_store) as live:
        await live.do(SetEntryMode(bot_id="real tide", is_asked=True, drift=Decimal("0.2")))
        await pass_bars(live, 0, 1)
        [request] = await _requests(live)
        assert bought(live) == []

        await live.do(AnswerEntry(code=request.code, answer="approve"))
        await pass_bars(live, 2)

        [held] = await live.held()
        assert held.signal_id == request.signal_id
        assert len(bought(live)) == 1


async def test_nothing_is_bought_against_the_direction_that_people_set(sqlite_store: SqlStore) -> None:
    async with at_bars(sqlite_store) as live:
        await live.do(SetMarketDirection(direction="short", account_id=live.account.id))
        await pass_bars(live, 0, 1)
        denied = await live.house.facts(EntryDenied)
        assert {one.reason for one in denied if isinstance(one, EntryDenied)} == {"market_direction"}
        assert bought(live) == []

        await live.do(SetMarketDirection(direction="long", account_id=live.account.id))
        await pass_bars(live, 2)
        assert len(bought(live)) == 1


async def test_an_entry_that_is_not_filled_in_its_bars_is_taken_back_at_the_venue(
    sqlite_store: SqlStore,
) -> None:
    async with at_bars(sqlite_store, "patient") as live:
        await pass_bars(live, 0)
        [first] = live.exchange.open_orders()
        assert first.order_type is OrderType.LIMIT

        await pass_bars(live, 1, 2, 3)

        ended = live.exchange.book.orders[first.venue_order_id]
        assert ended.state is OrderState.CANCELED
        # Never two of them at once, and each with an id of its own.
        assert len(live.exchange.open_orders()) <= 1
        assert len(set(bought(live))) == len(bought(live))


@pytest.mark.parametrize("level", ["pause", "cancel", "flatten"])
async def test_each_level_of_the_kill_switch_does_at_the_venue_what_it_says(
    sqlite_store: SqlStore, level: str
) -> None:
    async with at_bars(sqlite_store, "always" if level == "flatten" else "patient") as live:
        await pass_bars(live, 0)
        before = bought(live)
        assert len(before) == 1

        match level:
            case "pause":
                await live.do(PauseBot(bot_id="real tide"))
            case "cancel":
                await live.do(PauseBot(bot_id="real tide"))
                await live.do(CancelAllOrders(account_id=live.account.id))
                await until(lambda: live.exchange.open_orders() == [])
            case _:
                await live.do(PanicStop(account_id=live.account.id))
                await until(lambda: live.exchange.held() == {})
                await until(lambda: live.exchange.open_orders() == [])
        await pass_bars(live, 1, 2, 3, 4)

        assert bought(live) == before
        if level == "flatten":
            [trade] = await trades(live)
            assert trade.reason is Reason.KILL_SWITCH


async def test_a_halted_account_opens_nothing_in_its_next_process_either(sqlite_store: SqlStore) -> None:
    async with at_bars(sqlite_store) as live:
        await pass_bars(live, 0)
        await live.do(PanicStop(account_id=live.account.id))
        await until(lambda: live.exchange.held() == {})
    before = bought(live)

    live.restarted()
    async with at_work(live.house):
        await pass_bars(live, 1, 2)

    assert bought(live) == before
    async with sqlite_store.reading() as tx:
        filled = await tx.orders.page(live.house.workspace.id, Filter(account_id=live.account.id), ALL)
    assert sum(not one.is_reduce_only for one in filled) == len(before)


async def _requests(live: LiveBots) -> list[EntryRequest]:
    async with live.house.store.reading() as tx:
        return list(await tx.entries.recent(live.house.workspace.id))
