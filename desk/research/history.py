"""Candles for research: a stored series where there is one, the feed's own history otherwise."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol, runtime_checkable

from desk.clock import to_ms
from desk.ports import Feed, Unit
from desk.views import SeriesInfo
from trading.candles import Candles
from trading.errors import InvalidInput, nearest
from trading.timeframes import Timeframe

#: Bars that are taken where nobody said from when.
DEFAULT_BARS = 10_000
#: Most bars of one series in one job.
MOST_BARS = 2_200_000


@runtime_checkable
class Finite(Protocol):
    """A feed whose candles are all there from the start; it knows when the last has closed."""

    until_ms: int


async def known_pairs(tx: Unit, feed: Feed) -> tuple[str, ...]:
    """Give every pair that research can be done on."""
    stored = {one.pair for one in await tx.candles.series()}
    return tuple(sorted(stored | set(await feed.pairs())))


async def require_pairs(tx: Unit, feed: Feed, pairs: tuple[str, ...]) -> None:
    """Refuse pairs without candles.

    Raises:
        InvalidInput: none was named, or one that is not known.
    """
    known = await known_pairs(tx, feed)
    if not pairs:
        raise InvalidInput(
            "No pair was named; at least one is needed.", hint=f"{', '.join(known)} are known."
        )
    for one in pairs:
        if one not in known:
            raise InvalidInput(
                f"Pair '{one}' has no candles; {', '.join(known)} have.", hint=nearest(one, known) or None
            )


async def candles_for(
    tx: Unit, feed: Feed, pair: str, timeframe: str, since: datetime | None, until: datetime | None
) -> Candles:
    """Give the candles of a pair in [since, until).

    Of several stored series the one that reaches furthest is taken; its venue is named in the candles.

    Raises:
        InvalidInput: fewer than two bars, or more than can be worked on.
    """
    from_ms = None if since is None else to_ms(since)
    to = None if until is None else to_ms(until)
    stored = [one for one in await tx.candles.series() if one.pair == pair and one.timeframe == timeframe]
    if stored:
        best = max(stored, key=_reach)
        found = await tx.candles.load(best.venue, pair, timeframe, from_ms=from_ms, to_ms=to)
    else:
        found = await _from_feed(feed, pair, timeframe, from_ms, to)
    if since is None and not stored:
        found = found.rows(max(0, len(found) - DEFAULT_BARS), len(found))
    if not 2 <= len(found) <= MOST_BARS:
        raise InvalidInput(
            f"{pair} {timeframe} has {len(found)} bars there; 2 to {MOST_BARS} are allowed.",
            hint="Choose another range.",
        )
    return found


async def _from_feed(
    feed: Feed, pair: str, timeframe: str, from_ms: int | None, to_ms_: int | None
) -> Candles:
    step = Timeframe.parse(timeframe).ms
    newest = await feed.history(pair, timeframe, before_ms=to_ms_, bars=DEFAULT_BARS)
    if not len(newest) and to_ms_ is None and isinstance(feed, Finite):
        # Played from its first bar on it has no past for bots; research reads what will be played.
        return await _from_feed(feed, pair, timeframe, from_ms, feed.until_ms)
    if from_ms is None or not len(newest) or int(newest.ts_ms[0]) <= from_ms:
        return newest.between(from_ms, None)
    bars = min(MOST_BARS, (int(newest.ts_ms[-1]) - from_ms) // step + 1)
    return (await feed.history(pair, timeframe, before_ms=to_ms_, bars=bars)).between(from_ms, None)


def _reach(one: SeriesInfo) -> int:
    return one.bars
