"""The account loop: the same trades as a run over the history, in one durable step per bar."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

import pytest

from desk.bots.opening import open_account
from desk.store import SqlStore
from desk.views import Filter
from tests.desk.desk_house import ALL, DeskHouse, a_house, market, run_to_end
from trading.backtest.result import BacktestResult
from trading.backtest.run import backtest
from trading.candles import Candles
from trading.events import (
    PHASES,
    BotStateChanged,
    OrderChanged,
    Phase,
    PositionClosed,
    PositionOpened,
    SignalDetected,
)
from trading.market import MarketView
from trading.orders import OrderState, may_go


async def replay(store: SqlStore, series: list[Candles], strategy: str = "mean_reversion") -> DeskHouse:
    house = await a_house(store, series)
    await house.start_bot(strategy=strategy)
    await run_to_end(house)
    return house


async def the_run(house: DeskHouse, series: list[Candles]) -> BacktestResult:
    """Run the same bot over the same bars at once."""
    opened = await open_account(house.store, house.feed, house.registry, house.workspace.id, house.account.id)
    assert opened is not None
    by_pair = {one.pair: one for one in series}
    own = [by_pair[line.pair] for line in opened.plan.lines]
    columns = [
        line.strategy.columns(MarketView(candles=candles, others=by_pair))
        for line, candles in zip(opened.plan.lines, own, strict=True)
    ]
    return backtest(own, columns, opened.plan.config)


@pytest.mark.parametrize(("strategy", "bars"), [("trend_following", 1_000), ("mean_reversion", 500)])
async def test_a_replayed_account_makes_the_trades_of_a_run_over_the_same_bars(
    sqlite_store: SqlStore, strategy: str, bars: int
) -> None:
    series = market(bars=bars)

    house = await replay(sqlite_store, series, strategy=strategy)

    run = await the_run(house, series)
    expected = [
        (one.pair, one.entry_ms, one.exit_ms, one.quantity, one.reason, one.tag, one.exit_tag, one.bars)
        for one in run.trades
        if not one.is_open
    ]
    trades = await house.trades()
    found = [
        (
            one.pair,
            round(one.opened_at.timestamp() * 1000),
            round(one.closed_at.timestamp() * 1000),
            one.quantity,
            one.reason,
            one.tag,
            one.exit_tag,
            one.bars,
        )
        for one in trades
    ]
    assert len(found) >= 2
    assert sorted(found, key=str) == sorted(expected, key=str)
    gap = sum(float(one.pnl) for one in trades) - sum(float(one.pnl) for one in run.trades if not one.is_open)
    assert abs(gap) < 0.01


async def test_cash_is_capital_plus_everything_that_the_fills_moved(sqlite_store: SqlStore) -> None:
    house = await replay(sqlite_store, market(bars=300))

    async with house.store.reading() as tx:
        fills = await tx.fills.page(house.workspace.id, Filter(), ALL)
        status = await tx.accounts.status(house.workspace.id, house.account.id)
        held = await tx.positions.open(house.workspace.id)
    moved = sum(
        ((1 if one.side.value == "sell" else -1) * one.price * one.quantity - one.fee for one in fills),
        start=Decimal(0),
    )
    assert status is not None
    assert len(fills) >= 2
    assert status.cash == house.account.capital + moved
    assert status.equity == status.cash + sum(one.quantity * one.mark_price for one in held)
    closed = sum((one.pnl for one in await house.trades()), start=Decimal(0))
    open_cost = sum((one.entry_price * one.quantity for one in held), start=Decimal(0))
    realized = sum((one.realized_pnl for one in held), start=Decimal(0))
    assert abs(house.account.capital + closed + realized - open_cost - status.cash) < Decimal("1e-6")


async def test_every_order_goes_along_the_state_machine_and_ends_where_it_must(
    sqlite_store: SqlStore,
) -> None:
    house = await replay(sqlite_store, market(bars=300))

    changes = [one for one in await house.facts(OrderChanged) if isinstance(one, OrderChanged)]
    assert all(may_go(one.before, one.after) for one in changes)
    async with house.store.reading() as tx:
        orders = await tx.orders.page(house.workspace.id, Filter(), ALL)
        fills = await tx.fills.page(house.workspace.id, Filter(), ALL)
    ended = {OrderState.FILLED, OrderState.CANCELED, OrderState.EXPIRED, OrderState.ACCEPTED}
    assert {one.state for one in orders} <= ended
    assert len({one.client_order_id for one in orders}) == len(orders)
    filled = Counter[str]()
    for fill in fills:
        filled[fill.order_id] += fill.quantity  # type: ignore[assignment]
    assert {one.id: one.filled_quantity for one in orders if one.filled_quantity} == dict(filled)


async def test_phases_follow_their_table_and_positions_their_phases(sqlite_store: SqlStore) -> None:
    house = await replay(sqlite_store, market(bars=300))

    moves = [
        one
        for one in await house.facts(BotStateChanged)
        if isinstance(one, BotStateChanged) and one.axis == "phase"
    ]
    assert all(Phase(one.after) in PHASES[Phase(one.before)] for one in moves)
    opened = await house.facts(PositionOpened)
    closed = await house.facts(PositionClosed)
    assert sum(one.after == "POSITION_OPEN" for one in moves) == len(opened)
    assert sum(one.after == "POSITION_CLOSED" for one in moves) == len(closed)
    held = {one.pair for one in await house.positions()}
    bot = await house.bot()
    assert {one.pair for one in bot.phases if one.phase is Phase.POSITION_OPEN} == held


async def test_a_signal_keeps_why_conditions_sizing_and_checks(sqlite_store: SqlStore) -> None:
    house = await replay(sqlite_store, market(bars=300))

    detected = await house.facts(SignalDetected)
    async with house.store.reading() as tx:
        signals = await tx.signals.page(house.workspace.id, Filter(), ALL)
    entered = [one for one in signals if one.outcome == "entered"]
    denied = [one for one in signals if one.outcome == "denied"]
    assert len(signals) == len(detected)
    assert signals
    for one in entered:
        assert all(check["passed"] for check in one.checks)
        assert one.sizing["binding"] in one.sizing["limits"]
        assert Decimal(one.sizing["quantity"]) > 0
        assert any(condition["met"] for condition in one.conditions)
        assert one.stop is not None
    for one in denied:
        assert not one.checks[-1]["passed"]
        assert one.reason


async def test_bars_are_stored_once_and_equity_at_every_close(sqlite_store: SqlStore) -> None:
    series = market(bars=300)

    house = await replay(sqlite_store, series)

    async with house.store.reading() as tx:
        stored = await tx.candles.load(house.feed.venue, "BTC/USDT", "15m")
        equity = await tx.accounts.equity(house.workspace.id, house.account.id)
    assert stored.close.tolist() == series[0].close.tolist()
    assert len(equity) == 300
    assert (await house.bot()).condition_reason == "the replay has ended"
