"""The watchdog: a process whose event loop stands still writes down where, and ends; whoever supervises starts anew.

A loop that stands still renews no lease, sees no stop and answers nobody, and nothing in it can end it. A start after
a crash repairs everything (docs/order-path.md), so ending is the safe way out.
"""

from __future__ import annotations

import asyncio
import faulthandler
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

log = structlog.get_logger(__name__)

#: Exit code of a process that its watchdog ended ("internal software error" of sysexits.h).
STALLED = 70

#: The loop shows that it lives so often, and the watchdog looks so often.
BEAT_S = 0.5

#: Where code holds the interpreter itself, only the C library can still end the process; it waits this much longer.
_EXTRA_S = 5.0


class Watchdog:
    """Looks at one event loop from a thread of its own.

    Args:
        limit_s: the loop may stand still for so long.
        end: ends the process; never returns.
        elapsed: seconds that never step back.
    """

    def __init__(
        self,
        limit_s: float,
        *,
        end: Callable[[int], object] = os._exit,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit_s = limit_s
        self._end = end
        self._elapsed = elapsed
        self._beats = 0
        self._seen = 0
        self._stalled_s = 0.0
        self._looked_s = elapsed()
        self._over = threading.Event()

    def beat(self) -> None:
        """Say that the loop lives; called on it."""
        self._beats += 1

    def look(self) -> bool:
        """Compare with the look before; tell whether the loop has stood still for too long.

        A look counts at most two beats: when the machine slept or the process was stopped, the watchdog stood still
        too, and the loop gets its chance.
        """
        now_s = self._elapsed()
        passed_s = min(now_s - self._looked_s, 2 * BEAT_S)
        self._looked_s = now_s
        if self._beats != self._seen:
            self._seen, self._stalled_s = self._beats, 0.0
            return False
        self._stalled_s += passed_s
        return self._stalled_s >= self._limit_s

    def watch(self) -> None:
        """Look until told to leave; end the process of a loop that stands still."""
        while not self._over.wait(BEAT_S):
            if self.look():
                log.critical("loop_stalled", stalled_s=round(self._stalled_s, 1), stacks=stacks())
                sys.stderr.flush()
                self._end(STALLED)
                return

    def leave(self) -> None:
        """Stop looking."""
        self._over.set()


@contextmanager
def watched(limit_s: float) -> Iterator[None]:
    """Watch the running loop for as long as the block lasts; 0 watches nothing."""
    if limit_s <= 0:
        yield
        return
    dog = Watchdog(limit_s)
    beating = asyncio.create_task(_beat(dog, limit_s), name="watchdog")
    thread = threading.Thread(target=dog.watch, name="watchdog", daemon=True)
    thread.start()
    try:
        yield
    finally:
        dog.leave()
        beating.cancel()
        faulthandler.cancel_dump_traceback_later()


async def _beat(dog: Watchdog, limit_s: float) -> None:
    while True:
        dog.beat()
        faulthandler.dump_traceback_later(limit_s + _EXTRA_S, exit=True)
        await asyncio.sleep(BEAT_S)


def stacks() -> str:
    """Give where every thread is, the loop's first."""
    names = {one.ident: one.name for one in threading.enumerate()}
    main = threading.main_thread().ident
    frames = sorted(sys._current_frames().items(), key=lambda one: one[0] != main)
    return "\n".join(
        f"{names.get(ident, ident)}:\n{''.join(traceback.format_stack(frame))}" for ident, frame in frames
    )
