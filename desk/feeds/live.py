"""Live public prices of an exchange as a feed: closed bars in order, from the websocket where it speaks in time and
from questions where it does not.

A bar time is given out once it is over: with every pair that came within the patience, the late ones named as missing.
Times that were missed while the socket or the venue was down come afterwards, in order, and so late that nothing is
bought on them: they are marked. A time in which a pair was not traded is a synthetic bar. While the venue is down the
second source keeps positions guarded, on bars that are marked as well.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

import structlog

from desk.clock import Clock
from desk.ending import ended
from desk.feeds.candle_rows import Doubts, bars_of, merged, quarantined, series_of, synthetic, whole
from desk.feeds.market_port import Market
from desk.feeds.pair_facts import PairFacts
from desk.feeds.pair_lists import Chosen, PairChoice, choose
from desk.feeds.quotes import Quote
from desk.feeds.second_source import SecondSource
from desk.offers import PairOffer
from desk.ports import Bar, ClosedBars
from desk.venues.streaming import Gap
from trading.candles import Candles
from trading.errors import BreakwaterError, NotFound, RequestProblem, nearest
from trading.instruments import Instrument
from trading.timeframes import Timeframe

log = structlog.get_logger(__name__)

#: A pair whose bar is not there this long after its end is asked for; and is missing this long after that.
PATIENCE_S, MISSING_S = 1.5, 3.0
#: A bar that is given out this long after its end is only recorded: no entry is made on it.
MOST_AGE_S = 60.0
#: Rules and the list of pairs are read again after this long.
REFRESH_S = 3600.0
#: While the venue is down it is asked again after this long.
RETRY_S = 5.0
#: Bars of one question after a break; a longer break takes several.
_BLOCK_BARS = 500

#: Bars of a series that are remembered as they were given out.
_GIVEN_BARS = 2_000

#: Gives what the store holds of a series: pair, timeframe, from, to.
Shelf = Callable[[str, str, int, int], Awaitable[Candles]]


class LiveFeed:
    """Live market data of one exchange.

    Args:
        choice: which pairs are on offer.
        second: source of prices while the venue is down.
    """

    def __init__(
        self,
        market: Market,
        *,
        clock: Clock,
        choice: PairChoice,
        second: SecondSource | None = None,
    ) -> None:
        self._market = market
        self._clock = clock
        self._choice = choice
        self._second = second
        self._shelf: Shelf | None = None
        self._instruments: Mapping[str, Instrument] = {}
        self._chosen: Chosen | None = None
        self._given: dict[tuple[str, int], dict[int, Bar]] = {}
        self._facts = PairFacts(market, clock, least_age_days=choice.least_age_days)
        self._read_s = 0.0
        self._read_at: datetime | None = None
        self._reading = asyncio.Lock()
        self.venue = market.venue
        self.label = f"{market.venue}, live"
        #: Why the venue could not be asked the last time; empty when it answered.
        self.trouble = ""

    def remember(self, shelf: Shelf) -> None:
        """Take the stored bars into account: what was given out once stays as it was."""
        self._shelf = shelf

    async def instrument(self, pair: str) -> Instrument:
        """Give the trading rules of a pair."""
        await self._refresh()
        if pair not in self._instruments:
            raise NotFound(
                f"{self.venue} has no pair '{pair}'.", hint=nearest(pair, self._instruments) or None
            )
        return self._instruments[pair]

    async def pairs(self) -> Sequence[str]:
        """Give the pairs on offer."""
        await self._refresh()
        return self._chosen.pairs if self._chosen else ()

    @property
    def left_out(self) -> Mapping[str, str]:
        """Give the much traded pairs that are not on offer, and why."""
        return self._chosen.left_out if self._chosen else {}

    async def offer(self) -> PairOffer:
        """Give the pairs on offer, with those that were left out."""
        await self._refresh()
        return PairOffer(
            pairs=self._chosen.pairs if self._chosen else (),
            left_out=dict(self.left_out),
            read_at=self._read_at,
            trouble=self.trouble,
        )

    async def history(self, pair: str, timeframe: str, *, before_ms: int | None, bars: int) -> Candles:
        """Give closed bars before a time, by default before now; stored ones stay as they were given out."""
        step = Timeframe.parse(timeframe)
        await self._refresh()
        stop_ms = step.floor(self._market.now_ms()) if before_ms is None else step.floor(before_ms)
        from_ms = stop_ms - bars * step.ms
        found = whole(await self._market.candles(pair, step, from_ms, stop_ms), pair, step, stop_ms)
        series = series_of(found, pair=pair, step=step, venue=self.venue)
        if self._shelf is None or not len(series):
            return series
        stored = await self._shelf(pair, timeframe, from_ms, stop_ms)
        series, corrected = merged(series, stored)
        for ts_ms in corrected:
            log.warning("candle_corrected", venue=self.venue, pair=pair, ts_ms=ts_ms)
        return series

    async def bars(
        self, pairs: Sequence[str], timeframe: str, *, after_ms: int | None
    ) -> AsyncIterator[ClosedBars]:
        """Give closed bars as they close, in order; what was missed meanwhile comes first."""
        await self._refresh()
        step = Timeframe.parse(timeframe)
        last_ms = step.floor(self._market.now_ms()) - step.ms if after_ms is None else step.floor(after_ms)
        turn = _Turn(self, pairs, step, last_ms)
        listening = asyncio.create_task(turn.listen(), name=f"{self.venue}-bars")
        try:
            while True:
                for group in await turn.next_groups():
                    yield group
        finally:
            await ended(listening)

    async def quotes(self, pairs: Sequence[str], traded: Sequence[str]) -> AsyncIterator[Quote | Gap]:
        """Follow prices between bars; a `Gap` says that there was silence."""
        async with aclosing(self._market.quotes(pairs, traded)) as items:  # type: ignore[type-var]
            async for item in items:
                if isinstance(item, Quote):
                    self._facts.hear(item)
                yield item

    async def second_price(self, pair: str) -> tuple[str, Decimal] | None:
        """Give who else knows a pair's price, and that price; None where nobody does."""
        if self._second is None:
            return None
        price = await self._second.price(pair)
        return None if price is None else (self._second.name, price)

    async def close(self) -> None:
        """Let go of every connection."""
        try:
            await self._market.close()
        finally:
            if self._second is not None:
                await self._second.close()

    async def stored(self, pair: str, step: Timeframe, from_ms: int, to_ms: int) -> dict[int, Bar]:
        """Give the bars that the store has of a time."""
        if self._shelf is None:
            return {}
        return {one.ts_ms: one for one in bars_of(await self._shelf(pair, str(step), from_ms, to_ms))}

    def settled(self, bar: Bar, step: Timeframe, doubts: Doubts, *, is_late: bool) -> Bar:
        """Give a bar as it is given out: the same to every reader, marked where it is doubtful or late."""
        key = (bar.pair, step.ms)
        given = self._given.setdefault(key, {})
        judged = doubts.judged(bar)
        if bar.ts_ms not in given:
            given[bar.ts_ms] = quarantined(judged) if is_late else judged
            while len(given) > _GIVEN_BARS:
                del given[next(iter(given))]
        return given[bar.ts_ms]

    async def _refresh(self) -> None:
        """Read rules and pairs when they are old; what is known stays while the venue is down."""
        async with self._reading:
            if self._chosen is not None and self._clock.monotonic() - self._read_s < REFRESH_S:
                return
            try:
                instruments = await self._market.instruments()
                tickers = await self._market.tickers() if self._choice.top else []
                self._chosen = await choose(
                    self._choice,
                    [self._facts.as_quoted(one) for one in tickers],
                    instruments,
                    self._facts.age_days,
                    complete=self._facts.completed,
                )
                self._instruments = instruments
                self._read_at = self._clock.now()
                self.trouble = ""
            except RequestProblem:
                raise
            except BreakwaterError as problem:
                self.trouble = problem.message
                if self._chosen is None:
                    raise
                log.warning("market_not_refreshed", venue=self.venue, problem=problem.message)
            self._read_s = self._clock.monotonic()


@dataclass(slots=True)
class _Known:
    """Bars of one pair that came and were not given out yet, and its last close."""

    waiting: dict[int, Bar] = field(default_factory=dict)
    doubts: Doubts = field(default_factory=Doubts)

    @property
    def close(self) -> float | None:
        """Last close that is believed."""
        return self.doubts.close


class _Turn:
    """One reader of the feed: from its last bar to the next."""

    def __init__(self, feed: LiveFeed, pairs: Sequence[str], step: Timeframe, last_ms: int) -> None:
        self._feed, self._step, self._last_ms = feed, step, last_ms
        self._pairs = tuple(pairs)
        self._known = {pair: _Known() for pair in pairs}
        self._rang = asyncio.Event()

    async def listen(self) -> None:
        """Take bars from the websocket as they close; without one every bar is asked for."""
        try:
            async for item in self._feed._market.closed_bars(self._pairs, self._step):
                if isinstance(item, Bar) and item.pair in self._known and item.ts_ms > self._last_ms:
                    # A bar that comes twice, or late and corrected, stays as it came first.
                    self._known[item.pair].waiting.setdefault(item.ts_ms, item)
                    self._rang.set()
        except NotFound:
            log.info("candles_are_asked_for", venue=self._feed.venue)
        except BreakwaterError as problem:
            log.warning("candle_stream_failed", venue=self._feed.venue, problem=problem.message)

    async def next_groups(self) -> list[ClosedBars]:
        """Wait for the next bar time to be over and give it, with those that were missed before."""
        next_ms = self._last_ms + self._step.ms
        await self._wait_for(next_ms)
        if not await self._fetch_late(next_ms):
            return []
        until_ms = self._step.floor(self._feed._market.now_ms())
        times = [next_ms]
        while times[-1] + self._step.ms < until_ms and self._is_known(times[-1] + self._step.ms):
            times.append(times[-1] + self._step.ms)
        groups = [self._group(ts_ms) for ts_ms in times]
        self._last_ms = times[-1]
        return groups

    async def _fetch_late(self, ts_ms: int) -> bool:
        """Ask for the bars of a time that did not come, while there is patience; False when nothing answers."""
        while late := [pair for pair in self._pairs if ts_ms not in self._known[pair].waiting]:
            if not await self._ask(late, ts_ms):
                return False
            over_ms = self._feed._market.now_ms() - ts_ms - self._step.ms
            if over_ms > MISSING_S * 1000:
                break
            await self._feed._clock.sleep(0.4)
        return True

    def _is_known(self, ts_ms: int) -> bool:
        return all(ts_ms in self._known[pair].waiting for pair in self._pairs)

    async def _wait_for(self, ts_ms: int) -> None:
        """Wait until a bar time is over and its bars are there, or patience is."""
        feed = self._feed
        end_ms = ts_ms + self._step.ms
        while True:
            over_s = (feed._market.now_ms() - end_ms) / 1000
            if over_s >= PATIENCE_S or (over_s >= 0 and self._is_known(ts_ms)):
                return
            self._rang.clear()
            wait_s = PATIENCE_S - over_s if over_s >= 0 else min(-over_s, 1.0)
            sleeper = asyncio.ensure_future(feed._clock.sleep(max(0.01, wait_s)))
            bell = asyncio.ensure_future(self._rang.wait())
            try:
                # A bar that comes before its time by our clock must not make us spin.
                waiting = {sleeper, bell} if over_s >= 0 else {sleeper}
                await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            finally:
                sleeper.cancel()
                bell.cancel()

    async def _ask(self, late: Sequence[str], from_ms: int) -> bool:
        """Ask for bars that did not come; False when the venue and the second source have nothing at all."""
        feed = self._feed
        now_ms = feed._market.now_ms()
        to_ms = min(self._step.floor(now_ms), from_ms + _BLOCK_BARS * self._step.ms)
        answers = await asyncio.gather(*(self._asked(pair, from_ms, to_ms) for pair in late))
        if any(answers):
            feed.trouble = ""
            return True
        is_guarded = await self._guard(late, from_ms)
        if not is_guarded:
            await feed._clock.sleep(RETRY_S)
        return is_guarded

    async def _asked(self, pair: str, from_ms: int, to_ms: int) -> bool:
        feed, known = self._feed, self._known[pair]
        try:
            # One bar more at the front: it says what a bar without trades repeats.
            found = await feed._market.candles(pair, self._step, from_ms - self._step.ms, to_ms)
        except BreakwaterError as problem:
            feed.trouble = problem.message
            return False
        close = known.close
        by_time = {one.ts_ms: one for one in found}
        by_time |= await feed.stored(pair, self._step, from_ms, to_ms)
        if from_ms - self._step.ms in by_time and close is None:
            close = by_time[from_ms - self._step.ms].close
        for ts_ms in range(from_ms, to_ms, self._step.ms):
            bar = by_time.get(ts_ms)
            if bar is None and close is not None and self._is_past(ts_ms, found):
                bar = synthetic(pair, ts_ms, close)
            if bar is not None:
                known.waiting.setdefault(ts_ms, bar)
                close = bar.close
        return True

    def _is_past(self, ts_ms: int, found: Sequence[Bar]) -> bool:
        """Tell whether a time without a bar is one without trades: a later bar is there, or the patience is over."""
        if found and found[-1].ts_ms > ts_ms:
            return True
        end_ms = ts_ms + self._step.ms
        return self._feed._market.now_ms() - end_ms > MISSING_S * 1000

    async def _guard(self, late: Sequence[str], ts_ms: int) -> bool:
        """Keep positions guarded by the second source's prices while the venue is down."""
        second = self._feed._second
        if second is None:
            return False
        is_guarded = False
        for pair in late:
            known = self._known[pair]
            price = await second.price(pair)
            if price is None or known.close is None:
                continue
            value, before = float(price), known.close
            bar = Bar(
                pair=pair,
                ts_ms=ts_ms,
                open=before,
                high=max(before, value),
                low=min(before, value),
                close=value,
                volume=0.0,
            )
            known.waiting.setdefault(ts_ms, quarantined(bar))
            is_guarded = True
        if is_guarded:
            log.warning("second_source_used", venue=self._feed.venue, source=second.name, ts_ms=ts_ms)
        return is_guarded

    def _group(self, ts_ms: int) -> ClosedBars:
        """Give one bar time out."""
        bars: dict[str, Bar] = {}
        missing: list[str] = []
        age_s = (self._feed._market.now_ms() - ts_ms - self._step.ms) / 1000
        for pair in self._pairs:
            known = self._known[pair]
            bar = known.waiting.pop(ts_ms, None)
            if bar is None:
                missing.append(pair)
                continue
            bars[pair] = self._feed.settled(bar, self._step, known.doubts, is_late=age_s > MOST_AGE_S)
            known.waiting = {at: one for at, one in known.waiting.items() if at > ts_ms}
        return ClosedBars(ts_ms=ts_ms, timeframe=str(self._step), bars=bars, missing=tuple(missing))
