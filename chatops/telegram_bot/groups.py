"""Groups: only those that an admin brought us into; we leave the others."""

from __future__ import annotations

from contextlib import suppress

import structlog
from telegram import Bot, ChatMember, ChatMemberUpdated
from telegram.error import TelegramError

from chatops.doors.heard import Heard
from chatops.doors.who import People
from desk.chats import ChatPlace
from desk.clock import Clock
from desk.identity import Actor, Role
from desk.ports import Store

log = structlog.get_logger(__name__)

_GONE = frozenset({ChatMember.LEFT, ChatMember.BANNED})


class Groups:
    """The groups that the house knows on Telegram."""

    def __init__(self, store: Store, clock: Clock, people: People, bot: Bot) -> None:
        self._store = store
        self._clock = clock
        self._people = people
        self._bot = bot
        self._known: set[str] = set()

    async def may_hear(self, heard: Heard) -> bool:
        """Tell whether we listen where something was said; a group that nobody vouches for is left."""
        if heard.place.is_private:
            return True
        chat_id = heard.place.chat_id
        if chat_id in self._known:
            return True
        async with self._store.reading() as tx:
            place = await tx.chats.place("telegram", chat_id)
        if place is None:
            actor = await self._people.actor_of("telegram", heard.person.user_id)
            if actor is None or actor.role < Role.ADMIN:
                await self._leave(chat_id)
                return False
            await self._adopt(actor, chat_id)
        self._known.add(chat_id)
        return True

    async def moved(self, change: ChatMemberUpdated) -> None:
        """React to our being added to a group or removed from one."""
        chat_id = str(change.chat.id)
        if change.chat.type == "private":
            return
        if change.new_chat_member.status in _GONE:
            await self._forget(chat_id)
            return
        actor = await self._people.actor_of("telegram", str(change.from_user.id))
        if actor is not None and actor.role >= Role.ADMIN:
            await self._adopt(actor, chat_id)
            return
        async with self._store.reading() as tx:
            place = await tx.chats.place("telegram", chat_id)
        if place is None:
            await self._leave(chat_id)

    async def _adopt(self, actor: Actor, chat_id: str) -> None:
        place = ChatPlace(
            workspace_id=actor.workspace_id,
            platform="telegram",
            chat_id=chat_id,
            kind="group",
            known_at=self._clock.now(),
        )
        async with self._store.transaction() as tx:
            if await tx.chats.place("telegram", chat_id) is None:
                await tx.chats.save_place(place)
        log.info("telegram_group_known", by=actor.label)

    async def _forget(self, chat_id: str) -> None:
        self._known.discard(chat_id)
        async with self._store.transaction() as tx:
            place = await tx.chats.place("telegram", chat_id)
            if place is not None:
                await tx.chats.forget_place(place.workspace_id, "telegram", chat_id)

    async def _leave(self, chat_id: str) -> None:
        log.warning("telegram_unknown_group_left")
        with suppress(TelegramError):
            await self._bot.leave_chat(chat_id=chat_id)
