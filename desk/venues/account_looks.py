"""An account whose venue is asked for news in a rhythm, because its stream is not proven: orders and trades, told once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

import structlog

from desk.venue_port import Evidence, StreamGap, VenueOrder, VenueTrade
from trading.errors import VenueProblem

if TYPE_CHECKING:
    from desk.venues.ccxt_venue import CcxtVenue
    from desk.venues.client import Link

log = structlog.get_logger(__name__)

#: Trades are asked for from so long before the last look, in looks: lists may lag.
_BACK_LOOKS = 20
#: The first look goes back so far: a venue's clock is known to a second at best, and repeats do no harm.
_FIRST_MS = 10_000
#: Trades and states that were told are remembered, so that they are not told again.
_MOST_TOLD = 10_000


async def look_again_and_again(venue: CcxtVenue, link: Link) -> AsyncIterator[Evidence]:
    """Give what changed, look by look; a gap first, and after looks that failed."""
    looks = _Looks(venue, link)
    yield StreamGap(since_ms=0, cause="connected")
    failed_since_ms = 0
    while True:
        await link.clock.sleep(link.quirks.account_look_s)
        began_ms = link.time.now_ms()
        try:
            news = await looks.look()
        except VenueProblem as problem:
            log.info("look_failed", venue=venue.name, problem=problem.message)
            failed_since_ms = failed_since_ms or began_ms
            continue
        if failed_since_ms:
            # What happened meanwhile on pairs that were not in play is found by comparing.
            yield StreamGap(since_ms=failed_since_ms, cause="the venue could not be asked")
            failed_since_ms = 0
        for one in news:
            yield one


class _Looks:
    """What was told so far."""

    def __init__(self, venue: CcxtVenue, link: Link) -> None:
        self._venue, self._link = venue, link
        self._began_ms = link.time.now_ms() - _FIRST_MS
        self._resting: dict[str, VenueOrder] = {}
        self._told: dict[object, None] = {}

    async def look(self) -> Sequence[Evidence]:
        """Ask once; what was told before is left out."""
        resting = {one.venue_order_id: one for one in await self._venue.open_orders()}
        gone = {one.pair for number, one in self._resting.items() if number not in resting}
        since_ms = max(
            self._began_ms,
            self._link.time.now_ms() - round(_BACK_LOOKS * self._link.quirks.account_look_s * 1000),
        )
        news: list[Evidence] = [one for one in resting.values() if self._is_new(one)]
        for pair in self._pairs(self._venue.pairs_in_play | gone):
            trades = [one for one in await self._venue.trades(pair, since_ms) if self._is_new(one)]
            if trades or pair in gone or (not pair and gone):
                news += [one for one in await self._venue.closed_orders(pair, since_ms) if self._is_new(one)]
            news += trades
        # Only now: a look that failed half way is done again whole.
        self._resting = resting
        for one in news:
            self._remember(one)
        return news

    def _pairs(self, pairs: set[str]) -> Sequence[str]:
        """Give the pairs to ask for, one after the other; one question serves all where lists hold them all."""
        if self._link.quirks.paging == "offset":
            return [""] if pairs else []
        return sorted(pairs)

    def _is_new(self, one: Evidence) -> bool:
        return _key(one) not in self._told

    def _remember(self, one: Evidence) -> None:
        while len(self._told) >= _MOST_TOLD:
            del self._told[next(iter(self._told))]
        self._told[_key(one)] = None


def _key(one: Evidence) -> object:
    if isinstance(one, VenueTrade):
        return one.venue_trade_id
    assert isinstance(one, VenueOrder), "gaps are not remembered"
    return one.venue_order_id, one.state, one.filled_quantity
