"""Faults of executions, positions and exits (trading-rules.md E.7): what is held is what was filled."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from desk.identity import new_id
from desk.order_views import AccountRequest, IncidentKind, RequestKind
from desk.venue_port import VenueRules, VenueTrade
from tests.execution.conftest import MakeHouse
from tests.support.execution_house import LiveHouse
from trading.orders import OrderState, Reason, Side


async def ask(house: LiveHouse, kind: RequestKind) -> None:
    """Leave a request for the owner, and let it be done."""
    async with house.store.transaction() as tx:
        await tx.execution.ask(
            AccountRequest(
                id=new_id(),
                workspace_id=house.workspace_id,
                account_id=house.account.id,
                kind=kind,
                params={},
                actor="alice@test",
                asked_at=house.clock.now(),
            )
        )
    await house.work(2.0)


async def test_6_a_repeated_execution_counts_once(make_house: MakeHouse) -> None:
    house = await make_house()
    await house.buy()
    await house.work()

    for _ in range(10):
        await house.executor.intake.take(house.exchange.trades("BTC/USDT", 0))

    assert len(await house.fills()) == 1
    assert await house.complaints() == []


async def test_7_an_execution_before_the_answer_ends_in_the_right_state(make_house: MakeHouse) -> None:
    house = await make_house()
    order = await house.buy()
    claimed = await house.executor.sender._claim(order)
    assert claimed is not None
    from desk.execution.order_path import request_of

    placement = await house.venue.place(request_of(claimed))

    await house.executor.intake.take(house.exchange.trades("BTC/USDT", 0))
    await house.executor.sender._accepted(claimed, placement)

    assert (await house.order(order)).state is OrderState.FILLED


async def test_8_a_cancel_that_comes_too_late_finds_the_order_filled(make_house: MakeHouse) -> None:
    from desk.execution.drafts import wish_to_cancel

    house = await make_house()
    order = await house.buy(price=Decimal(95))
    await house.work()
    house.exchange.tick("BTC/USDT", Decimal(94))
    house.venue.told()  # The stream never tells.

    async with house.turns.turn() as turn:
        await wish_to_cancel(turn, order, reason="by hand")
    await house.work(3.0)

    assert (await house.order(order)).state is OrderState.FILLED
    position = await house.position()
    assert position is not None
    assert position.quantity == 1


async def test_9_a_part_that_filled_before_the_cancel_is_held_and_protected(make_house: MakeHouse) -> None:
    from desk.execution.drafts import wish_to_cancel

    house = await make_house(partial=4)
    order = await house.buy(stop_loss=Decimal(90))
    await house.work()
    async with house.turns.turn() as turn:
        await wish_to_cancel(turn, order, reason="by hand")
    await house.work(3.0)

    assert (await house.order(order)).state is OrderState.CANCELED
    position = await house.position()
    assert position is not None
    assert position.quantity == Decimal("0.25")
    assert await house.resting() == [("sell stop", Decimal("0.25"))]


async def test_10_dust_is_left_alone_and_joins_the_next_fill(make_house: MakeHouse) -> None:
    house = await make_house(partial=25)
    await house.buy("1", stop_loss=Decimal(90))
    await house.work(30.0)
    dust = await house.resting()
    attempts = len(house.venue.sent)

    house.exchange.tick("BTC/USDT", Decimal(100))
    await house.work(3.0)

    assert dust == [("buy market", Decimal("0.96"))]
    assert attempts == 1
    assert await house.resting() == [("sell stop", Decimal(1))]


async def test_targets_that_cannot_rest_are_taken_at_their_price(make_house: MakeHouse) -> None:
    house = await make_house()
    await house.buy(stop_loss=Decimal(90), take_profits=(Decimal(105), Decimal(110), Decimal(120)))
    await house.work()

    for price in ("106", "111"):
        house.exchange.tick("BTC/USDT", Decimal(price))
        await house.executor.prices.look()
        await house.work(3.0)

    position = await house.position()
    assert position is not None
    assert position.quantity == Decimal("0.2")
    assert await house.resting() == [("sell stop", Decimal("0.2"))]
    assert [one.leg for one in await house.fills()] == [0, 1, 2]
    assert await house.complaints() == []


async def test_at_a_venue_with_reduce_only_orders_stop_and_targets_rest_together(
    make_house: MakeHouse,
) -> None:
    house = await make_house(rules=VenueRules(has_reduce_only=True))
    house.exchange.move_money("BTC", Decimal(5))  # The fake locks coins; such a venue does not.
    await house.executor.compare(cause="test")
    await house.buy(stop_loss=Decimal(90), take_profits=(Decimal(105), Decimal(110)))

    await house.work(3.0)

    assert sorted(await house.resting()) == [
        ("sell limit", Decimal("0.5")),
        ("sell limit", Decimal("0.5")),
        ("sell stop", Decimal(1)),
    ]


async def test_where_a_venue_has_no_stops_the_desk_leaves_at_the_price(make_house: MakeHouse) -> None:
    house = await make_house(rules=VenueRules(has_stops=False))
    await house.buy(stop_loss=Decimal(95))
    await house.work()
    assert await house.resting() == []

    house.exchange.tick("BTC/USDT", Decimal(94))
    await house.executor.prices.look()
    await house.work(3.0)

    assert await house.position() is None
    assert [one.reason for one in await house.fills()] == [Reason.ENTRY, Reason.STOP_LOSS]


async def test_a_close_waits_for_the_stop_to_be_gone_and_then_sells_all(make_house: MakeHouse) -> None:
    house = await make_house()
    await house.buy(stop_loss=Decimal(90))
    await house.work(2.0)

    await house.sell()
    await house.work(5.0)

    assert await house.position() is None
    assert await house.resting() == []
    assert await house.complaints() == []


async def test_24_a_stop_that_the_venue_keeps_refusing_is_told_and_watched(make_house: MakeHouse) -> None:
    from desk.venue_port import Refusal, VenueRefusal

    house = await make_house()
    await house.buy(stop_loss=Decimal(90))
    await house.executor.work()
    house.venue.script.extend([VenueRefusal("trading is halted", reason=Refusal.HALTED)] * 3)

    await house.work(10.0)

    assert [one.kind for one in await house.incidents()] == [IncidentKind.UNPROTECTED]
    assert len([one for one in await house.orders() if one.state is OrderState.REJECTED]) == 3


async def test_21_money_that_came_or_went_is_a_flow_and_no_difference(make_house: MakeHouse) -> None:
    house = await make_house()
    house.exchange.move_money("USDT", Decimal(-400_000))

    await house.executor.compare(cause="test")

    async with house.store.reading() as tx:
        baseline = await tx.execution.baseline(house.workspace_id, house.account.id)
    assert baseline is not None
    assert Decimal(baseline.flows["USDT"]) == -400_000
    assert house.executor.is_ready
    assert await house.incidents() == []


async def test_21_coins_that_are_gone_are_a_difference_until_a_person_accepts_it(
    make_house: MakeHouse,
) -> None:
    house = await make_house()
    await house.buy()
    await house.work()
    house.exchange.move_money("BTC", Decimal("-0.4"))
    await house.executor.compare(cause="test")
    held = await house.position()

    assert held is not None
    assert held.quantity == 1
    before = house.executor.is_ready
    assert [one.kind for one in await house.incidents()] == [IncidentKind.DIFFERENCE]

    await ask(house, RequestKind.ACCEPT_DIFFERENCES)

    held = await house.position()
    assert held is not None
    assert held.quantity == Decimal("0.6")
    assert (before, house.executor.is_ready) == (False, True)
    assert await house.incidents() == []


async def test_22_a_sale_by_hand_at_the_venue_reduces_the_position(make_house: MakeHouse) -> None:
    house = await make_house()
    await house.buy(stop_loss=Decimal(90))
    await house.work(2.0)
    house.exchange.by_hand("BTC/USDT", Side.SELL, Decimal("0.3"))

    await house.work(5.0)

    position = await house.position()
    assert position is not None
    assert position.quantity == Decimal("0.7")
    assert await house.resting() == [("sell stop", Decimal("0.7"))]
    assert await house.complaints() == []


async def test_22_coins_bought_by_hand_stay_somebody_elses(make_house: MakeHouse) -> None:
    house = await make_house()
    await house.buy()
    await house.work()
    house.exchange.by_hand("BTC/USDT", Side.BUY, Decimal("0.3"))
    await house.work(2.0)
    house.exchange.by_hand("BTC/USDT", Side.SELL, Decimal("0.2"))
    await house.work(2.0)

    position = await house.position()
    assert position is not None
    assert position.quantity == 1
    assert await house.complaints() == []


async def test_an_execution_through_zero_becomes_two_parts_with_ids_of_their_own(
    make_house: MakeHouse,
) -> None:
    house = await make_house(rules=VenueRules(is_spot=False))
    await house.buy()
    await house.work()
    through = VenueTrade(
        venue_trade_id="x1",
        venue_order_id="web",
        client_order_id="web_1",
        pair="BTC/USDT",
        side=Side.SELL,
        price=Decimal(101),
        quantity=Decimal("1.5"),
        fee=Decimal("0.1515"),
        liquidity=(await house.fills())[0].liquidity,
        traded_at_ms=1,
    )

    await house.executor.intake.take([through, through])

    parts = [one for one in await house.fills() if one.venue_trade_id.startswith("x1")]
    assert sorted((one.venue_trade_id, one.quantity) for one in parts) == [
        ("x1", Decimal(1)),
        ("x1/2", Decimal("0.5")),
    ]
    assert sum(one.fee for one in parts) == through.fee
    position = await house.position()
    assert position is not None
    assert (position.is_long, position.quantity) == (False, Decimal("0.5"))


async def test_fees_kept_in_the_bought_coin_are_never_held(make_house: MakeHouse) -> None:
    house = await make_house(base_fee=True)
    await house.buy()
    await house.work()
    held = await house.position()
    assert held is not None
    assert held.quantity == Decimal("0.999")

    await house.sell("1")
    await house.work(5.0)

    assert await house.position() is None
    assert await house.complaints() == []


async def test_31_a_question_about_holdings_that_fails_is_unknown_and_not_flat(
    make_house: MakeHouse,
) -> None:
    house = await make_house()
    await house.buy()
    await house.work()
    house.venue.is_down = True

    await house.executor.compare(cause="test")

    held = await house.position()
    assert held is not None
    assert held.quantity == 1
    assert not house.executor.is_ready


async def test_28_after_a_maintenance_nothing_is_lost_from_sight(make_house: MakeHouse) -> None:
    house = await make_house()
    resting = await house.buy(price=Decimal(95))
    await house.work()
    house.venue.is_down = True
    waiting = await house.buy("0.5")
    await house.work(1_800.0, step_s=30.0)
    house.exchange.tick("BTC/USDT", Decimal(94))
    house.venue.told()

    house.venue.is_down = False
    await house.work(200.0, step_s=10.0)
    await house.executor.compare(cause="back")
    await house.work(2.0)

    assert (await house.order(resting)).state is OrderState.FILLED
    assert (await house.order(waiting)).state in (OrderState.FILLED, OrderState.CANCELED)
    assert await house.complaints() == []


async def test_32_a_replacement_whose_cancel_failed_never_rests_twice(make_house: MakeHouse) -> None:
    house = await make_house()
    order = await house.buy(price=Decimal(95), rest_for=timedelta(seconds=10), reprices=2)
    await house.work(9.0)
    house.venue.is_down = True
    await house.work(20.0)

    during = house.exchange.open_orders()
    house.venue.is_down = False
    await house.work(120.0)

    assert [one.client_order_id for one in during] == [order.client_order_id]
    assert (await house.order(order)).state is OrderState.CANCELED
    filled = [one for one in await house.orders() if one.state is OrderState.FILLED]
    assert [one.quantity for one in filled] == [Decimal(1)]
    assert await house.complaints() == []


async def test_an_order_that_the_venue_forgot_is_told_and_not_taken_for_cancelled(
    make_house: MakeHouse,
) -> None:
    house = await make_house()
    order = await house.buy(price=Decimal(90))
    await house.work()
    found = await house.order(order)
    house.exchange.forget(found.venue_order_id)

    for _ in range(6):
        await house.executor.compare(cause="test")
        await house.work(20.0, step_s=10.0)

    assert (await house.order(order)).state is OrderState.ACCEPTED
    assert IncidentKind.LOST_ORDER in [one.kind for one in await house.incidents()]


async def test_deleting_what_only_accelerates_changes_nothing(make_house: MakeHouse) -> None:
    house = await make_house()
    await house.buy(stop_loss=Decimal(90))
    await house.work(2.0)
    before = await house.position()

    async with house.store.transaction() as tx:
        connection = tx.connection  # type: ignore[attr-defined]
        await connection.change("DELETE FROM reconciliations")
        await connection.change("DELETE FROM account_snapshots")
    await house.restart()
    await house.work(2.0)

    after = await house.position()
    assert before is not None
    assert after is not None
    assert replace(after, as_of=before.as_of) == before
    assert await house.resting() == [("sell stop", Decimal(1))]
    assert await house.complaints() == []


async def test_the_breaker_stops_new_risk_and_lets_exits_through(make_house: MakeHouse) -> None:
    house = await make_house()
    await house.buy()
    await house.work()
    for _ in range(3):
        house.executor.breaker.failed("503")

    opening = await house.buy("0.5")
    await house.sell()
    for _ in range(3):
        await house.executor.work()

    assert (await house.order(opening)).state is OrderState.INTENT
    assert not house.executor.breaker.lets_risk_through
    assert len(house.venue.sent) == 2


async def test_a_flapping_venue_does_not_make_the_breaker_chatter(make_house: MakeHouse) -> None:
    house = await make_house()
    breaker = house.executor.breaker
    before = breaker.transitions

    for second in range(240):
        house.venue.is_down = second % 2 == 0
        breaker.failed("503") if house.venue.is_down else breaker.succeeded()
        if house.venue.is_down:
            breaker.failed("503")
            breaker.failed("503")
        if breaker.wants_probe:
            await house.executor.probe()
        house.clock.advance(1.0)

    assert (breaker.transitions - before) / 4 <= 4
