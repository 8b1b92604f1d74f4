"""Faults around a placement (trading-rules.md E.7): what happens to an order, and that it happens once."""

from __future__ import annotations

from decimal import Decimal

import pytest

from desk.order_views import IncidentKind
from desk.venue_port import Refusal, VenueBusy, VenueRefusal
from tests.execution.conftest import MakeHouse
from tests.support.fake_venue import ACCEPT_THEN_DROP, DROP, UNSENT
from trading.orders import OrderState, OrderType, Reason


async def test_1_an_accepted_order_without_an_answer_is_found_and_not_sent_again(
    make_house: MakeHouse,
) -> None:
    house = await make_house(dedupe="none")
    house.venue.script.append(ACCEPT_THEN_DROP)

    order = await house.settle(await house.buy(price=Decimal(90)))

    assert order.state is OrderState.ACCEPTED
    assert house.venue.sent == [order.client_order_id]
    assert await house.complaints() == []


async def test_2_an_order_that_filled_without_an_answer_is_found_filled(make_house: MakeHouse) -> None:
    house = await make_house(dedupe="open")
    house.venue.script.append(ACCEPT_THEN_DROP)

    order = await house.settle(await house.buy())

    assert order.state is OrderState.FILLED
    assert len(house.exchange.book.orders) == 1
    assert await house.complaints() == []


async def test_3_an_order_that_never_arrived_is_not_placed_only_after_rule_four(
    make_house: MakeHouse,
) -> None:
    house = await make_house()
    house.venue.script.append(DROP)
    order = await house.buy()

    await house.work(20.0)
    early = await house.order(order)
    settled = await house.settle(order)

    assert early.state is OrderState.UNKNOWN
    assert settled.state is OrderState.NOT_PLACED
    watch = await house.watch(order)
    assert watch.is_burned
    assert watch.negatives >= 3
    assert house.venue.sent == [order.client_order_id]


async def test_a_failed_question_begins_the_proof_of_absence_anew(make_house: MakeHouse) -> None:
    house = await make_house()
    house.venue.script.append(DROP)
    order = await house.buy()
    await house.work(25.0)
    before = await house.watch(order)

    house.venue.is_down = True
    await house.work(20.0)
    house.venue.is_down = False

    assert before.negatives > 0
    assert (await house.watch(order)).negatives == 0
    assert (await house.order(order)).state is OrderState.UNKNOWN


async def test_while_an_order_is_in_doubt_its_pair_takes_no_new_risk(make_house: MakeHouse) -> None:
    house = await make_house()
    house.venue.script.append(DROP)
    doubtful = await house.buy()
    await house.work(2.0)

    waiting = await house.buy("0.5")
    other = await house.buy("0.5", pair="ETH/USDT")
    await house.work(2.0)

    assert (await house.order(doubtful)).state is OrderState.UNKNOWN
    assert (await house.order(waiting)).state is OrderState.INTENT
    assert (await house.order(other)).state is OrderState.FILLED


async def test_4_an_unclaimed_intent_is_sent_once_after_a_crash(make_house: MakeHouse) -> None:
    house = await make_house()
    order = await house.buy()

    await house.restart()
    await house.work()

    assert (await house.order(order)).state is OrderState.FILLED
    assert house.venue.sent == [order.client_order_id]


async def test_4_an_intent_that_waited_too_long_is_dropped(make_house: MakeHouse) -> None:
    from datetime import timedelta

    house = await make_house()
    order = await house.buy(valid_for=timedelta(seconds=30))

    house.clock.advance(60.0)
    await house.restart()
    await house.work()

    assert (await house.order(order)).state is OrderState.EXPIRED
    assert house.venue.sent == []


async def test_5_an_order_whose_process_ended_before_the_answer_is_adopted(make_house: MakeHouse) -> None:
    house = await make_house(dedupe="none")
    order = await house.buy(price=Decimal(90))
    claimed = await house.executor.sender._claim(order)
    assert claimed is not None
    from desk.execution.order_path import request_of

    await house.venue.place(request_of(claimed))

    await house.restart()
    await house.work(2.0)

    assert (await house.order(order)).state is OrderState.ACCEPTED
    assert len(house.exchange.book.orders) == 1


async def test_a_late_acceptance_of_a_burned_id_is_cancelled_and_raised(make_house: MakeHouse) -> None:
    house = await make_house()
    house.venue.script.append(DROP)
    order = await house.settle(await house.buy(price=Decimal(90)))
    assert order.state is OrderState.NOT_PLACED
    from desk.execution.order_path import request_of

    house.exchange.place(request_of(order))
    await house.work(5.0)

    assert house.exchange.open_orders() == []
    assert [one.kind for one in await house.incidents()] == [IncidentKind.LATE_ACCEPTANCE]
    assert await house.complaints() == []


async def test_an_unsent_order_is_tried_five_times_and_then_given_up(make_house: MakeHouse) -> None:
    house = await make_house()
    house.venue.script.extend([UNSENT] * 9)
    order = await house.buy()

    await house.work(400.0)

    found = await house.order(order)
    assert found.state is OrderState.CANCELED
    assert found.attempts == 5
    assert house.venue.sent == []


async def test_12_too_little_balance_is_answered_once_with_what_fits(make_house: MakeHouse) -> None:
    house = await make_house()
    order = await house.buy("20000")

    await house.work(5.0)

    first, second = await house.orders()
    assert first.id == order.id
    assert (first.state, second.state) == (OrderState.REJECTED, OrderState.FILLED)
    assert second.binding == "resized"
    assert len(house.venue.sent) == 2


async def test_12_no_storm_follows_a_second_refusal(make_house: MakeHouse) -> None:
    house = await make_house()
    refusal = VenueRefusal("Account has insufficient balance.", reason=Refusal.BALANCE)
    house.venue.script.extend([refusal] * 5)
    await house.buy("20000")

    await house.work(60.0)

    assert [one.state for one in await house.orders()] == [OrderState.REJECTED] * 2
    assert len(house.venue.script) == 3


async def test_13_changed_trading_rules_are_fetched_and_the_order_quantised_once(
    make_house: MakeHouse,
) -> None:
    from dataclasses import replace

    house = await make_house()
    rules = house.exchange.instruments["BTC/USDT"]
    house.exchange.instruments = {
        **house.exchange.instruments,
        "BTC/USDT": replace(rules, step=Decimal("0.1")),
    }
    await house.buy("1.2345")

    await house.work(5.0)

    first, second = await house.orders()
    assert (first.state, second.state) == (OrderState.REJECTED, OrderState.FILLED)
    assert second.quantity == Decimal("1.2")
    assert len(await house.orders()) == 2


async def test_14_the_wait_that_a_venue_asks_for_is_kept(make_house: MakeHouse) -> None:
    house = await make_house()
    house.venue.script.append(VenueBusy("429 Too Many Requests", retry_after_s=37.0))
    order = await house.buy()

    await house.work(30.0)
    waiting = await house.order(order)
    await house.work(10.0)

    assert waiting.state is OrderState.INTENT
    assert (await house.order(order)).state is OrderState.FILLED


async def test_11_a_clock_that_the_venue_refuses_ends_in_safe_mode_and_an_incident(
    make_house: MakeHouse,
) -> None:
    house = await make_house()
    house.venue.script.append(VenueRefusal("-1021", reason=Refusal.CLOCK))
    first = await house.buy()
    await house.work(1.0)

    second = await house.buy()
    await house.work(3.0)

    assert (await house.order(first)).state is OrderState.REJECTED
    assert (await house.order(second)).state is OrderState.INTENT
    assert [one.kind for one in await house.incidents()] == [IncidentKind.CLOCK]


async def test_27_a_revoked_key_stops_new_risk_and_is_told_once(make_house: MakeHouse) -> None:
    house = await make_house()
    house.venue.script.extend([VenueRefusal("-2015", reason=Refusal.KEY)] * 2)
    await house.buy()
    await house.buy("0.5", pair="ETH/USDT")

    await house.work(5.0)

    assert house.executor.sender.is_safe_mode
    assert [one.kind for one in await house.incidents()] == [IncidentKind.KEY_REFUSED]


async def test_23_a_stop_that_would_trigger_at_once_becomes_a_market_exit(make_house: MakeHouse) -> None:
    house = await make_house()
    await house.buy(stop_loss=Decimal(95))
    house.venue.script.extend(["ok"])
    await house.executor.work()
    house.exchange.prices["BTC/USDT"] = Decimal(94)

    await house.work(5.0)

    sold = [one for one in await house.orders() if one.reason is Reason.STOP_LOSS]
    assert [one.state for one in sold] == [OrderState.REJECTED, OrderState.FILLED]
    assert sold[-1].order_type is OrderType.MARKET
    assert await house.position() is None


async def test_30_an_order_that_arrives_after_the_kill_switch_is_cancelled(make_house: MakeHouse) -> None:
    from desk.execution.killing import stop_entries

    house = await make_house()
    house.venue.script.append(ACCEPT_THEN_DROP)
    order = await house.buy(price=Decimal(90))
    await house.executor.work()
    assert (await house.order(order)).state is OrderState.UNKNOWN

    await house.halt()
    async with house.turns.turn() as turn:
        await stop_entries(turn, house.account, reason="kill switch")
    await house.work(5.0)

    assert (await house.order(order)).state is OrderState.CANCELED
    assert house.exchange.open_orders() == []


async def test_a_halted_account_opens_nothing_and_still_closes(make_house: MakeHouse) -> None:
    house = await make_house()
    await house.buy()
    await house.work()
    await house.halt()

    opening = await house.buy("0.5")
    closing = await house.sell()
    await house.work(3.0)

    assert (await house.order(opening)).state is OrderState.DENIED
    assert (await house.order(closing)).state is OrderState.FILLED


@pytest.mark.parametrize("fate", [ACCEPT_THEN_DROP, DROP])
async def test_a_comparison_does_not_settle_what_only_rule_four_may(make_house: MakeHouse, fate: str) -> None:
    house = await make_house(history_delay_ms=20_000)
    house.venue.script.append(fate)
    order = await house.buy(price=Decimal(90))
    await house.executor.work()

    await house.executor.compare(cause="test")

    assert (await house.order(order)).state is OrderState.UNKNOWN
