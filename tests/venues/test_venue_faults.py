"""A broken exchange behind a real client: every fault is told as what it is, and nothing is sent twice."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio

from desk.clock import SystemClock
from desk.secrets import Secret
from desk.settings import VenueSettings
from desk.venue_port import OrderRequest, OutcomeUnknown, Refusal, VenueBusy, VenueRefusal
from desk.venues import ccxt_venue
from desk.venues.ccxt_venue import CcxtVenue
from desk.venues.client import open_link
from desk.venues.quirks import BINANCE
from tests.support.sim import SimVenue, open_sim_venue, until
from trading.errors import BadSetting
from trading.fills import Liquidity
from trading.orders import OrderState

PAIR = "BTC/USDT"


@pytest_asyncio.fixture
async def opened() -> AsyncIterator[SimVenue]:
    async with open_sim_venue() as one:
        await one.venue.instruments()
        await one.venue.clock_offset_ms()
        yield one


async def is_there(venue: CcxtVenue, client_order_id: str) -> bool:
    return await venue.find(PAIR, client_order_id) is not None


def market(client_order_id: str, side: str = "buy", quantity: str = "0.01") -> OrderRequest:
    return OrderRequest(
        client_order_id=client_order_id, pair=PAIR, side=side, order_type="market", quantity=Decimal(quantity)
    )


def stop(client_order_id: str, price: str, **more: Any) -> OrderRequest:
    return OrderRequest(
        client_order_id=client_order_id,
        pair=PAIR,
        side="sell",
        order_type="stop",
        quantity=Decimal("0.01"),
        stop_price=Decimal(price),
        **more,
    )


async def test_a_placement_that_was_accepted_and_not_answered_is_unknown_and_found_by_asking(
    opened: SimVenue,
) -> None:
    opened.fault("drop_after")

    with pytest.raises(OutcomeUnknown):
        await opened.venue.place(market("bw-1"))

    found = await opened.venue.find(PAIR, "bw-1")
    assert found is not None
    assert found.state is OrderState.FILLED
    assert opened.orders_at_venue("bw-1") == 1


async def test_a_placement_that_never_arrived_is_unknown_too_and_is_not_sent_again(opened: SimVenue) -> None:
    opened.fault("drop_before")

    with pytest.raises(OutcomeUnknown):
        await opened.venue.place(market("bw-1"))

    assert await opened.venue.find(PAIR, "bw-1") is None
    assert opened.orders_at_venue("bw-1") == 0


async def test_a_late_acceptance_appears_after_the_first_questions_found_nothing(opened: SimVenue) -> None:
    opened.fault("late", seconds=0.3)

    with pytest.raises(OutcomeUnknown):
        await opened.venue.place(market("bw-1"))
    before = await opened.venue.find(PAIR, "bw-1")
    await until(lambda: is_there(opened.venue, "bw-1"))

    assert before is None
    assert opened.orders_at_venue("bw-1") == 1


async def test_a_venue_that_cannot_be_reached_is_proved_unsent(opened: SimVenue) -> None:
    nowhere = VenueSettings(
        base_url="http://127.0.0.1:1", api_key=Secret("sim-key"), api_secret=Secret("sim-secret")
    )
    link = open_link(BINANCE, nowhere, SystemClock())
    link.client.set_markets_from_exchange(opened.link.client)
    venue = CcxtVenue(link)
    try:
        with pytest.raises(VenueBusy):
            await venue.place(market("bw-1"))
    finally:
        await venue.close()


async def test_an_order_that_waited_too_long_for_the_budget_is_not_sent_any_more(
    opened: SimVenue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ccxt_venue, "FIRST_BYTE_S", 0.02)
    budget = opened.link.wire.budget
    budget._tokens = -0.1 * budget.per_s

    with pytest.raises(VenueBusy, match="longer than it may"):
        await opened.venue.place(market("bw-1"))
    monkeypatch.setattr(ccxt_venue, "FIRST_BYTE_S", 5.0)
    await opened.venue.place(market("bw-2"))

    assert opened.orders_at_venue("bw-1") == 0
    assert opened.orders_at_venue("bw-2") == 1


@pytest.mark.parametrize("kind", ["page", "html", "truncate", "huge"])
async def test_a_placement_answered_with_something_else_is_unknown(opened: SimVenue, kind: str) -> None:
    opened.fault(kind)

    with pytest.raises(OutcomeUnknown):
        await opened.venue.place(market("bw-1"))

    assert opened.orders_at_venue("bw-1") <= 1


@pytest.mark.parametrize("kind", ["page", "html", "truncate", "huge"])
async def test_a_page_instead_of_balances_is_never_an_empty_account(opened: SimVenue, kind: str) -> None:
    opened.fault(kind, on="GET /api/v3/account")

    with pytest.raises(VenueBusy):
        await opened.venue.balances()

    assert (await opened.venue.balances())["BTC"].total == Decimal(2)


@pytest.mark.parametrize(
    "ask",
    [
        lambda venue: venue.open_orders(PAIR),
        lambda venue: venue.closed_orders(PAIR, 0),
        lambda venue: venue.trades(PAIR, 0),
        lambda venue: venue.find(PAIR, "bw-1"),
        lambda venue: venue.instruments(),
        lambda venue: venue.last_price(PAIR),
        lambda venue: venue.clock_offset_ms(),
    ],
)
async def test_a_page_instead_of_any_list_is_bad_news_and_not_an_empty_list(
    opened: SimVenue, ask: Callable[[CcxtVenue], Awaitable[object]]
) -> None:
    opened.fault("html", on="GET", times=-1)

    with pytest.raises(VenueBusy):
        await ask(opened.venue)


async def test_a_wrong_timestamp_is_measured_anew_and_sent_once_more(opened: SimVenue) -> None:
    opened.sim.control.set("clock", {"skew_ms": -3_600_000})

    placement = await opened.venue.place(market("bw-1"))

    assert placement.venue_order_id
    assert opened.orders_at_venue("bw-1") == 1
    assert await opened.venue.clock_offset_ms() == pytest.approx(-3_600_000, abs=2_000)


async def test_a_timestamp_that_is_always_wrong_is_a_refusal_after_one_more_try(opened: SimVenue) -> None:
    opened.fault(
        "error", code=-1021, message="Timestamp for this request is outside of the recvWindow.", times=-1
    )

    with pytest.raises(VenueRefusal) as refusal:
        await opened.venue.place(market("bw-1"))

    assert refusal.value.reason is Refusal.CLOCK
    assert opened.sim.house.faults.struck == 2


async def test_too_little_balance_is_told_once(opened: SimVenue) -> None:
    with pytest.raises(VenueRefusal) as refusal:
        await opened.venue.place(market("bw-1", quantity="100"))

    assert refusal.value.reason is Refusal.BALANCE
    assert opened.orders_at_venue("bw-1") == 0


async def test_a_changed_filter_is_told_as_a_filter(opened: SimVenue) -> None:
    opened.fault("error", code=-1013, message="Filter failure: LOT_SIZE")

    with pytest.raises(VenueRefusal) as refusal:
        await opened.venue.place(market("bw-1"))

    assert refusal.value.reason is Refusal.FILTER


async def test_a_request_for_silence_is_kept_and_cancels_may_still_be_tried(opened: SimVenue) -> None:
    await opened.venue.place(market("bw-0"))
    opened.fault("rate_limit", on="GET /api/v3/account", seconds=7)
    with pytest.raises(VenueBusy) as first:
        await opened.venue.balances()
    asked = opened.sim.house.requests

    with pytest.raises(VenueBusy) as second:
        await opened.venue.balances()
    with pytest.raises(VenueBusy):
        await opened.venue.place(market("bw-1"))

    assert first.value.retry_after_s == 7
    assert second.value.retry_after_s is not None
    assert 0 < second.value.retry_after_s <= 7
    assert opened.sim.house.requests == asked
    await opened.venue.cancel(PAIR, "bw-0")
    assert opened.sim.house.requests == asked + 1


async def test_a_ban_is_told_as_a_ban(opened: SimVenue) -> None:
    opened.fault("ban", on="GET /api/v3/account", seconds=60)

    with pytest.raises(VenueBusy) as busy:
        await opened.venue.balances()

    assert busy.value.is_ban
    assert busy.value.retry_after_s == 60


async def test_a_revoked_key_is_told_as_a_matter_of_the_key(opened: SimVenue) -> None:
    opened.sim.control.set("key", {"revoked": True})

    for act in (opened.venue.balances(), opened.venue.place(market("bw-1"))):
        with pytest.raises(VenueRefusal) as refusal:
            await act
        assert refusal.value.reason is Refusal.KEY


async def test_maintenance_makes_reads_busy_and_writes_unknown(opened: SimVenue) -> None:
    opened.sim.control.set("maintenance", {"on": True})

    with pytest.raises(VenueBusy):
        await opened.venue.open_orders()
    with pytest.raises(OutcomeUnknown):
        await opened.venue.place(market("bw-1"))
    opened.sim.control.set("maintenance", {"on": False})

    assert await opened.venue.find(PAIR, "bw-1") is None


async def test_a_halted_pair_is_told_as_halted(opened: SimVenue) -> None:
    opened.sim.control.set("symbol", {"symbol": "BTCUSDT", "halted": True})

    with pytest.raises(VenueRefusal) as refusal:
        await opened.venue.place(market("bw-1"))

    assert refusal.value.reason is Refusal.HALTED


@pytest.mark.parametrize("code", [-1000, -1001, -1006, -1007])
async def test_an_answer_that_does_not_say_whether_it_was_accepted_is_unknown(
    opened: SimVenue, code: int
) -> None:
    opened.fault("error", code=code, message="Unexpected response from the message bus. Status unknown.")

    with pytest.raises(OutcomeUnknown):
        await opened.venue.place(market("bw-1"))


async def test_a_stop_beyond_the_price_is_told_as_one_that_would_trigger(opened: SimVenue) -> None:
    with pytest.raises(VenueRefusal) as refusal:
        await opened.venue.place(stop("bw-1", "95000"))

    assert refusal.value.reason is Refusal.WOULD_TRIGGER


async def test_a_stop_rests_and_sells_when_its_price_trades(opened: SimVenue) -> None:
    await opened.venue.place(stop("bw-1", "90000"))
    resting = await opened.venue.find(PAIR, "bw-1")

    opened.price(PAIR, "89000")

    sold = await opened.venue.find(PAIR, "bw-1")
    assert resting is not None
    assert sold is not None
    assert (resting.state, resting.stop_price) == (OrderState.ACCEPTED, Decimal(90000))
    assert sold.state is OrderState.FILLED


async def test_a_pair_of_stop_and_target_ends_together(opened: SimVenue) -> None:
    await opened.venue.place(
        stop("bw-stop", "90000", target_price=Decimal(99000), target_client_order_id="bw-target")
    )
    both = {one.client_order_id for one in await opened.venue.open_orders(PAIR)}

    opened.price(PAIR, "99500")

    target, other = await opened.venue.find(PAIR, "bw-target"), await opened.venue.find(PAIR, "bw-stop")
    assert both == {"bw-stop", "bw-target"}
    assert target is not None
    assert other is not None
    assert target.state is OrderState.FILLED
    assert other.state is OrderState.EXPIRED
    assert (await opened.venue.balances())["BTC"].locked == 0


async def test_a_pair_that_is_refused_leaves_neither_order(opened: SimVenue) -> None:
    with pytest.raises(VenueRefusal):
        await opened.venue.place(
            stop("bw-stop", "95000", target_price=Decimal(99000), target_client_order_id="bw-target")
        )

    assert list(await opened.venue.open_orders(PAIR)) == []
    assert (await opened.venue.balances())["BTC"].locked == 0


async def test_one_stop_too_many_is_told_as_too_many(opened: SimVenue) -> None:
    for number in range(5):
        await opened.venue.place(stop(f"bw-{number}", "90000"))

    with pytest.raises(VenueRefusal) as refusal:
        await opened.venue.place(stop("bw-5", "90000"))

    assert refusal.value.reason is Refusal.TOO_MANY


async def test_a_cancel_that_comes_after_the_fill_is_a_success_and_asking_says_filled(
    opened: SimVenue,
) -> None:
    await opened.venue.place(market("bw-1"))

    await opened.venue.cancel(PAIR, "bw-1")

    found = await opened.venue.find(PAIR, "bw-1")
    assert found is not None
    assert found.state is OrderState.FILLED


async def test_an_order_that_is_not_shown_yet_is_shown_after_the_delay(opened: SimVenue) -> None:
    opened.sim.control.set("rules", {"history_delay_ms": 300})
    await opened.venue.place(market("bw-1"))

    hidden = await opened.venue.find(PAIR, "bw-1")
    await until(lambda: is_there(opened.venue, "bw-1"))

    assert hidden is None
    assert len(await opened.venue.trades(PAIR, 0)) == 1


@pytest.mark.parametrize(("policy", "is_refused"), [("always", True), ("open", False), ("none", False)])
async def test_a_client_id_that_was_filled_is_refused_only_where_the_venue_remembers_it(
    opened: SimVenue, policy: str, is_refused: bool
) -> None:
    opened.sim.control.set("rules", {"dedupe": policy})
    await opened.venue.place(market("bw-1"))

    if is_refused:
        with pytest.raises(VenueRefusal) as refusal:
            await opened.venue.place(market("bw-1"))
        assert refusal.value.reason is Refusal.DUPLICATE_ID
    else:
        await opened.venue.place(market("bw-1"))

    assert opened.orders_at_venue("bw-1") == (1 if is_refused else 2)


async def test_a_duplicate_answer_is_one_answer(opened: SimVenue) -> None:
    opened.fault("duplicate_answer")

    placement = await opened.venue.place(market("bw-1"))
    after = await opened.venue.balances()

    assert placement.venue_order_id
    assert after["BTC"].total == Decimal("2.00999")


async def test_a_partial_fill_then_a_cancel_keeps_what_was_filled(opened: SimVenue) -> None:
    opened.sim.control.set("rules", {"fill_shares": ["0.4", "0", "0", "0", "0", "0", "0", "0", "0", "0"]})
    request = OrderRequest(
        client_order_id="bw-1",
        pair=PAIR,
        side="buy",
        order_type="limit",
        quantity=Decimal("0.01"),
        price=Decimal(94100),
    )
    await opened.venue.place(request)
    await opened.venue.cancel(PAIR, "bw-1")

    found = await opened.venue.find(PAIR, "bw-1")
    trades = await opened.venue.trades(PAIR, 0)
    assert found is not None
    assert (found.state, found.filled_quantity) == (OrderState.CANCELED, Decimal("0.004"))
    assert [one.quantity for one in trades] == [Decimal("0.004")]
    assert (await opened.venue.balances())["USDT"].locked == 0


async def test_a_trade_carries_its_fee_in_quote_and_what_of_the_base_was_kept(opened: SimVenue) -> None:
    await opened.venue.place(market("bw-1"))
    await opened.venue.place(market("bw-2", side="sell"))

    bought, sold = await opened.venue.trades(PAIR, 0)

    assert bought.venue_trade_id.startswith("BTC/USDT:")
    assert (bought.base_fee, bought.fee) == (Decimal("0.00001"), Decimal("0.00001") * bought.price)
    assert (sold.base_fee, sold.fee) == (Decimal(0), Decimal("0.001") * sold.price * sold.quantity)
    assert bought.liquidity is Liquidity.TAKER


async def test_an_order_far_from_the_last_good_price_is_stopped_before_it_is_sent(opened: SimVenue) -> None:
    await opened.venue.last_price(PAIR)
    sent = opened.sim.house.requests
    request = OrderRequest(
        client_order_id="bw-1",
        pair=PAIR,
        side="buy",
        order_type="limit",
        quantity=Decimal("0.01"),
        price=Decimal(940_000),
    )

    with pytest.raises(VenueRefusal):
        await opened.venue.place(request)

    assert opened.sim.house.requests == sent


async def test_one_price_ten_times_too_high_is_not_believed_and_a_confirmed_move_is(opened: SimVenue) -> None:
    await opened.venue.last_price(PAIR)
    opened.price(PAIR, "940000")

    for _ in range(2):
        with pytest.raises(VenueBusy):
            await opened.venue.last_price(PAIR)

    assert await opened.venue.last_price(PAIR) == Decimal(940_000)


async def test_a_host_that_is_not_on_the_list_is_not_spoken_to(opened: SimVenue) -> None:
    opened.link.client.urls["api"]["public"] = "http://203.0.113.7/api/v3"

    with pytest.raises(BadSetting, match=r"203\.0\.113\.7"):
        await opened.venue.last_price(PAIR)


class JumpingClock(SystemClock):
    """A machine whose wall clock somebody sets."""

    jump = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.jump


@pytest.mark.parametrize("hours", [1, -1])
async def test_a_jump_of_our_clock_changes_no_signature(hours: int) -> None:
    clock = JumpingClock()
    async with open_sim_venue(clock=clock) as opened:
        await opened.venue.place(market("bw-1"))
        # The exchange has its own clock; only ours jumps.
        opened.sim.house.clock = SystemClock()
        clock.jump = timedelta(hours=hours)

        await opened.venue.place(market("bw-2"))

    assert opened.sim.house.faults.struck == 0


def test_secrets_of_a_venue_are_not_shown() -> None:
    link = open_link(
        BINANCE,
        VenueSettings(api_key=Secret("planted-key"), api_secret=Secret("planted-secret")),
        SystemClock(),
    )

    assert "planted" not in repr(link.address)
