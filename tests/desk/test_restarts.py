"""Restarts: an account that was cut anywhere goes on as if nothing had happened."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from typing import Any

import pytest

from desk.bots.opening import open_account
from desk.ending import ended
from desk.store import SqlStore
from desk.views import Filter
from tests.desk.desk_house import ALL, DeskHouse, a_house, market, run_to_end, until
from tests.support.stores import SqliteTemplate
from trading.candles import Candles
from trading.errors import OperatorProblem, StoreProblem


async def outcome(house: DeskHouse) -> dict[str, Any]:
    """Give everything that must not depend on restarts."""
    async with house.store.reading() as tx:
        orders = await tx.orders.page(house.workspace.id, Filter(), ALL)
        fills = await tx.fills.page(house.workspace.id, Filter(), ALL)
        signals = await tx.signals.page(house.workspace.id, Filter(), ALL)
        equity = await tx.accounts.equity(house.workspace.id, house.account.id)
        status = await tx.accounts.status(house.workspace.id, house.account.id)
        positions = await tx.positions.page(house.workspace.id, Filter(), ALL)
        alerts = await tx.alerts.page(house.workspace.id, Filter(), ALL)
    assert status is not None
    return {
        "orders": sorted(
            (one.pair, one.created_at, one.reason, one.leg, one.quantity, one.state, one.filled_quantity)
            for one in orders
        ),
        "fills": sorted(
            (one.filled_at, one.pair, one.reason, one.price, one.quantity, one.fee) for one in fills
        ),
        "signals": sorted(
            (one.bar_at, one.pair, one.outcome, one.reason, str(one.sizing)) for one in signals
        ),
        "equity": [(one.at, one.equity) for one in equity],
        "cash": status.cash,
        "positions": sorted(
            (one.opened_at, one.pair, one.quantity, str(one.stop), one.realized_pnl) for one in positions
        ),
        "alerts": sorted(one.kind for one in alerts if one.kind not in {"bot_degraded", "bot_recovered"}),
    }


async def played(store: SqlStore, series: Sequence[Candles], **wanted: Any) -> DeskHouse:
    house = await a_house(store, series)
    await house.start_bot(**{"strategy": "mean_reversion", **wanted})
    await run_to_end(house)
    return house


async def cut_at(house: DeskHouse, bar_ms: int) -> None:
    """Stop the process at the first commit at or after a bar, without a chance to say goodbye."""
    task = asyncio.create_task(house.supervisor.run())
    await until(
        lambda: any(
            one.last_ms is not None and one.last_ms >= bar_ms for one in house.supervisor.loops.values()
        )
    )
    await ended(task)


@pytest.mark.parametrize("strategy", ["mean_reversion"])
async def test_restarts_at_random_bars_change_nothing(
    sqlite_store: SqlStore, sqlite_template: SqliteTemplate, tmp_path: Any, strategy: str
) -> None:
    from desk.store import open_store

    series = market(bars=360)
    expected = await outcome(await played(sqlite_store, series, strategy=strategy))
    store = open_store(sqlite_template.copy(tmp_path / "restarted.sqlite3"))
    house = await a_house(store, series, bars_per_s=4_000)
    await house.start_bot(strategy=strategy)
    choose = random.Random(5)

    for bar in sorted(choose.sample(range(40, 320), 4)):
        await cut_at(house, int(series[0].ts_ms[bar]))
        house = await a_house(store, series, bars_per_s=4_000)
    await run_to_end(house)

    assert len(expected["fills"]) >= 2
    assert await outcome(house) == expected
    await store.close()


async def test_a_transaction_that_fails_leaves_the_last_committed_bar_and_is_done_again(
    sqlite_store: SqlStore, sqlite_template: SqliteTemplate, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from desk.store import open_store
    from desk.store.repositories.accounts import SqlAccounts

    series = market(bars=300)
    expected = await outcome(await played(sqlite_store, series))
    store = open_store(sqlite_template.copy(tmp_path / "failing.sqlite3"))
    house = await a_house(store, series)
    await house.start_bot(strategy="mean_reversion")
    save, calls = SqlAccounts.save_snapshot, [0]

    async def failing(self: SqlAccounts, *args: Any) -> None:
        calls[0] += 1
        if calls[0] in (3, 6):
            raise StoreProblem("The database went away at the worst moment.")
        await save(self, *args)

    monkeypatch.setattr(SqlAccounts, "save_snapshot", failing)
    monkeypatch.setattr("desk.bots.supervisor.LONGEST_WAIT_S", 0.01)
    await run_to_end(house)

    assert calls[0] > 6
    assert await outcome(house) == expected
    await store.close()


async def test_two_supervisors_share_an_account_without_doing_anything_twice(
    sqlite_store: SqlStore, sqlite_template: SqliteTemplate, tmp_path: Any
) -> None:
    from desk.store import open_store

    series = market(bars=300)
    expected = await outcome(await played(sqlite_store, series))
    store = open_store(sqlite_template.copy(tmp_path / "two.sqlite3"))
    first = await a_house(store, series, holder="elsewhere|1|1|first")
    second = await a_house(store, series, holder="elsewhere|1|1|second")
    await first.start_bot(strategy="mean_reversion")

    await run_to_end(first, second)

    assert await outcome(first) == expected
    await store.close()


async def test_an_account_that_traded_does_not_begin_anew_when_its_saved_state_is_gone(
    sqlite_store: SqlStore,
) -> None:
    series = market(bars=360)
    house = await played(sqlite_store, series)
    async with house.store.reading() as tx:
        assert await tx.fills.page(house.workspace.id, Filter(), ALL)
    async with sqlite_store.transaction() as tx:
        await tx.connection.change("DELETE FROM account_snapshots")
        # Flat: nothing that is held could tell.
        await tx.connection.change("DELETE FROM positions")

    with pytest.raises(OperatorProblem, match="its saved state is gone") as refused:
        await open_account(sqlite_store, house.feed, house.registry, house.workspace.id, house.account.id)

    assert "new account" in str(refused.value.hint)
