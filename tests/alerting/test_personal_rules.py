"""Rules of one's own, at virtual time: a spike between two looks rings, a trembling price rings once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest

from desk.alerting.values import AlertRule, Relation, RuleKind
from desk.alerting.watch import AlertWatch
from desk.bus import EventBus
from desk.clock import to_ms
from desk.identity import Role, new_id
from desk.live_prices import LivePrices
from desk.store import SqlStore
from desk.views import AccountStatus
from tests.alerting.alert_house import NOON, AlertHouse, alert_house
from tests.support.records import a_signal
from trading.candles import Candles
from trading.events import PriceMoved, TradingState
from trading.timeframes import Timeframe

_START_MS = to_ms(NOON)


async def _bars(house: AlertHouse, index: int, *ranges: tuple[float, float]) -> None:
    """Store one-minute bars with (low, high), beginning at a row."""
    low = np.array([one[0] for one in ranges])
    high = np.array([one[1] for one in ranges])
    middle = (low + high) / 2
    candles = Candles(
        ts_ms=_START_MS + 60_000 * np.arange(index, index + len(ranges), dtype=np.int64),
        open=middle,
        high=high,
        low=low,
        close=middle,
        volume=np.ones(len(ranges)),
        timeframe=Timeframe.parse("1m"),
        pair="BTC/USDT",
        venue="simulated",
    )
    async with house.store.transaction() as tx:
        await tx.candles.add(candles)


async def _rule(house: AlertHouse, kind: RuleKind, threshold: str, **more: object) -> AlertRule:
    rule = AlertRule(
        id=new_id(),
        workspace_id=house.workspace.id,
        user_id=house.people["ann"].user_id,
        kind=kind,
        pair="BTC/USDT" if kind in (RuleKind.PRICE, RuleKind.SIGNAL) else "",
        bot_id="",
        relation=Relation.ABOVE,
        threshold=Decimal(threshold),
        is_repeating=False,
        is_armed=True,
        seen_ms=_START_MS - 1,
        created_at=NOON,
        fired_at=None,
    )
    rule = replace(rule, **more)  # type: ignore[arg-type]
    async with house.store.transaction() as tx:
        await tx.notices.add_rule(rule)
    return rule


async def test_a_spike_between_two_looks_rings_once_and_only_for_its_owner(sqlite_store: SqlStore) -> None:
    house = await alert_house(
        sqlite_store, people=(("ann", Role.OWNER, ("telegram",)), ("bob", Role.ADMIN, ("telegram",)))
    )
    await _rule(house, RuleKind.PRICE, "105")
    await _bars(house, 0, (99, 101), (100, 106), (99, 101))

    await house.pass_time(60)
    await _bars(house, 3, (100, 107))
    await house.pass_time(60)

    assert house.channels["telegram"].kinds("telegram-ann") == ["rule_fired"]
    assert house.channels["telegram"].kinds("telegram-bob") == []
    [one] = house.channels["telegram"].notices
    assert one.alert.params["value"] == "106.0"


async def test_a_repeating_rule_rings_again_only_after_the_value_went_back(sqlite_store: SqlStore) -> None:
    house = await alert_house(sqlite_store)
    await _rule(house, RuleKind.PRICE, "100", relation=Relation.BELOW, is_repeating=True)

    rings = []
    # (low, high) a minute: below, trembling at the line, back above, below again.
    for index, bar in enumerate([(98, 100), (99.9, 100.1), (99.95, 100.1), (101, 103), (99, 101), (98, 99)]):
        await _bars(house, index, bar)
        await house.pass_time(60)
        rings.append(len(house.channels["telegram"].notices))

    assert rings == [1, 1, 1, 1, 2, 2]


async def test_what_happened_before_a_rule_was_made_never_fires_it(sqlite_store: SqlStore) -> None:
    house = await alert_house(sqlite_store)
    await _bars(house, 0, (90, 120), (99, 101))
    await _rule(house, RuleKind.PRICE, "110", seen_ms=_START_MS + 60_000)

    await house.pass_time(120)

    assert house.channels["telegram"].notices == []


async def _status(house: AlertHouse, minute: int, *, equity: str, drawdown: float) -> None:
    async with house.store.transaction() as tx:
        accounts = await tx.accounts.all(house.workspace.id)
        account = (
            accounts[0]
            if accounts
            else await tx.accounts.create(
                house.workspace.id,
                name="paper",
                venue="paper",
                is_live=False,
                currency="USDT",
                capital=Decimal(10_000),
                settings={},
            )
        )
        await tx.accounts.save_status(
            house.workspace.id,
            AccountStatus(
                account_id=account.id,
                as_of=NOON + timedelta(minutes=minute),
                cash=Decimal(equity),
                equity=Decimal(equity),
                peak_equity=Decimal(10_000),
                day_start_equity=Decimal(10_000),
                drawdown=drawdown,
                day_change=0.0,
                open_positions=0,
                max_positions=5,
                open_risk=Decimal(0),
                trading_state=TradingState.ACTIVE,
            ),
        )


@pytest.mark.parametrize(
    ("kind", "threshold", "relation", "expected"),
    [
        (RuleKind.PNL, "-100", Relation.BELOW, [0, 0, 1, 1]),
        (RuleKind.DRAWDOWN, "0.01", Relation.ABOVE, [0, 0, 1, 1]),
        (RuleKind.PNL, "40", Relation.ABOVE, [0, 1, 1, 1]),
    ],
)
async def test_results_and_drawdowns_ring_at_their_threshold(
    sqlite_store: SqlStore, kind: RuleKind, threshold: str, relation: Relation, expected: list[int]
) -> None:
    house = await alert_house(sqlite_store)
    await _rule(house, kind, threshold, relation=relation)

    rings = []
    for minute, (equity, drawdown) in enumerate(
        [("10000", 0.0), ("10050", 0.0), ("9900", -0.015), ("9800", -0.02)]
    ):
        await _status(house, minute, equity=equity, drawdown=drawdown)
        await house.pass_time(60)
        rings.append(len(house.channels["telegram"].notices))

    assert rings == expected


async def test_a_signal_rings_with_its_confidence(sqlite_store: SqlStore) -> None:
    house = await alert_house(sqlite_store)
    await _rule(house, RuleKind.SIGNAL, "0.6", is_repeating=True)
    for minute, score in enumerate((0.5, 0.7)):
        async with house.store.transaction() as tx:
            signal = replace(a_signal(house.workspace.id, "b", minute), score=score, pair="BTC/USDT")
            await tx.signals.add(replace(signal, bar_at=NOON + timedelta(minutes=minute + 1)))
        await house.pass_time(60)

    [one] = house.channels["telegram"].notices
    assert one.alert.params["value"] == "0.7"


async def test_a_crash_between_ring_and_memory_cannot_ring_twice(sqlite_store: SqlStore) -> None:
    house = await alert_house(sqlite_store)
    await _rule(house, RuleKind.PRICE, "105")
    await _bars(house, 0, (100, 106))
    async with sqlite_store.reading() as tx:
        [before] = await tx.notices.rules(house.workspace.id)

    await house.watch.look()
    # A second process that read the rule before the first one moved it.
    async with sqlite_store.transaction() as tx:
        assert not await tx.notices.move_rule(before, seen_ms=1, is_armed=False, fired_at=NOON)

    assert [one.kind for one in await house.alerts()] == ["rule_fired"]


async def test_a_price_between_bars_rings_at_once_and_an_old_one_never(sqlite_store: SqlStore) -> None:
    house = await alert_house(sqlite_store)
    prices = LivePrices(house.clock)
    house.watch = AlertWatch(sqlite_store, EventBus(), house.clock, house.pump.ring, prices=prices)
    await _rule(house, RuleKind.PRICE, "105")

    prices.take(_moved("104"))
    await house.watch.look()
    below = len(await house.alerts())
    prices.take(_moved("106"))
    house.clock.advance(60.0)
    await house.watch.look()
    stale = len(await house.alerts())
    prices.take(_moved("105.5"))
    prices.take(_moved("104.9"))
    await house.watch.look()

    alerts = await house.alerts()
    assert (below, stale, len(alerts)) == (0, 0, 1)


def _moved(last: str) -> PriceMoved:
    return PriceMoved(
        workspace_id="",
        occurred_at=NOON,
        pair="BTC/USDT",
        venue="binance",
        source="binance",
        last=Decimal(last),
        bid=None,
        ask=None,
        ts_ms=0,
    )
