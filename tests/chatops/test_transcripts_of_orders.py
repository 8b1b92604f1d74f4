"""Say this, expect that card: stops, targets, orders by hand, their end, the comparison with the venue."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from chatops.cards import Number, Price, Text
from chatops.commands.orders import price_of, r_multiple
from chatops.testing import Chat, column, field
from desk.store import SqlStore
from tests.chatops.chat_house import ChatHouse, furnished, with_live_account
from tests.support.records import a_position


@pytest.fixture
async def house(sqlite_store: SqlStore) -> ChatHouse:
    return await furnished(sqlite_store)


@pytest.fixture
def chat(house: ChatHouse) -> Chat:
    return house.chat()


async def test_a_stop_is_moved_to_a_price_or_a_distance_after_a_preview(house: ChatHouse, chat: Chat) -> None:
    mark = house.position.mark_price
    asked = await chat.say("/sl BTC/USDT 2%", expect="confirm")
    assert asked.body[0].code == "confirm.SetStop"

    card = await chat.press("confirm", expect="stop_moved")
    assert field(card, "before") == Price(house.position.stop)
    assert field(card, "after") == Price((mark * Decimal("0.98")).quantize(Decimal("0.01")))
    async with house.store.reading() as tx:
        rows = await tx.positions.trade_events(house.workspace.id, house.position.id)
    assert any("stop" in str(one["kind"]) and "request" in str(one["kind"]) for one in rows)

    assert (await chat.agree("/sl BTC/USDT +2%", expect="error")).problem == "invalid_input"
    assert (await chat.say("/sl nothing 2%", expect="error")).problem == "not_found"


async def test_targets_lie_on_the_winning_side_one_after_the_other(chat: Chat) -> None:
    card = await chat.agree("/tp BTC/USDT 2% 4% 6%", expect="targets_moved")
    assert column(card, "targets", "leg") == ["TP1", "TP2", "TP3"]
    assert all(isinstance(one, Number) and one.value for one in column(card, "targets", "r_multiple"))

    assert (await chat.agree("/tp BTC/USDT 4% 2%", expect="error")).problem == "invalid_input"
    assert (await chat.agree("/tp BTC/USDT 1% 2% 3% 4%", expect="error")).problem == "invalid_input"


def test_percentages_are_read_from_the_last_price_on_the_side_that_makes_sense() -> None:
    long = replace(
        a_position("w", "a"), is_long=True, mark_price=Decimal("100.00"), entry_price=Decimal(90),
        initial_stop=Decimal(80),
    )  # fmt: skip
    short = replace(long, is_long=False)

    assert price_of(long, "2%", is_stop=True) == Decimal("98.00")
    assert price_of(long, "2%", is_stop=False) == Decimal("102.00")
    assert price_of(short, "2,5 %".replace(" ", ""), is_stop=True) == Decimal("102.50")
    assert price_of(long, "+2%", is_stop=True) == Decimal("102.00")
    assert price_of(long, "97.5", is_stop=True) == Decimal("97.5")
    assert r_multiple(long, Decimal(110)) == 2.0
    assert r_multiple(replace(long, initial_stop=None), Decimal(110)) is None


async def test_an_order_by_hand_needs_a_live_account_and_a_preview(house: ChatHouse, chat: Chat) -> None:
    refused = await chat.say("/forcelong BTC/USDT stake=250", expect="error")
    assert refused.body[0].code == "problem.which_live_account"

    await with_live_account(house)
    asked = await chat.say("/forcelong BTC/USDT 40000 stake=250 sl=38000", expect="confirm")
    assert asked.body[0].code == "confirm.PlaceOrder"
    card = await chat.press("confirm", expect="order_placed")
    assert field(card, "quantity") == Decimal("0.00625")
    assert field(card, "side") == Text("order_side.buy")

    listed = await chat.agree("/coo all", expect="orders_cancelled")
    assert column(listed, "orders", "pair") == ["BTC/USDT"]
    assert (await chat.say("/coo zzzzzz", expect="error")).problem == "not_found"
    short = await chat.agree("/forceshort BTC/USDT 60000 stake=250", expect="order_placed")
    one = await chat.agree(f"/coo {field(short, 'id')}", expect="orders_cancelled")
    assert len(column(one, "orders", "id")) == 1


async def test_a_comparison_is_asked_for_and_accepting_a_difference_is_confirmed(
    house: ChatHouse, chat: Chat
) -> None:
    await with_live_account(house)

    await chat.say("/reload_trade", expect="reconciling")
    await chat.say("/reload_trade --accept sold at the exchange", expect="confirm")
    assert (await chat.press("confirm", expect="reconciling")).title.params == {"account": "live"}
    await chat.agree("/reload_trade --breaker", expect="reconciling")
