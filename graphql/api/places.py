"""Places for operations that run at the same time: so many per person, so many in all; the others wait in a line.

A burst is no attack: whoever finds every place taken waits a second at most, behind their own earlier operations. The
line is short, and one person's line never stands before another person's.
"""

from __future__ import annotations

import asyncio
from collections import deque

from api.errors import ApiError, ErrorCode

#: Operations at once in the whole process.
PER_PROCESS = 200

#: Operations that wait, in the whole process.
WAITING = 1_000

#: Longest wait for a place.
PATIENCE_S = 1.0


class Places:
    """Who runs, and who waits.

    Args:
        per_person: operations at once of one person; four times as many may wait.
    """

    def __init__(self, *, per_person: int, patience_s: float = PATIENCE_S) -> None:
        self._per_person = per_person
        self._patience_s = patience_s
        self._running: dict[str, int] = {}
        self._all_running = 0
        self._lines: dict[str, deque[asyncio.Future[None]]] = {}
        self._all_waiting = 0

    async def enter(self, who: str) -> None:
        """Take a place, at once where one is free.

        Raises:
            ApiError: too many run and wait already, or no place came free in time.
        """
        if self._all_running < PER_PROCESS and self._running.get(who, 0) < self._per_person:
            self._take(who)
            return
        line = self._lines.get(who)
        if self._all_waiting >= WAITING or (line is not None and len(line) >= 4 * self._per_person):
            raise self._refusal(who)
        if line is None:
            line = self._lines[who] = deque()
        place = asyncio.get_running_loop().create_future()
        line.append(place)
        self._all_waiting += 1
        try:
            async with asyncio.timeout(self._patience_s):
                await place
        except BaseException as left:
            if place.done() and not place.cancelled():
                # It was given at the same moment: somebody else wants it.
                self.leave(who)
            else:
                self._forget(who, place)
            if isinstance(left, TimeoutError):
                raise self._refusal(who) from None
            raise

    def leave(self, who: str) -> None:
        """Give a place back; who waits longest in a line that may go on takes it."""
        left = self._running.get(who, 0) - 1
        if left > 0:
            self._running[who] = left
        else:
            self._running.pop(who, None)
        self._all_running -= 1
        if self._lines:
            self._let_in(who)

    def _let_in(self, leaver: str) -> None:
        # In a full process everybody waits for everybody, in turns; else only the leaver's own line was kept out.
        was_full = self._all_running >= PER_PROCESS - 1
        for who in tuple(self._lines) if was_full else (leaver,):
            line = self._lines.get(who)
            # Who gave up a moment ago still stands here until their task runs again; no place is theirs to take.
            while line and line[0].done():
                line.popleft()
                self._all_waiting -= 1
            if line and self._running.get(who, 0) < self._per_person:
                place = line.popleft()
                # To the end of the round, so that lines take turns.
                del self._lines[who]
                if line:
                    self._lines[who] = line
                self._all_waiting -= 1
                self._take(who)
                place.set_result(None)
                return
            if line is not None and not line:
                del self._lines[who]

    def _take(self, who: str) -> None:
        self._running[who] = self._running.get(who, 0) + 1
        self._all_running += 1

    def _forget(self, who: str, place: asyncio.Future[None]) -> None:
        line = self._lines.get(who)
        if line is not None and place in line:
            line.remove(place)
            self._all_waiting -= 1
            if not line:
                del self._lines[who]

    def _refusal(self, who: str) -> ApiError:
        if self._all_running >= PER_PROCESS and self._running.get(who, 0) < self._per_person:
            return ApiError(
                ErrorCode.UNAVAILABLE,
                f"This server runs {PER_PROCESS} operations at once and all places are taken.",
                retryAfterMs=1000,
            )
        return ApiError(
            ErrorCode.RATE_LIMITED,
            f"Too many operations are running; {self._per_person} at once are allowed per person.",
            retryAfterMs=500,
        )
