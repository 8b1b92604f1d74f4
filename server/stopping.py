"""How a process stops: in order at the first signal, at once at the second, for certain after half a minute."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Iterable, Sequence
from types import FrameType
from typing import TYPE_CHECKING

import structlog

from desk.bots.live_account import LiveAccount
from desk.clock import Clock
from desk.execution.executor import Executor
from desk.execution.winding_down import OnStop
from trading.errors import BreakwaterError

if TYPE_CHECKING:
    from desk.assembly import House

log = structlog.get_logger(__name__)

#: A stop that takes longer is cut off; the store is safe against that at any moment.
STOP_S = 30.0

#: Orders and positions have so long to come to rest; the rest of the time is for closing doors, market and store.
WIND_DOWN_S = 20.0

#: What is left is looked at this often.
_LOOK_S = 0.2


def stop_on_signals(stop: asyncio.Event, *, within_s: float = STOP_S) -> None:
    """End in order at the first SIGINT or SIGTERM, at once at the second, and for certain after a while."""
    loop = asyncio.get_running_loop()
    heard: list[int] = []

    def hear(number: int, frame: FrameType | None) -> None:
        if heard:
            os._exit(130)
        heard.append(number)
        # A thread cuts a stop off that takes too long: a busy loop cannot prevent it.
        timer = threading.Timer(within_s, os._exit, args=(1,))
        timer.daemon = True
        timer.start()
        loop.call_soon_threadsafe(stop.set)

    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, hear)


def executors_of(house: House) -> list[Executor]:
    """Give the executors of the live accounts that this process carries."""
    loops = house.supervisor.loops.values()
    return [one.executor for one in loops if isinstance(one, LiveAccount) and one.executor is not None]


async def wind_down(
    executors: Iterable[Executor], wish: OnStop, clock: Clock, *, within_s: float = WIND_DOWN_S
) -> Sequence[str]:
    """Bring live accounts to rest; say what was not reached in time, a phrase each."""
    at_work = list(executors)
    for one in at_work:
        one.is_stopping = True
    if wish is OnStop.LEAVE or not at_work:
        return ()
    until_s = clock.monotonic() + within_s
    left: list[str] = []
    try:
        for one in at_work:
            await one.winding_down.begin(wish)
            one.ring()
        while left := [text for one in at_work for text in await one.winding_down.left(wish)]:
            if clock.monotonic() >= until_s:
                break
            await clock.sleep(_LOOK_S)
    except BreakwaterError as problem:
        # Without database or lease nothing can be written; the next start goes on from the rows.
        left = [str(problem)]
    if left:
        log.warning("stop_incomplete", wish=wish.value, left=left)
    return left
