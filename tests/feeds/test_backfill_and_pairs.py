"""Candles into the store, which pairs are on offer, and the second opinion about a price."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal

import pytest
import pytest_asyncio
from aiohttp import web

from desk.clock import SystemClock
from desk.feeds.backfill import backfill
from desk.feeds.candle_rows import checksum
from desk.feeds.pair_lists import PairChoice, choose, parse_choice
from desk.feeds.second_source import CoinGecko, OtherVenue
from desk.feeds.venue_market import Ticker, VenueMarket
from desk.settings import VenueSettings
from desk.store import SqlStore
from desk.venue_port import VenueBusy
from server.sim_exchange.app import RunningSim, SimOptions, running_sim
from tests.support.sim import address_of
from trading.errors import BadSetting, InvalidInput, NotFound
from trading.instruments import Instrument
from trading.timeframes import Timeframe

PAIR = "BTC/USDT"
HOUR = Timeframe.parse("1h")


@pytest_asyncio.fixture
async def at_sim() -> AsyncIterator[tuple[RunningSim, VenueMarket]]:
    async with running_sim(SimOptions()) as sim:
        market = VenueMarket("binance", address_of(sim), SystemClock())
        yield sim, market
        await market.close()


async def test_a_back_fill_goes_on_where_it_stopped_and_changes_nothing_the_second_time(
    at_sim: tuple[RunningSim, VenueMarket], sqlite_store: SqlStore
) -> None:
    sim, market = at_sim
    now_ms = HOUR.floor(sim.house.now_ms())
    first = await backfill(
        market, sqlite_store, PAIR, HOUR, from_ms=now_ms - 60 * HOUR.ms, to_ms=now_ms - 20 * HOUR.ms
    )

    second = await backfill(market, sqlite_store, PAIR, HOUR, from_ms=None, to_ms=now_ms)
    third = await backfill(market, sqlite_store, PAIR, HOUR, from_ms=None, to_ms=now_ms)

    assert (first.new, first.known, first.gaps) == (40, 0, 0)
    assert (second.new, second.known, second.bars) == (20, 5, 60)
    assert (third.new, third.corrected, third.checksum) == (0, (), second.checksum)


async def test_a_page_that_fails_keeps_the_pages_before_it(
    at_sim: tuple[RunningSim, VenueMarket], sqlite_store: SqlStore
) -> None:
    sim, market = at_sim
    minute = Timeframe.parse("1m")
    now_ms = minute.floor(sim.house.now_ms())
    await market.instruments()
    seen: list[int] = []

    def break_after_the_first(done: int, whole: int) -> None:
        seen.append(done)
        sim.control.set("fault", {"kind": "html", "on": "GET /api/v3/klines", "times": -1})

    with pytest.raises(VenueBusy):
        await backfill(
            market,
            sqlite_store,
            PAIR,
            minute,
            from_ms=now_ms - 2500 * minute.ms,
            to_ms=now_ms,
            told=break_after_the_first,
        )
    sim.control.set("clear", {})
    rest = await backfill(market, sqlite_store, PAIR, minute, from_ms=None, to_ms=now_ms)

    assert seen == [1000]
    assert (rest.new, rest.bars, rest.missing_bars) == (1500, 2500, 0)


async def test_a_checksum_tells_the_smallest_difference(
    at_sim: tuple[RunningSim, VenueMarket], sqlite_store: SqlStore
) -> None:
    sim, market = at_sim
    now_ms = HOUR.floor(sim.house.now_ms())
    done = await backfill(market, sqlite_store, PAIR, HOUR, from_ms=now_ms - 5 * HOUR.ms, to_ms=now_ms)
    async with sqlite_store.reading() as tx:
        series = await tx.candles.load("binance", PAIR, "1h")
    changed = replace(series, close=series.close * (1 + 1e-15))

    assert checksum(series) == done.checksum
    assert checksum(changed) != done.checksum


async def test_what_the_venue_does_not_have_is_named(at_sim: tuple[RunningSim, VenueMarket]) -> None:
    _, market = at_sim
    await market.instruments()

    with pytest.raises(NotFound, match="no pair"):
        await market.candles("NO/USDT", HOUR, 0, 10 * HOUR.ms)
    with pytest.raises(InvalidInput, match="7m"):
        await market.candles(PAIR, Timeframe.parse("7m"), 0, 10)


def ticker(pair: str, volume: int, **more: object) -> Ticker:
    given = {
        "pair": pair,
        "last": Decimal(100),
        "bid": Decimal("99.9"),
        "ask": Decimal("100.1"),
        "quote_volume": Decimal(volume),
        "day_range": 0.05,
        "at_ms": 0,
    }
    return Ticker(**{**given, **more})  # type: ignore[arg-type]


TICKERS = [
    ticker("BTC/USDT", 900),
    ticker("USDC/USDT", 850),
    ticker("ETH/USDT", 800),
    ticker("BTCUP/USDT", 750),
    ticker("WIDE/USDT", 700, ask=Decimal(120)),
    ticker("CALM/USDT", 650, day_range=0.0001),
    ticker("WILD/USDT", 600, day_range=3.0),
    ticker("NEW/USDT", 550),
    ticker("SILENT/USDT", 500, bid=None),
    ticker("SOL/USDT", 450),
    ticker("ADA/USDT", 400),
    ticker("ETH/BTC", 999),
]


async def test_the_most_traded_pairs_pass_age_spread_and_volatility() -> None:
    choice = PairChoice(
        named=("ADA/USDT",),
        excluded=("SOL/USDT",),
        top=3,
        least_age_days=30,
        most_spread=0.01,
        least_range=0.001,
        most_range=0.6,
    )
    instruments = {one.pair: Instrument(pair=one.pair) for one in TICKERS}

    async def age_days(pair: str) -> float | None:
        return 3.0 if pair == "NEW/USDT" else 400.0

    chosen = await choose(choice, TICKERS, instruments, age_days)

    assert chosen.pairs == ("ADA/USDT", "BTC/USDT", "ETH/USDT")
    assert chosen.left_out == {
        "USDC/USDT": "follows another price",
        "BTCUP/USDT": "follows another price",
        "WIDE/USDT": "spread 20.12% is above 1.00%",
        "CALM/USDT": "moved 0.01% within a day",
        "WILD/USDT": "moved 300.00% within a day",
        "NEW/USDT": "traded for 3 days",
        "SILENT/USDT": "no spread is known",
        "SOL/USDT": "excluded",
    }


def test_a_list_of_pairs_is_read_and_a_strange_word_is_refused() -> None:
    choice = parse_choice(("btc/usdt", "top-20", "-XRP/USDT", "BTC/USDT"))

    assert (choice.named, choice.top, choice.excluded) == (("BTC/USDT",), 20, ("XRP/USDT",))
    for word in ("top-0", "top-9999", "BTC", "BTC/USDT/X", "", "../x"):
        with pytest.raises(BadSetting):
            parse_choice((word,))


async def test_a_named_pair_that_is_not_traded_is_refused_with_the_nearest() -> None:
    async def age_days(pair: str) -> float | None:
        return None

    with pytest.raises(BadSetting, match="Did you mean 'BTC/USDT'"):
        await choose(PairChoice(named=("BTC/USDC",)), [], {PAIR: Instrument(pair=PAIR)}, age_days)


@pytest.mark.parametrize(
    ("body", "status", "expected"),
    [
        ('{"bitcoin":{"usd":64000.123456789}}', 200, Decimal("64000.123456789")),
        ('{"bitcoin":{"usd":-1}}', 200, None),
        ('{"bitcoin":{"usd":"NaN"}}', 200, None),
        ('{"bitcoin":{}}', 200, None),
        ("{}", 200, None),
        ("<html>", 200, None),
        ('{"status":{"error_code":429}}', 429, None),
    ],
)
async def test_coingecko_gives_a_price_or_says_nothing(
    body: str, status: int, expected: Decimal | None
) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(text=body, status=status, content_type="application/json")

    app = web.Application()
    app.router.add_get("/simple/price", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    source = CoinGecko(f"http://127.0.0.1:{runner.addresses[0][1]}", SystemClock())
    try:
        assert await source.price(PAIR) == expected
        assert await source.price("UNKNOWN/USDT") is None
        assert await source.price("BTC/EUR") is None
    finally:
        await source.close()
        await runner.cleanup()


async def test_another_venue_that_is_down_too_says_nothing(at_sim: tuple[RunningSim, VenueMarket]) -> None:
    _, market = at_sim
    nowhere = VenueMarket("binance", VenueSettings(base_url="http://127.0.0.1:1"), SystemClock())
    up, down = OtherVenue(market, SystemClock()), OtherVenue(nowhere, SystemClock())

    assert await up.price(PAIR) is not None
    assert await down.price(PAIR) is None
    await down.close()
