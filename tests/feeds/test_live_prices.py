"""Prices between bars: over real sockets, believed within a band, told in a pace, guarded, and used by rules and doors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from desk.assembly import HouseOptions, open_house
from desk.bus import EventBus
from desk.clock import Clock, ManualClock, SystemClock
from desk.ending import ended
from desk.feeds import quotes as quotes_of_a_venue
from desk.feeds.live_options import LiveOptions
from desk.feeds.price_teller import PriceTeller
from desk.feeds.quotes import Quote
from desk.feeds.venue_market import VenueMarket
from desk.live_prices import STALE_S, LivePrices
from desk.ports import Store
from desk.venues.streaming import Gap
from server.sim_exchange.app import RunningSim, SimOptions, running_sim
from tests.support.sim import address_of, until
from tests.support.stores import SqliteTemplate
from tests.support.venue_faces.face import a_face
from tests.support.venue_faces.okx import Okx
from trading.events import PriceMoved

PAIR = "BTC/USDT"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def quote(last: str, *, at_ms: int = 1_772_000_000_000, is_trade: bool = False, bid: str = "") -> Quote:
    value = Decimal(last)
    return Quote(
        pair=PAIR,
        last=value,
        bid=Decimal(bid) if bid else None,
        ask=value if bid else None,
        at_ms=at_ms,
        is_trade=is_trade,
    )


def moved(last: str) -> PriceMoved:
    return PriceMoved(
        workspace_id="",
        occurred_at=NOON,
        pair=PAIR,
        venue="binance",
        source="binance",
        last=Decimal(last),
        bid=None,
        ask=None,
        ts_ms=0,
    )


async def heard(market: VenueMarket, *, trades: bool, tickers: bool) -> list[Quote | Gap]:
    """Follow prices until both kinds were heard that are waited for."""
    found: list[Quote | Gap] = []
    async with asyncio.timeout(20), aclosing(market.quotes([PAIR, "ETH/USDT"], [PAIR])) as items:  # type: ignore[type-var]
        async for item in items:
            found.append(item)
            kinds = {one.is_trade for one in found if isinstance(one, Quote)}
            if (not trades or True in kinds) and (not tickers or False in kinds):
                return found
    return found


async def test_tickers_with_bid_and_ask_and_trades_come_over_one_socket() -> None:
    async with running_sim(SimOptions()) as sim:
        market = VenueMarket("binance", address_of(sim), SystemClock())
        try:
            found = await heard(market, trades=True, tickers=True)
        finally:
            await market.close()

    tickers = [one for one in found if isinstance(one, Quote) and not one.is_trade]
    trades = [one for one in found if isinstance(one, Quote) and one.is_trade]
    assert isinstance(found[0], Gap)
    assert all(one.bid is not None and one.ask is not None and one.bid < one.ask for one in tickers)
    assert {one.pair for one in trades} == {PAIR}


@pytest.mark.parametrize("fault", ["ws_drop", "ws_stall"])
async def test_a_price_stream_that_is_cut_or_silent_comes_back_after_a_gap(
    fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quotes_of_a_venue, "STALE_S", 1.5)
    async with running_sim(SimOptions()) as sim:
        market = VenueMarket("binance", address_of(sim), SystemClock())
        gaps = 0
        try:
            async with asyncio.timeout(30), aclosing(market.quotes([PAIR], [])) as items:  # type: ignore[type-var]
                async for item in items:
                    gaps += isinstance(item, Gap)
                    if isinstance(item, Quote) and gaps == 1:
                        sim.control.set("fault", {"kind": fault, "seconds": 3})
                    if isinstance(item, Quote) and gaps >= 2:
                        break
        finally:
            await market.close()

    assert gaps >= 2


async def test_a_venue_whose_stream_is_not_proven_is_asked_and_its_silence_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(quotes_of_a_venue, "POLL_S", 0.05)
    async with a_face(Okx) as opened:
        market = VenueMarket("okx", opened.venue._link.address, SystemClock())
        try:
            await market.instruments()
            async with asyncio.timeout(10), aclosing(market.quotes([PAIR], [PAIR])) as items:  # type: ignore[type-var]
                first = await anext(items)
                opened.fault("html", on="GET /api/v5/market", times=1)
                second = await anext(items)
                third = await anext(items)
        finally:
            await market.close()

    assert isinstance(first, Quote)
    assert isinstance(second, Gap)
    assert isinstance(third, Quote)


@dataclass
class ScriptedPrices:
    """A feed whose prices a test writes."""

    venue: str = "binance"
    second: Decimal | None = None
    said: asyncio.Queue[Quote | Gap] = field(default_factory=asyncio.Queue)
    followed: list[tuple[str, ...]] = field(default_factory=list)

    async def pairs(self) -> Sequence[str]:
        return (PAIR, "ETH/USDT")

    async def quotes(self, pairs: Sequence[str], traded: Sequence[str]) -> AsyncIterator[Quote | Gap]:
        self.followed.append(tuple(traded))
        while True:
            yield await self.said.get()

    async def second_price(self, pair: str) -> tuple[str, Decimal] | None:
        return None if self.second is None else ("coingecko", self.second)


@dataclass
class Told:
    """A teller and what it told."""

    teller: PriceTeller
    clock: Clock
    bus: EventBus
    prices: LivePrices


def teller(
    store: Store | None = None, clock: Clock | None = None, feed: ScriptedPrices | None = None
) -> Told:
    clock, bus = clock or ManualClock(NOON), EventBus()
    made = PriceTeller(feed or ScriptedPrices(), store, bus, clock)  # type: ignore[arg-type]
    return Told(made, clock, bus, LivePrices(clock))


def test_a_price_that_jumps_is_told_only_when_others_confirm_it() -> None:
    told = teller()
    clock = told.clock
    assert isinstance(clock, ManualClock)
    results = []
    for number, price in enumerate(("100", "1000", "101", "150", "151", "152")):
        clock.advance(2.0)
        results.append(told.teller.take(quote(price, at_ms=1_772_000_000_000 + number)))

    assert results == [True, False, True, False, False, True]


def test_a_pair_is_told_once_a_second_and_never_backwards_in_time() -> None:
    told = teller()
    clock = told.clock
    assert isinstance(clock, ManualClock)

    first = told.teller.take(quote("100", at_ms=1_772_000_000_000))
    soon = told.teller.take(quote("100.1", at_ms=1_772_000_000_500))
    clock.advance(1.5)
    late = told.teller.take(quote("99", at_ms=1_771_999_999_000))
    next_ = told.teller.take(quote("100.2", at_ms=1_772_000_001_500))

    assert (first, soon, late, next_) == (True, False, False, True)


async def test_a_trade_keeps_the_bid_and_ask_that_were_told_before() -> None:
    told = teller()
    clock = told.clock
    assert isinstance(clock, ManualClock)
    listening = told.bus.subscribe(None, (PriceMoved,))

    told.teller.take(quote("100", bid="99.9"))
    clock.advance(2.0)
    told.teller.take(quote("100.5", at_ms=1_772_000_002_000, is_trade=True))

    items = aiter(listening)
    price = await anext(items)
    listening.close()
    assert isinstance(price, PriceMoved)
    assert (price.last, price.bid, price.source) == (Decimal("100.5"), Decimal("99.9"), "binance")


def test_a_price_that_was_not_renewed_is_none_and_a_spike_between_two_looks_counts() -> None:
    clock = ManualClock(NOON)
    prices = LivePrices(clock)
    for price in ("100", "107", "101"):
        prices.take(moved(price))
        clock.advance(1.0)

    span, newest = prices.span(PAIR), prices.newest(PAIR)
    clock.advance(STALE_S)

    assert span == (Decimal(100), Decimal(107))
    assert newest is not None
    assert newest.last == Decimal(101)
    assert prices.newest(PAIR) is None
    assert prices.span(PAIR) is None


async def test_the_second_source_tells_pairs_that_matter_while_the_venue_is_silent(
    sqlite_store: Store,
) -> None:
    clock = ManualClock(NOON)
    feed = ScriptedPrices(second=Decimal("94100"))
    told = teller(sqlite_store, clock, feed)
    told.teller._watched = (PAIR,)
    listening = told.bus.subscribe(None, (PriceMoved,))
    guarding = asyncio.create_task(told.teller._guard())
    items = aiter(listening)
    try:
        told.teller.take(quote("94000"))
        first = await anext(items)
        waiting = asyncio.ensure_future(anext(items))
        for _ in range(5):
            clock.advance(5.0)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        async with asyncio.timeout(5):
            second = await waiting
    finally:
        listening.close()
        await ended(guarding)

    assert isinstance(first, PriceMoved)
    assert isinstance(second, PriceMoved)
    assert (first.source, second.source, second.last) == ("binance", "coingecko", Decimal("94100"))


async def test_an_opened_house_knows_the_prices_of_its_live_market(
    sqlite_template: SqliteTemplate, tmp_path: Path
) -> None:
    sqlite_template.copy(tmp_path / "breakwater.db")
    async with running_sim(SimOptions()) as sim:
        options = HouseOptions(data_dir=tmp_path, market=_market(sim))
        async with open_house(options) as house:
            await until(lambda: house.prices.newest(PAIR) is not None, seconds=30.0)
            price = house.prices.newest(PAIR)

    assert price is not None
    assert (price.venue, price.source) == ("binance", "binance")
    assert price.bid is not None
    assert price.ask is not None
    assert price.bid < price.ask
    assert datetime.now(UTC) - price.occurred_at < timedelta(seconds=60)


def _market(sim: RunningSim) -> LiveOptions:
    return LiveOptions(venue="binance", address=address_of(sim), pairs=(PAIR, "ETH/USDT"))
