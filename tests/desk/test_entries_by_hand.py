"""Entries by hand on paper: the account's own loop sizes, checks and protects them, and a replay sees them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, ClassVar

import numpy as np
import pytest

from desk.bots.by_hand import ASKED
from desk.commands import (
    AnswerEntry,
    CancelOrder,
    ClosePosition,
    EnterByHand,
    LockPair,
    PanicStop,
    PauseBot,
    SetMarketDirection,
    StopBot,
)
from desk.desk import ConfirmationNeeded
from desk.entry_views import FORCE_ENTRY, EntryByHand, EntryRequest, EntryState
from desk.identity import Role
from desk.reports.drift.service import Drifts
from desk.reports.drift.values import Outcome
from desk.store import SqlStore
from desk.views import Page
from strategies.frame import Frame
from strategies.plan import Plan, Rule
from strategies.registry import default_registry
from strategies.trend_following import TrendFollowing
from tests.desk.desk_house import DeskHouse, a_house, at_work, market, until
from tests.desk.test_entries import _holds, orders, requests
from tests.desk.test_supervision import Always, bars_pass
from trading.errors import Conflict, InvalidInput, RiskDenied
from trading.events import EntryAnswered, SignalDetected
from trading.market import MarketView
from trading.orders import OrderType, Reason
from trading.signals import SignalColumns

SERIES = market(("BTC/USDT", "ETH/USDT"), bars=4_000)


class Idle(TrendFollowing):
    """Says at each bar where its stop would be, and never finds its rules met."""

    name = "idle"

    def plan(self, frame: Frame) -> Plan:
        told = super().plan(frame)
        never = (Rule("never", 0.0, ">", 1.0),)
        return Plan(entries=tuple(replace(one, rules=never) for one in told.entries))


class Never(Always):
    """Wants nothing, ever."""

    name = "never"
    tags: ClassVar[tuple[str, ...]] = ("never",)

    def columns(self, market: MarketView) -> SignalColumns:
        return SignalColumns(enter=np.zeros(len(market.candles), np.int8), tags=self.tags)


async def a_quiet_house(
    store: SqlStore,
    *,
    strategy: str = "never",
    settings: dict[str, Any] | None = None,
    bars_per_s: float = 150,
) -> DeskHouse:
    registry = default_registry()
    registry.register(Never)
    registry.register(Always)
    registry.register(Idle)
    house = await a_house(store, SERIES, registry=registry, bars_per_s=bars_per_s, settings=settings)
    async with store.reading() as tx:
        known = await tx.bots.all(house.workspace.id)
    if not known:
        await house.start_bot(strategy=strategy)
    return house


def wish(**given: Any) -> EnterByHand:
    wanted: dict[str, Any] = {
        "bot_id": "tide",
        "pair": "BTC/USDT",
        "is_long": True,
        "stop_ratio": Decimal("0.2"),
    }
    return EnterByHand(**{**wanted, **given})


async def ask(house: DeskHouse, **given: Any) -> EntryByHand:
    outcome = await house.desk.do(wish(**given), house.actor(Role.TRADER))
    view: EntryByHand = outcome.view
    return view


async def has_bars(house: DeskHouse) -> None:
    async def is_ready() -> bool:
        return (await house.bot()).last_bar_at is not None

    await until(is_ready)


async def goes_on(house: DeskHouse, bars: int = 5) -> None:
    await until(lambda: bool(house.supervisor.loops))
    await bars_pass(house, bars)


async def settled(house: DeskHouse) -> EntryRequest:
    async def is_over() -> bool:
        return (await requests(house))[0].state not in (EntryState.WAITING, EntryState.APPROVED)

    await until(is_over)
    return (await requests(house))[0]


async def test_a_wish_is_entered_at_the_next_close_with_its_stop_and_seen_everywhere(
    sqlite_store: SqlStore,
) -> None:
    house = await a_quiet_house(sqlite_store)
    async with at_work(house):
        await has_bars(house)
        entry = await ask(house)
        assert (await settled(house)).state is EntryState.ENTERED

        async def is_held() -> bool:
            return len(await house.positions()) == 1

        await until(is_held)
        [position] = await house.positions()
        await house.desk.do(ClosePosition(position_id=position.id), house.actor(Role.TRADER))

        async def is_closed() -> bool:
            return len(await house.trades()) == 1

        await until(is_closed)

    [order] = [one for one in await orders(house) if not one.is_reduce_only]
    [trade] = await house.trades()
    assert position.initial_stop == entry.planned.stop
    assert position.tag == trade.tag == FORCE_ENTRY
    assert Decimal(0) < order.quantity <= entry.planned.quantity
    assert order.binding
    assert trade.reason is Reason.FORCE_EXIT
    async with house.store.reading() as tx:
        signal = await tx.signals.by_id(house.workspace.id, entry.request.signal_id)
        audit = await tx.audit.page(house.workspace.id, Page(first=50))
    assert signal is not None
    assert (signal.outcome, signal.tag, signal.conditions) == ("entered", FORCE_ENTRY, ())
    assert signal.sizing["quantity"] == str(order.quantity)
    assert signal.checks
    assert order.signal_id == signal.id
    assert [one.actor for one in audit if one.action == "EnterByHand"] == ["trader@graphql"]
    told = [one for one in await house.facts(EntryAnswered) if isinstance(one, EntryAnswered)]
    assert [(one.state, one.actor) for one in told] == [
        ("APPROVED", "trader@graphql"),
        ("ENTERED", "trader@graphql"),
    ]
    assert len(await house.facts(SignalDetected)) == 1


async def test_the_question_shows_size_stop_risk_and_what_decides_the_size(sqlite_store: SqlStore) -> None:
    house = await a_quiet_house(sqlite_store)
    async with at_work(house):
        await has_bars(house)
        with pytest.raises(ConfirmationNeeded) as asked:
            await house.desk.do(wish(), house.actor(Role.TRADER, channel="console"))
        with pytest.raises(ConfirmationNeeded) as small:
            await house.desk.do(wish(stake=Decimal(100)), house.actor(Role.TRADER, channel="console"))
        await bars_pass(house, 5)

    params = asked.value.preview.params
    assert params["stop"] < params["price"]
    assert params["risk"] == (params["price"] - params["stop"]) * params["quantity"]
    assert params["binding"] in ("method", "max_position", "risk_per_trade")
    assert small.value.preview.params["binding"] == ASKED
    assert Decimal(95) < small.value.preview.params["value"] <= Decimal(100)
    # A question does nothing.
    assert await requests(house) == []
    assert await orders(house) == []


async def test_a_stake_is_never_exceeded_and_a_limit_never_either(sqlite_store: SqlStore) -> None:
    house = await a_quiet_house(sqlite_store)
    async with at_work(house):
        await has_bars(house)
        small = await ask(house, stake=Decimal(100))
        assert (await settled(house)).state is EntryState.ENTERED
        large = await ask(house, pair="ETH/USDT", stake=Decimal(1_000_000))

        async def are_held() -> bool:
            return len(await house.positions()) == 2

        await until(are_held)

    by_pair = {one.pair: one for one in await house.positions()}
    bought = by_pair["BTC/USDT"].entry_quantity
    assert small.planned.quantity * Decimal("0.9") < bought <= small.planned.quantity
    assert large.planned.binding != ASKED
    assert by_pair["ETH/USDT"].entry_quantity * by_pair["ETH/USDT"].entry_price < 1_100


async def test_a_strategys_own_stop_and_targets_are_taken_where_nothing_is_said(
    sqlite_store: SqlStore,
) -> None:
    house = await a_quiet_house(sqlite_store, strategy="idle", bars_per_s=2_000)
    async with at_work(house):
        await has_bars(house)
        await bars_pass(house, 300)
        with pytest.raises(ConfirmationNeeded) as asked:
            await house.desk.do(wish(stop_ratio=None), house.actor(Role.TRADER, channel="console"))
        planned = asked.value.preview.params

    assert planned["price"] * Decimal("0.9") < planned["stop"] < planned["price"]
    assert len(planned["targets"].split(", ")) == 3


async def test_without_any_stop_nothing_is_entered(sqlite_store: SqlStore) -> None:
    house = await a_quiet_house(sqlite_store)
    async with at_work(house):
        await has_bars(house)
        with pytest.raises(InvalidInput, match="No stop was given, and strategy 'never' has none"):
            await ask(house, stop_ratio=None)


async def test_a_wish_survives_a_restart_and_is_entered_once(sqlite_store: SqlStore) -> None:
    house = await a_quiet_house(sqlite_store)
    async with at_work(house):
        await has_bars(house)
    await ask(house)

    again = await a_quiet_house(sqlite_store)
    async with at_work(again):
        assert (await settled(again)).state is EntryState.ENTERED
        await goes_on(again)
    third = await a_quiet_house(sqlite_store)
    async with at_work(third):
        await goes_on(third)
    assert len([one for one in await orders(third) if not one.is_reduce_only]) == 1


async def test_a_wish_that_came_to_no_close_in_time_is_not_done_later(sqlite_store: SqlStore) -> None:
    house = await a_quiet_house(sqlite_store)
    async with at_work(house):
        await has_bars(house)
    entry = await ask(house)
    async with sqlite_store.transaction() as tx:
        await tx.connection.change(
            "UPDATE entry_requests SET expires_at = ? WHERE id = ?",
            house.clock.now() - timedelta(seconds=1),
            entry.request.id,
        )

    again = await a_quiet_house(sqlite_store)
    async with at_work(again):
        over = await settled(again)
        await goes_on(again)
    assert (over.state, over.outcome) == (EntryState.EXPIRED, "too_late")
    assert await orders(again) == []


async def test_a_wish_is_taken_back_before_its_close_and_not_afterwards(sqlite_store: SqlStore) -> None:
    house = await a_quiet_house(sqlite_store)
    async with at_work(house):
        await has_bars(house)
    entry = await ask(house)
    skip = AnswerEntry(code=entry.request.code, answer="skip")

    outcome = await house.desk.do(skip, house.actor(Role.TRADER))

    assert outcome.view.state is EntryState.SKIPPED
    with pytest.raises(Conflict, match="is skipped already"):
        await house.desk.do(skip, house.actor(Role.TRADER))
    async with at_work(house):
        await goes_on(house)
    assert await orders(house) == []


async def test_a_limit_price_rests_and_ends_by_itself(sqlite_store: SqlStore) -> None:
    house = await a_quiet_house(sqlite_store)
    async with at_work(house):
        await has_bars(house)
        entry = await ask(house, price=Decimal(1_000), rest_for=timedelta(minutes=45))
        assert (await settled(house)).state is EntryState.ENTERED
        await bars_pass(house, 10)

    [order] = await orders(house)
    assert (order.order_type, order.price) == (OrderType.LIMIT, Decimal(1_000))
    assert order.state.value == "expired"
    assert entry.planned.stop == Decimal(800)
    assert await house.positions() == []


async def test_a_limit_entry_that_rests_is_cancelled_by_a_person_and_nothing_else_is(
    sqlite_store: SqlStore,
) -> None:
    house = await a_quiet_house(sqlite_store)
    async with at_work(house):
        await has_bars(house)
        await ask(house, price=Decimal(1_000), rest_for=timedelta(days=300))
        await settled(house)
        [order] = await orders(house)
        await house.desk.do(CancelOrder(order_id=order.id), house.actor(Role.TRADER))

        async def is_cancelled() -> bool:
            return (await orders(house))[0].state.value == "canceled"

        await until(is_cancelled)
        with pytest.raises(Conflict, match="nothing to cancel"):
            await house.desk.do(CancelOrder(order_id=order.id), house.actor(Role.TRADER))
        await ask(house)
        await until(lambda: _holds(house))
        market_order = next(one for one in await orders(house) if one.order_type is OrderType.MARKET)
        with pytest.raises(InvalidInput, match="only entries that rest are cancelled"):
            await house.desk.do(CancelOrder(order_id=market_order.id), house.actor(Role.TRADER))


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"stake": Decimal(0)}, "stake 0 was given"),
        ({"stake": Decimal("NaN")}, "stake NaN was given"),
        ({"quantity": Decimal("1e-12")}, "the smallest step is"),
        ({"stop": Decimal(1), "stop_ratio": Decimal("0.1")}, "one of them is allowed"),
        ({"stop_ratio": Decimal(2)}, "less than 100%"),
        ({"stop_ratio": None, "stop": Decimal(10_000_000)}, "have to rise in this order"),
        ({"targets": (Decimal(1),)}, "have to rise in this order"),
        ({"targets": (Decimal(1),) * 4}, "up to 3 are allowed"),
        ({"rest_for": timedelta(hours=1)}, "only a limit entry rests"),
        ({"pair": "XRP/USDT"}, "is no pair of tide"),
    ],
)
async def test_what_makes_no_sense_is_refused_before_anything_is_written(
    sqlite_store: SqlStore, given: dict[str, Any], sentence: str
) -> None:
    house = await a_quiet_house(sqlite_store)
    async with at_work(house):
        await has_bars(house)
        with pytest.raises(InvalidInput, match=sentence):
            await ask(house, **given)
    assert await requests(house) == []


async def test_locks_pauses_directions_halts_and_what_is_held_refuse_a_wish(sqlite_store: SqlStore) -> None:
    house = await a_quiet_house(sqlite_store)
    actor = house.actor()
    async with at_work(house):
        await has_bars(house)
        await ask(house)
        with pytest.raises(Conflict, match=r"waits already|holds BTC/USDT already"):
            await ask(house)
        await settled(house)
        await house.desk.do(LockPair(pair="ETH/USDT"), actor)
        with pytest.raises(RiskDenied) as locked:
            await ask(house, pair="ETH/USDT")
        await house.desk.do(SetMarketDirection(direction="short"), actor)
        with pytest.raises(RiskDenied) as against:
            await ask(house, pair="ETH/USDT")
        await house.desk.do(PauseBot(bot_id="tide"), actor)
        with pytest.raises(Conflict, match="paused; it opens nothing now"):
            await ask(house, pair="ETH/USDT")
        await house.desk.do(PanicStop(), actor)
        with pytest.raises(Conflict, match="halted; it opens nothing now"):
            await ask(house, pair="ETH/USDT")
    assert (locked.value.reason, against.value.reason) == ("market_direction", "market_direction") or (
        locked.value.reason,
        against.value.reason,
    ) == ("locked", "market_direction")


async def test_a_bot_that_is_stopped_meanwhile_enters_nothing(sqlite_store: SqlStore) -> None:
    house = await a_quiet_house(sqlite_store)
    async with at_work(house):
        await has_bars(house)
    await ask(house)
    await house.desk.do(StopBot(bot_id="tide"), house.actor())

    async with at_work(house):

        async def is_at_rest() -> bool:
            return (await house.bot()).condition.value == "IDLE"

        await until(is_at_rest)
    assert await orders(house) == []


async def test_a_price_past_the_stop_ends_the_wish(sqlite_store: SqlStore) -> None:
    house = await a_quiet_house(sqlite_store)
    async with at_work(house):
        await has_bars(house)
    entry = await ask(house)
    async with sqlite_store.transaction() as tx:
        await tx.connection.change(
            "UPDATE entry_requests SET stop = ? WHERE id = ?",
            str(entry.planned.price * 2),
            entry.request.id,
        )
    async with at_work(house):
        over = await settled(house)
    assert over.state is EntryState.DRIFTED
    assert await orders(house) == []


async def test_a_wish_counts_through_the_closes_that_confirm_a_signal(sqlite_store: SqlStore) -> None:
    house = await a_quiet_house(sqlite_store, settings={"confirm_bars": 2})
    async with at_work(house):
        await has_bars(house)
        entry = await ask(house)
        over = await settled(house)
    assert over.state is EntryState.ENTERED
    [order] = [one for one in await orders(house) if not one.is_reduce_only]
    assert order.signal_id == entry.request.signal_id
    assert len(await house.facts(SignalDetected)) == 1


async def test_a_replay_sees_what_was_entered_by_hand_trade_for_trade(sqlite_store: SqlStore) -> None:
    registry = default_registry()
    registry.register(Never)
    series = market(("BTC/USDT", "ETH/USDT"), bars=500)
    house = await a_house(sqlite_store, series, registry=registry, bars_per_s=400)
    await house.start_bot(strategy="never")
    async with at_work(house):
        await has_bars(house)
        await ask(house, stop_ratio=Decimal("0.01"))
        await ask(house, pair="ETH/USDT", stop_ratio=Decimal("0.02"), stake=Decimal(150))

        async def are_closed() -> bool:
            return len(await house.trades()) >= 2

        await until(are_closed)
        await until(lambda: all(one.has_ended for one in house.supervisor.loops.values()))

    drift = await Drifts(house.store, house.feed, registry, house.clock).of(
        house.workspace.id, (await house.bot()).id, 30
    )

    assert drift.live_trades == drift.replay_trades == 2
    assert {one.outcome for one in drift.trades} == {Outcome.SAME}
    assert drift.signal_match == 1.0
    assert abs(drift.gap) < Decimal("0.01")
    assert drift.by_signals == 0
