"""A venue's clock, measured: the median of three questions; where nothing tells the time, a sign of life."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from desk.clock import to_ms
from desk.venues.client import Link
from desk.venues.reading import moment_ms

#: Does one question at the venue: what is asked, and how.
Ask = Callable[[str, Callable[[], Awaitable[Any]]], Awaitable[Any]]


async def measured_offset_ms(link: Link, ask: Ask) -> int:
    """Give venue time minus our time, and let the link keep it.

    Raises:
        VenueBusy, VenueRefusal: the venue did not answer.
    """
    if not link.client.has.get("fetchTime"):
        await _sign_of_life(link, ask)
        return link.time.offset_ms
    clock, found = link.clock, []
    for _ in range(3):

        async def measure() -> int:
            began_ms, began_s = to_ms(clock.now()), clock.monotonic()
            there_ms = moment_ms(await link.client.fetch_time(), "venue time")
            took_ms = (clock.monotonic() - began_s) * 1000
            # A time that is told in steps is half a step later on the whole.
            return round(there_ms + (link.quirks.clock_step_ms - 1) / 2 - (began_ms + took_ms / 2))

        found.append(await ask("the question for the time", measure))
    offset_ms = int(sorted(found)[1])
    link.time.set(offset_ms)
    return offset_ms


async def _sign_of_life(link: Link, ask: Ask) -> None:
    if link.client.markets:
        pair = next(iter(link.client.markets))
        await ask("the question for a price", lambda: link.client.fetch_ticker(pair))
