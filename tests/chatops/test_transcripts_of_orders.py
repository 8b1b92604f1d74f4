"""Say this, expect that card: stops, targets, orders by hand, their end, the comparison with the venue."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from chatops.cards import Money, Number, Price, Text
from chatops.commands.orders import price_of, r_multiple
from chatops.testing import Chat, column, field, spoken
from desk.store import SqlStore
from tests.chatops.chat_house import ChatHouse, furnished, generated_candles, with_bars, with_live_account
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
    asked = await chat.say("/tp btc 2% 4% 6%", expect="confirm")
    assert "," in spoken(asked).split("targets ")[1].split(" · ")[0]
    card = await chat.press("confirm", expect="targets_moved")
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


async def test_an_entry_by_hand_goes_through_a_bot_on_paper_and_says_what_it_risks(
    house: ChatHouse, chat: Chat
) -> None:
    await with_bars(house)

    asked = await chat.say("/forcelong eth stake=250 sl=2%", expect="confirm")
    assert asked.body[0].code == "confirm.EnterByHand"
    assert {"quantity", "stop", "risk", "binding"} <= set(asked.body[0].params)
    assert asked.body[0].params["binding"] == Text("limit.asked")
    card = await chat.press("confirm", expect="entry_by_hand")
    assert field(card, "binding") == Text("limit.asked")
    worth, at_risk = field(card, "worth"), field(card, "at_risk")
    assert isinstance(worth, Money)
    assert isinstance(at_risk, Money)
    assert Decimal(240) < worth.amount <= Decimal(250)
    assert at_risk.amount / worth.amount == pytest.approx(Decimal("0.02"), rel=Decimal("0.05"))
    assert card.chart is not None
    assert card.chart.spec["trade"]["stop"] == float(field(card, "stop").value)  # type: ignore[union-attr,arg-type]

    waiting = await chat.say("/entry", expect="entries_waiting")
    assert column(waiting, "entries_waiting", "state") == [Text("entry_state.APPROVED")]
    assert Text("status.waiting", {"n": 1}) in (await chat.say("/status")).notes
    taken_back = await chat.say(card.buttons[0].line, expect="entry")
    assert field(taken_back, "state") == Text("entry_state.SKIPPED")


async def test_an_entry_by_hand_is_refused_with_what_refuses_it(house: ChatHouse, chat: Chat) -> None:
    held = await chat.say("/forcelong BTC/USDT stake=250 sl=2%", expect="error")
    assert held.body[0].code == "said.by_hand_held"
    unknown = await chat.say("/forcelong ETH/USDT stake=250 sl=2%", expect="error")
    assert unknown.body[0].code == "said.by_hand_no_bar"

    await with_bars(house)
    short = await chat.say("/forceshort ETH/USDT stake=250 sl=2%", expect="error")
    assert short.problem == "risk_denied"
    assert short.body[1].params["check"] == Text("refusal.short_not_allowed")
    small = await chat.say("/forcelong ETH/USDT stake=0.000001 sl=2%", expect="error")
    assert small.body[0].code == "said.by_hand_small"
    assert "the smallest step is" in spoken(small)
    await chat.say("/lock ETH/USDT")
    locked = await chat.say("/forcelong ETH/USDT stake=250 sl=2%", expect="error")
    assert locked.body[1].params["check"] == Text("refusal.locked")


async def test_where_there_are_several_ways_in_one_has_to_be_named(house: ChatHouse, chat: Chat) -> None:
    await with_live_account(house)
    await with_bars(house)

    several = await chat.say("/forcelong ETH/USDT stake=250 sl=2%", expect="error")
    assert several.body[0].code == "problem.which_way_in"
    assert "bot=demo, account=live" in spoken(several)
    assert (await chat.say("/forcelong ETH/USDT bot=demo sl=2%")).body[0].code == "confirm.EnterByHand"
    on_live = await chat.say("/forcelong ETH/USDT 40 stake=250 account=live", expect="confirm")
    assert on_live.body[0].code == "confirm.PlaceOrder"
    await chat.say("/use demo")
    assert (await chat.say("/forcelong ETH/USDT sl=2%")).body[0].code == "confirm.EnterByHand"


async def test_an_order_on_a_live_account_is_previewed(house: ChatHouse, chat: Chat) -> None:
    await with_live_account(house)
    asked = await chat.say("/forcelong BTC/USDT 40000 stake=250 sl=38000 account=live", expect="confirm")
    assert asked.body[0].code == "confirm.PlaceOrder"
    assert asked.body[0].params["side"] == Text("order_side.buy")
    card = await chat.press("confirm", expect="order_placed")
    assert field(card, "quantity") == Decimal("0.00625")
    assert field(card, "side") == Text("order_side.buy")

    listed = await chat.agree("/coo all", expect="orders_cancelled")
    assert column(listed, "orders", "pair") == ["BTC/USDT"]
    assert (await chat.say("/coo zzzzzz", expect="error")).problem == "not_found"
    short = await chat.agree("/forceshort BTC/USDT 60000 stake=250 account=live", expect="order_placed")
    one = await chat.agree(f"/coo {field(short, 'id')}", expect="orders_cancelled")
    assert len(column(one, "orders", "id")) == 1


async def test_what_was_previewed_is_done_though_the_market_moved_before_the_tap(
    house: ChatHouse, chat: Chat
) -> None:
    await with_live_account(house)
    position = house.position
    await chat.say("/sl BTC/USDT 2%", expect="confirm")
    async with house.store.transaction() as tx:
        await tx.positions.save(replace(position, mark_price=position.mark_price + 7))

    moved = await chat.press("confirm", expect="stop_moved")

    wanted = (position.mark_price * Decimal("0.98")).quantize(Decimal("0.01"))
    assert field(moved, "after") == Price(wanted)
    asked = await chat.say("/forcelong BTC/USDT stake=250 sl=2% account=live", expect="confirm")
    newest = generated_candles().rows(799, 800)
    async with house.store.transaction() as tx:
        await tx.candles.add(
            replace(newest, ts_ms=newest.ts_ms + 3_600_000, close=newest.high, volume=newest.volume + 1)
        )
    placed = await chat.press("confirm", expect="order_placed")
    assert field(placed, "quantity") == asked.body[0].params["quantity"]


async def test_a_comparison_is_asked_for_and_accepting_a_difference_is_confirmed(
    house: ChatHouse, chat: Chat
) -> None:
    await with_live_account(house)

    await chat.say("/reload_trade", expect="reconciling")
    await chat.say("/reload_trade --accept sold at the exchange", expect="confirm")
    assert (await chat.press("confirm", expect="reconciling")).title.params == {"account": "live"}
    await chat.agree("/reload_trade --breaker", expect="reconciling")
