"""From a message to its reply, once: kept before the platform may forget it, answered in order, the reply kept as well.

A message is stored before the platform hears that we have it. Answering ends in one transaction that takes the message
away and puts the reply down. So a crash at any moment leaves either a message that is answered again (commands of the
first try are not done again, see `once.py`) or a reply that is still to be sent.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Coroutine, Sequence
from datetime import datetime
from typing import Any

import structlog

from chatops.arguments import take_apart
from chatops.doors.carrier import DoorDisabled, Sent
from chatops.doors.composing import Composer
from chatops.doors.conversation import Answer, Conversation
from chatops.doors.heard import Heard
from chatops.doors.platform import Platform
from chatops.doors.replies import Replies
from chatops.problems import Misheard
from desk.chats import ChatReply, ChatUpdate, LivingMessage
from desk.identity import new_id
from desk.views import DeadLetter
from trading.errors import StoreProblem

log = structlog.get_logger(__name__)

#: A message whose answer was begun so often and never ended is put aside: it may be what ends the process.
MOST_TRIES = 5
#: Messages under way; beyond that no more are taken from the platform.
MOST_WAITING = 500


class Answering:
    """Answers the messages of one door. Run it in the process that holds the door's lease."""

    def __init__(self, conversation: Conversation, platform: Platform) -> None:
        self.conversation = conversation
        self._platform = platform
        self._store = conversation.room.store
        self._clock = conversation.room.desk.clock
        self.composer = Composer(conversation, platform)
        self.replies = Replies(self._store, self._clock, platform, platform.source, on_sent=self._arrived)
        self._lanes: dict[str, deque[tuple[Heard, str, bool]]] = {}
        self._waiting = 0
        self._room_for_more = asyncio.Event()
        self._room_for_more.set()
        self._tasks: asyncio.TaskGroup | None = None
        #: Set while messages may be taken.
        self.ready = asyncio.Event()

    @property
    def waiting(self) -> int:
        """How many messages are under way."""
        return self._waiting

    async def run(self) -> None:
        """Answer what an earlier process left and what is taken, and send the replies, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            self._lanes.clear()
            self._waiting = 0
            self._room_for_more.set()
            try:
                tasks.create_task(self.replies.run(), name="chat-replies")
                await self.replies.ready.wait()
                async with self._store.reading() as tx:
                    left = await tx.chats.unanswered(self._platform.source)
                for one in left:
                    self._put(Heard.from_payload(one.payload), one.workspace_id, is_again=True)
                self.ready.set()
                await asyncio.get_running_loop().create_future()
            finally:
                self.ready.clear()
                self._tasks = None

    async def take(self, heard: Sequence[Heard]) -> None:
        """Take messages from the platform; once this returns they are ours, and the platform may forget them.

        Raises:
            StoreProblem: they could not be kept; nothing was taken.
        """
        await self._room_for_more.wait()
        people = self.conversation.people
        known: list[tuple[Heard, str]] = []
        for one in heard:
            actor = await people.actor_of(one.person.platform, one.person.user_id)
            if actor is None:
                self._spawn(self._greet(one))
            else:
                known.append((one, actor.workspace_id))
        new: list[tuple[Heard, str]] = []
        if known:
            async with self._store.transaction() as tx:
                for one, workspace_id in known:
                    if await tx.chats.receive(_update(one, workspace_id, self._clock.now())):
                        new.append((one, workspace_id))
        for one, workspace_id in new:
            self._put(one, workspace_id, is_again=False)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        assert self._tasks is not None, "messages are taken while it runs"
        self._tasks.create_task(work)

    def _put(self, heard: Heard, workspace_id: str, *, is_again: bool) -> None:
        self._began()
        if self._is_urgent(heard):
            self._spawn(self._answer(heard, workspace_id, is_again))
            return
        lane = self._lanes.get(heard.place.chat_id)
        if lane is None:
            lane = self._lanes[heard.place.chat_id] = deque()
            lane.append((heard, workspace_id, is_again))
            self._spawn(self._drive(heard.place.chat_id, lane))
        else:
            lane.append((heard, workspace_id, is_again))

    def _began(self) -> None:
        self._waiting += 1
        if self._waiting >= MOST_WAITING:
            self._room_for_more.clear()

    def _ended(self) -> None:
        self._waiting -= 1
        if self._waiting < MOST_WAITING:
            self._room_for_more.set()

    def _is_urgent(self, heard: Heard) -> bool:
        """Taps and words that reduce risk wait for nobody: a slow picture must not hold up a panic."""
        if heard.token:
            return True
        try:
            word = self.conversation.book.find(take_apart(heard.text).name)
        except Misheard:
            return False
        return word is not None and word.command is not None and word.command.policy.reduces_risk

    async def _drive(self, chat_id: str, lane: deque[tuple[Heard, str, bool]]) -> None:
        try:
            while lane:
                await self._answer(*lane[0])
                lane.popleft()
        finally:
            self._lanes.pop(chat_id, None)

    async def _answer(self, heard: Heard, workspace_id: str, is_again: bool) -> None:
        """Answer a message; whatever goes wrong, it ends answered or put aside."""
        try:
            for tries in range(1, MOST_TRIES + 1):
                try:
                    if is_again and await self._is_poison(heard, workspace_id):
                        return
                    answer = await self.conversation.answer(heard, is_again=is_again)
                    await self._finish(heard, workspace_id, answer)
                except StoreProblem as problem:
                    log.warning("chat_answer_waits_for_store", source=heard.source, error=str(problem))
                    await self._clock.sleep(min(30.0, 0.5 * 2.0**tries))
                except Exception as problem:
                    # A mistake of a renderer must not stop the chat; the message is kept for whoever mends it.
                    log.exception("chat_answer_failed", source=heard.source, message_id=heard.message_id)
                    await self._bury(heard, workspace_id, f"{type(problem).__name__}: {problem}", tries)
                    return
                else:
                    return
                is_again = True
            log.error("chat_answer_given_up", source=heard.source, message_id=heard.message_id)
        finally:
            self._ended()

    async def _is_poison(self, heard: Heard, workspace_id: str) -> bool:
        """Count one more try; put a message aside whose tries never ended. True where there is nothing to answer."""
        async with self._store.transaction() as tx:
            tries = await tx.chats.begin(workspace_id, heard.source, heard.message_id)
        if 0 < tries <= MOST_TRIES:
            return False
        if tries:
            await self._bury(heard, workspace_id, f"{tries - 1} tries to answer it never ended", tries)
        return True

    async def _finish(self, heard: Heard, workspace_id: str, answer: Answer) -> None:
        """Take the message away and put its reply down, in one transaction; then send."""
        picture = await self.composer.picture(answer)
        async with self._store.transaction() as tx:
            if not await tx.chats.answered(workspace_id, heard.source, heard.message_id):
                return
            replies = await self.composer.compose(tx, heard, answer, picture)
            for one in replies:
                await tx.chats.queue(one)
            if answer.is_over and answer.living:
                place = heard.place
                await tx.chats.let_die(workspace_id, place.platform, place.chat_id, answer.living)
        self.replies.put(replies)

    async def _greet(self, heard: Heard) -> None:
        """Answer a stranger: nothing is kept, unless a code made a member of them."""
        self._began()
        try:
            answer = await self.conversation.answer(heard)
            if answer.card is None:
                return
            picture = await self.composer.picture(answer)
            if answer.actor is None:
                for payload in self.composer.bare(heard, answer):
                    await self._platform.carry(payload, is_repeat=False)
                return
            async with self._store.transaction() as tx:
                replies = await self.composer.compose(tx, heard, answer, picture)
                for one in replies:
                    await tx.chats.queue(one)
            self.replies.put(replies)
        except DoorDisabled:
            raise
        except Exception:
            log.exception("chat_stranger_not_answered", source=heard.source)
        finally:
            self._ended()

    async def _arrived(self, reply: ChatReply, sent: Sent) -> None:
        """Remember a message that is to be kept up to date."""
        living = reply.payload.get("living")
        if not living or not sent.message_id:
            return
        async with self._store.transaction() as tx:
            await tx.chats.keep_alive(
                LivingMessage(
                    workspace_id=reply.workspace_id,
                    platform=self._platform.name,
                    chat_id=reply.chat_id,
                    subject=living["subject"],
                    thread_id=living["thread_id"],
                    user_id=living["user_id"],
                    message_id=sent.message_id,
                    line=living["line"],
                    content_hash=living["content_hash"],
                    updated_at=self._clock.now(),
                )
            )

    async def _bury(self, heard: Heard, workspace_id: str, cause: str, tries: int) -> None:
        letter = DeadLetter(
            id=new_id(),
            workspace_id=workspace_id,
            source=heard.source,
            kind="chat_message",
            payload=heard.as_payload(),
            payload_hash=heard.key,
            cause=cause[:500],
            trace_id="",
            attempts=tries,
            created_at=self._clock.now(),
            replayed_at=None,
        )
        async with self._store.transaction() as tx:
            if await tx.chats.answered(workspace_id, heard.source, heard.message_id):
                await tx.messages.bury(letter)


def _update(heard: Heard, workspace_id: str, now: datetime) -> ChatUpdate:
    return ChatUpdate(
        workspace_id=workspace_id,
        source=heard.source,
        message_id=heard.message_id,
        chat_id=heard.place.chat_id,
        user_id=heard.person.user_id,
        payload=heard.as_payload(),
        received_at=now,
        attempts=1,
    )
