"""Messages that are kept up to date by edits: said again every few seconds, sent only when they changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import structlog

from chatops.cards import Card, Text
from chatops.dispatch import Dispatcher
from chatops.doors.buttons import Owner
from chatops.doors.carrier import AnswerLost, NeverThis, NotNow
from chatops.doors.composing import Composer, content_hash
from chatops.doors.conversation import STATUS, Conversation
from chatops.doors.heard import Place
from chatops.doors.platform import Key, Platform, Shown
from chatops.pictures import drawn
from chatops.texts.speaker import Speaker
from desk.chats import LivingMessage
from trading.errors import StoreProblem

log = structlog.get_logger(__name__)

#: A living message is said again this often.
EVERY_S = 10.0


class Living:
    """Renews one door's living messages. Run it in the process that holds the door's lease."""

    def __init__(self, conversation: Conversation, platform: Platform, *, every_s: float = EVERY_S) -> None:
        self._conversation = conversation
        self._room = conversation.room
        self._platform = platform
        self._composer = Composer(conversation, platform)
        self._every_s = every_s

    async def run(self) -> None:
        """Renew until cancelled."""
        while True:
            await self._room.desk.clock.sleep(self._every_s)
            try:
                await self.sweep()
            except StoreProblem as problem:
                log.warning("chat_living_waits_for_store", error=str(problem))

    async def sweep(self) -> int:
        """Renew every living message that changed; give how many were sent."""
        async with self._room.store.reading() as tx:
            messages: Sequence[LivingMessage] = await tx.chats.living(self._platform.name)
        sent = 0
        for one in messages:
            try:
                sent += await self._renew(one)
            except (NotNow, AnswerLost) as problem:
                # The next sweep says the newest anyway.
                log.info("chat_living_later", error=str(problem))
            except NeverThis:
                # Deleted, unpinned by hand or the chat is gone: it lives no longer.
                await self._let_die(one)
        return sent

    async def _renew(self, message: LivingMessage) -> bool:
        actor = await self._conversation.people.actor_of(message.platform, message.user_id)
        if actor is None or actor.workspace_id != message.workspace_id:
            await self._let_die(message)
            return False
        dispatcher = Dispatcher(self._room, self._conversation.book)
        card = await dispatcher.answer(message.line, actor)
        speaker = await dispatcher.speaker(actor)
        is_status = message.subject == STATUS
        if card.problem and not is_status:
            # What it followed is gone; the last that it showed stays.
            await self._let_die(message)
            return False
        is_over = not is_status and not card.renewed_by
        bare = _ended_by_words(card) if is_status else replace(card, file=None)
        pages = self._platform.pages(bare, speaker, has_picture=False)
        digest = content_hash(pages, bare)
        if digest == message.content_hash and not is_over:
            return False
        picture = await self._picture(bare)
        if picture is not None:
            pages = self._platform.pages(bare, speaker, has_picture=True)
        place = Place(platform=message.platform, chat_id=message.chat_id, thread_id=message.thread_id)
        shown = Shown(
            place=place,
            speaker=speaker,
            pages=pages[:1],
            edits=message.message_id,
            keys=() if is_status else await self._keys(card, speaker, message),
            picture=picture,
            picture_name=card.chart.name if card.chart else "",
            file=card.file if is_over else None,
        )
        edit, *rest = self._platform.payloads(shown)
        await self._platform.carry({**edit, "is_living": True}, is_repeat=False)
        if is_over:
            # What was followed ends with its report; before that nothing is sent beside the one message.
            for one in rest:
                await self._platform.carry(one, is_repeat=False)
            await self._let_die(message)
            return True
        async with self._room.store.transaction() as tx:
            await tx.chats.keep_alive(replace(message, content_hash=digest, updated_at=self._room.now))
        return True

    async def _picture(self, card: Card) -> bytes | None:
        return await drawn(card, self._room.painter)

    async def _keys(self, card: Card, speaker: Speaker, message: LivingMessage) -> tuple[Key, ...]:
        """Keep the buttons of what is followed, such as the one that cancels a job."""
        owner = Owner(
            workspace_id=message.workspace_id,
            platform=message.platform,
            chat_id=message.chat_id,
            user_id=message.user_id,
        )
        async with self._room.store.transaction() as tx:
            return await self._composer.keys(tx, card, speaker, owner)

    async def _let_die(self, message: LivingMessage) -> None:
        async with self._room.store.transaction() as tx:
            await tx.chats.let_die(message.workspace_id, message.platform, message.chat_id, message.subject)


def _ended_by_words(card: Card) -> Card:
    """Give a living status: without buttons and picture, with the words that end it."""
    return replace(card, buttons=(), chart=None, file=None, notes=(*card.notes, Text("door.living")))
