"""Intents, orders, evidence and fills, on both databases."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desk.identity import new_id
from desk.store import SqlStore, cursor_of
from desk.views import FillRecord, Filter, Order, Page
from tests.support.records import NOON, a_fill, an_order, later
from trading.errors import InvalidInput, InvariantBroken, NotFound
from trading.orders import TERMINAL, TRANSITIONS, OrderState, Reason, Side

_S = OrderState


def _way_to(target: OrderState) -> list[OrderState]:
    """Give the shortest way from an intent to a state, by the table itself."""
    ways = [[_S.INTENT]]
    for way in ways:
        if way[-1] is target:
            return way[1:]
        ways.extend([*way, after] for after in sorted(TRANSITIONS[way[-1]]) if after not in way)
    raise AssertionError(target)


async def _placed(store: SqlStore, state: OrderState = _S.INTENT) -> Order:
    order = an_order("w1")
    async with store.transaction() as tx:
        assert await tx.orders.add(order, idempotency_key=order.id)
        for step in _way_to(state):
            order = await tx.orders.move("w1", order.id, step, evidence="test", at=later(1))
    return order


async def test_an_order_comes_back_to_the_last_digit(any_store: SqlStore) -> None:
    order = await _placed(any_store)

    async with any_store.reading() as tx:
        assert await tx.orders.by_id("w1", order.id) == order
        assert await tx.orders.by_client_id("w1", order.client_order_id) == order
        found = await tx.orders.by_id("w1", order.id)
        assert await tx.orders.by_id("w2", order.id) is None
        assert await tx.orders.by_client_id("w2", order.client_order_id) is None
        assert await tx.orders.events("w2", order.id) == []
        assert await tx.orders.unsettled("w2", order.account_id) == []
    assert found is not None
    assert (str(found.quantity), str(found.price)) == ("0.123456789012345678", "42000.10")


async def test_a_second_order_with_the_same_client_id_or_key_is_not_written(any_store: SqlStore) -> None:
    order = await _placed(any_store)
    same_client = replace(an_order("w1"), client_order_id=order.client_order_id)
    same_key = an_order("w1")

    async with any_store.transaction() as tx:
        assert not await tx.orders.add(same_client, idempotency_key="fresh")
        assert not await tx.orders.add(same_key, idempotency_key=order.id)
        assert await tx.orders.by_id("w1", same_client.id) is None
        assert await tx.orders.by_id("w1", same_key.id) is None
        assert len(await tx.orders.events("w1", order.id)) == 1


async def test_an_order_starts_as_an_intent_or_denied(any_store: SqlStore) -> None:
    denied = replace(an_order("w1"), state=_S.DENIED, state_reason="max_notional")

    async with any_store.transaction() as tx:
        assert await tx.orders.add(denied, idempotency_key="k")
    with pytest.raises(InvariantBroken, match="start as accepted"):
        async with any_store.transaction() as tx:
            await tx.orders.add(replace(an_order("w1"), state=_S.ACCEPTED), idempotency_key="l")


async def test_a_life_of_an_order_leaves_its_evidence(any_store: SqlStore) -> None:
    order = await _placed(any_store)

    async with any_store.transaction() as tx:
        await tx.orders.move("w1", order.id, _S.CLAIMED, evidence="claim", at=later(1))
        await tx.orders.move("w1", order.id, _S.ACCEPTED, evidence="ack", at=later(2), venue_order_id="v-7")
        filled = await tx.orders.move(
            "w1",
            order.id,
            _S.FILLED,
            evidence="fill",
            detail="whole",
            at=later(3),
            filled_quantity=order.quantity,
            average_price=Decimal("42000.05"),
        )
    async with any_store.reading() as tx:
        assert await tx.orders.by_id("w1", order.id) == filled
        events = await tx.orders.events("w1", order.id)
    assert (filled.venue_order_id, filled.attempts, filled.filled_quantity) == ("v-7", 1, order.quantity)
    assert [(one["sequence"], one["before"], one["after"]) for one in events] == [
        (1, "", "intent"),
        (2, "intent", "claimed"),
        (3, "claimed", "accepted"),
        (4, "accepted", "filled"),
    ]
    assert events[3] == {
        "sequence": 4,
        "at": later(3),
        "before": "accepted",
        "after": "filled",
        "evidence": "fill",
        "detail": "whole",
    }


@pytest.mark.parametrize("before", list(OrderState))
async def test_every_step_outside_the_table_is_refused_and_changes_nothing(
    sqlite_store: SqlStore, before: OrderState
) -> None:
    for after in OrderState:
        order = await _placed(sqlite_store, before)
        if after in TRANSITIONS[before]:
            async with sqlite_store.transaction() as tx:
                moved = await tx.orders.move("w1", order.id, after, evidence="e", at=NOON)
            assert moved.state is after
            continue
        with pytest.raises(InvariantBroken, match=f"is {before}; it cannot become {after}"):
            async with sqlite_store.transaction() as tx:
                await tx.orders.move("w1", order.id, after, evidence="e", at=NOON)
        async with sqlite_store.reading() as tx:
            assert await tx.orders.by_id("w1", order.id) == order


async def test_an_illegal_step_or_a_foreign_order_is_refused_on_both_databases(any_store: SqlStore) -> None:
    order = await _placed(any_store, _S.FILLED)

    with pytest.raises(InvariantBroken):
        async with any_store.transaction() as tx:
            await tx.orders.move("w1", order.id, _S.CANCELED, evidence="e", at=NOON)
    with pytest.raises(NotFound):
        async with any_store.transaction() as tx:
            await tx.orders.move("w2", order.id, _S.CANCELED, evidence="e", at=NOON)


async def test_two_movers_at_once_make_one_step_each_or_none(any_store: SqlStore) -> None:
    order = await _placed(any_store)

    async def claim() -> str:
        try:
            async with any_store.transaction() as tx:
                await tx.orders.move("w1", order.id, _S.CLAIMED, evidence="claim", at=later(1))
        except InvariantBroken:
            return "refused"
        return "claimed"

    outcomes = await asyncio.gather(*(claim() for _ in range(4)))

    assert sorted(outcomes) == ["claimed", "refused", "refused", "refused"]
    async with any_store.reading() as tx:
        assert len(await tx.orders.events("w1", order.id)) == 2


async def test_unsettled_orders_are_those_that_may_still_change(any_store: SqlStore) -> None:
    placed = {state: await _placed(any_store, state) for state in OrderState}

    async with any_store.reading() as tx:
        found = {one.id for one in await tx.orders.unsettled("w1", "account-1")}
        opened = {one.id for one in await tx.orders.page("w1", Filter(is_open=True), Page(first=50))}
        closed = {one.id for one in await tx.orders.page("w1", Filter(is_open=False), Page(first=50))}
    expected = {order.id for state, order in placed.items() if state not in TERMINAL}
    assert found == opened == expected
    assert closed == {order.id for order in placed.values()} - expected


async def test_order_pages_filter_and_go_on_after_a_cursor(any_store: SqlStore) -> None:
    orders = [replace(an_order("w1", seconds=i // 2), bot_id=f"b{i % 2}") for i in range(6)]
    async with any_store.transaction() as tx:
        for one in [*orders, an_order("w2")]:
            await tx.orders.add(one, idempotency_key=one.id)

    async with any_store.reading() as tx:
        whole = await tx.orders.page("w1", Filter(), Page(first=20))
        paged: list[Order] = []
        after = ""
        while rest := await tx.orders.page("w1", Filter(), Page(first=4, after=after)):
            paged += rest
            after = cursor_of(rest[-1])
        of_bot = await tx.orders.page("w1", Filter(bot_id="b1", pair="BTC/USDT"), Page())
        span = await tx.orders.page("w1", Filter(since=later(1), until=later(2)), Page())
        sides = await tx.orders.page("w1", Filter(extra={"side": Side.SELL}), Page())
        reasons = await tx.orders.page("w1", Filter(extra={"reason": [Reason.ENTRY, Reason.GRID]}), Page())
        none = await tx.orders.page("w1", Filter(extra={"reason": []}), Page())
    assert [one.id for one in whole] == sorted((one.id for one in orders), reverse=True)
    assert paged == whole
    assert {one.bot_id for one in of_bot} == {"b1"}
    assert {one.created_at for one in span} == {later(1)}
    assert (len(sides), len(reasons), len(none)) == (0, 6, 0)


@pytest.mark.parametrize(
    ("wanted", "page", "found"),
    [
        (Filter(extra={"nonsense": 1}), Page(), "Filter 'nonsense'"),
        (Filter(), Page(first=0), "A page of 0 rows"),
        (Filter(), Page(after="Hello!"), "Cursor 'Hello!'"),
        (Filter(), Page(after="bm90IGEgdGltZXxpZA"), "Cursor 'bm90"),
    ],
)
async def test_a_page_that_cannot_be_is_refused_in_words(
    sqlite_store: SqlStore, wanted: Filter, page: Page, found: str
) -> None:
    async with sqlite_store.reading() as tx:
        with pytest.raises(InvalidInput, match=found):
            await tx.orders.page("w1", wanted, page)


async def test_a_venue_trade_is_booked_once_per_account(any_store: SqlStore) -> None:
    order = await _placed(any_store)
    fill, again = a_fill(order), a_fill(order)
    elsewhere = replace(a_fill(order), account_id="account-2", workspace_id="w2")

    async with any_store.transaction() as tx:
        assert await tx.fills.add(fill)
        assert not await tx.fills.add(again)
        assert await tx.fills.add(elsewhere)

    async with any_store.reading() as tx:
        assert await tx.fills.of_orders("w1", [order.id]) == [fill]
        assert await tx.fills.of_orders("w1", []) == []
        assert await tx.fills.of_orders("w3", [order.id]) == []
        assert await tx.fills.page("w1", Filter(extra={"side": "buy"}), Page()) == [fill]
        assert await tx.fills.page("w2", Filter(), Page()) == [elsewhere]
        with pytest.raises(InvalidInput, match="neither open nor closed"):
            await tx.fills.page("w1", Filter(is_open=True), Page())


async def test_a_fill_told_by_many_at_once_is_booked_once(any_store: SqlStore) -> None:
    order = await _placed(any_store)

    async def book() -> bool:
        async with any_store.transaction() as tx:
            return await tx.fills.add(a_fill(order))

    assert sorted(await asyncio.gather(*(book() for _ in range(5)))) == [False, False, False, False, True]


_MONEY = st.decimals(
    min_value=Decimal("-1e20"), max_value=Decimal("1e20"), allow_nan=False, allow_infinity=False, places=None
)


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_money_of_any_scale_survives(kind: str, request: pytest.FixtureRequest) -> None:
    """Exactly the same digits come back: no rounding, no exponent, no lost zero."""
    from desk.store import open_store
    from tests.support.stores import run

    url = request.getfixturevalue(f"{kind}_url")

    @settings(max_examples=6, derandomize=True, deadline=None)
    @given(st.lists(_MONEY, min_size=1, max_size=60))
    def survives(amounts: list[Decimal]) -> None:
        async def there_and_back() -> list[FillRecord]:
            store = open_store(url, acquire_timeout_s=10.0)
            order = an_order("w1")
            async with store.transaction() as tx:
                for i, amount in enumerate(amounts):
                    await tx.fills.add(
                        replace(a_fill(order, f"{order.id}-{i}", i), price=amount, fee=-amount)
                    )
            async with store.reading() as tx:
                found = await tx.fills.of_orders("w1", [order.id])
            await store.close()
            return list(found)

        for fill, amount in zip(run(there_and_back()), amounts, strict=True):
            assert (format(fill.price, "f"), fill.fee) == (format(amount, "f"), -amount)

    survives()


async def test_what_is_no_number_is_refused_before_it_is_stored(any_store: SqlStore) -> None:
    for amount in (Decimal("NaN"), Decimal("Infinity")):
        with pytest.raises(InvariantBroken, match="finite decimal"):
            async with any_store.transaction() as tx:
                await tx.fills.add(replace(a_fill(an_order("w1"), new_id()), price=amount))
