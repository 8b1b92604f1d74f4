"""Without a database nothing is sent (trading-rules.md E.7, fault 25)."""

from __future__ import annotations

from pathlib import Path

import pytest

from desk.errors import StoreBusy
from desk.execution.turns import BUSY_TRIES
from desk.store import migrate, open_store
from tests.execution.conftest import MakeHouse
from tests.support.execution_house import a_live_house
from trading.errors import StoreProblem
from trading.orders import OrderState


class Full:
    """A transaction that cannot begin."""

    async def __aenter__(self) -> None:
        raise StoreProblem("database or disk is full")

    async def __aexit__(self, *problem: object) -> None:
        return None


class Taken:
    """A transaction for which no connection comes free."""

    begun = 0

    async def __aenter__(self) -> None:
        type(self).begun += 1
        raise StoreBusy("No connection came free within 2 s.")

    async def __aexit__(self, *problem: object) -> None:
        return None


async def test_a_database_that_is_only_busy_ends_no_account(make_house: MakeHouse) -> None:
    house = await make_house()
    order = await house.buy()
    database = house.store.transactions.database  # type: ignore[attr-defined]
    works, begun = database.writing, 0

    def busy_twice() -> object:
        nonlocal begun
        begun += 1
        return Taken() if begun <= 2 else works()

    database.writing = busy_twice
    await house.executor.work()
    database.writing = works
    await house.work()

    assert begun > 2
    assert (await house.order(order)).state is OrderState.FILLED
    assert house.venue.sent == [order.client_order_id]


async def test_a_turn_that_never_began_leaves_memory_and_rows_in_step(make_house: MakeHouse) -> None:
    house = await make_house()
    database = house.store.transactions.database  # type: ignore[attr-defined]
    works, Taken.begun = database.writing, 0

    database.writing = Taken
    with pytest.raises(StoreBusy):
        async with house.turns.turn():
            pytest.fail("it never began")
    database.writing = works

    assert Taken.begun == BUSY_TRIES
    assert not house.turns.is_torn


async def test_25_no_claim_can_be_written_so_no_byte_goes_out(make_house: MakeHouse) -> None:
    house = await make_house()
    order = await house.buy()
    database = house.store.transactions.database  # type: ignore[attr-defined]
    works = database.writing

    database.writing = Full
    with pytest.raises(StoreProblem):
        await house.executor.work()
    sent_meanwhile = list(house.venue.sent)
    database.writing = works
    await house.work()

    assert sent_meanwhile == []
    assert (await house.order(order)).state is OrderState.FILLED
    assert house.venue.sent == [order.client_order_id]


async def test_25_an_answer_that_cannot_be_written_is_asked_for_again(make_house: MakeHouse) -> None:
    house = await make_house(dedupe="none")
    order = await house.buy()
    claimed = await house.executor.sender._claim(order)
    assert claimed is not None
    database = house.store.transactions.database  # type: ignore[attr-defined]
    works = database.writing

    from desk.execution.order_path import request_of

    placement = await house.venue.place(request_of(claimed))
    database.writing = Full
    with pytest.raises(StoreProblem):
        await house.executor.sender._accepted(claimed, placement)
    database.writing = works
    await house.restart()
    await house.work(3.0)

    assert (await house.order(order)).state is OrderState.FILLED
    assert len(house.exchange.book.orders) == 1
    assert await house.complaints() == []


async def test_25_a_disk_that_is_full_takes_no_order_and_goes_on_when_there_is_room(tmp_path: Path) -> None:
    """A real file that may not grow: what the database itself says when the disk is full."""
    url = f"sqlite:{tmp_path / 'full.sqlite3'}"
    await migrate(url)
    store = open_store(url)
    house = await a_live_house(store)
    first = await house.settle(await house.buy("0.1"))
    async with store.transaction() as tx:
        [(pages,)] = await tx.connection.rows("PRAGMA page_count")
        await tx.connection.rows(f"PRAGMA max_page_count = {pages}")
    refused = 0
    taken = []

    for _ in range(40):
        try:
            taken.append(await house.buy("0.1"))
        except StoreProblem as problem:
            refused += "full" in str(problem)
    async with store.transaction() as tx:
        await tx.connection.rows("PRAGMA max_page_count = 1000000")
    for order in taken:
        await house.settle(order)
    last = await house.settle(await house.buy("0.1"))

    assert refused > 0
    assert {first.state, last.state} == {OrderState.FILLED}
    assert len(house.venue.sent) == len(set(house.venue.sent)) == len(taken) + 2
    assert await house.complaints() == []
    assert await store.check() == []
    await store.close()
