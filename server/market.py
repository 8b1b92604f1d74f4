"""Which market a start gets: live prices when they can be had, clearly the simulated exchange when they cannot."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from trading.errors import VenueProblem

if TYPE_CHECKING:
    from desk.assembly import HouseOptions
    from desk.ports import Feed


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """The options of this start and the feed they come with.

    Attributes:
        feed: None where the options say it all.
        note: what people should know about the market; empty when all is as asked for.
    """

    options: HouseOptions
    feed: Feed | None = None
    note: str = ""


async def open_market(options: HouseOptions) -> Opened:
    """Try the live market that was asked for.

    A house that traded on it before waits for it: its bots go on by themselves when it is back. A fresh house plays
    the simulated exchange, so that there is something to see.
    """
    if options.market is None or options.replay:
        return Opened(options=options)
    from desk.clock import SystemClock
    from desk.feeds.live_options import live_feed

    feed = live_feed(options.market, SystemClock())
    try:
        await feed.pairs()
    except VenueProblem as problem:
        venue = options.market.venue
        if await _was_used(options, venue):
            feed.label = f"{venue}, live (out of reach at the start; waiting for it)"
            return Opened(
                options=options, feed=feed, note=f"{venue} cannot be reached now: {problem.message}"
            )
        await feed.close()
        note = (
            f"{venue} cannot be reached ({problem.message}). The simulated exchange is played instead; "
            f"start again when {venue} is in reach."
        )
        return Opened(options=replace(options, market=None), note=note)
    except BaseException:
        await feed.close()
        raise
    return Opened(options=options, feed=feed)


async def _was_used(options: HouseOptions, venue: str) -> bool:
    from desk.assembly import open_migrated_store

    store = await open_migrated_store(options)
    try:
        async with store.reading() as tx:
            return any(one.venue == venue for one in await tx.candles.series())
    finally:
        await store.close()
