"""Public market data of an exchange: pairs, rules, candles by question and by websocket, tickers. No key is needed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar

import structlog

from desk.clock import Clock
from desk.feeds.candle_rows import bar_of, read_rows
from desk.feeds.quotes import Quote, ask_for_quotes, stream_quotes
from desk.ports import Bar
from desk.settings import VenueSettings
from desk.venues.bad_news import catchable, sorted_problem
from desk.venues.budget import Urgency
from desk.venues.ccxt_venue import CcxtVenue
from desk.venues.client import Ears, Link, close_client, open_link
from desk.venues.quirks import quirks_of
from desk.venues.reading import Unreadable, decimal, moment_ms, positive
from desk.venues.streaming import Broken, Gap, Line, Stream
from desk.venues.wire import attempt
from trading.errors import InvalidInput, NotFound, nearest
from trading.instruments import Instrument
from trading.timeframes import Timeframe

log = structlog.get_logger(__name__)

T = TypeVar("T")

#: Rows of one page of candles.
PAGE_BARS = 1000
#: Silence after which a candle stream is taken for dead: venues speak of a forming candle every second or two.
STALE_S = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticker:
    """A pair at one moment.

    Attributes:
        bid, ask: None where the venue does not say.
        quote_volume: of the last day, in quote currency.
        day_range: highest over lowest price of the last day, minus 1; None where it is not said.
    """

    pair: str
    last: Decimal
    bid: Decimal | None
    ask: Decimal | None
    quote_volume: Decimal
    day_range: float | None
    at_ms: int


class VenueMarket:
    """Market data of one exchange.

    Args:
        venue: its name in the table of quirks.
        address: other addresses in place of its own; a key is not used.
    """

    def __init__(self, venue: str, address: VenueSettings, clock: Clock) -> None:
        self.venue = venue
        self._clock = clock
        # A key has no business here: public data is asked for as anybody would.
        public = VenueSettings(
            base_url=address.base_url,
            ws_url=address.ws_url,
            ws_api_url=address.ws_api_url,
            sandbox=address.sandbox,
        )
        self._link: Link = open_link(quirks_of(venue), public, clock)
        self._venue = CcxtVenue(self._link)
        self.refused = 0

    def now_ms(self) -> int:
        """Give the venue's time."""
        return self._link.time.now_ms()

    async def instruments(self) -> Mapping[str, Instrument]:
        """Give the trading rules by pair; the venue's clock is measured with them."""
        await self._venue.clock_offset_ms()
        return await self._venue.instruments()

    async def last_price(self, pair: str) -> Decimal:
        """Give the price of the last trade."""
        return await self._venue.last_price(pair)

    async def candles(self, pair: str, step: Timeframe, from_ms: int, to_ms: int) -> list[Bar]:
        """Give the closed bars that open in [from_ms, to_ms), oldest first, page by page.

        Raises:
            VenueBusy, VenueRefusal: the venue could not be asked.
            InvalidInput: a timeframe that it does not have.
        """
        self._check(pair, step)
        found: dict[int, Bar] = {}
        start_ms = from_ms
        while start_ms < to_ms:
            limit = min(self._link.quirks.candle_rows, (to_ms - start_ms) // step.ms + 1)

            async def ask(start_ms: int = start_ms, limit: int = limit) -> Any:
                return await self._link.client.fetch_ohlcv(pair, str(step), start_ms, limit)

            page = await self._call(f"the question for {pair} candles", ask)
            read = read_rows(page, pair=pair, step=step, now_ms=self.now_ms())
            self._note(pair, read.refused)
            fresh = [one for one in read.bars if start_ms <= one.ts_ms < to_ms]
            found |= {one.ts_ms: one for one in fresh}
            if fresh and fresh[-1].ts_ms + step.ms > start_ms:
                start_ms = fresh[-1].ts_ms + step.ms
            else:
                # Nothing was traded here for a page's length, or the venue has no older candles.
                start_ms += limit * step.ms
        return [found[one] for one in sorted(found)]

    async def oldest_ms(self, pair: str, step: Timeframe) -> int | None:
        """Give the open time of the oldest bar that the venue shows of a pair; None when it shows none."""
        self._check(pair, step)

        async def ask() -> Any:
            return await self._link.client.fetch_ohlcv(pair, str(step), 1_230_940_800_000, 2)

        read = read_rows(
            await self._call(f"the question for {pair} candles", ask),
            pair=pair,
            step=step,
            now_ms=self.now_ms(),
        )
        return read.bars[0].ts_ms if read.bars else None

    async def tickers(self, pairs: Sequence[str] = ()) -> list[Ticker]:
        """Give the tickers of pairs, or of all; one that cannot be read is left out and counted."""

        async def ask() -> Any:
            return await self._link.client.fetch_tickers(list(pairs) or None)

        rows = await self._call("the question for tickers", ask)
        found = []
        for row in rows.values():
            try:
                found.append(ticker_of(row))
            except Unreadable:
                self.refused += 1
        return found

    async def ticker(self, pair: str) -> Ticker:
        """Give one pair's ticker; some venues tell bid and ask only so."""
        row = await self._call(
            f"the question for the ticker of {pair}", lambda: self._link.client.fetch_ticker(pair)
        )
        return ticker_of(row)

    async def closed_bars(self, pairs: Sequence[str], step: Timeframe) -> AsyncIterator[Bar | Gap]:
        """Follow closed bars by websocket; a `Gap` says when bars may have been missed.

        Raises:
            NotFound: the venue tells no candles by websocket.
        """
        if not self._link.quirks.has_candle_stream:
            raise NotFound(f"{self.venue} tells no candles by websocket; they are asked for.")
        wanted = {(pair, str(step)) for pair in pairs}

        async def connect(line: Line[Bar]) -> None:
            await _candle_session(self._link, wanted, line)

        stream: Stream[Bar] = Stream(
            connect,
            clock=self._clock,
            name=f"{self.venue}-candles",
            stale_s=max(STALE_S, 3 * step.ms / 60_000),
        )
        async with aclosing(stream.items()) as items:
            async for item in items:
                yield item

    async def quotes(self, pairs: Sequence[str], traded: Sequence[str]) -> AsyncIterator[Quote | Gap]:
        """Follow prices between bars, trades of the traded pairs among them; a `Gap` says that there was silence."""
        if not self._link.client.markets:
            await self.instruments()
        if self._link.quirks.ticker_parameters is None:
            found = ask_for_quotes(self, self._clock, pairs)
        else:
            found = stream_quotes(self._link, self._clock, pairs, traded)
        async with aclosing(found) as items:  # type: ignore[type-var]
            async for item in items:
                yield item

    async def close(self) -> None:
        """Let go of every connection."""
        await self._venue.close()

    def _check(self, pair: str, step: Timeframe) -> None:
        known = self._link.client.timeframes
        if known and str(step) not in known:
            raise InvalidInput(f"{self.venue} has no {step} candles; {', '.join(known)} are there.")
        markets = self._link.client.markets
        if markets and pair not in markets:
            raise NotFound(f"{self.venue} has no pair '{pair}'.", hint=nearest(pair, markets) or None)

    async def _call(self, doing: str, ask: Callable[[], Awaitable[T]]) -> T:
        if not self._link.client.markets:
            await self.instruments()
        with attempt(Urgency.MARKET_DATA) as watched:
            try:
                async with asyncio.timeout(12.0):
                    return await ask()
            except catchable() as problem:
                raise sorted_problem(
                    problem, watched, self._link.quirks, doing=doing, is_write=False
                ) from problem

    def _note(self, pair: str, refused: Sequence[str]) -> None:
        self.refused += len(refused)
        for reason in refused[:3]:
            log.warning("candle_refused", venue=self.venue, pair=pair, reason=reason)


def ticker_of(row: Any) -> Ticker:
    """Read a ticker.

    Raises:
        Unreadable: any field breaks the contract.
    """
    if not isinstance(row, Mapping):
        raise Unreadable("a ticker is no object")
    pair = row.get("symbol")
    if not isinstance(pair, str) or "/" not in pair:
        raise Unreadable("a ticker names no pair")
    last = positive(row.get("last"), "last price")
    high, low = row.get("high"), row.get("low")
    day_range = None
    if high is not None and low is not None:
        day_range = float(positive(high, "high") / positive(low, "low")) - 1.0
    volume = row.get("quoteVolume")
    if volume is None and row.get("baseVolume") is not None:
        volume = decimal(row.get("baseVolume"), "volume") * last
    bid, ask = row.get("bid"), row.get("ask")
    stamp = row.get("timestamp")
    return Ticker(
        pair=pair,
        last=last,
        bid=positive(bid, "bid") if bid else None,
        ask=positive(ask, "ask") if ask else None,
        quote_volume=decimal(volume if volume is not None else "0", "volume"),
        day_range=day_range,
        at_ms=moment_ms(stamp, "time") if stamp is not None else 0,
    )


class CandleEars:
    """Turns the messages of one websocket into closed bars, each told once."""

    def __init__(self, link: Link, wanted: Collection[tuple[str, str]], tell: Callable[[Bar], None]) -> None:
        self._link, self._wanted, self._tell = link, wanted, tell
        self._sent: dict[tuple[str, str], int] = {}
        self._forming: dict[tuple[str, str], list[Any]] = {}

    def hear(self, message: Any) -> None:
        """Take a raw message; a candle that the venue itself calls closed is told at once."""
        kline = message.get("k") if isinstance(message, dict) else None
        if not isinstance(kline, dict) or kline.get("x") is not True:
            return
        markets = self._link.client.markets_by_id.get(kline.get("s")) or [{}]
        key = (str(markets[0].get("symbol")), str(kline.get("i")))
        if key in self._wanted:
            # The venue says that it is closed: a clock of ours that is a little behind has no say in it.
            self._take(key, [kline.get(name) for name in ("t", "o", "h", "l", "c", "v")], patience_ms=2_000)

    def update(self, key: tuple[str, str], rows: Any) -> None:
        """Take ccxt's candles; one is told once a later one began, where the venue does not say closed itself."""
        for row in rows if isinstance(rows, list) else ():
            if not isinstance(row, list) or len(row) < 6 or not isinstance(row[0], int):
                continue
            before = self._forming.get(key)
            if before is not None and row[0] > before[0]:
                self._take(key, before)
            self._forming[key] = list(row)

    def _take(self, key: tuple[str, str], row: list[Any], *, patience_ms: int = 0) -> None:
        pair, timeframe = key
        bar = bar_of(
            row, pair=pair, step=Timeframe.parse(timeframe), now_ms=self._link.time.now_ms() + patience_ms
        )
        if isinstance(bar, str):
            if bar:
                log.warning("candle_refused", pair=pair, reason=bar)
        elif self._sent.get(key, -1) < bar.ts_ms:
            self._sent[key] = bar.ts_ms
            self._tell(bar)


async def _candle_session(link: Link, wanted: Collection[tuple[str, str]], line: Line[Bar]) -> None:
    """One websocket with candles, until it breaks."""
    ears = CandleEars(link, wanted, line.put)

    def hear(message: Any) -> None:
        line.beat()
        ears.hear(message)

    client = link.fresh_client(Ears(connected=line.ready, message=hear))
    asked = [[pair, timeframe] for pair, timeframe in sorted(wanted)]
    try:
        while True:
            update = await client.watch_ohlcv_for_symbols(asked)
            for pair, by_timeframe in update.items():
                for timeframe, rows in by_timeframe.items():
                    ears.update((pair, timeframe), rows)
    except catchable() as problem:
        raise Broken(f"{type(problem).__name__}: {' '.join(str(problem).split())[:120]}") from problem
    finally:
        with suppress(*catchable()):
            await close_client(client)
