"""The retry table: what may be tried again, how often, and how long to wait. Nothing else in the desk retries a venue.

| What | Tries | Waits |
|---|---|---|
| an order proved unsent, or "not accepted, try later" | 5 | 1, 2, 4, 8 s ± 20 %, or what the venue asked |
| an order after its first byte | 1 | never sent again: asked about (`desk.execution.resolving`) |
| cancel of one order | no limit | 1, 2, 4, 8 … 30 s |
| reads | 5 within one comparison | 1, 2, 4, 8 s |
"""

from __future__ import annotations

import zlib
from collections.abc import Awaitable, Callable
from typing import TypeVar

from desk.clock import Clock
from desk.venue_port import VenueBusy

T = TypeVar("T")

#: Tries of a send that was proved unsent, and of a read.
MOST_TRIES = 5
#: Longest wait between two looks.
LONGEST_S = 30.0
_JITTER = 0.2


def wait_s(tries: int, *, key: str, asked_s: float | None = None) -> float:
    """Give the wait after so many tries: 1, 2, 4, 8 … s with a jitter that is the same for the same key.

    Example:
        >>> 0.8 <= wait_s(1, key="a") <= 1.2
        True
    """
    if asked_s is not None:
        return asked_s
    base = min(LONGEST_S, 2.0 ** max(0, tries - 1))
    spread = zlib.crc32(f"{key}:{tries}".encode()) / 0xFFFF_FFFF
    return base * (1.0 - _JITTER + 2.0 * _JITTER * spread)


async def read(clock: Clock, ask: Callable[[], Awaitable[T]], *, key: str, tries: int = MOST_TRIES) -> T:
    """Ask a venue for something, again where it was busy.

    Raises:
        VenueBusy: it stayed busy.
    """
    for number in range(1, tries + 1):
        try:
            return await ask()
        except VenueBusy as busy:
            if number == tries or busy.is_ban:
                raise
            await clock.sleep(wait_s(number, key=key, asked_s=busy.retry_after_s))
    raise AssertionError("the last try returns or raises")
