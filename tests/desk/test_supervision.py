"""Supervision: what people want comes true, at once where it lowers risk, and everybody sees the four axes."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import ClassVar

import numpy as np
import pytest

from desk.bots.leases import LEASE_TTL_S, LeaseLost, account_lease, is_dead, new_holder, take
from desk.clock import ManualClock, SystemClock
from desk.commands import (
    ClosePosition,
    LockPair,
    PanicStop,
    PauseBot,
    ReleasePanic,
    ResumeBot,
    SetLimit,
    StartBot,
    StopBot,
    UnlockPair,
)
from desk.store import SqlStore
from desk.views import Filter
from strategies.base import ColumnStrategy, SignalStream
from strategies.registry import StrategyRegistry, default_registry
from tests.desk.desk_house import ALL, NOON, DeskHouse, a_house, at_work, market, until
from trading.errors import Conflict
from trading.events import (
    BotStateChanged,
    Condition,
    Desired,
    EntryDenied,
    OrderPlaced,
    Phase,
    PositionClosed,
    StrategyFailed,
    TradingHalted,
    TradingResumed,
    TradingState,
)
from trading.market import MarketView
from trading.orders import OrderState, Reason
from trading.signals import Signal, SignalColumns


class Always(ColumnStrategy):
    """Wants to be long at every close."""

    name = "always"
    title = "Always"
    idea = "Be long."
    source = "test"
    fails_in = "everything"
    tags: ClassVar[tuple[str, ...]] = ("always",)

    @property
    def warmup_bars(self) -> int:
        return 2

    def columns(self, market: MarketView) -> SignalColumns:
        n = len(market.candles)
        return SignalColumns(
            enter=np.ones(n, np.int8),
            stop=market.candles.close * 0.5,
            tag=np.zeros(n, np.int16),
            tags=self.tags,
        )


class Breaks(Always):
    """Raises at its fortieth bar."""

    name = "breaks"

    def stream(self, history: MarketView | None = None) -> SignalStream:
        stream, seen = super().stream(history), 0

        class Breaking:
            def step(self, *bar: float, flags: int = 0, market: MarketView | None = None) -> Signal:
                nonlocal seen
                seen += 1
                if seen == 40:
                    raise ZeroDivisionError("by design")
                return stream.step(*bar, market=market)  # type: ignore[arg-type]

            def explain(self) -> tuple[()]:
                return ()

        return Breaking()


def registry() -> StrategyRegistry:
    found = default_registry()
    found.register(Always)
    found.register(Breaks)
    return found


async def a_market(store: SqlStore, **more: object) -> DeskHouse:
    """A market that is slow enough to act in and long enough to never end in a test."""
    return await a_house(
        store,
        market(bars=6_000),
        registry=registry(),
        bars_per_s=400,
        **more,  # type: ignore[arg-type]
    )


async def holds(house: DeskHouse, count: int) -> bool:
    return len(await house.positions()) == count


async def condition(house: DeskHouse, wanted: Condition, name: str = "tide") -> bool:
    return (await house.bot(name)).condition is wanted


async def last_bar(house: DeskHouse) -> int:
    [loop] = house.supervisor.loops.values()
    return loop.last_ms or 0


async def bars_pass(house: DeskHouse, bars: int) -> None:
    start = await last_bar(house)

    def have_passed() -> bool:
        [loop] = house.supervisor.loops.values()
        # A loop that has just opened has seen no bar yet.
        return loop.last_ms is not None and loop.last_ms >= start + bars * 900_000

    await until(have_passed)


async def test_a_paused_bot_opens_nothing_and_resumes_when_told(sqlite_store: SqlStore) -> None:
    house = await a_market(sqlite_store)
    await house.start_bot(strategy="always")
    async with at_work(house):
        await until(lambda: holds(house, 2))
        await house.bot_after(PauseBot(bot_id="tide"))
        for position in await house.positions():
            await house.desk.do(ClosePosition(position_id=position.id), house.actor())
        await until(lambda: holds(house, 0))
        await bars_pass(house, 20)

        assert await holds(house, 0)

        await house.bot_after(ResumeBot(bot_id="tide"))
        await until(lambda: holds(house, 2))
    assert {one.reason for one in await house.trades()} == {Reason.FORCE_EXIT}


async def test_a_share_of_a_position_leaves_at_the_next_open_and_the_rest_can_still_be_closed(
    sqlite_store: SqlStore,
) -> None:
    house = await a_market(sqlite_store)
    await house.start_bot(strategy="always")
    async with at_work(house):
        await until(lambda: holds(house, 2))
        await house.bot_after(PauseBot(bot_id="tide"))
        whole = (await house.positions())[0]
        await house.desk.do(ClosePosition(position_id=whole.id, share=Decimal("0.4")), house.actor())

        async def has_shrunk() -> bool:
            return any(
                one.id == whole.id and one.quantity < whole.quantity for one in await house.positions()
            )

        await until(has_shrunk)
        left = next(one for one in await house.positions() if one.id == whole.id)
        async with house.store.reading() as tx:
            fills = await tx.fills.page(house.workspace.id, Filter(), ALL)
            orders = await tx.orders.page(house.workspace.id, Filter(), ALL)
        part = whole.quantity - left.quantity
        assert part <= whole.quantity * Decimal("0.4") < part + Decimal("0.001") * whole.quantity
        assert [one.quantity for one in fills if one.reason is Reason.FORCE_EXIT] == [part]
        (order,) = (one for one in orders if one.reason is Reason.FORCE_EXIT)
        assert (order.quantity, order.filled_quantity, order.state) == (part, part, OrderState.FILLED)
        assert not await house.trades()

        await house.desk.do(ClosePosition(position_id=whole.id), house.actor())
        await until(lambda: holds(house, 1))
    (trade,) = await house.trades()
    assert (trade.quantity, trade.reason) == (whole.quantity, Reason.FORCE_EXIT)


async def test_all_of_a_position_may_be_asked_for_while_a_part_of_it_leaves(sqlite_store: SqlStore) -> None:
    house = await a_market(sqlite_store)
    await house.start_bot(strategy="always")
    async with at_work(house):
        await until(lambda: holds(house, 2))
        await house.bot_after(PauseBot(bot_id="tide"))
    # Nobody is at work: both requests wait for the same bar.
    position = (await house.positions())[0]
    half = ClosePosition(position_id=position.id, share=Decimal("0.5"))
    await house.desk.do(half, house.actor())
    with pytest.raises(Conflict, match="already being closed"):
        await house.desk.do(half, house.actor())
    await house.desk.do(ClosePosition(position_id=position.id), house.actor())
    async with at_work(house):
        await until(lambda: holds(house, 1))

    async with house.store.reading() as tx:
        orders = await tx.orders.page(house.workspace.id, Filter(), ALL)
    closing = [one for one in orders if one.reason is Reason.FORCE_EXIT]
    assert len(closing) == 2
    assert {one.state for one in closing} == {OrderState.FILLED}
    assert sum(one.filled_quantity for one in closing) == position.quantity


async def test_a_pause_with_an_end_is_over_by_itself(sqlite_store: SqlStore) -> None:
    clock = ManualClock(NOON)
    house = await a_house(sqlite_store, market(bars=50), clock=clock)
    await house.start_bot()
    await house.bot_after(PauseBot(bot_id="tide", duration=timedelta(seconds=4), reason="lunch"))
    async with at_work(house):
        clock.advance(2)
        await until(lambda: bool(house.supervisor.loops))
        house.supervisor.wake()
        await asyncio.sleep(0.05)
        assert (await house.bot()).desired is Desired.PAUSED

        clock.advance(2.5)

        async def is_running() -> bool:
            house.supervisor.wake()
            return (await house.bot()).desired is Desired.RUNNING

        await until(is_running)
    moves = [
        (one.axis, one.before, one.after, one.actor)
        for one in await house.facts(BotStateChanged)
        if isinstance(one, BotStateChanged) and one.axis == "desired"
    ]
    assert moves[-1] == ("desired", "PAUSED", "RUNNING", "breakwater@schedule")


async def test_a_stopped_bot_keeps_its_positions_protected_until_they_end(sqlite_store: SqlStore) -> None:
    house = await a_market(sqlite_store)
    await house.start_bot(strategy="always")
    async with at_work(house):
        await until(lambda: holds(house, 2))
        await house.bot_after(StopBot(bot_id="tide"))
        await until(lambda: condition(house, Condition.STOPPING))
        await bars_pass(house, 5)
        assert await holds(house, 2)

        await house.bot_after(StopBot(bot_id="tide", close_positions=True))
        await until(lambda: condition(house, Condition.IDLE))
    bot = await house.bot()
    assert await holds(house, 0)
    assert {one.phase for one in bot.phases} == {Phase.IDLE}


async def test_panic_halts_closes_and_latches_until_it_is_released(sqlite_store: SqlStore) -> None:
    house = await a_market(sqlite_store)
    await house.start_bot(strategy="always")
    async with at_work(house):
        await until(lambda: holds(house, 2))
        outcome = await house.desk.do(PanicStop(reason="drill"), house.actor())
        again = await house.desk.do(PanicStop(reason="drill"), house.actor())
        await until(lambda: holds(house, 0))
        head = len(await house.journal())
        await bars_pass(house, 20)

        assert outcome.view.positions_open == 2
        assert len(outcome.view.positions_closing) == 2
        assert again.view.was_halted
        later = [one.event for one in (await house.journal())[head:]]
        assert not [one for one in later if isinstance(one, OrderPlaced)]
        assert (await house.bot()).trading_state is TradingState.HALTED
        with pytest.raises(Conflict, match="halted"):
            await house.desk.do(ResumeBot(bot_id="tide"), house.actor())

        await house.desk.do(ReleasePanic(reason="drill over"), house.actor())
        await until(lambda: holds(house, 2))
    assert [one.reason for one in await house.trades()] == [Reason.KILL_SWITCH] * 2
    assert len(await house.facts(TradingHalted)) == 1
    assert len(await house.facts(TradingResumed)) == 1
    async with house.store.reading() as tx:
        alerts = await tx.alerts.page(house.workspace.id, Filter(), ALL)
    assert {"trading_halted", "trading_resumed", "exit_filled", "entry_filled"} <= {
        one.kind for one in alerts
    }


async def test_a_lowered_limit_binds_the_bots_at_work_from_their_next_close(sqlite_store: SqlStore) -> None:
    house = await a_market(sqlite_store)
    await house.desk.do(SetLimit(limit="max_positions", value=Decimal(1)), house.actor())
    await house.start_bot(strategy="always")
    async with at_work(house):
        await until(lambda: holds(house, 1))
        await bars_pass(house, 10)
        assert len(await house.positions()) == 1

        await house.desk.do(SetLimit(limit="max_positions", value=Decimal(2)), house.actor())
        await until(lambda: holds(house, 2))

    denied = await house.facts(EntryDenied)
    assert {one.reason for one in denied if isinstance(one, EntryDenied)} == {"slots"}


async def test_a_locked_pair_is_refused_and_free_again_when_it_is_unlocked(sqlite_store: SqlStore) -> None:
    house = await a_market(sqlite_store)
    await house.start_bot(strategy="always")
    await house.desk.do(LockPair(pair="BTC/USDT", reason="news"), house.actor())
    async with at_work(house):
        await until(lambda: holds(house, 1))
        await bars_pass(house, 10)
        [held] = await house.positions()
        assert held.pair == "ETH/USDT"

        await house.desk.do(UnlockPair(pair="BTC/USDT"), house.actor())
        await until(lambda: holds(house, 2))
    reasons = {one.reason for one in await house.facts(EntryDenied) if isinstance(one, EntryDenied)}
    assert reasons == {"locked"}


async def test_a_strategy_that_breaks_stops_its_bot_and_nothing_else(sqlite_store: SqlStore) -> None:
    house = await a_market(sqlite_store, settings={"limits": {"correlation_count": None}})
    await house.start_bot("good", strategy="always", allocation=0.5, pairs=("BTC/USDT",))
    await house.start_bot("bad", strategy="breaks", allocation=0.5, pairs=("ETH/USDT",))
    async with at_work(house):
        await until(lambda: condition(house, Condition.ERROR, "bad"))
        await bars_pass(house, 20)

        assert await condition(house, Condition.READY, "good")
        assert {one.pair for one in await house.positions()} == {"BTC/USDT", "ETH/USDT"}
    failures = [one for one in await house.facts(StrategyFailed) if isinstance(one, StrategyFailed)]
    assert [(one.strategy, "by design" in one.detail) for one in failures] == [("breaks", True)]
    assert "ZeroDivisionError" in (await house.bot("bad")).condition_reason
    async with house.store.reading() as tx:
        alerts = await tx.alerts.page(house.workspace.id, Filter(), ALL)
    assert [one.kind for one in alerts].count("strategy_failed") == 1


async def test_a_second_bot_joins_a_running_account_without_disturbing_the_first(
    sqlite_store: SqlStore,
) -> None:
    house = await a_market(sqlite_store, settings={"limits": {"correlation_count": None}})
    await house.start_bot("first", strategy="always", allocation=0.5, pairs=("BTC/USDT",))
    async with at_work(house):
        await until(lambda: holds(house, 1))
        await house.start_bot("second", strategy="always", allocation=0.5, pairs=("ETH/USDT",))
        await until(lambda: holds(house, 2))
    assert not await house.facts(PositionClosed)


async def test_an_account_of_another_market_is_not_traded_on(sqlite_store: SqlStore) -> None:
    house = await a_house(sqlite_store, market(bars=60))
    await house.start_bot()
    async with at_work(house):
        await until(lambda: bool(house.supervisor.loops))
        await until(lambda: all(one.has_ended for one in house.supervisor.loops.values()))
    other = [
        type(one)(**{**{name: getattr(one, name) for name in one.__slots__}, "venue": "elsewhere"})
        for one in market(bars=60)
    ]
    second = await a_house(sqlite_store, other)

    async with at_work(second):
        await until(lambda: condition(second, Condition.DEGRADED))

    assert "elsewhere" in (await second.bot()).condition_reason


async def test_a_lost_lease_forbids_every_further_write(sqlite_store: SqlStore) -> None:
    clock = ManualClock(NOON)
    lease = await take(sqlite_store, clock, account_lease("a"), "elsewhere|1|1|first")
    assert lease is not None
    assert await take(sqlite_store, clock, account_lease("a"), "elsewhere|1|1|second") is None

    clock.advance(LEASE_TTL_S + 1)
    second = await take(sqlite_store, clock, account_lease("a"), "elsewhere|1|1|second")

    assert second is not None
    assert second.epoch == lease.epoch + 1
    with pytest.raises(LeaseLost, match="epoch 1"):
        async with sqlite_store.transaction() as tx:
            await lease.guard(tx, clock)


async def test_the_lease_of_a_dead_process_is_taken_at_once_that_of_a_living_one_never(
    sqlite_store: SqlStore,
) -> None:
    clock = SystemClock()
    living = new_holder()
    machine, _, began, nonce = living.split("|")
    dead = "|".join((machine, "999999", began, nonce))
    await take(sqlite_store, clock, account_lease("a"), dead)
    await take(sqlite_store, clock, account_lease("b"), living)

    assert is_dead(dead)
    assert not is_dead(living)
    assert await take(sqlite_store, clock, account_lease("a"), "me|1|1|x") is not None
    assert await take(sqlite_store, clock, account_lease("b"), "me|1|1|x") is None


async def test_starting_twice_and_stopping_twice_is_said_once(sqlite_store: SqlStore) -> None:
    house = await a_house(sqlite_store, market(bars=50))
    await house.start_bot()

    await house.bot_after(StartBot(bot_id="tide"))
    await house.bot_after(StopBot(bot_id="tide"))
    await house.bot_after(StopBot(bot_id="tide"))

    moves = [one.after for one in await house.facts(BotStateChanged) if isinstance(one, BotStateChanged)]
    assert moves == ["RUNNING", "STOPPED"]
