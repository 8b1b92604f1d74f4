"""Prices between bars: tickers and trades by websocket where the venue's stream is proven, by question elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import structlog

from desk.clock import Clock
from desk.venues.bad_news import catchable
from desk.venues.client import Ears, Link, close_client
from desk.venues.reading import Unreadable, moment_ms, positive
from desk.venues.streaming import Broken, Gap, Line, Stream
from trading.errors import VenueProblem

if TYPE_CHECKING:
    from desk.feeds.venue_market import Ticker, VenueMarket

log = structlog.get_logger(__name__)

#: Silence after which a price stream is taken for dead: much traded pairs speak every second.
STALE_S = 15.0
#: Where there is no stream, tickers are asked for this often; and again after a failure.
POLL_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """A price of a pair.

    Attributes:
        bid, ask: None where it comes from a trade, or the venue does not say.
        is_trade: somebody paid it; a ticker only says so.
    """

    pair: str
    last: Decimal
    bid: Decimal | None
    ask: Decimal | None
    at_ms: int
    is_trade: bool = False


async def stream_quotes(
    link: Link, clock: Clock, pairs: Sequence[str], traded: Sequence[str]
) -> AsyncIterator[Quote | Gap]:
    """Follow tickers of pairs and trades of those that are traded; a `Gap` says that the stream was cut."""

    async def connect(line: Line[Quote]) -> None:
        await _session(link, pairs, traded, line)

    stream: Stream[Quote] = Stream(
        connect, clock=clock, name=f"{link.quirks.exchange_id}-prices", stale_s=STALE_S
    )
    async with aclosing(stream.items()) as items:
        async for item in items:
            yield item


async def ask_for_quotes(
    market: VenueMarket, clock: Clock, pairs: Sequence[str]
) -> AsyncIterator[Quote | Gap]:
    """Ask for tickers again and again; a `Gap` says that the venue could not be asked."""
    while True:
        try:
            for one in await market.tickers(pairs):
                yield quote_of(one, market.now_ms())
        except VenueProblem as problem:
            yield Gap(since_ms=market.now_ms(), cause=problem.message)
        await clock.sleep(POLL_S)


def quote_of(ticker: Ticker, now_ms: int) -> Quote:
    """Give a ticker as a price."""
    return Quote(
        pair=ticker.pair,
        last=ticker.last,
        bid=ticker.bid,
        ask=ticker.ask,
        at_ms=ticker.at_ms or now_ms,
    )


async def _session(link: Link, pairs: Sequence[str], traded: Sequence[str], line: Line[Quote]) -> None:
    """One websocket with prices, until it breaks."""
    client = link.fresh_client(Ears(connected=line.ready, message=lambda message: line.beat()))
    loops = [asyncio.create_task(_tickers(client, link, pairs, line.put), name="tickers")]
    if traded:
        loops.append(asyncio.create_task(_trades(client, traded, line.put), name="trades"))
    try:
        done, _ = await asyncio.wait(loops, return_when=asyncio.FIRST_COMPLETED)
        for one in done:
            one.result()
    except catchable() as problem:
        raise Broken(f"{type(problem).__name__}: {' '.join(str(problem).split())[:120]}") from problem
    finally:
        for one in loops:
            one.cancel()
        await asyncio.gather(*loops, return_exceptions=True)
        with suppress(*catchable()):
            await close_client(client)


async def _tickers(client: Any, link: Link, pairs: Sequence[str], tell: Callable[[Quote], None]) -> None:
    from desk.feeds.venue_market import ticker_of

    told: dict[str, Any] = {}
    while True:
        await client.watch_tickers(list(pairs), dict(link.quirks.ticker_parameters or {}))
        # One message wakes us; others may have come with it, and ccxt keeps each pair's newest.
        for pair in pairs:
            row = client.tickers.get(pair)
            if row is None or row is told.get(pair):
                continue
            told[pair] = row
            try:
                tell(quote_of(ticker_of(row), link.time.now_ms()))
            except Unreadable as strange:
                link.unreadable += 1
                log.warning("ticker_unreadable", venue=link.quirks.exchange_id, problem=str(strange))


async def _trades(client: Any, pairs: Sequence[str], tell: Callable[[Quote], None]) -> None:
    told: dict[str, str] = {}
    while True:
        await client.watch_trades_for_symbols(list(pairs))
        for pair in pairs:
            rows = client.trades.get(pair)
            if not rows:
                continue
            newest = rows[-1]
            try:
                number = str(newest["id"])
                if told.get(pair) == number:
                    continue
                told[pair] = number
                tell(_paid(newest, pair))
            except (Unreadable, KeyError) as strange:
                log.warning("trade_unreadable", pair=pair, problem=str(strange))


def _paid(row: Mapping[str, Any], pair: str) -> Quote:
    return Quote(
        pair=pair,
        last=positive(row.get("price"), "price"),
        bid=None,
        ask=None,
        at_ms=moment_ms(row.get("timestamp"), "time"),
        is_trade=True,
    )
