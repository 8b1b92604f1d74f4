"""Without a database nothing is sent (trading-rules.md E.7, fault 25)."""

from __future__ import annotations

import pytest

from tests.execution.conftest import MakeHouse
from trading.errors import StoreProblem
from trading.orders import OrderState


class Full:
    """A transaction that cannot begin."""

    async def __aenter__(self) -> None:
        raise StoreProblem("database or disk is full")

    async def __aexit__(self, *problem: object) -> None:
        return None


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
