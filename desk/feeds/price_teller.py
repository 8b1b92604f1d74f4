"""Prices between bars for the whole house: believed within a band, told at most once a second, guarded by the second
source while the venue is silent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Protocol, runtime_checkable

import structlog

from desk.alerting.values import RuleKind
from desk.bus import EventBus
from desk.clock import Clock, from_ms
from desk.ending import ended
from desk.feeds.quotes import STALE_S, Quote
from desk.ports import Store
from desk.venues.band import Band
from desk.venues.streaming import Gap
from trading.errors import BreakwaterError
from trading.events import Desired, PriceMoved

log = structlog.get_logger(__name__)

#: A pair is told at most this often.
PACE_S = 1.0
#: Whether other pairs are wanted is looked at this often.
LOOK_S = 30.0
#: While a pair that matters is silent, the second source is asked this often.
GUARD_S = 5.0
#: Pairs that are followed at most: venues take about a thousand streams on one socket.
MOST_PAIRS = 200


@runtime_checkable
class TellsPrices(Protocol):
    """A feed that knows prices between bars."""

    venue: str

    async def pairs(self) -> Sequence[str]: ...
    def quotes(self, pairs: Sequence[str], traded: Sequence[str]) -> AsyncIterator[Quote | Gap]: ...
    async def second_price(self, pair: str) -> tuple[str, Decimal] | None: ...


@dataclass(slots=True)
class _Told:
    quote: Quote
    at_s: float


class PriceTeller:
    """Follows a feed's prices and tells them on the bus."""

    def __init__(self, feed: TellsPrices, store: Store, bus: EventBus, clock: Clock) -> None:
        self._feed, self._store, self._bus, self._clock = feed, store, bus, clock
        self._band = Band(clock.monotonic)
        self._told: dict[str, _Told] = {}
        #: Pairs that somebody trades or waits for: these are followed by trades too, and guarded.
        self._watched: tuple[str, ...] = ()

    async def run(self) -> None:
        """Tell prices until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow(), name="prices")
            group.create_task(self._guard(), name="price guard")

    async def _follow(self) -> None:
        while True:
            try:
                pairs, watched = await self._wanted()
                self._watched = watched
                if pairs:
                    await self._follow_some(pairs, watched)
                else:
                    await self._clock.sleep(LOOK_S)
            except BreakwaterError as problem:
                log.warning("prices_not_followed", venue=self._feed.venue, problem=str(problem))
                await self._clock.sleep(GUARD_S)

    async def _follow_some(self, pairs: tuple[str, ...], watched: tuple[str, ...]) -> None:
        """Follow pairs until others are wanted."""
        changed = asyncio.create_task(self._until_changed((pairs, watched)), name="other pairs")
        try:
            async with aclosing(self._feed.quotes(pairs, watched)) as items:  # type: ignore[type-var]
                async for item in items:
                    if isinstance(item, Quote):
                        self.take(item)
                    if changed.done():
                        changed.result()
                        return
        finally:
            with suppress(BreakwaterError):
                await ended(changed)

    async def _until_changed(self, now: tuple[tuple[str, ...], tuple[str, ...]]) -> None:
        while True:
            await self._clock.sleep(LOOK_S)
            if await self._wanted() != now:
                return

    async def _wanted(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Give the pairs to follow, and those of them that somebody trades or waits for."""
        offered = tuple(await self._feed.pairs())[:MOST_PAIRS]
        watched: set[str] = set()
        async with self._store.reading() as tx:
            for workspace in await tx.workspaces.all():
                for bot in await tx.bots.all(workspace.id):
                    if bot.desired is Desired.RUNNING:
                        watched |= set(bot.pairs)
                watched |= {one.pair for one in await tx.positions.open(workspace.id)}
                watched |= {
                    one.pair
                    for one in await tx.notices.rules(workspace.id)
                    if one.kind is RuleKind.PRICE and one.pair
                }
        return offered, tuple(sorted(watched & set(offered)))

    def take(self, quote: Quote) -> bool:
        """Tell a price if it is believed and not too soon; what a trade paid keeps the last bid and ask."""
        if not self._band.take(quote.pair, quote.last):
            log.info("price_doubted", venue=self._feed.venue, pair=quote.pair, price=str(quote.last))
            return False
        known = self._told.get(quote.pair)
        now_s = self._clock.monotonic()
        if known is not None and quote.is_trade:
            quote = replace(quote, bid=known.quote.bid, ask=known.quote.ask)
        if known is not None and (now_s - known.at_s < PACE_S or quote.at_ms < known.quote.at_ms):
            return False
        self._tell(quote, self._feed.venue)
        return True

    def _tell(self, quote: Quote, source: str) -> None:
        self._told[quote.pair] = _Told(quote, self._clock.monotonic())
        self._bus.publish_market(
            PriceMoved(
                workspace_id="",
                occurred_at=from_ms(quote.at_ms),
                pair=quote.pair,
                venue=self._feed.venue,
                source=source,
                last=quote.last,
                bid=quote.bid,
                ask=quote.ask,
                ts_ms=quote.at_ms,
            )
        )

    async def _guard(self) -> None:
        """Ask the second source for pairs that matter while the venue says nothing of them."""
        began_s = self._clock.monotonic()
        while True:
            await self._clock.sleep(GUARD_S)
            now_s = self._clock.monotonic()
            for pair in self._watched:
                known = self._told.get(pair)
                if now_s - (known.at_s if known is not None else began_s) < STALE_S:
                    continue
                found = await self._feed.second_price(pair)
                if found is not None and self._band.take(pair, found[1]):
                    at_ms = round(self._clock.now().timestamp() * 1000)
                    quote = Quote(pair=pair, last=found[1], bid=None, ask=None, at_ms=at_ms)
                    self._tell(quote, found[0])
