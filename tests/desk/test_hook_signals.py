"""What hooks say reaches the bot's strategy at the next close: once, through risk, also after a crash; late it lapses."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import orjson
import pytest

from desk.clock import SystemClock, from_ms
from desk.commands import CreateWebhook, PauseBot
from desk.hook_series import HEARD, LAPSED, Close, hear, heard_series
from desk.hooks import Hooks, HookStatus
from desk.identity import new_id
from desk.store import SqlStore
from desk.views import Bot, Filter, SignalRecord
from strategies.outside_signal import OutsideSignal
from tests.desk.desk_house import ALL, NOON, a_house, at_work, market, until
from tests.desk.test_supervision import bars_pass
from tests.support.markets import walk_candles
from tests.support.records import a_bot
from trading.events import SignalLapsed
from trading.market import MarketView
from trading.orders import Reason

BAR = timedelta(hours=1)
CANDLES = walk_candles(60, pair="BTC/USDT")


def a_message(bot: Bot, **fields: Any) -> SignalRecord:
    given = SignalRecord(
        id=new_id(),
        workspace_id=bot.workspace_id,
        bot_id=bot.id,
        pair="BTC/USDT",
        bar_at=NOON,
        direction=1,
        tag="hook:tv",
        price=Decimal(100),
        stop=None,
        targets=(),
        score=0.0,
        conditions=(),
        sizing={},
        checks=(),
        outcome="received",
        reason="webhook tv",
    )
    return replace(given, **fields)


def close_at(row: int, *, late: timedelta = timedelta(0)) -> Close:
    return Close(bar_ms=int(CANDLES.ts_ms[row]), length=BAR, now=NOON + late)


async def outcomes(store: SqlStore, bot: Bot) -> dict[str, str]:
    async with store.reading() as tx:
        return {one.id: one.outcome for one in await tx.signals.page(bot.workspace_id, Filter(), ALL)}


async def test_a_message_is_heard_at_one_close_by_its_own_bot_and_pair(any_store: SqlStore) -> None:
    bot = a_bot(new_id(), new_id(), "tide")
    others = (replace(bot, id=new_id()), replace(bot, workspace_id=new_id()))
    message = a_message(bot, stop=Decimal("95.5"), targets=(Decimal(110),), score=0.7)
    async with any_store.transaction() as tx:
        await tx.signals.add(message)
        for one in others:
            await tx.signals.add(a_message(one))
        await tx.signals.add(a_message(bot, pair="ETH/USDT"))

    async with any_store.transaction() as tx:
        assert await hear(tx, bot, "BTC/USDT", close_at(20)) == []
    async with any_store.transaction() as tx:
        await hear(tx, bot, "BTC/USDT", close_at(21))
    async with any_store.reading() as tx:
        view = MarketView(candles=CANDLES)
        series = await heard_series(tx, bot, "BTC/USDT", view.close_ms, BAR)
    found = OutsideSignal().columns(replace(view, series=series))

    assert np.flatnonzero(found.enter).tolist() == [20]
    assert found.stop[20] == 95.5
    assert found.targets[20].tolist()[0] == 110.0
    told = await outcomes(any_store, bot)
    assert told[message.id] == HEARD
    assert sorted(told.values()) == [HEARD, "received", "received"]


async def test_what_a_crash_takes_back_is_heard_at_the_next_close(any_store: SqlStore) -> None:
    bot = a_bot(new_id(), new_id(), "tide")
    async with any_store.transaction() as tx:
        await tx.signals.add(a_message(bot))

    async def crashing() -> None:
        async with any_store.transaction() as tx:
            await hear(tx, bot, "BTC/USDT", close_at(20))
            raise ConnectionAbortedError

    with pytest.raises(ConnectionAbortedError):
        await crashing()
    async with any_store.transaction() as tx:
        await hear(tx, bot, "BTC/USDT", close_at(21))
    async with any_store.reading() as tx:
        series = await heard_series(tx, bot, "BTC/USDT", MarketView(candles=CANDLES).close_ms, BAR)

    [heard_at] = series["hook_at:BTC/USDT"].available_ms.tolist()
    assert from_ms(heard_at) == from_ms(int(CANDLES.ts_ms[21])) + BAR


async def test_a_message_from_before_the_last_bar_lapses_and_people_are_told(any_store: SqlStore) -> None:
    bot = a_bot(new_id(), new_id(), "tide")
    message = a_message(bot)
    async with any_store.transaction() as tx:
        await tx.signals.add(message)

    async with any_store.transaction() as tx:
        [fact] = await hear(tx, bot, "BTC/USDT", close_at(20, late=BAR + timedelta(seconds=61)))

    assert isinstance(fact, SignalLapsed)
    assert (fact.signal_id, fact.bot_id) == (message.id, bot.id)
    assert "more than one bar ago" in fact.reason
    assert await outcomes(any_store, bot) == {message.id: LAPSED}


async def test_of_several_messages_before_one_close_the_last_one_counts(sqlite_store: SqlStore) -> None:
    bot = a_bot(new_id(), new_id(), "tide")
    async with sqlite_store.transaction() as tx:
        for second, direction in ((1, 1), (3, 0), (2, -1)):
            at = NOON + timedelta(seconds=second)
            await tx.signals.add(a_message(bot, bar_at=at, direction=direction))
        await hear(tx, bot, "BTC/USDT", close_at(30, late=timedelta(minutes=1)))
    async with sqlite_store.reading() as tx:
        view = MarketView(candles=CANDLES)
        series = await heard_series(tx, bot, "BTC/USDT", view.close_ms, BAR)
    found = OutsideSignal().columns(replace(view, series=series))

    told = sorted((await outcomes(sqlite_store, bot)).values())
    assert told == [HEARD, "replaced", "replaced"]
    assert not found.enter.any()
    assert np.flatnonzero(found.exit).tolist() == [30]


async def test_an_alert_at_the_hook_becomes_a_position_and_the_next_one_ends_it(
    sqlite_store: SqlStore,
) -> None:
    house = await a_house(sqlite_store, market(("BTC/USDT",), bars=3_000), bars_per_s=60)
    bot = await house.start_bot(strategy="outside_signal")
    issued = (await house.desk.do(CreateWebhook(label="tv", bot_id=bot.id), house.actor())).view
    hooks = Hooks(house.desk, venue=house.feed.venue)

    async def say(alert: str, action: str) -> None:
        body = orjson.dumps(
            {"alertId": alert, "time": SystemClock().now(), "pair": "BTC/USDT", "action": action}
        )
        answer = await hooks.receive(issued.path, body, peer="127.0.0.1")
        assert answer.status is HookStatus.ACCEPTED

    async def holds(wanted: int) -> bool:
        return len(await house.positions()) == wanted

    async with at_work(house):
        # The market begins with the bot: a stop needs an ATR of 14 bars.
        await until(lambda: [one.last_ms for one in house.supervisor.loops.values() if one.last_ms])
        await bars_pass(house, 40)
        assert await house.positions() == []
        await say("in", "buy")
        await say("in", "buy")
        await until(lambda: holds(1))
        await say("out", "exit")
        await until(lambda: holds(0))
        await house.desk.do(PauseBot(bot_id=bot.id), house.actor())
        await bars_pass(house, 5)
        await say("again", "buy")
        await bars_pass(house, 10)
        assert await house.positions() == []

    [trade] = await house.trades()
    assert (trade.is_long, trade.reason) == (True, Reason.EXIT_SIGNAL)
    assert trade.tag == "outside_long"
