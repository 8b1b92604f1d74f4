"""Signals, positions, trades, their events, risk events and figures, on both databases."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from desk.store import SqlStore, cursor_of
from desk.views import Filter, Page
from tests.support.records import NOON, a_position, a_signal, a_trade, later
from trading.errors import Conflict, InvalidInput, InvariantBroken, NotFound


async def test_a_signal_keeps_its_reasons_and_is_settled_once_known(any_store: SqlStore) -> None:
    signal, other = a_signal("w1"), replace(a_signal("w1", seconds=60), stop=None, targets=())

    async with any_store.transaction() as tx:
        await tx.signals.add(signal)
        await tx.signals.add(other)
        await tx.signals.settle("w1", other.id, outcome="denied", reason="max_positions")
    with pytest.raises(NotFound):
        async with any_store.transaction() as tx:
            await tx.signals.settle("w2", signal.id, outcome="entered", reason="")

    denied = replace(other, outcome="denied", reason="max_positions")
    async with any_store.reading() as tx:
        assert await tx.signals.by_id("w1", signal.id) == signal
        assert await tx.signals.by_id("w2", signal.id) is None
        assert await tx.signals.page("w1", Filter(), Page()) == [denied, signal]
        assert await tx.signals.page("w1", Filter(is_open=True), Page()) == [signal]
        assert await tx.signals.page("w1", Filter(is_open=False), Page()) == [denied]
        assert await tx.signals.page("w1", Filter(extra={"outcome": "denied"}), Page()) == [denied]
        assert await tx.signals.page("w1", Filter(), Page(after=cursor_of(denied))) == [signal]
        assert await tx.signals.page("w2", Filter(), Page()) == []
        with pytest.raises(InvalidInput, match="account_id"):
            await tx.signals.page("w1", Filter(account_id="a"), Page())


async def test_a_signal_whose_score_is_no_number_is_refused(any_store: SqlStore) -> None:
    with pytest.raises(InvariantBroken, match="finite number"):
        async with any_store.transaction() as tx:
            await tx.signals.add(replace(a_signal("w1"), score=float("nan")))


async def test_positions_are_saved_over_and_listed_open_or_closed(any_store: SqlStore) -> None:
    first, second = a_position("w1"), a_position("w1", "account-2", seconds=60)
    closed = replace(first, quantity=Decimal(0), closed_at=later(90), trail_ratio=0.02, stop=None)

    async with any_store.transaction() as tx:
        await tx.positions.save(first)
        await tx.positions.save(second)
        assert await tx.positions.open("w1") == [first, second]
        await tx.positions.save(closed)
        # The same id from another workspace changes nothing.
        await tx.positions.save(replace(second, workspace_id="w2", tag="foreign"))

    async with any_store.reading() as tx:
        assert await tx.positions.by_id("w1", first.id) == closed
        assert await tx.positions.by_id("w1", second.id) == second
        assert await tx.positions.by_id("w2", first.id) is None
        assert await tx.positions.open("w1") == [second]
        assert await tx.positions.open("w1", "account-1") == []
        assert await tx.positions.open("w2") == []
        assert await tx.positions.page("w1", Filter(), Page()) == [second, closed]
        assert await tx.positions.page("w1", Filter(is_open=True), Page()) == [second]
        assert await tx.positions.page("w1", Filter(is_open=False), Page()) == [closed]
        assert await tx.positions.page("w1", Filter(account_id="account-2"), Page()) == [second]
        assert await tx.positions.page("w1", Filter(), Page(after=cursor_of(second))) == [closed]


async def test_trades_are_numbered_per_workspace_without_gaps(any_store: SqlStore) -> None:
    async def add(workspace_id: str, seconds: float) -> int:
        async with any_store.transaction() as tx:
            return (await tx.positions.add_trade(a_trade(workspace_id, seconds))).number

    numbers = await asyncio.gather(*(add("w1", i) for i in range(6)))
    other = await add("w2", 0)

    assert sorted(numbers) == [1, 2, 3, 4, 5, 6]
    assert other == 1


async def test_a_given_trade_number_is_kept_and_counted_on_from(any_store: SqlStore) -> None:
    async with any_store.transaction() as tx:
        kept = await tx.positions.add_trade(replace(a_trade("w1"), number=40))
        following = await tx.positions.add_trade(a_trade("w1", 1))
        low = await tx.positions.add_trade(replace(a_trade("w1", 2), number=7))
        last = await tx.positions.add_trade(a_trade("w1", 3))

    assert [one.number for one in (kept, following, low, last)] == [40, 41, 7, 42]
    with pytest.raises(Conflict, match="Trade 41"):
        async with any_store.transaction() as tx:
            await tx.positions.add_trade(replace(a_trade("w1", 4), number=41))
    async with any_store.reading() as tx:
        assert await tx.positions.trade("w1", kept.id) == kept
        assert await tx.positions.trade("w2", kept.id) is None
        assert await tx.positions.trade_by_number("w1", 41) == following
        assert await tx.positions.trade_by_number("w2", 41) is None
        assert await tx.positions.trades("w1", Filter(), Page(first=2)) == [last, low]
        assert await tx.positions.trades("w1", Filter(), Page(after=cursor_of(low))) == [following, kept]
        assert await tx.positions.trades("w1", Filter(extra={"reason": "stop_loss"}), Page()) == []
        assert await tx.positions.trades("w2", Filter(), Page()) == []
        with pytest.raises(InvalidInput, match="a trade is finished"):
            await tx.positions.trades("w1", Filter(is_open=True), Page())


async def test_what_happened_to_a_position_is_told_in_order(any_store: SqlStore) -> None:
    async with any_store.transaction() as tx:
        await tx.positions.add_trade_event("w1", "p1", NOON, "stop_moved", {"stop": Decimal("41000.50")})
        await tx.positions.add_trade_event("w1", "p1", NOON, "leg_filled", {"leg": 1, "at": NOON})
        await tx.positions.add_trade_event("w1", "p2", NOON, "opened", {})

    async with any_store.reading() as tx:
        events = await tx.positions.trade_events("w1", "p1")
        assert await tx.positions.trade_events("w2", "p1") == []
    assert [one["kind"] for one in events] == ["stop_moved", "leg_filled"]
    assert events[0] == {"at": NOON, "kind": "stop_moved", "detail": {"stop": "41000.50"}}


async def test_risk_events_page_newest_first(any_store: SqlStore) -> None:
    async with any_store.transaction() as tx:
        for i in range(5):
            await tx.positions.add_risk_event("w1", "a1", "b1", later(i // 2), "max_positions", {"n": i})
        await tx.positions.add_risk_event("w2", "a1", "b1", NOON, "daily_loss", {})

    async with any_store.reading() as tx:
        whole = await tx.positions.risk_events("w1", Page())
        head = await tx.positions.risk_events("w1", Page(first=2))
        tail = await tx.positions.risk_events("w1", Page(after=cursor_of(head[-1])))
    assert [one["detail"]["n"] for one in whole] == [4, 3, 2, 1, 0]
    assert [*head, *tail] == whole


async def test_figures_are_kept_per_day_and_per_period(any_store: SqlStore) -> None:
    day, next_day = NOON, NOON + timedelta(days=1)

    async with any_store.transaction() as tx:
        await tx.metrics.save_bot("w1", "b1", day, {"sharpe": 1.0})
        await tx.metrics.save_bot("w1", "b1", day, {"sharpe": 1.5, "pnl": Decimal("2.50")})
        await tx.metrics.save_bot("w1", "b1", next_day, {"sharpe": None})
        await tx.metrics.save_bot("w2", "b1", day, {"sharpe": 9.0})
        await tx.metrics.save_strategy("w1", "elliott_wave", "2026-01", {"trades": 3})
        await tx.metrics.save_strategy("w1", "elliott_wave", "2026-01", {"trades": 4})

    async with any_store.reading() as tx:
        assert await tx.metrics.of_bot("w1", "b1", None) == [
            {"day": day, "sharpe": 1.5, "pnl": "2.50"},
            {"day": next_day, "sharpe": None},
        ]
        assert await tx.metrics.of_bot("w1", "b1", next_day) == [{"day": next_day, "sharpe": None}]
        assert await tx.metrics.of_bot("w2", "b1", None) == []
        assert await tx.metrics.of_strategy("w1", "elliott_wave") == [{"period": "2026-01", "trades": 4}]
        assert await tx.metrics.of_strategy("w2", "elliott_wave") == []
