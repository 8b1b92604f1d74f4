"""One follower of the journal per workspace, and any number of readers of what it saw.

The follower learns of new facts from the in-process bus and, because another process may write too, from the hub,
which asks the store for the heads of all journals in one statement. It keeps the newest facts in a ring. A reader has only a position: inside the ring it reads
from memory, before it from the store, so a replay joins the live stream without a gap and without a duplicate.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable
from typing import Any, TypeVar

import structlog

from desk.bus import EventBus, SlowConsumer, Subscription
from desk.clock import Clock
from desk.ending import ended
from desk.ports import Store
from trading.errors import BreakwaterError, InvalidInput
from trading.events import MARKET_DATA, Event, Recorded

log = structlog.get_logger(__name__)

S = TypeVar("S")

#: Facts kept in memory per workspace.
RING = 2048

#: Facts kept in the form in which they are shown, per process.
SHOWN = 4096

#: A live reader that is so many facts behind is cut off; it resumes with its cursor.
MAX_LAG = 1024

#: Rows of one read of the store.
BATCH = 500

#: Longest time until a fact that another process wrote is seen.
POLL_S = 0.4


class CursorExpired(InvalidInput):
    """The journal no longer holds (or never held) what follows this cursor."""

    code = "cursor_expired"


class Follower:
    """Follows one workspace's journal."""

    def __init__(self, store: Store, bus: EventBus, clock: Clock, workspace_id: str) -> None:
        self._store = store
        self._bus = bus
        self._clock = clock
        self.workspace_id = workspace_id
        self.ring: deque[Recorded] = deque(maxlen=RING)
        self.head = 0
        self.readers = 0
        self._news = asyncio.Event()
        self._woken = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._heard: Subscription
        self.is_closed = False

    async def start(self) -> None:
        """Begin at the present head of the journal."""
        self._heard = self._bus.subscribe(self.workspace_id, limit=RING)
        try:
            self.head = await self._store.glance.journal.head(self.workspace_id)
        except BaseException:
            self._heard.close()
            raise
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._read_on())]
        for one in self._tasks:
            one.add_done_callback(self._over)

    async def stop(self) -> None:
        """End the follower; readers end too."""
        self.is_closed = True
        self._tell()
        # Here too: a task that is ended before its first step has no end of its own.
        self._heard.close()
        # What failed was logged when it did.
        await ended(*(one for one in self._tasks if not one.done()))

    def _over(self, task: asyncio.Task[None]) -> None:
        """Let no reader wait for a follower that goes on no more: streams end, and who comes again gets a new one."""
        if not task.cancelled() and (problem := task.exception()) is not None:
            log.error("journal_follower_failed", workspace=self.workspace_id, exc_info=problem)
        self.is_closed = True
        self._heard.close()
        self._tell()

    async def wait(self, seen: int) -> None:
        """Wait until something follows `seen`."""
        while self.head <= seen and not self.is_closed:
            await self._news.wait()

    def recent(self, after: int) -> list[Recorded] | None:
        """Give what follows a place, from memory; None when memory does not reach back that far."""
        if after >= self.head:
            return []
        if not self.ring or self.ring[0].sequence > after + 1:
            return None
        return [self.ring[at] for at in range(after + 1 - self.ring[0].sequence, len(self.ring))]

    def _take(self, facts: list[Recorded]) -> None:
        for recorded in facts:
            if recorded.sequence == self.head + 1:
                self.ring.append(recorded)
                self.head = recorded.sequence
        self._tell()

    def _tell(self) -> None:
        # Everybody who waits holds this event; those who come later get a fresh one.
        news, self._news = self._news, asyncio.Event()
        news.set()

    async def _listen(self) -> None:
        while not self.is_closed:
            try:
                async for found in self._heard:
                    if isinstance(found, Recorded):
                        self._hear(found)
            except SlowConsumer:
                self._woken.set()
                self._heard = self._bus.subscribe(self.workspace_id, limit=RING)
            else:
                return

    def _hear(self, recorded: Recorded) -> None:
        if recorded.sequence == self.head + 1:
            self._take([recorded])
        elif recorded.sequence > self.head:
            self._woken.set()

    def heard_of(self, head: int) -> None:
        """Read on if the store has more than was seen."""
        if head > self.head:
            self._woken.set()

    async def _read_on(self) -> None:
        while True:
            await self._woken.wait()
            self._woken.clear()
            try:
                await self._catch_up()
            except BreakwaterError as problem:
                log.warning("journal_follow_failed", workspace=self.workspace_id, problem=str(problem))

    async def _catch_up(self) -> None:
        while True:
            found = await self._store.glance.journal.after(self.workspace_id, self.head, limit=BATCH)
            if not found:
                return
            # The bus may have been quicker while we read; `_take` keeps the order and drops doubles.
            self._take(list(found))


class JournalHub:
    """All followers of a process."""

    def __init__(self, store: Store, bus: EventBus, clock: Clock) -> None:
        self._store = store
        self._bus = bus
        self._clock = clock
        self._followers: dict[str, Follower] = {}
        self._opening: dict[str, asyncio.Lock] = {}
        self._shown: dict[tuple[str, int], Any] = {}
        self._watching: asyncio.Task[None] | None = None
        self.is_closed = False
        bus.when_elsewhere(self._heard_of)

    def shown(self, recorded: Recorded, show: Callable[[Recorded], S]) -> S:
        """Give a fact as a reader's type; made once, the same object for every reader."""
        key = (recorded.event.workspace_id, recorded.sequence)
        if key not in self._shown:
            while len(self._shown) >= SHOWN:
                self._shown.pop(next(iter(self._shown)))
            self._shown[key] = show(recorded)
        found: S = self._shown[key]
        return found

    async def read(
        self, workspace_id: str, after: int | None
    ) -> AsyncGenerator[tuple[int, list[Recorded]], None]:
        """Give (last sequence, facts) in order, without gap or duplicate; the first batch is empty and says where.

        Args:
            after: the last sequence that the reader has; None begins now.

        Raises:
            CursorExpired: the journal does not hold what follows `after`.
            SlowConsumer: the reader fell behind; it may resume after its last sequence.
        """
        follower = await self._enter(workspace_id)
        try:
            position = follower.head if after is None else after
            if after is not None:
                await self._check(workspace_id, after)
            yield position, []
            is_live = False
            while not follower.is_closed:
                batch = follower.recent(position)
                if batch is None and is_live:
                    raise SlowConsumer(position)
                if batch is None:
                    batch = list(await self._store.glance.journal.after(workspace_id, position, limit=BATCH))
                    if not batch:
                        raise CursorExpired(
                            f"The journal does not hold what follows {position}.",
                            hint="Query the present state and subscribe without `after`.",
                        )
                elif is_live and len(batch) > MAX_LAG:
                    raise SlowConsumer(position)
                else:
                    is_live = True
                if batch:
                    position = batch[-1].sequence
                    yield position, batch
                else:
                    await follower.wait(position)
        finally:
            await self._leave(follower)

    async def market(self, workspace_id: str, *kinds: type[Event]) -> AsyncGenerator[Event, None]:
        """Give conflated market data as it comes; nothing is replayed."""
        subscription = self.listen(*kinds)
        try:
            async for found in self.heard(subscription, workspace_id):
                yield found
        finally:
            subscription.close()

    def listen(self, *kinds: type[Event]) -> Subscription:
        """Begin to hear market data at once; whoever listens closes it."""
        assert set(kinds) <= set(MARKET_DATA)
        return self._bus.subscribe(None, kinds, limit=8)

    async def heard(self, subscription: Subscription, workspace_id: str) -> AsyncGenerator[Event, None]:
        """Give what a listener heard that this workspace may see."""
        async for found in subscription:
            if isinstance(found, MARKET_DATA) and found.workspace_id in {"", workspace_id}:
                yield found

    async def close(self) -> None:
        """End every follower and with it every subscription."""
        self.is_closed = True
        await self._end_watch()
        for follower in tuple(self._followers.values()):
            await follower.stop()
        self._followers.clear()

    async def _check(self, workspace_id: str, after: int) -> None:
        async with self._store.reading() as unit:
            oldest = await unit.journal.oldest(workspace_id)
            head = await unit.journal.head(workspace_id)
        if after > head or (oldest and after < oldest - 1):
            raise CursorExpired(
                f"The journal holds {oldest} to {head}; the cursor names {after}.",
                hint="Query the present state and subscribe without `after`.",
            )

    def _heard_of(self, workspace_id: str, head: int) -> None:
        follower = self._followers.get(workspace_id)
        if follower is not None:
            follower.heard_of(head)

    async def _watch(self) -> None:
        """Ask for all journals at once: one statement, however many workspaces are followed."""
        while True:
            await asyncio.sleep(POLL_S)
            try:
                heads = await self._store.glance.journal.heads()
            except BreakwaterError as problem:
                log.warning("journal_watch_failed", problem=str(problem))
                continue
            for follower in self._followers.values():
                follower.heard_of(heads.get(follower.workspace_id, 0))

    async def _end_watch(self) -> None:
        # Forgotten before it is waited for: whoever comes meanwhile starts a watch of their own.
        watching, self._watching = self._watching, None
        if watching is not None and not watching.done():
            await ended(watching)

    async def _enter(self, workspace_id: str) -> Follower:
        # One at a time per workspace; a crowd that comes after a restart does not wait for each other's reading.
        opening = self._opening.setdefault(workspace_id, asyncio.Lock())
        async with opening:
            follower = self._followers.get(workspace_id)
            if follower is None or follower.is_closed:
                follower = Follower(self._store, self._bus, self._clock, workspace_id)
                await follower.start()
                self._followers[workspace_id] = follower
            follower.readers += 1
            if self._watching is None or self._watching.done():
                self._watching = asyncio.create_task(self._watch(), name="journal watch")
            return follower

    async def _leave(self, follower: Follower) -> None:
        follower.readers -= 1
        if follower.readers == 0:
            if self._followers.get(follower.workspace_id) is follower:
                del self._followers[follower.workspace_id]
            opening = self._opening.get(follower.workspace_id)
            if opening is not None and not opening.locked():
                del self._opening[follower.workspace_id]
            await follower.stop()
            if not self._followers:
                await self._end_watch()
