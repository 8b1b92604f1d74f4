"""A stream that mends itself: reconnects with jitter, swaps its connection before the venue cuts it, tells of gaps.

A *generation* is one connection. When it ends, breaks or goes stale the next begins, and once that one listens a `Gap`
says since when something may be missing: asked for earlier, what happens before it listens would be missed. Before the venue's daily cut the next generation is opened beside the old one, so that
nothing is missed; repeats are the reader's to pass over.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

import structlog

from desk.clock import Clock, to_ms
from desk.ending import ended

log = structlog.get_logger(__name__)

T = TypeVar("T")

#: Venues cut a connection after 24 hours; ours is swapped before.
MOST_AGE_S = 23.5 * 3600
#: Waits between attempts double from the first to the last, each with ±50 % jitter.
FIRST_WAIT_S, LAST_WAIT_S = 0.25, 30.0
#: A connection that came up and stood for so long was a good one.
LEAST_LIFE_S = 0.5
#: Items that may wait for the reader; a reader that is slower gets a gap instead of old news.
MOST_WAITING = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Something may be missing since a moment of our clock."""

    since_ms: int
    cause: str


class Broken(Exception):
    """A generation ended; the text says why."""


class Line(Generic[T]):
    """What one generation speaks into."""

    def __init__(self, stream: Stream[T], generation: int) -> None:
        self._stream, self._generation = stream, generation

    def put(self, item: T) -> None:
        """Give an item to the reader."""
        self._stream._put(self._generation, item)

    def ready(self) -> None:
        """Say that the connection listens from now on."""
        self._stream._ready(self._generation)

    def beat(self) -> None:
        """Say that the connection lives, though there is nothing to tell."""
        self._stream._beat(self._generation)


#: Runs one connection until it breaks; speaks into its line.
Connect = Callable[[Line[T]], Awaitable[None]]


class Stream(Generic[T]):
    """Items of a connection that is kept up.

    Args:
        connect: runs one connection; it raises or returns when the connection ended.
        stale_s: silence after which a connection is taken for dead; 0 = silence is normal.
        most_age_s: age at which a connection is swapped for a new one.
        seed: of the jitter, for tests.
    """

    def __init__(
        self,
        connect: Connect[T],
        *,
        clock: Clock,
        name: str,
        stale_s: float = 0.0,
        most_age_s: float = MOST_AGE_S,
        seed: int | None = None,
    ) -> None:
        self._connect = connect
        self._clock = clock
        self._name = name
        self._stale_s = stale_s
        self._most_age_s = most_age_s
        self._jitter = random.Random(seed)  # noqa: S311 - spreads reconnections
        self._items: asyncio.Queue[T | Gap] = asyncio.Queue()
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._began_s: dict[int, float] = {}
        self._heard_s: dict[int, float] = {}
        self._count = 0
        self._lived_s = 0.0
        self._broken_by = "connected"
        #: Moment of our clock at which the reader was last known to miss nothing.
        self.whole_until_ms = 0
        self.reconnections = 0
        self.swaps = 0

    async def items(self) -> AsyncGenerator[T | Gap, None]:
        """Give the items as they come, a `Gap` before those of each new connection; closed it lets go."""
        keeper = asyncio.create_task(self._keep(), name=f"{self._name}-keeper")
        getting: asyncio.Future[T | Gap] | None = None
        try:
            while True:
                getting = asyncio.ensure_future(self._items.get())
                await asyncio.wait({getting, keeper}, return_when=asyncio.FIRST_COMPLETED)
                if not getting.done():
                    keeper.result()
                    return
                yield getting.result()
        finally:
            if getting is not None:
                getting.cancel()
            await ended(keeper)
            await self._end_all()

    async def _keep(self) -> None:
        wait_s = FIRST_WAIT_S
        while True:
            cause = await self._watch(self._begin())
            # A connection that came up and lived for a moment is no reason to wait longer for the next.
            has_lived = self._lived_s > LEAST_LIFE_S
            wait_s = FIRST_WAIT_S if has_lived else min(LAST_WAIT_S, wait_s * 2)
            await self._end_all()
            self.reconnections += 1
            log.info("stream_broken", stream=self._name, cause=cause)
            self._broken_by = cause
            await self._clock.sleep(wait_s * (0.5 + self._jitter.random()))

    async def _watch(self, current: int) -> str:
        """Wait until a generation ends; swap it when it is old; give why it ended."""
        while True:
            task = self._tasks[current]
            step_s = min(1.0, self._stale_s / 4) if self._stale_s else 1.0
            sleeper = asyncio.ensure_future(self._clock.sleep(step_s))
            try:
                await asyncio.wait({task, sleeper}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                sleeper.cancel()
            now_s = self._clock.monotonic()
            self._lived_s = self._heard_s[current] - self._began_s[current]
            if task.done():
                # A quiet connection lived as long as it was up, not until it spoke last.
                self._lived_s = now_s - self._began_s[current] if self._lived_s else 0.0
                return _cause(task)
            if self._stale_s and now_s - self._heard_s[current] > self._stale_s:
                return f"silent for {now_s - self._heard_s[current]:.1f} s"
            if now_s - self._began_s[current] > self._most_age_s:
                current = await self._swap(current)

    async def _swap(self, old: int) -> int:
        """Open the next connection beside the old one; keep the old one when the next does not come up."""
        fresh = self._begin()
        opened_s = self._heard_s[fresh]
        for _ in range(100):
            await self._clock.sleep(0.1)
            if self._tasks[fresh].done():
                break
            if self._heard_s[fresh] > opened_s:
                await self._end(old)
                self.swaps += 1
                return fresh
        await self._end(fresh)
        # Tried again in a while; the venue's cut, should it come first, is an ordinary break.
        self._began_s[old] = self._clock.monotonic() - self._most_age_s + 60.0
        return old

    def _begin(self) -> int:
        self._count += 1
        number = self._count
        self._began_s[number] = self._heard_s[number] = self._clock.monotonic()
        self._tasks[number] = asyncio.create_task(self._run(number), name=f"{self._name}-{number}")
        return number

    async def _run(self, number: int) -> None:
        await self._connect(Line(self, number))

    async def _end(self, number: int) -> None:
        task = self._tasks.pop(number)
        self._heard_s.pop(number)
        with suppress(Exception):
            await ended(task)

    async def _end_all(self) -> None:
        for number in list(self._tasks):
            await self._end(number)

    def _put(self, generation: int, item: T) -> None:
        if generation not in self._tasks:
            return
        self._beat(generation)
        if self._items.qsize() >= MOST_WAITING:
            while not self._items.empty():
                self._items.get_nowait()
            self._gap("the reader fell behind")
            return
        self._items.put_nowait(item)

    def _ready(self, generation: int) -> None:
        if generation not in self._tasks:
            return
        if len(self._tasks) == 1:
            self._gap(self._broken_by)
        self._beat(generation)

    def _beat(self, generation: int) -> None:
        if generation in self._heard_s:
            self._heard_s[generation] = self._clock.monotonic()
            self.whole_until_ms = to_ms(self._clock.now())

    def _gap(self, cause: str) -> None:
        self._items.put_nowait(Gap(since_ms=self.whole_until_ms, cause=cause))


def _cause(task: asyncio.Task[None]) -> str:
    if task.cancelled():
        return "cancelled"
    problem = task.exception()
    if problem is None:
        return "ended"
    said = " ".join(str(problem).split())[:160]
    return f"{type(problem).__name__}: {said}" if said else type(problem).__name__
