"""50,000 mutants of recorded venue messages: each is read as valid or refused; none crashes, none moves an order.

Answers go through the whole real client (session, shape check, ccxt, typed boundary), websocket messages through its
socket reader. Whatever is accepted must keep the laws of its kind. After each mutated ticker an order is priced from
what the venue is believed to trade at; what goes out must lie inside the band around the true price.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import random
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs

import orjson
import structlog
from aiohttp import WSMessage, WSMsgType
from yarl import URL

from desk.clock import SystemClock
from desk.feeds.candle_rows import SPIKE, Doubts
from desk.feeds.venue_market import CandleEars, VenueMarket, ticker_of
from desk.ports import Bar
from desk.secrets import Secret
from desk.settings import VenueSettings
from desk.venue_port import OrderRequest, OutcomeUnknown, VenueBusy, VenueOrder, VenueRefusal, VenueTrade
from desk.venues.band import WIDTH
from desk.venues.ccxt_venue import CcxtVenue
from desk.venues.client import Ears, Link, close_client, open_link
from desk.venues.quirks import BINANCE
from desk.venues.reading import Unreadable, read_order
from desk.venues.wire import Attempt
from server.sim_exchange import market_pages
from server.sim_exchange.house import SimHouse
from server.sim_exchange.ledger import Ledger
from tests.support.mutants import SYMBOLS, generated, mutant, recorded
from trading.errors import VenueProblem
from trading.timeframes import Timeframe

PAIR, TRUE_PRICE = "ETH/USDT", Decimal(2500)
MINUTE = Timeframe.parse("1m")


class FakeSession:
    """Answers every request with the text that is set; remembers what was sent."""

    def __init__(self) -> None:
        self.closed = False
        self.text = "{}"
        self.sent: list[tuple[str, str]] = []

    @asynccontextmanager
    async def request(self, method: str, url: URL, **options: Any) -> AsyncIterator[Any]:
        context = options["trace_request_ctx"]
        if isinstance(context, Attempt):
            context.is_out = True
        body = options.get("data") or b""
        self.sent.append((method, body.decode() if isinstance(body, bytes) else str(url.query_string)))
        yield _Response(self.text.encode("utf-8", "surrogatepass"))

    async def close(self) -> None:
        self.closed = True


class _Response:
    status, reason, headers = 200, "OK", {"Content-Type": "application/json"}

    def __init__(self, body: bytes) -> None:
        self._body = body
        self.content = self

    async def iter_chunked(self, size: int) -> AsyncIterator[bytes]:
        yield self._body

    def close(self) -> None:
        """Nothing is open."""


class Law(AssertionError):
    """Something was accepted that breaks the laws of its kind."""


def require(is_so: bool, what: str) -> None:
    if not is_so:
        raise Law(what)


def good_order(order: VenueOrder) -> None:
    require(order.quantity.is_finite() and order.quantity > 0, f"quantity {order.quantity}")
    require(Decimal(0) <= order.filled_quantity <= order.quantity, f"filled {order.filled_quantity}")
    for price in (order.price, order.average_price, order.stop_price):
        require(price is None or (price.is_finite() and price > 0), f"price {price}")
    require(bool(order.venue_order_id) and "/" in order.pair, "no id or pair")


def good_trade(trade: VenueTrade) -> None:
    require(trade.price.is_finite() and trade.price > 0, f"price {trade.price}")
    require(trade.quantity.is_finite() and trade.quantity > 0, f"quantity {trade.quantity}")
    require(trade.fee.is_finite() and trade.base_fee.is_finite(), "fee")
    require(1_230_940_800_000 <= trade.traded_at_ms <= 4_102_444_800_000, f"time {trade.traded_at_ms}")


def good_bar(bar: Bar) -> None:
    require(0 < bar.low <= min(bar.open, bar.close), f"low {bar.low}")
    require(max(bar.open, bar.close) <= bar.high < float("inf") and bar.volume >= 0, f"high {bar.high}")


class Bench:
    """The real client with a session that says what it is told to say."""

    def __init__(self) -> None:
        key = VenueSettings(api_key=Secret("k"), api_secret=Secret("s"))
        self.link: Link = open_link(BINANCE, key, SystemClock())
        self.link.wire.budget.per_s = self.link.wire.budget.burst = 1e12
        self.session = FakeSession()
        self.link.wire._session = self.session  # type: ignore[assignment]
        self.venue = CcxtVenue(self.link)
        self.market = VenueMarket("binance", key, SystemClock())
        self.market._link.wire._session = self.session  # type: ignore[assignment]
        self.market._link.wire.budget = self.link.wire.budget
        self.socket: Any = None
        self.outcomes: Counter[str] = Counter()
        self.prices: list[Decimal] = []

    async def prepare(self) -> None:
        house = SimHouse(clock=SystemClock(), ledger=Ledger(), symbols=SYMBOLS, volatility=0)
        self.session.text = orjson.dumps(market_pages.exchange_info(house, {})).decode()
        await self.venue.instruments()
        self.market._link.client.set_markets_from_exchange(self.link.client)
        self.socket = self.link.fresh_client(Ears())

    async def answer(self, kind: str, text: str) -> None:
        """Let the venue answer with a mutant."""
        self.session.text = text
        try:
            await self._ask(kind)
        except (VenueBusy, VenueRefusal, OutcomeUnknown) as refused:
            self.outcomes[type(refused).__name__] += 1
        else:
            self.outcomes["accepted"] += 1

    async def _ask(self, kind: str) -> None:
        if kind == "account":
            for one in (await self.venue.balances()).values():
                require(one.free.is_finite() and one.free >= 0 and one.locked >= 0, f"balance {one}")
        elif kind == "orders":
            for order in [*await self.venue.open_orders(PAIR), *await self.venue.closed_orders(PAIR, 0)]:
                good_order(order)
        elif kind == "order":
            found = await self.venue.find(PAIR, "bw-BUY-MARKET")
            if found is not None:
                good_order(found)
                require(found.client_order_id == "bw-BUY-MARKET", "another order's answer")
        elif kind == "trades":
            for trade in await self.venue.trades(PAIR, 0):
                good_trade(trade)
        elif kind == "placed":
            request = OrderRequest(
                client_order_id="bw-x", pair=PAIR, side="buy", order_type="market", quantity=Decimal("0.5")
            )
            require(bool((await self.venue.place(request)).venue_order_id), "a placement without an id")
        elif kind == "klines":
            now_ms = MINUTE.floor(self.link.time.now_ms())
            self._bars(await self.market.candles(PAIR, MINUTE, now_ms - 5 * MINUTE.ms, now_ms))
        else:
            await self._price_an_order()

    def _bars(self, bars: list[Bar]) -> None:
        doubts = Doubts()
        for bar in bars:
            good_bar(bar)
            before = doubts.close
            is_believed = doubts.judged(bar).flags == 0
            if before is not None and is_believed:
                near = before / (1 + SPIKE) <= bar.close <= before * (1 + SPIKE)
                confirmed = any(
                    one is not bar and one.close / (1 + SPIKE) <= bar.close <= one.close * (1 + SPIKE)
                    for one in bars
                )
                require(near or confirmed, f"close {bar.close} believed after {before}")

    async def _price_an_order(self) -> None:
        """Price an order from a mutated ticker, after honest ones."""
        self.venue.band.take(PAIR, TRUE_PRICE)
        price = await self.venue.last_price(PAIR)
        self.session.text = '{"symbol":"ETHUSDT","orderId":1,"status":"NEW","clientOrderId":"bw-y"}'
        request = OrderRequest(
            client_order_id="bw-y",
            pair=PAIR,
            side="buy",
            order_type="limit",
            quantity=Decimal("0.01"),
            price=price.quantize(Decimal("0.01")),
        )
        self.session.sent.clear()
        try:
            await self.venue.place(request)
        except VenueProblem:
            self.outcomes["order stopped"] += 1
        for method, body in self.session.sent:
            if method == "POST":
                self.prices.append(Decimal(parse_qs(body)["price"][0]))

    async def message(self, kind: str, text: str) -> None:
        """Let a socket say a mutant."""
        client = self.socket
        reader = client.client("wss://stream.binance.com:9443/ws")
        bars: list[Bar] = []
        ears = CandleEars(self.link, {(PAIR, "1m"), ("NKN/USDT", "1m")}, bars.append)
        before = self.link.unreadable
        reader.handle_message(WSMessage(WSMsgType.TEXT, text, ""))
        try:
            ears.hear(orjson.loads(text))
        except orjson.JSONDecodeError:
            self.outcomes["no JSON"] += 1
        for bar in bars:
            good_bar(bar)
        await self._caches(client)
        self.outcomes["message unreadable" if self.link.unreadable > before else "message read"] += 1

    async def _caches(self, client: Any) -> None:
        for row in list(client.orders or ()):
            try:
                good_order(read_order(row, client.markets, BINANCE))
            except Unreadable:
                self.outcomes["event refused"] += 1
        for row in list(client.myTrades or ()):
            try:
                good_trade(await self.venue.trade_of(row))
            except (Unreadable, VenueProblem):
                self.outcomes["event refused"] += 1
        for row in list(client.tickers.values()):
            try:
                ticker_of(row)
            except Unreadable:
                self.outcomes["event refused"] += 1
        client.orders = client.myTrades = None
        client.tickers.clear()


async def prove(*, mutants: int, seed: int) -> int:
    chance = random.Random(seed)
    bench = Bench()
    await bench.prepare()
    sources = generated()
    real = recorded()
    for kind, documents in real.items():
        sources[kind] = [*documents, *sources[kind]]
    kinds = sorted(sources)
    failures: list[str] = []
    started = time.process_time()
    for number in range(mutants):
        kind = kinds[number % len(kinds)]
        text = mutant(chance.choice(sources[kind]), chance)
        try:
            if kind in ("user", "stream"):
                await bench.message(kind, text)
            else:
                await bench.answer(kind, text)
        except Exception as crash:
            failures.append(f"{kind}: {type(crash).__name__}: {crash} in {text[:300]}")
    outside = [one for one in bench.prices if abs(one - TRUE_PRICE) > TRUE_PRICE * WIDTH]
    await close_client(bench.socket)
    await bench.market.close()
    await bench.venue.close()
    gc.collect()
    recorded_count = sum(len(one) for one in real.values())
    print(
        f"{mutants} mutants of {sum(len(one) for one in sources.values())} messages ({recorded_count} recorded)"
    )
    print(", ".join(f"{name} {count}" for name, count in sorted(bench.outcomes.items())))
    print(
        f"{len(failures)} crashes or broken laws, {len(bench.prices)} orders priced, {len(outside)} outside the band, "
        f"{time.process_time() - started:.0f} s CPU (seed {seed})"
    )
    for failure in failures[:10]:
        print(f"  {failure}")
    return 1 if failures or outside or not bench.prices else 0


def main() -> int:
    """Run the proof."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="60,000 mutants; otherwise 4,000")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    return asyncio.run(prove(mutants=60_000 if asked.full else 4_000, seed=asked.seed))


if __name__ == "__main__":
    sys.exit(main())
