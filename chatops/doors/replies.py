"""Replies that always arrive: kept before they are sent, in order per chat, and labelled where one may come twice."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

import structlog

from chatops.doors.carrier import AnswerLost, Carrier, NeverThis, NotNow, Sent
from desk.chats import ChatReply
from desk.clock import Clock
from desk.identity import new_id
from desk.ports import Store
from desk.views import DeadLetter
from trading.errors import StoreProblem

log = structlog.get_logger(__name__)

#: Waits between tries: 0.5, 1, 2 … seconds up to this.
LONGEST_WAIT_S = 60.0
#: An answer that is older than this is no answer any more.
STALE = timedelta(days=1)

#: Told about every reply that arrived.
OnSent = Callable[[ChatReply, Sent], Awaitable[None]]


class Replies:
    """Carries replies of one door. Run it in the process that holds the door's lease."""

    def __init__(
        self, store: Store, clock: Clock, carrier: Carrier, source: str, *, on_sent: OnSent | None = None
    ) -> None:
        self._store = store
        self._clock = clock
        self._carrier = carrier
        self._source = source
        self._on_sent = on_sent
        self._lanes: dict[str, deque[ChatReply]] = {}
        self._tasks: asyncio.TaskGroup | None = None
        #: Set while replies are carried, those of an earlier process first.
        self.ready = asyncio.Event()

    @property
    def waiting(self) -> int:
        """How many replies wait or are under way."""
        return sum(len(lane) for lane in self._lanes.values())

    async def run(self) -> None:
        """Carry what an earlier process left and what is put, until cancelled.

        Raises:
            DoorDisabled: in a group, when the platform no longer knows us.
        """
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            self._lanes.clear()
            try:
                async with self._store.reading() as tx:
                    left = await tx.chats.queued(self._source)
                self.put(left)
                self.ready.set()
                await asyncio.get_running_loop().create_future()
            finally:
                self.ready.clear()
                self._tasks = None

    def put(self, replies: Sequence[ChatReply]) -> None:
        """Send replies that are kept already; without a running carrier they wait for the next one."""
        if self._tasks is None:
            return
        for reply in replies:
            lane = self._lanes.get(reply.chat_id)
            if lane is None:
                lane = self._lanes[reply.chat_id] = deque()
                lane.append(reply)
                self._tasks.create_task(self._drive(reply.chat_id, lane), name=f"lane:{self._source}")
            else:
                lane.append(reply)

    async def _drive(self, chat_id: str, lane: deque[ChatReply]) -> None:
        """Send a chat's replies one after the other; the lane ends when it is empty."""
        try:
            while lane:
                await self._deliver(lane[0])
                lane.popleft()
        finally:
            self._lanes.pop(chat_id, None)

    async def _deliver(self, reply: ChatReply) -> None:
        is_doubtful = reply.is_doubtful
        tries = 0
        while True:
            try:
                if self._clock.now() - reply.queued_at > STALE:
                    await self._give_up(reply, "too old")
                    return
                async with self._store.transaction() as tx:
                    if not await tx.chats.trying(reply.workspace_id, reply.dedupe_key):
                        return
                wait_s = await self._tried(reply, is_repeat=is_doubtful)
                if wait_s is None:
                    return
                is_doubtful = is_doubtful or wait_s.is_doubtful
                delay_s = wait_s.after_s
            except StoreProblem as problem:
                # What is kept is safe; the database comes back, or the process ends and another goes on.
                log.warning("chat_reply_waits_for_store", source=self._source, error=str(problem))
                delay_s = None
            tries += 1
            await self._clock.sleep(
                delay_s if delay_s is not None else min(LONGEST_WAIT_S, 0.25 * 2.0 ** min(tries, 10))
            )

    async def _tried(self, reply: ChatReply, *, is_repeat: bool) -> _Wait | None:
        """Try once; give how long to wait before the next try, or None when it is settled."""
        try:
            sent = await self._carrier.carry(reply.payload, is_repeat=is_repeat)
        except NotNow as problem:
            log.info("chat_reply_later", source=self._source, after_s=problem.after_s, error=str(problem))
            if not is_repeat:
                async with self._store.transaction() as tx:
                    await tx.chats.unsent(reply.workspace_id, reply.dedupe_key)
            return _Wait(problem.after_s, is_doubtful=False)
        except AnswerLost as problem:
            log.warning("chat_reply_answer_lost", source=self._source, error=str(problem))
            return _Wait(None, is_doubtful=True)
        except NeverThis as problem:
            await self._give_up(reply, str(problem))
            return None
        await self._settle(reply)
        if self._on_sent is not None:
            await self._on_sent(reply, sent)
        return None

    async def _give_up(self, reply: ChatReply, cause: str) -> None:
        """Bury a reply that can never arrive, so that somebody may look at it."""
        log.warning("chat_reply_buried", source=self._source, error=cause)
        now = self._clock.now()
        letter = DeadLetter(
            id=new_id(),
            workspace_id=reply.workspace_id,
            source=self._source,
            kind="chat_reply",
            payload={"key": reply.dedupe_key, "chat_id": reply.chat_id},
            payload_hash=reply.dedupe_key,
            cause=cause[:500],
            trace_id="",
            attempts=reply.attempts,
            created_at=now,
            replayed_at=None,
        )
        async with self._store.transaction() as tx:
            await tx.messages.bury(letter)
            await tx.chats.delivered(reply.workspace_id, reply.dedupe_key)

    async def _settle(self, reply: ChatReply) -> None:
        """Forget a reply that arrived; a database that is away must not make us send it again."""
        while True:
            try:
                async with self._store.transaction() as tx:
                    await tx.chats.delivered(reply.workspace_id, reply.dedupe_key)
            except StoreProblem as problem:
                log.warning("chat_reply_not_settled", source=self._source, error=str(problem))
                await self._clock.sleep(1.0)
            else:
                return


class _Wait:
    __slots__ = ("after_s", "is_doubtful")

    def __init__(self, after_s: float | None, *, is_doubtful: bool) -> None:
        self.after_s = after_s
        self.is_doubtful = is_doubtful
