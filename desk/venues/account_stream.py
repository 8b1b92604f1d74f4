"""The account's orders and trades as they happen: websocket for speed, questions for what a silent socket hides."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Any

import structlog

from desk.venue_port import Evidence, StreamGap
from desk.venues.bad_news import catchable
from desk.venues.client import Ears, Link, close_client
from desk.venues.reading import Unreadable, read_order, rows
from desk.venues.streaming import Broken, Gap, Line, Stream
from trading.errors import VenueProblem

if TYPE_CHECKING:
    from desk.venues.ccxt_venue import CcxtVenue

log = structlog.get_logger(__name__)

#: A login that is not answered for so long is begun anew.
LOGIN_S = 20.0
#: Pairs in play are asked for their trades this often while the socket is up.
LOOK_S = 10.0
#: A trade that a question finds this long before the socket told of it means that the socket is deaf.
DEAF_AFTER_MS = 5_000


async def follow(venue: CcxtVenue, link: Link) -> AsyncIterator[Evidence]:
    """Give evidence as it comes, and a gap after every (re)connection."""

    async def connect(line: Line[Evidence]) -> None:
        await _Session(venue, link, line).run()

    stream: Stream[Evidence] = Stream(connect, clock=link.clock, name=f"{venue.name}-account")
    async with aclosing(stream.items()) as items:
        async for item in items:
            if isinstance(item, Gap):
                yield StreamGap(since_ms=max(0, item.since_ms + link.time.offset_ms), cause=item.cause)
            else:
                yield item


class _Session:
    """One connection: what it heard, and the questions beside it."""

    def __init__(self, venue: CcxtVenue, link: Link, line: Line[Evidence]) -> None:
        self._venue, self._link, self._line = venue, link, line
        self._client: Any = None
        self._heard: set[str] = set()
        self._broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._began_ms = link.time.now_ms()

    async def run(self) -> None:
        try:
            await self._run()
        finally:
            with suppress(*catchable()):
                await close_client(self._client)

    async def _run(self) -> None:
        self._client = self._link.fresh_client(Ears(connected=self._line.beat, unreadable=self._break))
        # A venue that takes the socket and never answers the login keeps it alive with its pings.
        async with asyncio.timeout(LOGIN_S):
            await self._client.authenticate(dict(self._link.quirks.stream_login))
        self._listening()
        tasks = [
            asyncio.create_task(self._watch(self._client.watch_orders, self._take_order)),
            asyncio.create_task(self._watch(self._client.watch_my_trades, self._take_trade)),
            asyncio.create_task(self._look()),
        ]
        try:
            done, _ = await asyncio.wait([*tasks, self._broken], return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        except catchable() as problem:
            raise Broken(f"{type(problem).__name__}: {' '.join(str(problem).split())[:120]}") from problem
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _break(self, cause: str) -> None:
        # What cannot be read may have been a fill: the next connection asks for it.
        if not self._broken.done():
            self._broken.set_exception(Broken(cause))

    def _listening(self) -> None:
        self._began_ms = self._link.time.now_ms()
        self._line.ready()

    async def _watch(
        self, watch: Callable[[], Awaitable[Any]], take: Callable[[Any], Awaitable[None]]
    ) -> None:
        while True:
            for row in rows(await watch(), "events"):
                try:
                    await take(row)
                except Unreadable as strange:
                    log.warning("evidence_unreadable", venue=self._venue.name, problem=str(strange))
                    raise Broken(f"an event cannot be read: {strange}") from strange

    async def _take_order(self, row: Any) -> None:
        order = read_order(row, self._client.markets, self._link.quirks)
        self._venue.pairs_in_play.add(order.pair)
        self._line.put(order)

    async def _take_trade(self, row: Any) -> None:
        trade = await self._venue.trade_of(row)
        self._heard.add(trade.venue_trade_id)
        self._venue.pairs_in_play.add(trade.pair)
        self._line.put(trade)

    async def _look(self) -> None:
        """Ask for trades of the pairs in play; a socket that told nothing of a trade that is there is deaf."""
        while True:
            await self._link.clock.sleep(LOOK_S)
            for pair in sorted(self._venue.pairs_in_play):
                await self._look_at(pair)
            self._line.beat()

    async def _look_at(self, pair: str) -> None:
        since_ms = self._link.time.now_ms() - round(3 * LOOK_S * 1000)
        try:
            trades = await self._venue.trades(pair, max(since_ms, self._began_ms))
        except VenueProblem as problem:
            # The socket may live while questions fail; the next look comes soon.
            log.info("look_failed", venue=self._venue.name, problem=problem.message)
            return
        missed = [one for one in trades if one.venue_trade_id not in self._heard]
        for trade in missed:
            self._heard.add(trade.venue_trade_id)
            self._line.put(trade)
        late = [one for one in missed if self._link.time.now_ms() - one.traded_at_ms > DEAF_AFTER_MS]
        if late:
            raise Broken(f"the stream did not tell of {len(late)} trades of {pair}")
